/**
 * What a file holds, if it is compressed: gzip, Zstandard, or the one file in a zip archive. Recognised by the first
 * bytes; the work is done by the runtime's zlib, which is told how much may come out. Of a file that is cut off, what is
 * there comes out, marked as cut.
 *
 * Of the zip format (PKWARE's APPNOTE) this knows what such an archive is made of: the end record says where the
 * directory is, the directory says where the file is, how long, and how it is compressed.
 *
 * @module
 */
import { constants, crc32, gunzipSync, inflateRawSync, type ZlibOptions, zstdDecompressSync } from "node:zlib";
import { joined } from "./bytes.ts";
import { TraceError } from "../trace.ts";
import { framesOf, isZstandard } from "./zstandard.ts";

/** The most bytes that a compressed file may hold: 1 GiB. */
export const MOST_BYTES = 2 ** 30;

/** What came out of a file. */
export interface Decompressed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether the file ends before what it holds does. */
  readonly isCut: boolean;
}

/** Whether a file begins like one that is compressed in a way that can be read. */
export function isCompressed(head: Uint8Array): boolean {
  return isZip(head) || isGzip(head) || isZstandard(head);
}

function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b;
}

function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/**
 * The content of a file; the file itself if it is not compressed.
 *
 * @throws TraceError if it is damaged, larger than `limit`, or an archive of more than one file.
 */
export function decompress(bytes: Uint8Array<ArrayBuffer>, limit: number = MOST_BYTES): Decompressed {
  if (isZip(bytes)) return unzip(bytes, limit);
  if (isGzip(bytes)) return inflate("gzip", limit, (options) => gunzipSync(bytes, options));
  if (isZstandard(bytes)) return unzstd(bytes, limit);
  return { bytes, isCut: false };
}

/** Also what `zstd --long` made: 2 GiB is the format's largest. */
const ANY_WINDOW = { [constants.ZSTD_d_windowLogMax]: 31 };

function unzstd(bytes: Uint8Array<ArrayBuffer>, limit: number): Decompressed {
  const parts: Uint8Array[] = [];
  let length = 0, isCut = false;
  for (const frame of framesOf(bytes)) {
    if (frame === undefined) throw new TraceError("Zstandard is damaged: there is something after its last frame");
    const options = { maxOutputLength: limit - length + 1, params: ANY_WINDOW };
    const part = attempt("Zstandard", limit, () => zstdDecompressSync(bytes.subarray(frame.start, frame.end), options));
    length += part.length;
    if (length > limit) throw new TraceError(tooLarge("Zstandard", limit));
    parts.push(part);
    isCut = frame.isCut;
  }
  return { bytes: joined(parts), isCut };
}

/** Inflates what is whole; and of what is cut off, as much as there is. */
function inflate(kind: string, limit: number, run: (options: ZlibOptions) => Uint8Array): Decompressed {
  const options = { maxOutputLength: limit };
  try {
    return { bytes: run(options) as Uint8Array<ArrayBuffer>, isCut: false };
  } catch (error) {
    if (!isCutOff(error)) throw failure(kind, limit, error);
  }
  return { bytes: attempt(kind, limit, () => run({ ...options, finishFlush: constants.Z_SYNC_FLUSH })), isCut: true };
}

function isCutOff(error: unknown): boolean {
  return error instanceof Error && /unexpected end of file/.test(error.message);
}

const END_RECORD = { SIGNATURE: 0x06054b50, BYTES: 22, FILES: 10, DIRECTORY: 16 };
const DIRECTORY_ENTRY = {
  SIGNATURE: 0x02014b50,
  FLAGS: 8,
  METHOD: 10,
  CRC: 16,
  PACKED: 20,
  SIZE: 24,
  NAME: 28,
  EXTRA: 30,
  COMMENT: 32,
  OFFSET: 42,
  BYTES: 46,
};
const LOCAL_HEADER = { SIGNATURE: 0x04034b50, FLAGS: 6, METHOD: 8, PACKED: 18, NAME: 26, EXTRA: 28, BYTES: 30 };
const FLAG = { ENCRYPTED: 1, LENGTH_FOLLOWS: 8 };
const METHOD = { STORED: 0, DEFLATED: 8 };
const LONGEST_COMMENT = 0xffff;
/** What archivers put beside a file by themselves: folders, and what macOS adds. */
const NOT_A_FILE = /\/$|^__MACOSX\/|(^|\/)\.DS_Store$/;

function unzip(bytes: Uint8Array<ArrayBuffer>, limit: number): Decompressed {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  if (end === undefined) return unzipCut(bytes, view, limit);
  const entry = onlyFile(view, end);
  assertPlain(view.getUint16(entry + DIRECTORY_ENTRY.FLAGS, true));
  const size = view.getUint32(entry + DIRECTORY_ENTRY.SIZE, true);
  if (size > limit) throw new TraceError(tooLarge("zip", limit));
  const local = view.getUint32(entry + DIRECTORY_ENTRY.OFFSET, true);
  expect(view, local, LOCAL_HEADER, "file");
  const start = contentOf(view, local);
  const packed = bytes.subarray(start, start + view.getUint32(entry + DIRECTORY_ENTRY.PACKED, true));
  const { bytes: content } = unpack(view.getUint16(entry + DIRECTORY_ENTRY.METHOD, true), packed, entry, limit);
  if (content.length !== size || crc32(content) !== view.getUint32(entry + DIRECTORY_ENTRY.CRC, true)) {
    throw new TraceError(`byte ${start}: the archive is damaged: what comes out is not what was put in`);
  }
  return { bytes: content, isCut: false };
}

