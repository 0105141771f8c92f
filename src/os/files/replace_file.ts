/**
 * Files that are written whole or not at all: beside the target first, then renamed to it. On a full disk, or when the
 * process dies, what was there before is still there. What cannot be renamed over, a device, a pipe or a file that is
 * mounted by itself, is written in place.
 *
 * Files have an identity, the device and inode of what is there or the real path of what is not, so that two names of one
 * file are known for that.
 *
 * @module
 */
import { dirname, resolve } from "node:path";

/** Links in a row that are followed; the kernel's own bound. */
const MOST_LINKS = 40;

/** A text, bytes, or pieces of bytes, of which a second walk gives the same. */
export type FileContent = string | Uint8Array | Iterable<Uint8Array>;

/** Writes a file whole, or leaves what was there and throws what the system said. Keeps the mode of an old file. */
export function replaceFile(path: string, content: FileContent): void {
  const target = targetOf(path), before = statOf(target);
  if (isWrittenInPlace(target, before)) return writeInPlace(target, content);
  const beside = besideOf(target);
  try {
    using file = Deno.openSync(beside, { write: true, createNew: true });
    writeAll(file, content);
    file.syncSync(); // a disk that is full may say so only now
    if (before?.mode != null) Deno.chmodSync(beside, before.mode & 0o7777);
    Deno.renameSync(beside, target);
  } catch (error) {
    removeIfThere(beside);
    if (before === undefined || !isNotReplaceable(error)) throw error;
    writeInPlace(target, content);
  }
}

/** Tries whether a file could be written now, and leaves nothing behind. Throws what the system says. */
export function assertWritable(path: string): void {
  const target = targetOf(path), before = statOf(target);
  if (before?.isDirectory) throw new Deno.errors.IsADirectory("it is a folder");
  if (before?.isFifo) return; // to open it would wait for its reader
  if (isWrittenInPlace(target, before)) return Deno.openSync(target, { write: true }).close();
  const beside = besideOf(target);
  try {
    Deno.openSync(beside, { write: true, createNew: true }).close();
    Deno.removeSync(beside);
  } catch (error) {
    if (before === undefined || !isNotReplaceable(error)) throw error;
  }
  if (before !== undefined) Deno.openSync(target, { write: true }).close(); // a file that is read-only is meant to stay
}

/** What two names of one file have in common; undefined for devices and pipes, which many may write to. */
export function fileIdentity(path: string): string | undefined {
  const target = targetOf(path), found = statOf(target);
  if (found === undefined) {
    const folder = statOf(dirname(target));
    return `${folder === undefined ? dirname(target) : `${folder.dev}:${folder.ino}`}/${target.split("/").at(-1)}`;
  }
  return found.isFile || found.isDirectory ? `${found.dev}:${found.ino}` : undefined;
}

/** Where links lead to, even if nothing is there yet. */
function targetOf(path: string): string {
  let target = resolve(path);
  if (isDescriptor(target)) return target;
  for (let left = MOST_LINKS; left > 0; left--) {
    try {
      target = resolve(dirname(target), Deno.readLinkSync(target));
    } catch {
      return target; // not a link, or nothing at all
    }
  }
  return target;
}

/** `/dev/stdout` and its like, which stand for what this process has open, with its position. */
function isDescriptor(path: string): boolean {
  return path.startsWith("/dev/") || path.startsWith("/proc/");
}

function isWrittenInPlace(path: string, before: Deno.FileInfo | undefined): boolean {
  return isDescriptor(path) || (before !== undefined && !before.isFile && !before.isDirectory);
}

/** Whether a file may be there and writable though nothing can be created beside it, or renamed over it. */
function isNotReplaceable(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.Busy;
}

function writeInPlace(path: string, content: FileContent): void {
  using file = Deno.openSync(path, { write: true, append: isDescriptor(path), truncate: !isDescriptor(path) });
  writeAll(file, content);
}

function writeAll(file: Deno.FsFile, content: FileContent): void {
  const pieces = typeof content === "string"
    ? [new TextEncoder().encode(content)]
    : content instanceof Uint8Array
    ? [content]
    : content;
  for (let rest of pieces) while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
}

/** A name of its own in the same folder, and so on the same disk; short, since the target's may be as long as allowed. */
function besideOf(target: string): string {
  return `${dirname(target)}/.hakmem-${crypto.randomUUID().slice(0, 13)}.part`;
}

/** What there is at a path; undefined if nothing is, or it cannot be looked at. */
export function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

/** Removes a file, if there is one and it may be removed. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // it is not there
  }
}
