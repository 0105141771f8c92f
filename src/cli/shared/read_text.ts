/**
 * Text files that a command reads whole: results, mostly. A file that is too long, or never ends, is refused before it
 * fills the memory.
 *
 * @module
 */
import { joined } from "../../traces/files/bytes.ts";
import { UsageError } from "./values.ts";

/** Bytes of the longest file. */
const MOST = 64 * 2 ** 20;
const CHUNK = 2 ** 20;

/**
 * The text of a file, or of a pipe.
 *
 * @param what How a message begins that names it: its path, or the option before it.
 * @throws UsageError if it cannot be read, or is longer than 64 MiB
 */
export function readText(path: string, what = path): string {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    using file = Deno.openSync(path);
    const { size, isFile } = file.statSync();
    if (isFile) assertNotTooLong(size, what);
    for (;;) {
      const chunk = new Uint8Array(isFile ? Math.max(1, size - bytes) : CHUNK);
      const read = file.readSync(chunk);
      if (read === null) break;
      chunks.push(chunk.subarray(0, read));
      assertNotTooLong(bytes += read, what);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${what} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  return new TextDecoder().decode(joined(chunks));
}

/**
 * What a file says, or a pipe.
 *
 * @param what As of {@linkcode readText}.
 * @param complaint What is said after its name if it is not such a file: `is not what replay writes`.
 * @throws UsageError likewise, and if it cannot be parsed
 */
export function readAs<R>(path: string, what: string, complaint: string, parse: (text: string) => R): R {
  const text = readText(path, what);
  try {
    return parse(text);
  } catch (error) {
    throw new UsageError(`${what} ${complaint}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function assertNotTooLong(bytes: number, what: string): void {
  if (bytes <= MOST) return;
  throw new UsageError(`${what} is longer than ${MOST / 2 ** 20} MiB, which no result file is`);
}
