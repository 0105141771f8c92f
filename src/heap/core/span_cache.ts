/**
 * The span cache: large blocks that a thread has freed, by class, to be given out again. A section of the page heap
 * takes half a microsecond, and programs free and allocate the same large sizes again and again; this takes a few stores.
 *
 * ```
 *   CACHE_SPANS[c] of a thread -> span -> span -> 0      latest first
 *   a span's record: | kind: large | granules | ~(owner << 24 | next) | pages |
 * ```
 *
 * Classes are eight a doubling, as the small ones: so a block has at most an eighth more than was asked for, of address space;
 * pages that nobody touches cost nothing. A span in here is charged and counted as its block was, and is a block no
 * longer: its word for the block's offset is negative, so no pointer leads to it. It keeps its header.
 *
 * Only the thread that has the block writes the span's record, so this needs neither a section nor a lock. The record says
 * whose the span is, not the list: so a thread that dies between the two stores loses no span (`of`). The cache is bounded
 * in bytes. A block of another class is cut out of the shortest that is long enough. Where a cut was missed twice, as a block
 * of the span's own class was asked for in vain afterwards, that class is spared while the heap may touch other memory: a
 * program that does the same again and again would cut the same span again and again. All spans go back when the heap grows,
 * in `collect()`, before a call fails for want of memory, and with their thread.
 *
 * @module
 */

import { damaged } from "../state/damage.ts";
import { CACHE_SPANS, firstWordOf, MIB, PAGE_BYTES, SPAN_CLASSES, WORD_CHARGED_PAGES } from "../state/layout.ts";
import type { HeapMemory } from "../state/memory.ts";
import { type PageHeap, SPAN_BLOCK_OFFSET, SPAN_LARGE, SPAN_PAGES } from "./page_heap.ts";

/** Blocks of as many pages are the first and the last that have classes: from 32 KiB to 8 MiB. */
export const LEAST_PAGES = 9;
export const MOST_PAGES = 2048;
/** Threads keep so many pages, or a quarter of what the heap has in use if that is more, up to the second; in shares. */
export const KEPT_PAGES = 8 * MIB / PAGE_BYTES;
export const MOST_KEPT_PAGES = 64 * MIB / PAGE_BYTES;

/** A class of which so many cuts were missed is spared. With one, the first replay of systemui took 12.4 MB, was 12.2. */
const MOST_MISSED = 2;

/** In the word of a cached span: bits of the next one, a granule; above them is the owner. */
export const GRANULE_BITS = 24;

/** Words of a thread's own state: see `SpanCache.state`. */
export const CUTS = 0;
export const KEPT = SPAN_CLASSES;
export const ZEROED = KEPT + 1;
const STATE_WORDS = ZEROED + 1;

/** The pages of a class that has room for so many; the same number where there is none. */
export function roundPages(pages: number): number {
  if (pages <= LEAST_PAGES || pages > MOST_PAGES) return pages;
  const step = 1 << (28 - Math.clz32(pages - 1));
  return (pages + step - 1) & -step;
}

/** The class of so many pages, which are all that it has; -1 if there is none. */
function classOf(pages: number): number {
  if (pages < LEAST_PAGES || pages > MOST_PAGES) return -1;
  const shift = 28 - Math.clz32(pages - 1);
  return (pages & ((1 << shift) - 1)) === 0 ? shift * 8 + (pages >> shift) - LEAST_PAGES : -1;
}

/** See the module. */
export class SpanCache {
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #pages: PageHeap;
  /** Index of the word of this thread's first class. */
  readonly #first: number;
  readonly #owner: number;
  /**
   * By class: twice the cuts that were missed, and one more if there was a cut after that. Behind them the pages of this
   * thread's cached spans, and the granule of the large block that was made last, if it reads as zero; else 0.
   */
  readonly state = new Int32Array(STATE_WORDS);

