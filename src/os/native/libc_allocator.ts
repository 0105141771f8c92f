/**
 * libc's `malloc` and its like, one FFI call each: what a program pays that allocates through FFI.
 *
 * `size_t` is declared as `u32`: a number passed for `usize` takes Deno's slow path (170 ns), a `u32` the fast one
 * (about 7 ns), and both calling conventions of the supported 64-bit systems zero-extend it into the full register.
 *
 * @module
 */
import { openLibc } from "../libc.ts";
import { requireNativeAccess } from "../permissions.ts";

const SYMBOLS = {
  malloc: { parameters: [/* size */ "u32"], result: "u64" },
  calloc: { parameters: [/* count */ "u32", /* size */ "u32"], result: "u64" },
  realloc: { parameters: [/* ptr */ "u64", /* size */ "u32"], result: "u64" },
  aligned_alloc: { parameters: [/* alignment */ "u32", /* size */ "u32"], result: "u64" },
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
  /** C's `calloc`, in bytes below 2^32. */
  calloc(count: number, size: number): bigint;
  /** C's `realloc`; for size 0 it may free the block and give `0n`. */
  realloc(address: bigint, size: number): bigint;
  /** C's `aligned_alloc`; some systems want the size to be a multiple of the alignment. */
  aligned_alloc(alignment: number, size: number): bigint;
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
