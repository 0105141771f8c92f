// deno-lint-ignore-file no-unused-vars explicit-module-boundary-types
/**
 * The hot path of the default variant, generated from `template.ts` by `deno task hot`. Not to be edited: the template is,
 * whose head explains the code. Parameters that are not used here are those of other variants.
 *
 * @module
 */

import type { Compile } from "./parts.ts";

/** malloc and free for one heap. */
export const compile: Compile = (
  words,
  u8,
  heads,
  rooms,
  tag,
  bias,
  largest,
  refill,
  mallocSlow,
  freeSlow,
  isMapped,
  reject,
  counts,
  trace,
  slabMap,
  inverses,
  front,
  imul,
) => {
  function malloc(size: number): number {
    const heap = words;
    let whole: number;
    try {
      whole = size | 0;
    } catch {
      whole = NaN; // a bigint or a symbol
    }
    if (whole !== size || size >>> 0 > largest) return mallocSlow(size) - 0;
    const sizeClass = heap[(size + bias) >> 4]! | 0; // 0 in a heap that is closed: no slab has that
    const ptr = heap[heads + sizeClass]!;
    // The list leads into a slab of the class that is this thread's. Slabs have 2^16 bytes.
    if (heap[slabMap + (ptr >>> 16)] !== (sizeClass | tag)) return refill(sizeClass) | 0;
    heap[heads + sizeClass] = heap[(ptr + front) >>> 2]!;
    heap[rooms + sizeClass] = heap[rooms + sizeClass]! + 1;
    return ptr;
  }

  function free(ptr: number): void {
    const heap = words;
    let whole: number;
    try {
      whole = ptr | 0;
    } catch {
      whole = NaN;
    }
    fast: if (whole === ptr) {
      const sizeClass = heap[slabMap + (ptr >>> 16)]! ^ tag;
      // Interior pointers go the slow way. Blocks end where their slab ends, so the distance of a block from there,
      // here negative, is a multiple of the stride. The inverse is that of the class if the slab is this thread's;
      // otherwise, and for class 0, it is 0. Why the multiplication is exact: `inverseOf` in ../core/size_classes.ts.
      const inverse = heap[inverses + sizeClass]! >>> 0;
      if (!((imul(ptr | -65536, inverse) >>> 0) < inverse)) break fast;
      const head = heap[heads + sizeClass]!, room = heap[rooms + sizeClass]!;
      if (head === ptr) break fast;
      if (room > 0) {
        heap[(ptr + front) >>> 2] = head;
        heap[heads + sizeClass] = ptr;
        heap[rooms + sizeClass] = room - 1;
        return;
      }
    }
    freeSlow(ptr);
  }

  return { malloc, free };
};
