/**
 * libc's `malloc` and `free`, one FFI call each: what a program pays which allocates through FFI.
 *
 * `size_t` is declared as `u32`: a number passed for `usize` takes Deno's slow path (170 ns), a `u32` the fast one
 * (about 7 ns), and both calling conventions of the supported 64-bit systems zero-extend it into the full register.
 *
 * @module
 */
import { openLibc } from "./libc.ts";
import { requireNativeAccess } from "./permissions.ts";

const SYMBOLS = {
  malloc: { parameters: [/* size */ "u32"], result: "u64" },
  free: { parameters: [/* ptr */ "u64"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The FFI functions themselves, so that V8 can make fast calls of them. */
export interface LibcAllocator {
  /**
   * C's `malloc`.
   *
   * @param size bytes, below 2^32
   * @returns native address; `0n` when there is no memory
   */
  malloc(size: number): bigint;
  /**
   * C's `free`.
   *
   * @param address from `malloc`, or `0n`; anything else is undefined behaviour
   */
  free(address: bigint): void;
}

/**
 * Opens libc's allocator. It stays open until the process ends.
 *
 * @throws {NativeAccessError} `NO_FFI_PERMISSION`, `UNSUPPORTED_SYSTEM`, `BAD_LIBRARY`
 */
export function openLibcAllocator(): LibcAllocator {
  requireNativeAccess();
  return openLibc(SYMBOLS).symbols;
}
