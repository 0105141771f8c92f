/**
 * Shared libraries as files: where the system keeps them, and whether one can be loaded into a program of this machine.
 * Linux only: what is preloaded on macOS replaces malloc by other means than its symbol, so nothing here would hold.
 *
 * @module
 */

import { type Descriptor, openDescriptor } from "../files/descriptor.ts";
import { OsError } from "../errors.ts";

/** A file is not a shared library for this machine. */
export class SharedLibraryError extends Error {
  /** The class, for people. */
  override name = "SharedLibraryError";
}

/** What a processor is called in names of folders and files, and its number in an ELF header (`e_machine`). */
const MACHINES: Readonly<Record<string, number>> = { x86_64: 62, aarch64: 183 };
const MACHINE_NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(MACHINES).map(([name, number]): [number, string] => [number, name]),
  [3, "32-bit x86"],
  [40, "32-bit ARM"],
  [243, "RISC-V"],
]);

/** The folders of libraries, in the order in which the loader of most systems looks into them. */
function libraryFolders(): readonly string[] {
  const { arch } = Deno.build; // not when this is imported: on Node the first to be said is that this is for Deno
  return [
    "/usr/local/lib",
    `/usr/local/lib/${arch}-linux-gnu`,
    `/usr/lib/${arch}-linux-gnu`,
    "/usr/local/lib64",
    "/usr/lib64",
    "/usr/lib",
    // Debian, Ubuntu, then others, each with LLVM's version: the runtimes of clang are not where the loader looks.
    "/usr/lib/llvm-*/lib/clang/*/lib/linux",
    "/usr/lib64/clang/*/lib/linux",
    "/usr/lib/clang/*/lib/linux",
    `/usr/lib/clang/*/lib/${arch}-*`,
  ];
}

/**
 * Finds a shared library, the newest one of the first folder that has any for this processor.
 *
 * @param names file names up to `.so`, the most wanted first: `libmimalloc`
 * @param folders where to look; a `*` stands for any part of a name. The system's folders when left out
 * @returns its path; undefined if there is none, and on systems other than Linux
 */
