/**
 * `codemix`: the package `malloc` by codemix, a skip list of free blocks in one `ArrayBuffer`. The heights of its nodes
 * are random, so no two runs are quite alike; what the workloads make of it is.
 *
 * @module
 */
// @ts-types="./codemix_malloc.d.ts"
import SkipListAllocator from "malloc";
import { type Allocator, numberSlots } from "../workloads/mod.ts";

const POOL_BYTES = 2 ** 30; // address space until it is touched; a signed 32-bit slot holds any pointer into it

/** Opens a pool. */
export function openCodemix(): Allocator<number> {
  const buffer = new ArrayBuffer(POOL_BYTES);
  return adapt(new SkipListAllocator(buffer), new Uint8Array(buffer));
}

function adapt(pool: SkipListAllocator, u8: Uint8Array): Allocator<number> {
  return {
    nothing: 0,
    slots: numberSlots,
    malloc: (size) => pool.alloc(size),
    free: (pointer) => {
      pool.free(pointer);
    },
    write: (pointer, index, byte) => {
      u8[pointer + index] = byte;
    },
    read: (pointer, index) => u8[pointer + index] as number,
  };
}
