/**
 * `none`: an allocator that does nothing. Every malloc gives the same block, so what a run of it takes is the price of
 * the harness: random stream, slots, checksum. Its time is subtracted from every other allocator's to give net nanoseconds.
 *
 * V8 inlines it whole, as it inlines the calls of a heap written in TypeScript: that is the harness those pay for.
 *
 * @module
 */
import { type Allocator, numberSlots } from "../workloads/mod.ts";

const BLOCK = 64;
const LARGEST_SIZE = 2 ** 30; // address space until it is touched; a write past it would be ignored, which is slower

/** Opens the do-nothing allocator. */
export function openNone(): Allocator<number> {
  return adapt(new Uint8Array(BLOCK + LARGEST_SIZE), BLOCK);
}

function adapt(u8: Uint8Array, block: number): Allocator<number> {
  return {
    nothing: 0,
    slots: numberSlots,
    malloc: (_size) => block,
    free: (_pointer) => {},
    share: () => null,
    alignedAlloc: (_alignment, _size) => block,
    calloc: (_size) => block,
    realloc: (_pointer, _size, _former) => block,
    write: (pointer, index, byte) => {
      u8[pointer + index] = byte;
    },
    read: (pointer, index) => u8[pointer + index] as number,
  };
}
