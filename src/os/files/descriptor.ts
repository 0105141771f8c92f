/**
 * A file that is opened once, then checked and loaded by its descriptor, so that nobody can replace it in between. libc opens it,
 * which needs no permission but that to load libraries. Linux only: elsewhere a descriptor has no name to load it by.
 *
 * @module
 */
import { OsError } from "../errors.ts";
import { ERRNO_LOCATION, openLibc } from "../libc.ts";

const SYMBOLS = {
  // `open` may be given more, and on x86-64 and Linux's aarch64 is called as if it were not.
  open: { parameters: [/* path */ "buffer", /* flags */ "i32"], result: "i32" },
  lseek: { parameters: [/* fd */ "i32", /* offset */ "i64", /* whence */ "i32"], result: "i64" },
  pread: {
    parameters: [/* fd */ "i32", /* buf */ "buffer", /* count */ "usize", /* offset */ "i64"],
    result: "isize",
  },
  close: { parameters: [/* fd */ "i32"], result: "i32" },
  errnoLocation: { name: ERRNO_LOCATION, parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Nor does it wait for a writer of a pipe. */
const O_RDONLY_CLOEXEC_NONBLOCK = 0o2004000;
const SEEK_END = 2;

/** An open file. */
export interface Descriptor {
  /** Another name of the file, as long as it is open. */
  readonly path: string;
  readonly size: number;
  /** Bytes from an offset on: so many, or as many as there are. @throws {OsError} */
  read(offset: number, length: number): DataView;
  close(): void;
}

/** Opens a file to read it. @throws {OsError} if it cannot be opened, or is a pipe */
export function openDescriptor(path: string): Descriptor {
  const library = openLibc(SYMBOLS), c = library.symbols, errno = new Deno.UnsafePointerView(c.errnoLocation()!);
  const number = c.open(new TextEncoder().encode(`${path}\0`), O_RDONLY_CLOEXEC_NONBLOCK);
  const close = () => {
    if (number >= 0) c.close(number);
    library.close();
  };
  const check = (result: number | bigint, call: string): number => {
    if (result >= 0) return Number(result);
    throw new OsError(`${call}(${path})`, errno.getInt32());
  };
  try {
    check(number, "open");
    return {
      path: `/proc/self/fd/${number}`,
      size: check(c.lseek(number, 0n, SEEK_END), "lseek"),
      read(offset, length) {
        const bytes = new Uint8Array(length);
        let used = 0, count = 1;
        while (used < length && count > 0) {
          const rest = bytes.subarray(used);
          count = check(c.pread(number, rest, BigInt(rest.length), BigInt(offset + used)), "read");
          used += count;
        }
        return new DataView(bytes.buffer, 0, used);
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

const X_OK = 1;

/** Whether the system lets this process execute a file: it may lie in a folder that is mounted such that none can be. */
export function mayExecute(path: string): boolean {
  const library = openLibc({ access: { parameters: [/* path */ "buffer", /* mode */ "i32"], result: "i32" } });
  const error = library.symbols.access(new TextEncoder().encode(`${path}\0`), X_OK);
  library.close();
  return error === 0;
}
