/**
 * Large blocks: what no size class serves. Each has a span of its own, with a 16-byte AllocHeader in front of the block:
 *
 * ```
 *   span                     block - 16                                block
 *   | (alignment over 16) ... | magic | unit | pages | magic ^ unit ^ pages | user data, to the last page's end |
 * ```
 *
 * Which blocks exist, and where, is known from the span table alone, which no user can write to; the header is there
 * to be found damaged: something was written before the start of the block.
 *
 * @module
 */

import { damaged } from "./damage.ts";
import { HeaderCorruptedError, hex } from "./errors.ts";
import type { Journal } from "./journal.ts";
import { BLOCK_ALIGNMENT, FIRST_BLOCK, PAGE_BYTES, SLAB_BYTES, WORD_LARGE_BLOCKS, WORD_LARGE_PAGES } from "./layout.ts";
import type { HeapMemory } from "./memory.ts";
import { type PageHeap, SPAN_BLOCK_OFFSET, SPAN_LARGE, SPAN_PAGES, SPAN_WAS_CLEAN } from "./page_heap.ts";

/** Bytes of an AllocHeader. */
export const HEADER_BYTES = 16;
const MAGIC = 0x4c415247; // "LARG"
const PAGES_PER_UNIT = SLAB_BYTES / PAGE_BYTES;

/** See the module. A block is known by its span's first unit. */
export class LargeBlocks {
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #pages: PageHeap;
  readonly #journal: Journal;
  /** Whether the block that `alloc` made last reads as zero. */
  lastIsZero = false;

