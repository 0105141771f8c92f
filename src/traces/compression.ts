/**
 * What a file holds, if it is compressed: gzip, Zstandard, or the one file in a zip archive. Recognised by the first
 * bytes; the work is done by the runtime's zlib, which is told how much may come out.
 *
 * Of the zip format (PKWARE's APPNOTE) this knows what such an archive is made of: the end record says where the
 * directory is, the directory says where the file is, how long, and how it is compressed.
 *
 * @module
 */
import { crc32, gunzipSync, inflateRawSync, zstdDecompressSync } from "node:zlib";
import { TraceError } from "./trace.ts";

/** The most bytes that a file may hold: 1 GiB. */
export const MOST_BYTES = 2 ** 30;

/**
 * The content of a file; the file itself if it is not compressed.
 *
 * @throws TraceError if it is damaged, larger than `limit`, or an archive of more than one file.
 */
export function decompress(bytes: Uint8Array<ArrayBuffer>, limit: number = MOST_BYTES): Uint8Array<ArrayBuffer> {
  const options = { maxOutputLength: limit };
  const [first, second, third, fourth] = bytes;
  if (first === 0x50 && second === 0x4b) return unzip(bytes, limit);
  if (first === 0x1f && second === 0x8b) return attempt("gzip", limit, () => gunzipSync(bytes, options));
  if (first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd) {
    return attempt("Zstandard", limit, () => zstdDecompressSync(bytes, options));
  }
  return bytes;
}

const END_RECORD = { SIGNATURE: 0x06054b50, BYTES: 22, FILES: 10, DIRECTORY: 16 };
const DIRECTORY_ENTRY = { SIGNATURE: 0x02014b50, METHOD: 10, CRC: 16, PACKED: 20, SIZE: 24, OFFSET: 42, BYTES: 46 };
const LOCAL_HEADER = { SIGNATURE: 0x04034b50, NAME: 26, EXTRA: 28, BYTES: 30 };
const METHOD = { STORED: 0, DEFLATED: 8 };
const LONGEST_COMMENT = 0xffff;

function unzip(bytes: Uint8Array<ArrayBuffer>, limit: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  const files = view.getUint16(end + END_RECORD.FILES, true);
  if (files !== 1) throw new TraceError(`byte ${end}: a zip archive of ${files} files, where one was expected`);

  const entry = view.getUint32(end + END_RECORD.DIRECTORY, true);
  expect(view, entry, DIRECTORY_ENTRY, "directory");
  const size = view.getUint32(entry + DIRECTORY_ENTRY.SIZE, true);
  if (size > limit) throw new TraceError(tooLarge("zip", limit));
  const local = view.getUint32(entry + DIRECTORY_ENTRY.OFFSET, true);
  expect(view, local, LOCAL_HEADER, "file");
  const start = local + LOCAL_HEADER.BYTES + view.getUint16(local + LOCAL_HEADER.NAME, true) +
    view.getUint16(local + LOCAL_HEADER.EXTRA, true);
  const packed = bytes.subarray(start, start + view.getUint32(entry + DIRECTORY_ENTRY.PACKED, true));

  const method = view.getUint16(entry + DIRECTORY_ENTRY.METHOD, true);
  if (method !== METHOD.STORED && method !== METHOD.DEFLATED) {
    throw new TraceError(`byte ${entry}: zip's method ${method}; stored (0) and deflated (8) can be read`);
  }
  const content = method === METHOD.STORED
    ? packed
    : attempt("zip", limit, () => inflateRawSync(packed, { maxOutputLength: limit }));
  if (content.length !== size || crc32(content) !== view.getUint32(entry + DIRECTORY_ENTRY.CRC, true)) {
    throw new TraceError(`byte ${start}: the archive is damaged: what comes out is not what was put in`);
  }
  return content;
}

/** The end record is the last thing in the file, but for a comment. */
function findEnd(view: DataView): number {
  const last = view.byteLength - END_RECORD.BYTES;
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
    if (view.getUint32(at, true) === END_RECORD.SIGNATURE) return at;
  }
  throw new TraceError(`byte ${view.byteLength}: the zip archive has no end: the file was cut off`);
}

function expect(
  view: DataView,
  at: number,
  { SIGNATURE, BYTES }: typeof LOCAL_HEADER | typeof DIRECTORY_ENTRY,
  what: string,
): void {
  if (at + BYTES <= view.byteLength && view.getUint32(at, true) === SIGNATURE) return;
  throw new TraceError(`byte ${at}: the zip archive is damaged: its ${what} is not there`);
}

function attempt(kind: string, limit: number, inflate: () => Uint8Array): Uint8Array<ArrayBuffer> {
  try {
    return inflate() as Uint8Array<ArrayBuffer>;
  } catch (error) {
    if (isTooLarge(error)) throw new TraceError(tooLarge(kind, limit));
    throw new TraceError(`${kind} is damaged: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

function tooLarge(kind: string, limit: number): string {
  return `${kind} holds more than ${limit} bytes`;
}
