/**
 * `ffi`: the libc's malloc and free, each called through Deno FFI with the fastest signatures there are.
 *
 * Writes and reads do nothing, because JavaScript has no view of malloc's memory without more calls. That spares this
 * contestant the cache misses of the blocks: it favours `ffi`. In a replay, whose memory is measured, the blocks are
 * touched, by a call a block.
 *
 * @module
 */
import { openLibcAllocator, openTouch } from "../os/mod.ts";
import type { Allocator } from "../workloads/mod.ts";

/** Opens the libc's allocator behind FFI. */
export function openFfi(): Allocator<bigint> {
  const { malloc, free } = openLibcAllocator();
  return {
    nothing: 0n,
    slots: (count, shared, at) =>
      shared === undefined ? new BigUint64Array(count) : new BigUint64Array(shared, at, count),
    share: () => null,
    malloc,
    free,
    write: (_pointer, _index, _byte) => {},
    read: (_pointer, _index) => 0,
  };
}

/** The same for a replay. What it has in memory cannot be told from what Deno has. The first run on a machine compiles. */
export async function openTouchingFfi(): Promise<Allocator<bigint>> {
  const { calloc, realloc, aligned_alloc } = openLibcAllocator();
  return {
    ...openFfi(),
    ...await openTouch(),
    alignedAlloc: (alignment, size) => aligned_alloc(alignment, Math.ceil(size / alignment) * alignment),
    calloc: (size) => calloc(1, size),
    realloc: (pointer, size, _former) => realloc(pointer, size || 1), // C may free a block that gets the size 0
    address: (pointer) => pointer,
    residentBytes: () => -1,
  };
}
