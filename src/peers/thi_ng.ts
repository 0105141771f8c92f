/**
 * `thi.ng`: `MemPool` of `@thi.ng/malloc`, first fit over linked lists in one `ArrayBuffer`, with its defaults (blocks
 * are split and merged). Its free walks the list of used blocks, so its time grows with the number of live blocks.
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
  return {
    nothing: 0,
    slots: numberSlots,
    malloc: (size) => pool.malloc(size),
    free: (pointer) => {
      pool.free(pointer);
    },
    write: (pointer, index, byte) => {
      u8[pointer + index] = byte;
    },
    read: (pointer, index) => u8[pointer + index] as number,
  };
}
