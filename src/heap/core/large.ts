/**
 * Large blocks: what no size class serves. Each has a span of its own, with a 16-byte AllocHeader in front of the block:
 *
 * ```
 *   span                     block - 16                                block
 *   | (alignment over 16) ... | magic | granule | pages | magic ^ granule ^ pages | user data, to the last page's end |
 * ```
 *
 * Which blocks exist, and where, is known from the span table alone, which no user can write to. The header is
 * evidence: if it is damaged, something was written before the start of the block.
 *
 * What is freed waits in its thread's span cache to be given out again (`span_cache.ts`). Blocks up to 8 MiB have as many pages
 * as their class there, so that `realloc` often finds that a block has room.
 *
 * @module
 */

import { damaged } from "../state/damage.ts";
import { HeaderCorruptedError, hex } from "../errors.ts";
import type { Flags } from "../flags.ts";
import type { Journal } from "../state/journal.ts";
import {
  BLOCK_ALIGNMENT,
  FIRST_BLOCK,
  PAGE_BYTES,
  SLAB_BYTES,
  WORD_LARGE_BLOCKS,
  WORD_LARGE_PAGES,
} from "../state/layout.ts";
import type { HeapMemory } from "../state/memory.ts";
import {
  type PageHeap,
  SPAN_BLOCK_OFFSET,
  SPAN_LARGE,
  SPAN_PAGES,
  SPAN_SAMPLED,
  SPAN_WAS_CLEAN,
  type SpanPlace,
} from "./page_heap.ts";
import { roundPages, SpanCache, ZEROED } from "./span_cache.ts";

/** Bytes of an AllocHeader. */
export const HEADER_BYTES = 16;
/** What each of them begins with: "LARG". */
export const MAGIC = 0x4c415247;
const PAGES_PER_GRANULE = SLAB_BYTES / PAGE_BYTES;
/** Bits of a page. */
export const PAGE_SHIFT = 31 - Math.clz32(PAGE_BYTES);
/**
 * Where the block of guarded pages begins in its span (`../guard/`): the header is at the end of the first page. No
 * other block begins there, since it is not a power of two.
 */
const GUARDED_OFFSET = PAGE_BYTES - HEADER_BYTES;
/** What a profiled heap knows of its sampled blocks, by their granules. */
export interface SampledSpans {
  /** Bytes that a user may write of a small block, which has a span because it is sampled; 0 for a large one. */
  smallUsable(granule: number): number;
}

/** Spans of guarded pages: see `LargeBlocks`. */
export type GuardedSpans = Pick<LargeBlocks, "takeGuarded" | "giveGuarded" | "guarded" | "isGuarded" | "granulesOf">;

/** See the module. A block is known by its span's first granule. */
export class LargeBlocks {
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #pages: PageHeap;
  readonly #journal: Journal;
  readonly #hasCache: boolean;
  /** What waits to be given out again; `../hot/large_path.ts` takes from it, too. */
  readonly spanCache: SpanCache;
  /** Of a profiled heap. */
  samples: SampledSpans | undefined;

  constructor(memory: HeapMemory, pages: PageHeap, { spanCache }: Flags) {
    this.#memory = memory;
    this.spanCache = new SpanCache(memory, pages);
    this.#hasCache = spanCache === 1;
    this.#words = memory.words;
    this.#pages = pages;
    this.#journal = memory.journal;
  }

