/**
 * What can go wrong between the project and the operating system, one class per cause: a system call that failed
 * (`OsError`), a compiler that did not deliver (`NativeBuildError`), native code that cannot be had at all
 * (`NativeAccessError`). All have a stable `code`; messages may change.
 *
 * @module
 */

/**
 * Names of the errors that the calls of `VirtualMemory` are documented to give, and the opening of files, by number.
 */
const ERRNO_NAMES: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  4: "EINTR",
  5: "EIO",
  6: "ENXIO",
  9: "EBADF",
  12: "ENOMEM",
  13: "EACCES",
  14: "EFAULT",
  16: "EBUSY",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  29: "ESPIPE",
  ...(Deno.build.os === "darwin" ? { 35: "EAGAIN", 78: "ENOSYS" } : { 11: "EAGAIN", 38: "ENOSYS" }),
};

const HINTS: Readonly<Record<string, string>> = {
  ENOMEM: "the system has no such memory or address space, or the range is not mapped",
  EINVAL: "a size of 0, a range that is not whole pages, or an alignment that is not a power of two",
};

/** The errors which the libc fallback finds by itself; the first two have the same number everywhere. */
export const EINVAL = 22;
export const ENOMEM = 12;
export const ENOSYS = Deno.build.os === "darwin" ? 78 : 38;

/**
 * A system call failed.
 *
 * @example
 * ```ts
 * import { Heap, OsError } from "@hakmem/hakmem";
 *
 * try {
 *   using heap = await Heap.open();
 *   heap.free(heap.malloc(10));
 * } catch (error) {
 *   if (!(error instanceof OsError)) throw error;
 *   console.log(error.call, error.code, error.errno); // mmap ENOMEM 12
 * }
 * ```
 */
export class OsError extends Error {
  /** The class, for people. */
  override name = "OsError";
  /** The error's name, such as `"ENOMEM"`; `"ERRNO_<number>"` when it has none here. */
  readonly code: string;
  /** The error's number on this system; 0 where nothing was called. */
  readonly errno: number;
  /** What was called, with its arguments: `"reserve(0x1000, 0x1000)"`; empty where nothing was. */
  readonly call: string;

  /**
   * Describes a failed call.
   *
   * @param call what was called
   * @param errno positive error number
   */
  constructor(call: string, errno: number);
  /** What was refused before anything was called. */
  constructor(code: string, message: string, options?: ErrorOptions);
  constructor(what: string, why: number | string, options?: ErrorOptions) {
    const isCall = typeof why === "number", code = isCall ? ERRNO_NAMES[why] ?? `ERRNO_${why}` : what;
    const hint = HINTS[code] === undefined ? "" : `: ${HINTS[code]}`;
    super(isCall ? `${what} failed: ${code} (errno ${why})${hint}` : why, options);
    this.code = code;
    this.errno = isCall ? why : 0;
    this.call = isCall ? what : "";
  }
}

/** Why a native target could not be built. */
export type NativeBuildCode =
  /** `cc` is not there, or does not answer `--version`. */
  | "NO_COMPILER"
  /** `cc` ran and reported errors; they are in `output`. */
  | "COMPILE_FAILED"
  /** Reading the sources, or running `cc`, is not permitted. */
  | "NO_PERMISSION"
  /** A source is not a local file, or cannot be read. */
  | "NO_SOURCE"
  /** Neither the cache folder nor a temporary one can be written to. */
  | "NO_FOLDER";

/** A native target could not be built. */
export class NativeBuildError extends Error {
  /** The class, for people. */
  override name = "NativeBuildError";
  /** The cause, for programs. */
  readonly code: NativeBuildCode;
  /** What the compiler printed; empty when it did not run. */
  readonly output: string;

  /**
   * Describes a failed build.
   *
   * @param code the cause
   * @param message one line for people
   * @param output what the compiler printed
   * @param options the error underneath, as `cause`
   */
  constructor(code: NativeBuildCode, message: string, output = "", options?: ErrorOptions) {
    super(output === "" ? message : `${message}\n${output}`, options);
    this.code = code;
    this.output = output;
  }

  /** The message without the compiler's output. */
  get summary(): string {
    return this.message.split("\n", 1)[0] ?? "";
  }
}

/**
 * Why native memory cannot be used.
 *
 * @example
 * ```ts
 * import { Heap, type NativeAccessCode, NativeAccessError } from "@hakmem/hakmem";
 *
 * const EXPLAINED: Record<NativeAccessCode, string> = {
 *   NO_FFI_PERMISSION: "run with --allow-ffi",
 *   UNSUPPORTED_SYSTEM: "use Linux or macOS",
 *   BAD_LIBRARY: "unset HAKMEM_LIBRARY",
 * };
 * try {
 *   using _heap = await Heap.open();
 * } catch (error) {
 *   if (!(error instanceof NativeAccessError)) throw error;
 *   console.log(EXPLAINED[error.code as NativeAccessCode]);
 * }
 * ```
 */
export type NativeAccessCode =
  /** No bare `--allow-ffi`. */
  | "NO_FFI_PERMISSION"
  /** Neither Linux nor macOS, or a processor that the project does not know. */
  | "UNSUPPORTED_SYSTEM"
  /** A library cannot be loaded, or is not a build of this version of `native/vm.c`. */
  | "BAD_LIBRARY";

/**
 * Native memory cannot be used by this process: a permission is missing, or the library, or the system is not one that is
 * supported. The message says what to do.
 *
 * @example
 * ```ts
 * import { Heap, NativeAccessError } from "@hakmem/hakmem";
 *
 * try {
 *   using _heap = await Heap.open();
 * } catch (error) {
 *   if (!(error instanceof NativeAccessError)) throw error;
 *   console.log(error.code, error.message); // NO_FFI_PERMISSION, and the option that gives it
 * }
 * ```
 */
export class NativeAccessError extends OsError {
  /** The class, for people. */
  override name = "NativeAccessError";
  /** The cause, for programs. */
  declare readonly code: NativeAccessCode;

  /**
   * Describes what is missing.
   *
   * @param code the cause
   * @param message one line for people: what is missing and what to do
   * @param options the error underneath, as `cause`
   */
  constructor(code: NativeAccessCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** The message of whatever was thrown, on one line. It never throws, though what a program throws may have no text. */
export function reasonOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error).split("\n", 1)[0]!;
  } catch {
    return `${typeof error} without a text`;
  }
}
