/**
 * What the C library is called here, and its numbers (from the systems' headers; macOS's are UNTESTED).
 *
 * @module
 */
import { NativeAccessError, reasonOf } from "./errors.ts";

const MACOS = Deno.build.os === "darwin";

/** Name that the loader finds it by. */
const LIBC = MACOS ? "libSystem.B.dylib" : "libc.so.6";

/** Name of the function that says where this thread's errno is. */
export const ERRNO_LOCATION = MACOS ? "__error" : "__errno_location";

export const PROT_NONE = 0;
export const PROT_READ_WRITE = 1 | 2;
/** MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE */
export const MAP_RESERVE = MACOS ? 0x2 | 0x1000 | 0x40 : 0x2 | 0x20 | 0x4000;
export const MAP_FIXED = 0x10;
export const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
/** MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP */
export const MREMAP_MOVE = 1 | 2 | 4;
export const MADV_DONTNEED = 4;
/** Discarding pages by `madvise` makes them read as zero on Linux only. */
export const DONTNEED_ZEROES = !MACOS;
export const CLOCK_MONOTONIC = MACOS ? 6 : 1;
export const RUSAGE_SELF = 0;
/** `ru_maxrss` is the fifth 8-byte word of `struct rusage`, in KiB on Linux and in bytes on macOS. */
export const RUSAGE_WORDS = 18;
export const RUSAGE_MAXRSS = 4;
export const MAXRSS_UNIT = MACOS ? 1 : 1024;

/**
 * Loads functions of libc.
 *
 * @throws {NativeAccessError} `BAD_LIBRARY` where libc has another name or lacks one of them
 */
export function openLibc<const Symbols extends Deno.ForeignLibraryInterface>(
  symbols: Symbols,
): Deno.DynamicLibrary<Symbols> {
  try {
    return Deno.dlopen(LIBC, symbols);
  } catch (cause) {
    throw new NativeAccessError("BAD_LIBRARY", `cannot load ${LIBC}: ${reasonOf(cause)}`, { cause });
  }
}