  constructor(memory: HeapMemory, pages: PageHeap) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#pages = pages;
    this.#journal = memory.journal;
  }

  /** A block, its native address aligned to a power of two of at least 16; 0 if there is no memory. */
  alloc(size: number, alignment = BLOCK_ALIGNMENT): number {
    // Over 64 KiB it is the span that is aligned, such that its second unit has the address.
    const offset = Math.min(Math.max(alignment, HEADER_BYTES), SLAB_BYTES);
    // A block of no bytes has one all the same: where it begins must be inside its span.
    const pages = Math.ceil((offset + Math.max(1, size)) / PAGE_BYTES), units = Math.ceil(pages / PAGES_PER_UNIT);
    if (units > this.#memory.units) return 0;
    return this.#journal.run(() => this.#take(offset, pages, units, this.#alignment(alignment)));
  }

  #take(offset: number, pages: number, units: number, aligned: ((first: number) => number) | undefined): number {
    if (!this.#memory.charge(pages)) return 0;
    const unit = this.#pages.takeLarge(units, aligned);
    if (unit === 0) {
      this.#memory.discharge(pages);
      return 0;
    }
    this.lastIsZero = this.#pages.wordOf(unit, SPAN_WAS_CLEAN) === 1;
    this.#pages.setWord(unit, SPAN_BLOCK_OFFSET, offset);
    this.#journal.add(WORD_LARGE_BLOCKS, 1);
    this.#setPages(unit, pages, 0);
    return this.ptrOf(unit);
  }

  #alignment(alignment: number): ((first: number) => number) | undefined {
    if (alignment <= SLAB_BYTES) return undefined;
    const step = alignment / SLAB_BYTES;
    const base = Number(this.#memory.base / BigInt(SLAB_BYTES)) % step;
    return (first) => first + (step - (base + first + 1) % step) % step;
  }

  /** First unit of the block that begins at `ptr`, or 0 if none does; for any number. */
  find(ptr: number): number {
    if (!Number.isSafeInteger(ptr) || ptr < FIRST_BLOCK || ptr >= this.#memory.bytes) return 0;
    const unit = Math.floor((ptr - HEADER_BYTES) / SLAB_BYTES);
    return this.#pages.kindOf(unit) === SPAN_LARGE && this.ptrOf(unit) === ptr ? unit : 0;
  }

  /** Frees a block that `find` found. @throws {HeaderCorruptedError} and does nothing if its header is damaged. */
  free(unit: number): void {
    this.#journal.run(() => {
      this.assertHeader(unit);
      const pages = this.#pages.wordOf(unit, SPAN_PAGES);
      this.#journal.clear(this.#header(unit), HEADER_BYTES / 4);
      this.#journal.add(WORD_LARGE_BLOCKS, -1);
      this.#journal.add(WORD_LARGE_PAGES, -pages);
      this.#memory.discharge(pages);
      this.#pages.give(unit);
    });
    // The block is freed, even if the stack is too full now for more.
    try {
      this.#pages.trim();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  /** Makes a block larger or smaller where it is, if it can be. @throws {HeaderCorruptedError} as `free` does. */
  resize(unit: number, size: number): boolean {
    const fits = this.#journal.run(() => this.#resize(unit, size));
    try {
      this.#pages.trim(); // as in `free`
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    return fits;
  }

  #resize(unit: number, size: number): boolean {
    this.assertHeader(unit);
    const pages = Math.ceil((this.#pages.wordOf(unit, SPAN_BLOCK_OFFSET) + size) / PAGE_BYTES);
    const units = Math.ceil(pages / PAGES_PER_UNIT);
    const before = this.#pages.wordOf(unit, SPAN_PAGES);
    if (pages > before) {
      if (!this.#memory.charge(pages - before)) return false;
      if (units > this.#pages.unitsOf(unit) && !this.#pages.growInPlace(unit, units)) {
        this.#memory.discharge(pages - before);
        return false;
      }
    } else {
      this.#memory.discharge(before - pages);
      this.#pages.shrinkInPlace(unit, units);
    }
    this.#setPages(unit, pages, before);
    return true;
  }

  /** Bytes that a block's user may write. @throws {HeaderCorruptedError} if its span has not got them. */
  usable(unit: number): number {
    const offset = this.#pages.wordOf(unit, SPAN_BLOCK_OFFSET), pages = this.#pages.wordOf(unit, SPAN_PAGES);
    const fits = offset >= HEADER_BYTES && offset < pages * PAGE_BYTES &&
      pages <= this.#pages.unitsOf(unit) * PAGES_PER_UNIT;
    if (!fits) throw damaged(`the large block at unit ${unit} is not inside its span`);
    return pages * PAGE_BYTES - offset;
  }

  ptrOf(unit: number): number {
    return unit * SLAB_BYTES + this.#pages.wordOf(unit, SPAN_BLOCK_OFFSET);
  }

  /** Every large block's first unit, in order of address. */
  *units(): Generator<number> {
    for (const unit of this.#pages.spans()) if (this.#pages.kindOf(unit) === SPAN_LARGE) yield unit;
  }

  /** @throws {HeaderCorruptedError} if the bytes in front of a block are not as they were written. */
  assertHeader(unit: number): void {
    const header = this.#header(unit), pages = this.#pages.wordOf(unit, SPAN_PAGES);
    const [magic, at, length, sum] = this.#words.subarray(header, header + HEADER_BYTES / 4);
    if (magic === MAGIC && at === unit && length === pages && sum === (MAGIC ^ unit ^ pages)) return;
    const ptr = this.ptrOf(unit);
    throw new HeaderCorruptedError(
      `the 16 bytes in front of the large block ${hex(ptr)} were overwritten, so something was written before its ` +
        `start. It stays as it is.`,
      ptr,
    );
  }

  #header(unit: number): number {
    return this.#memory.wordOf(this.ptrOf(unit) - HEADER_BYTES);
  }

  #setPages(unit: number, pages: number, before: number): void {
    this.#pages.setWord(unit, SPAN_PAGES, pages);
    this.#journal.add(WORD_LARGE_PAGES, pages - before);
    const header = this.#header(unit);
    this.#journal.set(header, MAGIC);
    this.#journal.set(header + 1, unit);
    this.#journal.set(header + 2, pages);
    this.#journal.set(header + 3, MAGIC ^ unit ^ pages);
  }
}