/** An archive without its end: the first file, as much of it as there is. */
function unzipCut(bytes: Uint8Array<ArrayBuffer>, view: DataView, limit: number): Decompressed {
  let local = 0;
  for (let isFile = false; !isFile;) {
    expect(view, local, LOCAL_HEADER, "file");
    const start = contentOf(view, local), name = local + LOCAL_HEADER.BYTES;
    isFile = !NOT_A_FILE.test(textAt(view, name, view.getUint16(local + LOCAL_HEADER.NAME, true)));
    if (!isFile) local = start + view.getUint32(local + LOCAL_HEADER.PACKED, true);
  }
  const flags = view.getUint16(local + LOCAL_HEADER.FLAGS, true);
  assertPlain(flags);
  const start = contentOf(view, local), length = view.getUint32(local + LOCAL_HEADER.PACKED, true);
  const packed = bytes.subarray(start, (flags & FLAG.LENGTH_FOLLOWS) === 0 ? start + length : undefined);
  return { ...unpack(view.getUint16(local + LOCAL_HEADER.METHOD, true), packed, local, limit), isCut: true };
}

function assertPlain(flags: number): void {
  if ((flags & FLAG.ENCRYPTED) !== 0) throw new TraceError("the zip archive is encrypted: unpack it first");
}

/** As far as the file has it. */
function textAt(view: DataView, at: number, length: number): string {
  const bytes = Math.max(0, Math.min(length, view.byteLength - at));
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + Math.min(at, view.byteLength), bytes));
}

function unpack(method: number, packed: Uint8Array<ArrayBuffer>, where: number, limit: number): Decompressed {
  if (method === METHOD.STORED) return { bytes: packed, isCut: false };
  if (method === METHOD.DEFLATED) return inflate("zip", limit, (options) => inflateRawSync(packed, options));
  throw new TraceError(`byte ${where}: zip's method ${method}; stored (0) and deflated (8) can be read`);
}

/** Where a file's content begins, after its local header. */
function contentOf(view: DataView, local: number): number {
  return local + LOCAL_HEADER.BYTES + view.getUint16(local + LOCAL_HEADER.NAME, true) +
    view.getUint16(local + LOCAL_HEADER.EXTRA, true);
}

/** Where the directory has the archive's one file. */
function onlyFile(view: DataView, end: number): number {
  const files: { entry: number; name: string }[] = [];
  let entry = view.getUint32(end + END_RECORD.DIRECTORY, true);
  for (let left = view.getUint16(end + END_RECORD.FILES, true); left > 0; left--) {
    expect(view, entry, DIRECTORY_ENTRY, "directory");
    const nameBytes = view.getUint16(entry + DIRECTORY_ENTRY.NAME, true), start = entry + DIRECTORY_ENTRY.BYTES;
    const name = textAt(view, start, nameBytes);
    if (!NOT_A_FILE.test(name)) files.push({ entry, name });
    entry = start + nameBytes + view.getUint16(entry + DIRECTORY_ENTRY.EXTRA, true) +
      view.getUint16(entry + DIRECTORY_ENTRY.COMMENT, true);
  }
  if (files.length === 1) return files[0]!.entry;
  const names = files.slice(0, 3).map(({ name }) => name).join(", ");
  throw new TraceError(
    files.length === 0
      ? "a zip archive without a file"
      : `a zip archive of ${files.length} files (${names}${
        files.length > 3 ? ", ..." : ""
      }): unpack the one that is meant`,
  );
}

/** The end record is the last thing in the file, but for a comment; undefined if it is not there. */
function findEnd(view: DataView): number | undefined {
  const last = view.byteLength - END_RECORD.BYTES;
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
    if (view.getUint32(at, true) === END_RECORD.SIGNATURE) return at;
  }
  return undefined;
}

function expect(
  view: DataView,
  at: number,
  { SIGNATURE, BYTES }: { readonly SIGNATURE: number; readonly BYTES: number },
  what: string,
): void {
  if (at + BYTES <= view.byteLength && view.getUint32(at, true) === SIGNATURE) return;
  throw new TraceError(`byte ${at}: the zip archive is damaged or cut off: its ${what} is not there`);
}

function attempt(kind: string, limit: number, run: () => Uint8Array): Uint8Array<ArrayBuffer> {
  try {
    return run() as Uint8Array<ArrayBuffer>;
  } catch (error) {
    throw failure(kind, limit, error);
  }
}

function failure(kind: string, limit: number, error: unknown): TraceError {
  if (isTooLarge(error)) return new TraceError(tooLarge(kind, limit));
  return new TraceError(`${kind} is damaged: ${error instanceof Error ? error.message : error}`, { cause: error });
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

function tooLarge(kind: string, limit: number): string {
  return `${kind} holds more than ${limit} bytes`;
}