  /** Pages of a block of so many bytes that begins at an offset in its span; one of no bytes begins inside of it, too. */
  #pagesOf(offset: number, size: number): number {
    const pages = Math.ceil((offset + Math.max(1, size)) / PAGE_BYTES);
    return this.#hasCache && offset === HEADER_BYTES ? roundPages(pages) : pages;
  }

  /** Bytes that the user of a block of so many may write. */
  goodSize(size: number): number {
    return this.#pagesOf(HEADER_BYTES, size) * PAGE_BYTES - HEADER_BYTES;
  }

  /** Whether a large block that was made just now reads as zero, as far as that is known. */
  isZero(ptr: number): boolean {
    const zeroed = this.spanCache.state[ZEROED]!;
    return zeroed !== 0 && ptr === this.ptrOf(zeroed);
  }

  /**
   * A block, its native address aligned to a power of two of at least 16; 0 if there is no memory.
   *
   * @param isSmall whether it stands for a small one, and so has to be below 2 GiB.
   */
  alloc(size: number, alignment = BLOCK_ALIGNMENT, isSmall = false): number {
    // Over 64 KiB it is the span that is aligned, such that its second granule has the address.
    const offset = Math.min(Math.max(alignment, HEADER_BYTES), SLAB_BYTES);
    const pages = this.#pagesOf(offset, size), granules = Math.ceil(pages / PAGES_PER_GRANULE);
    if (granules > this.#memory.granules) return 0;
    // What waits in the cache is in memory already: better than pages that nobody has touched yet. If none of it will do,
    // all goes, since neighbours may make a span that does.
    const isWanted = !isSmall && this.spanCache.kept > 0;
    if (isWanted && !this.#journal.run(() => this.#makeDirty(granules))) this.#flush();
    return this.#journal.run(() =>
      this.#take(offset, pages, granules, this.#alignment(alignment), isSmall ? "low half" : "anywhere")
    );
  }

  /**
   * A span of so many pages whose block no call but those for guarded ones finds: its first granule; 0 without memory.
   *
   * @param isSmall as in `alloc`.
   */
  takeGuarded(pages: number, isSmall: boolean): number {
    const granules = Math.ceil(pages / PAGES_PER_GRANULE);
    if (granules > this.#memory.granules) return 0;
    const ptr = this.#journal.run(() =>
      this.#take(GUARDED_OFFSET, pages, granules, undefined, isSmall ? "low" : "anywhere")
    );
    return Math.floor(ptr / SLAB_BYTES);
  }

  /** Gives such a span back. */
  giveGuarded(granule: number): void {
    this.#give(granule);
  }

  /** First granules of those spans, in order of address. */
  guarded(): number[] {
    return this.#journal.run(() => [...this.#pages.spans()].filter((granule) => this.isGuarded(granule)));
  }

  /** Granules of such a span. */
  granulesOf(granule: number): number {
    return this.#pages.granulesOf(granule);
  }

  /** Whether one begins at a granule, any number. */
  isGuarded(granule: number): boolean {
    return this.#pages.kindOf(granule) === SPAN_LARGE && !this.spanCache.has(granule) &&
      this.#pages.wordOf(granule, SPAN_BLOCK_OFFSET) === GUARDED_OFFSET;
  }

  #take(
    offset: number,
    pages: number,
    granules: number,
    aligned: ((first: number) => number) | undefined,
    where: SpanPlace,
  ): number {
    if (!this.#memory.charge(pages)) return 0;
    const granule = this.#pages.takeLarge(granules, aligned, where);
    if (granule === 0) {
      this.#memory.discharge(pages);
      return 0;
    }
    const wasClean = this.#pages.wordOf(granule, SPAN_WAS_CLEAN) === 1;
    this.#pages.setWord(granule, SPAN_BLOCK_OFFSET, offset);
    this.#journal.add(WORD_LARGE_BLOCKS, 1);
    this.#setPages(granule, pages, 0);
    this.spanCache.state[ZEROED] = wasClean ? granule : 0;
    return this.ptrOf(granule);
  }

  #alignment(alignment: number): ((first: number) => number) | undefined {
    if (alignment <= SLAB_BYTES) return undefined;
    const step = alignment / SLAB_BYTES;
    const base = Number(this.#memory.base / BigInt(SLAB_BYTES)) % step;
    return (first) => first + (step - (base + first + 1) % step) % step;
  }

  /** First granule of the block that begins at `ptr`, or 0 if none does; for any number. */
  find(ptr: number): number {
    if (!Number.isSafeInteger(ptr) || ptr < FIRST_BLOCK || ptr >= this.#memory.bytes) return 0;
    const granule = ((ptr - HEADER_BYTES) / SLAB_BYTES) | 0;
    if (ptr % SLAB_BYTES === GUARDED_OFFSET) return 0;
    return this.#pages.kindOf(granule) === SPAN_LARGE && this.ptrOf(granule) === ptr ? granule : 0;
  }

  /** Frees a block that `find` found. @throws {HeaderCorruptedError} and does nothing if its header is damaged. */
  free(granule: number): void {
    this.assertHeader(granule);
    const pages = this.#pages.wordOf(granule, SPAN_PAGES);
    // Neither aligned nor sampled: a sample is forgotten with the span's record.
    const isUsual = this.#pages.wordOf(granule, SPAN_BLOCK_OFFSET) === HEADER_BYTES;
    if (this.#hasCache && isUsual && this.spanCache.mayHold(pages)) {
      if (!this.spanCache.hasRoomFor(pages)) this.flush(); // what it holds may be of no use any more
      return this.spanCache.put(granule, pages);
    }
    this.#give(granule);
  }

  #give(granule: number): void {
    this.#journal.run(() => this.#release(granule, this.#header(granule)));
    // The block is freed, even if the stack is too full now for more.
    try {
      this.#pages.trim();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  #release(granule: number, header: number): void {
    const pages = this.#pages.wordOf(granule, SPAN_PAGES);
    this.#journal.clear(header, HEADER_BYTES / 4);
    this.#journal.add(WORD_LARGE_BLOCKS, -1);
    this.#journal.add(WORD_LARGE_PAGES, -pages);
    this.#memory.discharge(pages);
    this.#pages.give(granule);
  }

  /**
   * Sees to it that so many granules in a row can be taken which were touched before, if there are any; or may be taken
   * which were not. Whether it could. Part of a section.
   */
  #makeDirty(granules: number): boolean {
    const least = (granules - 1) * PAGES_PER_GRANULE + 1;
    if (this.#pages.hasDirty(granules) || this.#releaseCached(least, false)) return true;
    return this.spanCache.hasLonger(least) && (this.#pages.mayTouch(granules) || this.#releaseCached(least));
  }

  /** Gives all that this thread has cached back to the page heap. Each span is a section. */
  flush(): void {
    this.spanCache.forgetCuts();
    this.#flush();
  }

  #flush(): void {
    while (this.#journal.run(() => this.#releaseCached()));
    this.#pages.trim();
  }

  /** Gives one that has at least so many pages back to the page heap; whether there was one. Part of a section. */
  #releaseCached(least?: number, mayMiss?: boolean): boolean {
    const granule = this.spanCache.remove(least, mayMiss);
    if (granule !== 0) this.#release(granule, this.#memory.wordOf(granule * SLAB_BYTES));
    return granule !== 0;
  }

  /** The same of a thread, by its entry. `mayGo`, in each section: whether it is dead still. */
  flushDead(owner: number, mayGo: () => boolean): void {
    for (const granule of this.#journal.run(() => mayGo() ? [...this.spanCache.of(owner)] : [])) {
      this.#journal.run(() => {
        if (mayGo() && this.spanCache.isOf(granule, owner)) {
          this.#release(granule, this.#memory.wordOf(granule * SLAB_BYTES));
        }
      });
    }
    this.#journal.run(() => mayGo() && this.spanCache.clear(owner));
  }

  /** Makes a block larger or smaller where it is, if it can be. @throws {HeaderCorruptedError} as `free` does. */
  resize(granule: number, size: number): boolean {
    if (this.hasPagesOf(granule, size)) return true;
    const fits = this.#journal.run(() => this.#resize(granule, size));
    try {
      this.#pages.trim(); // as in `free`
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    return fits;
  }

  /** Whether a block has just the pages of one of so many bytes. */
  hasPagesOf(granule: number, size: number): boolean {
    return this.#pagesOf(this.#offsetOf(granule), size) === this.#pages.wordOf(granule, SPAN_PAGES);
  }

  #resize(granule: number, size: number): boolean {
    this.assertHeader(granule);
    const pages = this.#pagesOf(this.#offsetOf(granule), size);
    const granules = Math.ceil(pages / PAGES_PER_GRANULE);
    const before = this.#pages.wordOf(granule, SPAN_PAGES);
    if (pages > before) {
      if (!this.#memory.charge(pages - before)) return false;
      if (granules > this.#pages.granulesOf(granule) && !this.#pages.growInPlace(granule, granules)) {
        this.#memory.discharge(pages - before);
        return false;
      }
    } else {
      this.#memory.discharge(before - pages);
      this.#pages.shrinkInPlace(granule, granules);
    }
    this.#setPages(granule, pages, before);
    if (this.isSampled(granule)) this.unsample(granule); // to the profile it is freed, and another one allocated
    return true;
  }

  /** Bytes that a block's user may write. @throws {HeaderCorruptedError} if its span does not have them. */
  usable(granule: number): number {
    const offset = this.#offsetOf(granule), pages = this.#pages.wordOf(granule, SPAN_PAGES);
    const fits = offset >= HEADER_BYTES && offset < pages * PAGE_BYTES &&
      pages <= this.#pages.granulesOf(granule) * PAGES_PER_GRANULE;
    if (!fits) throw damaged(`the large block at granule ${granule} is not inside its span`);
    const small = this.isSampled(granule) ? this.samples?.smallUsable(granule) : 0;
    return small || pages * PAGE_BYTES - offset;
  }

  ptrOf(granule: number): number {
    return granule * SLAB_BYTES + this.#offsetOf(granule);
  }

  #offsetOf(granule: number): number {
    return this.#pages.wordOf(granule, SPAN_BLOCK_OFFSET) & ~SPAN_SAMPLED;
  }

  /** Whether the block of a span is sampled: until it is freed, or `unsample`. */
  isSampled(granule: number): boolean {
    return (this.#pages.wordOf(granule, SPAN_BLOCK_OFFSET) & SPAN_SAMPLED) !== 0;
  }

  /** The block of a span is sampled from now on. No section: it is of a call that has not given it to the program yet. */
  sample(granule: number): void {
    const word = this.#pages.indexOf(granule, SPAN_BLOCK_OFFSET);
    this.#words[word] = this.#words[word]! | SPAN_SAMPLED;
  }

  /** The sample is forgotten of a block that stays. Part of a section. */
  unsample(granule: number): void {
    this.#pages.setWord(granule, SPAN_BLOCK_OFFSET, this.#offsetOf(granule));
  }

  /** Every large block's first granule, in order of address, without those of guarded pages. */
  *granules(): Generator<number> {
    for (const granule of this.#pages.spans()) {
      const isLarge = this.#pages.kindOf(granule) === SPAN_LARGE;
      if (isLarge && !this.spanCache.has(granule) && !this.isGuarded(granule)) yield granule;
    }
  }

  /** Whether a span has a block that was freed, and waits to be given out again. */
  isCached(granule: number): boolean {
    return this.spanCache.has(granule);
  }

  /** @throws {HeaderCorruptedError} if the bytes in front of a block are not as they were written. */
  assertHeader(granule: number): void {
    const at = this.#header(granule), pages = this.#pages.wordOf(granule, SPAN_PAGES), words = this.#words;
    const isSound = words[at] === MAGIC && words[at + 1] === granule && words[at + 2] === pages &&
      words[at + 3] === (MAGIC ^ granule ^ pages);
    if (isSound) return;
    const ptr = this.ptrOf(granule);
    throw new HeaderCorruptedError(
      `the 16 bytes in front of the large block ${hex(ptr)} were overwritten, so something was written before its ` +
        `start. It stays as it is.`,
      ptr,
    );
  }

  #header(granule: number): number {
    return this.#memory.wordOf(this.ptrOf(granule) - HEADER_BYTES);
  }

  #setPages(granule: number, pages: number, before: number): void {
    this.#pages.setWord(granule, SPAN_PAGES, pages);
    this.#journal.add(WORD_LARGE_PAGES, pages - before);
    const header = this.#header(granule);
    this.#journal.set(header, MAGIC);
    this.#journal.set(header + 1, granule);
    this.#journal.set(header + 2, pages);
    this.#journal.set(header + 3, MAGIC ^ granule ^ pages);
  }
}