  constructor(memory: HeapMemory, pages: PageHeap) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#pages = pages;
    this.#first = firstWordOf(memory.thread) + CACHE_SPANS;
    this.#owner = memory.thread;
  }

  /**
   * The span behind the first of a list of this thread's, or 0.
   *
   * @throws {HeaderCorruptedError} if the first is not such a span. What is behind it goes back with the thread.
   */
  nextOf(list: number, granule: number, pages: number): number {
    const link = ~this.#pages.wordOf(granule, SPAN_BLOCK_OFFSET);
    if (this.#isCached(granule, pages) && link >>> GRANULE_BITS === this.#owner) {
      return link & ((1 << GRANULE_BITS) - 1);
    }
    this.#words[list] = 0;
    throw damaged(`a thread's list of spans of ${pages} pages leads to granule ${granule}`);
  }

  /** Whether so many pages are of a class, and few enough to be put in, once there is room. */
  mayHold(pages: number): boolean {
    return classOf(pages) >= 0 && pages <= this.#most;
  }

  /** Pages of the spans that this thread has cached. */
  get kept(): number {
    return this.state[KEPT]!;
  }

  /** Whether there is room for them. */
  hasRoomFor(pages: number): boolean {
    return this.kept + pages <= this.#most;
  }

  get #most(): number {
    const most = Math.min(MOST_KEPT_PAGES, Math.max(KEPT_PAGES, this.#words[WORD_CHARGED_PAGES]! >> 2));
    const threads = this.#memory.threads.used;
    return threads > 1 ? most / threads : most;
  }

  /** Puts a block's span in. */
  put(granule: number, pages: number): void {
    const words = this.#words, list = this.#first + classOf(pages);
    const word = this.#pages.indexOf(granule, SPAN_BLOCK_OFFSET);
    // No call from here on: one for which there is no stack would leave it half done.
    words[word] = ~(this.#owner << GRANULE_BITS | words[list]!);
    words[list] = granule;
    this.state[KEPT]! += pages;
  }

  /**
   * Takes the shortest of at least so many pages out for the page heap; 0 if there is none. Part of a section.
   *
   * @param mayMiss whether it may be of a class that is spared.
   * @throws {HeaderCorruptedError} as `nextOf`.
   */
  remove(least = 0, mayMiss = true): number {
    for (let index = 0; index < SPAN_CLASSES; index++) {
      const list = this.#first + index, granule = this.#words[list]!, pages = (index & 7) + LEAST_PAGES << (index >> 3);
      if (granule === 0 || pages < least || (!mayMiss && this.state[CUTS + index]! >= 2 * MOST_MISSED)) continue;
      this.#memory.journal.set(list, this.nextOf(list, granule, pages));
      this.state[KEPT] = Math.max(0, this.kept - pages);
      if (least > 0 && this.state[CUTS + index]! < 2 * MOST_MISSED) this.state[CUTS + index]! |= 1;
      return granule;
    }
    if (least === 0) this.state[KEPT] = 0;
    return 0;
  }

  /** Whether there is one of at least so many pages. */
  hasLonger(least: number): boolean {
    for (let index = SPAN_CLASSES - 1; index >= 0; index--) {
      if ((index & 7) + LEAST_PAGES << (index >> 3) < least) return false;
      if (this.#words[this.#first + index] !== 0) return true;
    }
    return false;
  }

  /** Forgets which cuts were missed: the program goes on to something else, or memory is short. */
  forgetCuts(): void {
    this.state.fill(0, CUTS, CUTS + SPAN_CLASSES);
  }

  /** Forgets the lists of a dead thread. Part of a section. */
  clear(owner: number): void {
    this.#memory.journal.clear(firstWordOf(owner) + CACHE_SPANS, SPAN_CLASSES);
  }

  /** The cached spans of a thread, whether they are on its lists or not. Part of a section. Cost: a walk over all spans. */
  *of(owner: number): Generator<number> {
    for (const granule of this.#pages.spans()) if (this.isOf(granule, owner)) yield granule;
  }

  /** Whether a span is in the cache of any thread. */
  has(granule: number): boolean {
    return this.#isCached(granule, this.#pages.wordOf(granule, SPAN_PAGES));
  }

  /** Whether it is in that of one. */
  isOf(granule: number, owner: number): boolean {
    return this.has(granule) && ~this.#pages.wordOf(granule, SPAN_BLOCK_OFFSET) >>> GRANULE_BITS === owner;
  }

  #isCached(granule: number, pages: number): boolean {
    const pageHeap = this.#pages;
    return pageHeap.kindOf(granule) === SPAN_LARGE && pageHeap.wordOf(granule, SPAN_PAGES) === pages &&
      pageHeap.wordOf(granule, SPAN_BLOCK_OFFSET) < 0;
  }
}
