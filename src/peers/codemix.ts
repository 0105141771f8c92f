/**
 * `codemix`: the package `malloc` by codemix, a skip list of free blocks in one `ArrayBuffer`. The heights of its nodes
 * are random, so no two runs are quite alike; what the workloads make of it is. It throws where others do nothing or give
 * NULL: for a free of NULL, and for sizes larger than its pool. It has no realloc; a malloc, a copy and a free
 * stand for it.
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
  const malloc = (size: number) => size < POOL_BYTES ? pool.alloc(size) : 0;
  const free = (pointer: number) => {
    if (pointer !== 0) pool.free(pointer);
  };
  return {
    nothing: 0,
    slots: numberSlots,
    malloc,
    free,
    calloc: (size) => {
      const pointer = malloc(size);
      if (pointer !== 0) u8.fill(0, pointer, pointer + size);
      return pointer;
    },
    realloc: (pointer, size, former) => {
      const moved = malloc(size);
      if (moved === 0 || pointer === 0) return moved;
      u8.copyWithin(moved, pointer, pointer + Math.min(size, former));
      free(pointer);
      return moved;
    },
    mapping: u8,
    write: (pointer, index, byte) => {
      u8[pointer + index] = byte;
    },
    read: (pointer, index) => u8[pointer + index] as number,
  };
}
