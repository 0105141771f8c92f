/**
 * Whether this process was started without a stdout (`>&-`). What is written then is lost without a word: the runtime
 * opens /dev/null for each descriptor that is missing, for reading and writing, which no redirection in a shell does.
 * (Some programs do so for processes whose output they do not want.) libc is asked, since Deno does not allow a look
 * into /proc.
 *
 * @module
 */
import { openLibc } from "./libc.ts";

const SYMBOLS = {
  readlink: { parameters: [/* path */ "buffer", /* buf */ "buffer", /* size */ "usize"], result: "isize" },
  // It may be given more, and on x86-64 and Linux's aarch64 is called as if it were not.
  fcntl: { parameters: [/* fd */ "i32", /* command */ "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const STDOUT = 1;
const F_GETFL = 3;
const ACCESS = 3, O_RDWR = 2;
const NULL = "/dev/null";

/** Linux only; false elsewhere, and where native code may not be called. */
export function isStdoutClosed(): boolean {
  if (Deno.build.os !== "linux") return false;
  try {
    const library = openLibc(SYMBOLS);
    try {
      const target = new Uint8Array(NULL.length + 1); // one more tells a longer name apart
      const path = new TextEncoder().encode(`/proc/self/fd/${STDOUT}\0`);
      const length = Number(library.symbols.readlink(path, target, BigInt(target.length)));
      const isNull = length === NULL.length && new TextDecoder().decode(target.subarray(0, length)) === NULL;
      return isNull && (library.symbols.fcntl(STDOUT, F_GETFL) & ACCESS) === O_RDWR;
    } finally {
      library.close();
    }
  } catch {
    return false;
  }
}
