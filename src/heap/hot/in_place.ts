/**
 * The hot path of realloc: whether a block is to stay where it is, as it is, because the new size belongs to the class
 * of the old one; and otherwise, if it is a small block of this thread that is to be small, its move. A program that grows a
 * buffer step by step asks the first most of the time. Where it takes longer to find out, the answer is no, and
 * `ReleaseBlocks.realloc` looks closer.
 *
 * The form is that of `template.ts`, for the same reasons: what it uses is a constant of the function around it, and it
 * calls nothing but the move. As methods, with calls of the layers that know the records, staying took three times as long,
 * and moving twice. They are two functions, since V8 inlines none of more than 460 bytes of its code: as one, staying took
 * twice as long.
 *
 * @module
 */

import { HEADER_BYTES, MAGIC, PAGE_SHIFT } from "../core/large.ts";
import { SPAN_BLOCK_OFFSET, SPAN_LARGE, SPAN_PAGES } from "../core/page_heap.ts";
import type { SizeClasses } from "../core/size_classes.ts";
import { MOST_PAGES } from "../core/span_cache.ts";
import type { Flags } from "../flags.ts";
import {
  INVERSES_OFFSET,
  PAGE_BYTES,
  SLAB_BYTES,
  SLAB_CARVED,
  SLAB_MAP_OFFSET,
  SLAB_SHIFT,
  SLAB_TABLE_OFFSET,
  SLAB_WORDS,
  SPAN_TABLE_OFFSET,
  SPAN_WORDS,
  tagOf,
  WORD_CLASS_OF,
} from "../state/layout.ts";
import type { HeapMemory } from "../state/memory.ts";

/** Whether the block at `ptr`, any number, has just what `malloc(size)`, any number, would give. */
export type Keeps = (ptr: number, size: number) => boolean;

/**
 * Makes the function for one heap.
 *
 * @param words The heap as `HotParts` has it.
 */
export function compileKeeps(words: Int32Array, memory: HeapMemory, classes: SizeClasses, flags: Flags): Keeps {
  const tag = tagOf(memory.thread), bias = classes.bias + WORD_CLASS_OF * 16;
  // Headers of small blocks are to be looked at, and without the span cache large blocks have no classes: -1 and 2^31.
  const largest = flags.header === "none" ? classes.largest : -1;
  const above = flags.spanCache === 1 ? classes.largest : 2 ** 31;
  const blocks = Int32Array.from(classes.blocks), strides = Int32Array.from(classes.strides);
  const slabMap = SLAB_MAP_OFFSET / 4, inverses = INVERSES_OFFSET / 4, first = memory.stateBytes / 4;
  const slabShift = SLAB_SHIFT, slabMask = SLAB_BYTES - 1;
  const carved = SLAB_TABLE_OFFSET / 4 + SLAB_CARVED, slabWords = SLAB_WORDS;
  const kinds = SPAN_TABLE_OFFSET / 4, offsets = kinds + SPAN_BLOCK_OFFSET, counts = kinds + SPAN_PAGES;
  const spanWords = SPAN_WORDS, kind = SPAN_LARGE, headerBytes = HEADER_BYTES, magic = MAGIC;
  const toPages = HEADER_BYTES + PAGE_BYTES - 1, pageShift = PAGE_SHIFT, most = MOST_PAGES, { imul, clz32 } = Math;

  return function keeps(ptr, size) {
    const heap = words;
    let isWhole: boolean;
    try {
      isWhole = (ptr | 0) === ptr && (size | 0) === size;
    } catch {
      isWhole = false; // a bigint or a symbol
    }
    if (!isWhole) return false;
    const granule = ptr >>> slabShift;
    if (size >>> 0 <= largest) {
      // As free has it, in `template.ts`; and that the block was given out once, as `FrontGate.smallClass` has it.
      const sizeClass = heap[slabMap + granule]! ^ tag;
      if (heap[(size + bias) >> 4] !== sizeClass) return false;
      const inverse = heap[inverses + sizeClass]! >>> 0, fromEnd = ptr | ~slabMask;
      if (!((imul(fromEnd, inverse) >>> 0) < inverse)) return false;
      return -fromEnd > imul(blocks[sizeClass]! - heap[carved + granule * slabWords]!, strides[sizeClass]!);
    }
    if (size <= above || (ptr & slabMask) !== headerBytes) return false;
    // Its pages are those of the size's class, `usualPages(size)`: they are eight a doubling.
    const at = granule * spanWords, pages = heap[counts + at]!, least = (size + toPages) >>> pageShift;
    if (!(pages >= least && pages <= most && pages - least < 1 << (28 - clz32(least - 1)))) return false;
    const header = first + ((ptr - headerBytes) >> 2);
    return heap[kinds + at] === kind && heap[offsets + at] === headerBytes && heap[header] === magic &&
      heap[header + 1] === granule && heap[header + 2] === pages && heap[header + 3] === (magic ^ granule ^ pages);
  };
}

/**
 * Moves the block at `ptr`, any number, to one that `malloc(size)` gives, size being any number: what `move` returns;
 * or -1, and nothing is done, if it is not a small block of this thread, or is not to be one.
 */
export type Moves = (ptr: number, size: number) => number;

/**
 * Makes the function for one heap.
 *
 * @param words The heap as `HotParts` has it.
 * @param move Gives a block that has so many bytes another size, elsewhere.
 */
export function compileMoves(
  words: Int32Array,
  memory: HeapMemory,
  classes: SizeClasses,
  flags: Flags,
  move: (ptr: number, before: number, size: number) => number,
): Moves {
  const tag = tagOf(memory.thread), slabMap = SLAB_MAP_OFFSET / 4, inverses = INVERSES_OFFSET / 4;
  const blocks = Int32Array.from(classes.blocks), strides = Int32Array.from(classes.strides);
  const usable = Int32Array.from(classes.usable), largest = flags.header === "none" ? classes.largest : -1;
  const carved = SLAB_TABLE_OFFSET / 4 + SLAB_CARVED, slabWords = SLAB_WORDS, { imul } = Math;
  const slabShift = SLAB_SHIFT, slabMask = SLAB_BYTES - 1;

  return function moves(ptr, size) {
    const heap = words;
    if (typeof ptr !== "number" || typeof size !== "number" || (ptr | 0) !== ptr) return -1;
    if ((size | 0) !== size || size >>> 0 > largest) return -1;
    const granule = ptr >>> slabShift, sizeClass = heap[slabMap + granule]! ^ tag;
    const inverse = heap[inverses + sizeClass]! >>> 0, fromEnd = ptr | ~slabMask;
    if (!((imul(fromEnd, inverse) >>> 0) < inverse)) return -1;
    const untouched = imul(blocks[sizeClass]! - heap[carved + granule * slabWords]!, strides[sizeClass]!);
    return -fromEnd > untouched ? move(ptr, usable[sizeClass]!, size) : -1;
  };
}
