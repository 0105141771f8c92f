/**
 * `ffi`: the libc's malloc and free, each called through Deno FFI with the fastest signatures there are.
 *
 * Writes and reads do nothing, because JavaScript has no view of malloc's memory without more calls. That spares this
 * contestant the cache misses of the blocks: it favours `ffi`.
 *
 * @module
 */
import { openLibcAllocator } from "../os/mod.ts";
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
