/**
 * `uint8array`: what a JavaScript program does without an allocator. A block is `new Uint8Array(size)`, free drops the
 * reference, and the garbage collector does the rest, inside and outside the measured turns.
 *
 * @module
 */
import type { Allocator, Slots } from "../workloads/mod.ts";

/** Opens the garbage collector. */
export function openUint8Array(): Allocator<Uint8Array | null> {
  return {
    nothing: null,
    slots: (count): Slots<Uint8Array | null> => new Array<Uint8Array | null>(count).fill(null),
    malloc: (size) => new Uint8Array(size),
    free: (_pointer) => {},
    calloc: (size) => new Uint8Array(size),
    realloc: (pointer, size, former) => {
      const moved = new Uint8Array(size);
      if (pointer !== null) moved.set(pointer.subarray(0, Math.min(size, former)));
      return moved;
    },
    write: (pointer, index, byte) => {
      (pointer as Uint8Array)[index] = byte;
    },
    read: (pointer, index) => (pointer as Uint8Array)[index] as number,
  };
}