export function findSharedLibrary(
  names: readonly string[],
  folders: readonly string[] = libraryFolders(),
): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const existing = folders.flatMap(matchingFolders);
  for (const name of names) {
    for (const folder of existing) {
      const found = filesOf(folder, name).find(isUsable);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/**
 * Throws unless a file is a shared library that a program of this machine can load.
 *
 * @throws {SharedLibraryError} which says what it is instead
 */
export function checkSharedLibrary(path: string): void {
  if (Deno.build.os !== "linux") {
    throw new SharedLibraryError(`${path} cannot be preloaded: that is done on Linux only`);
  }
  try {
    const file = openDescriptor(path);
    try {
      assertLibrary(path, file);
    } finally {
      file.close();
    }
  } catch (error) {
    if (!(error instanceof OsError)) throw error;
    if (error.code === "ENOENT") throw new SharedLibraryError(`${path} does not exist`);
    throw new SharedLibraryError(`${path} cannot be read: ${error.message}`);
  }
}

/** The same, of a file that is open. @throws {OsError} too, if it cannot be read */
export function assertLibrary(path: string, file: Descriptor): void {
  const header = file.read(0, HEADER_BYTES);
  if (header.byteLength < HEADER_BYTES || header.getUint32(0) !== ELF.MAGIC) {
    throw new SharedLibraryError(`${path} is not a shared library: it does not begin as an ELF file does`);
  }
  const isLittleEndian = header.getUint8(5) === 1;
  const type = header.getUint16(16, isLittleEndian), machine = header.getUint16(18, isLittleEndian);
  if (machine !== MACHINES[Deno.build.arch]) {
    const name = MACHINE_NAMES.get(machine) ?? `another processor (number ${machine})`;
    throw new SharedLibraryError(`${path} is built for ${name}, and this machine is ${Deno.build.arch}`);
  }
  if (type !== SHARED_OBJECT) {
    throw new SharedLibraryError(`${path} is an ELF file, but not a shared library: link it with cc -shared`);
  }
  const cut = cutOff(file);
  if (cut !== undefined) throw new SharedLibraryError(`${path} is cut off: ${cut}`);
}

/**
 * Whether an ELF file is shorter than its own tables say, in words; undefined if it is whole, or something else. The
 * loader maps such a file all the same, and the process is killed by SIGBUS when it gets to the part that is missing.
 */
export function cutOff(file: Descriptor): string | undefined {
  const { size } = file, head = file.read(0, ELF.BYTES);
  if (head.byteLength < 4 || head.getUint32(0) !== ELF.MAGIC) return undefined;
  const is64LittleEndian = head.byteLength < 6 || head.getUint8(4) === 2 && head.getUint8(5) === 1;
  if (!is64LittleEndian) return undefined;
  if (head.byteLength < ELF.BYTES) return `it has ${size} bytes, less than a header`;
  const missing = (end: number) => end <= size ? undefined : `it has ${size} bytes, and its tables say ${end}`;
  const segments = Number(head.getBigUint64(ELF.SEGMENTS, true)), count = head.getUint16(ELF.SEGMENT_COUNT, true);
  const each = head.getUint16(ELF.SEGMENT_BYTES, true);
  const sections = Number(head.getBigUint64(ELF.SECTIONS, true));
  const sectionBytes = head.getUint16(ELF.SECTION_COUNT, true) * head.getUint16(ELF.SECTION_BYTES, true);
  const tables = Math.max(segments + count * each, sections + sectionBytes);
  if (tables > size) return missing(tables); // before the table is read, which may be gigabytes in a file that is damaged
  const table = file.read(segments, count * each);
  let end = tables;
  for (let at = 0; at + SEGMENT.BYTES <= table.byteLength; at += Math.max(each, SEGMENT.BYTES)) {
    const last = table.getBigUint64(at + SEGMENT.OFFSET, true) + table.getBigUint64(at + SEGMENT.SIZE, true);
    end = Math.max(end, Number(last));
  }
  return missing(end);
}

/** Of the ELF header of 64 bits, where its parts lie; of a program header likewise. */
const ELF = {
  MAGIC: 0x7f454c46,
  SEGMENTS: 32,
  SECTIONS: 40,
  SEGMENT_BYTES: 54,
  SEGMENT_COUNT: 56,
  SECTION_BYTES: 58,
  SECTION_COUNT: 60,
  BYTES: 64,
};
const SEGMENT = { OFFSET: 8, SIZE: 32, BYTES: 56 };

const HEADER_BYTES = 20; // up to and with e_machine
const SHARED_OBJECT = 3; // ET_DYN

function isUsable(path: string): boolean {
  try {
    checkSharedLibrary(path);
    return true;
  } catch {
    return false;
  }
}

/** By the numbers in the names. A collator takes 15 ms to make, so it is made where there is something to sort. */
function newestFirst(names: readonly string[]): readonly string[] {
  if (names.length < 2) return names;
  const { compare } = new Intl.Collator("en", { numeric: true });
  return names.toSorted((a, b) => compare(b, a));
}

/** The files of a library, newest first: `libmimalloc.so.2.0`, `libmimalloc.so`, but not `libmimalloc-secure.so`. */
function filesOf(folder: string, name: string): string[] {
  const isVersion = /^(\.\d+)*$/;
  return entriesOf(folder, (entry) => entry.startsWith(`${name}.so`) && isVersion.test(entry.slice(name.length + 3)));
}

/** The folders that a pattern stands for. */
function matchingFolders(pattern: string): string[] {
  const [first = "", ...rest] = pattern.split("/");
  return rest.reduce((folders, part) => {
    if (!part.includes("*")) return folders.map((folder) => `${folder}/${part}`);
    const [start = "", end = ""] = part.split("*");
    return folders.flatMap((folder) => entriesOf(folder, (entry) => entry.startsWith(start) && entry.endsWith(end)));
  }, [first]);
}

/** What a folder has of these names, the highest number first; nothing if there is no such folder. */
function entriesOf(folder: string, isWanted: (name: string) => boolean): string[] {
  try {
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter(isWanted);
    return newestFirst(names).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}
