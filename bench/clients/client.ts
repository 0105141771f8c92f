/**
 * What a client is: a program on a library in C, which runs the same on the library's own malloc and on a heap's functions.
 * `tests/clients` runs them in both builds, and `bench/clients.ts` times them.
 *
 * @module
 */

import type { NativeAllocator } from "../../mod.ts";

/** See the module. */
export interface Client {
  readonly name: string;
  /** As the system's loader knows it; Debian's package is in `.ci/run`. */
  readonly library: string;
  /** The file of it beside this one. */
  readonly file: string;
  /** How much it does: for the benchmark and a test of a release build, and for a test of a debug build. */
  readonly amount: number;
  readonly debugAmount: number;
  /** What it does so many of. */
  readonly unit: string;
  /**
   * Does the work, and gives what came of it, which must not depend on who allocates.
   *
   * @param allocator undefined: the library's own, which is malloc
   */
  run(amount: number, allocator: NativeAllocator | undefined): string;
}

/** Whether the system has a library. */
export function isInstalled(library: string): boolean {
  try {
    Deno.dlopen(library, {}).close();
    return true;
  } catch {
    return false;
  }
}

/** Makes a call with an allocator, whose errors it throws, or without one. */
export function through<Result>(allocator: NativeAllocator | undefined, body: () => Result): Result {
  return allocator === undefined ? body() : allocator.call(body);
}

const encoder = new TextEncoder();

/** A C string that lives as long as the call. */
export function text(value: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${value}\0`);
}

/** A short name of a lot of bytes: FNV-1a, 32 bits. */
export function checksum(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return (hash >>> 0).toString(16);
}

/** Bytes that compress to about a third, as text does. */
export function compressible(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0, state = 1; i < length; i++) {
    state = Math.imul(state, 1103515245) + 12345 | 0;
    // Half of what comes was there some hundred bytes before.
    bytes[i] = (state >>> 16 & 31) !== 0 && i >= 256 ? bytes[i - 256 + (state >>> 29 === 0 ? 1 : 0)]! : state >>> 24;
  }
  return bytes;
}
