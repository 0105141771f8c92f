/**
 * `thi.ng`: `MemPool` of `@thi.ng/malloc`, first fit over linked lists in one `ArrayBuffer`, with its defaults (blocks
 * are split and merged). Its free walks the list of used blocks, so its time grows with the number of live blocks. Its own
 * realloc copies out of a block that it has freed, so a malloc, a copy and a free stand for it; malloc(0) is malloc(1).
 *
 * @module
 */
import { MemPool } from "@thi.ng/malloc";
import { type Allocator, numberSlots } from "../workloads/mod.ts";

const POOL_BYTES = 2 ** 30; // address space until it is touched; a signed 32-bit slot holds any pointer into it

/** Opens a pool. */
export function openThiNg(): Allocator<number> {
  const pool = new MemPool({ size: POOL_BYTES });
  return adapt(pool, new Uint8Array(pool.buf));
}

function adapt(pool: MemPool, u8: Uint8Array): Allocator<number> {
  const malloc = (size: number) => pool.malloc(size || 1);
  return {
    nothing: 0,
    slots: numberSlots,
    malloc,
    free: (pointer) => {
      pool.free(pointer);
    },
    calloc: (size) => pool.calloc(size || 1),
    realloc: (pointer, size, former) => {
      const moved = malloc(size);
      if (moved === 0 || pointer === 0) return moved;
      u8.copyWithin(moved, pointer, pointer + Math.min(size, former));
      pool.free(pointer);
      return moved;
    },
    mapping: u8,
    write: (pointer, index, byte) => {
      u8[pointer + index] = byte;
    },
    read: (pointer, index) => u8[pointer + index] as number,
  };
}
