/**
 * The hot path of large blocks: takes one that this thread has freed out of its span cache, and puts one in
 * (`../core/span_cache.ts`). Where that takes longer to find out, nothing is done, and `LargeBlocks` looks closer.
 *
 * The form is that of `in_place.ts`, and here it also counts what is not hot: a program that seldom needs a large block waits
 * for each line of code and of tables that has left the caches, in fifteen methods for 11 us, in one for a part of that.
 *
 * @module
 */

import { HEADER_BYTES, type LargeBlocks, MAGIC, PAGE_SHIFT } from "../core/large.ts";
import { SPAN_BLOCK_OFFSET, SPAN_LARGE, SPAN_PAGES } from "../core/page_heap.ts";
import {
  CUTS,
  GRANULE_BITS,
  KEPT,
  KEPT_PAGES,
  LEAST_PAGES,
  MOST_KEPT_PAGES,
  MOST_PAGES,
  ZEROED,
} from "../core/span_cache.ts";
import type { Flags } from "../flags.ts";
import {
  CACHE_SPANS,
  FIRST_BLOCK,
  firstWordOf,
  PAGE_BYTES,
  SLAB_BYTES,
  SLAB_SHIFT,
  SPAN_TABLE_OFFSET,
  SPAN_WORDS,
  WORD_CHARGED_PAGES,
  WORD_THREADS_USED,
} from "../state/layout.ts";
import type { HeapMemory } from "../state/memory.ts";

/** See the module. */
export interface LargePath {
  /**
   * A block that this thread has freed, for any size; or 0.
   *
   * @throws {HeaderCorruptedError} if a span's record was overwritten.
   */
  reuse(size: number): number;
  /** Frees the large block that begins at `ptr`, any number, if it is below 2 GiB, aligned as most are, and sound. */
  cache(ptr: number): boolean;
}

/**
 * Makes the functions for one heap.
 *
 * @param words The heap as `HotParts` has it.
 * @param most Sizes up to here are small.
 */
export function compileLarge(
  words: Int32Array,
  memory: HeapMemory,
  { spanCache }: LargeBlocks,
  flags: Flags,
  most: number,
): LargePath {
  if (flags.spanCache !== 1) return { reuse: () => 0, cache: () => false };
  const { state } = spanCache, zeroed = ZEROED, keptAt = KEPT, cuts = CUTS, owner = memory.thread;
  const lists = firstWordOf(owner) + CACHE_SPANS, granules = memory.granules, granuleBits = GRANULE_BITS;
  const kinds = SPAN_TABLE_OFFSET / 4, offsets = kinds + SPAN_BLOCK_OFFSET, counts = kinds + SPAN_PAGES;
  const spanWords = SPAN_WORDS, kind = SPAN_LARGE, headerBytes = HEADER_BYTES, magic = MAGIC;
  const first = memory.stateBytes / 4, firstBlock = FIRST_BLOCK, slabShift = SLAB_SHIFT, slabBytes = SLAB_BYTES;
  const toPages = HEADER_BYTES + PAGE_BYTES - 1, pageShift = PAGE_SHIFT, { clz32 } = Math;
  const leastPages = LEAST_PAGES, mostPages = MOST_PAGES, least = KEPT_PAGES, atMost = MOST_KEPT_PAGES;
  const charged = WORD_CHARGED_PAGES, used = WORD_THREADS_USED;

  function reuse(size: number): number {
    const heap = words;
    if (typeof size !== "number" || (size | 0) !== size || size <= most) return 0;
    const asked = (size + toPages) >>> pageShift;
    if (asked < leastPages || asked > mostPages) return 0;
    // Classes are eight a doubling: of `units` times so many pages.
    const shift = 28 - clz32(asked - 1), units = ((asked - 1) >> shift) + 1;
    const index = (shift << 3) + units - leastPages, granule = heap[lists + index]! | 0; // 0 in a heap that is closed
    state[zeroed] = 0;
    if (granule === 0) {
      if ((state[cuts + index]! & 1) === 1) state[cuts + index]!++;
      return 0;
    }
    const pages = units << shift, at = granule * spanWords, link = ~heap[offsets + at]!;
    const isSound = granule > 0 && granule < granules && heap[kinds + at] === kind && heap[counts + at] === pages &&
      link >>> granuleBits === owner;
    if (!isSound) return spanCache.nextOf(lists + index, granule, pages); // throws
    // No call from here on: one for which there is no stack would lose the block. Its AllocHeader is as it was.
    state[keptAt] = state[keptAt]! - pages;
    heap[lists + index] = link & ((1 << granuleBits) - 1);
    heap[offsets + at] = headerBytes;
    return granule * slabBytes + headerBytes;
  }

  function cache(ptr: number): boolean {
    const heap = words;
    if (typeof ptr !== "number" || (ptr | 0) !== ptr || ptr < firstBlock) return false;
    const granule = ptr >>> slabShift, at = granule * spanWords;
    if ((ptr & (slabBytes - 1)) !== headerBytes || granule >= granules) return false;
    const pages = heap[counts + at]!, header = first + ((ptr - headerBytes) >> 2);
    const isSound = heap[kinds + at] === kind && heap[offsets + at] === headerBytes && heap[header] === magic &&
      heap[header + 1] === granule && heap[header + 2] === pages && heap[header + 3] === (magic ^ granule ^ pages);
    if (!isSound || pages < leastPages || pages > mostPages) return false;
    const shift = 28 - clz32(pages - 1), kept = state[keptAt]! + pages, threads = heap[used]!;
    if ((pages & ((1 << shift) - 1)) !== 0) return false; // of no class
    // As `SpanCache.hasRoomFor` has it.
    const quarter = heap[charged]! >> 2, room = quarter > atMost ? atMost : quarter > least ? quarter : least;
    if (kept * (threads > 1 ? threads : 1) > room) return false;
    const list = lists + (shift << 3) + (pages >> shift) - leastPages;
    // No call from here on, as in `reuse`.
    heap[offsets + at] = ~(owner << granuleBits | heap[list]!);
    heap[list] = granule;
    state[keptAt] = kept;
    return true;
  }

  return { reuse, cache };
}
