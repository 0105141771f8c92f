/**
 * The release blocks that a debug build has taken, by itself, a bit for each: whatever comes off a free list is
 * compared with them. So a list that something wrote to is found when it is about to give out what is not free, and
 * nothing is given out twice.
 *
 * The release build knows nothing of the books, so the two cannot change in one step. A block is taken before it is in
 * the books, and is no longer in them before it is given back. A thread that does not come to the end, because of an
 * exception or because it dies, leaves the books *unsettled*: the next one gives back what is live in the release build
 * and not taken.
 *
 * @module
 */

import { type DebugBooks, LIVE, QUARANTINED } from "./books.ts";
import { BOOK_TAKEN, placeOf } from "../state/books_layout.ts";
import { HeaderCorruptedError, HeapError, hex } from "../errors.ts";
import { BlockMarks } from "../inspect/block_marks.ts";
import type { BooksMemory } from "../state/memory.ts";
import type { ReleaseBlocks } from "../release.ts";

/** See the module. Every method but `has` is part of a section of the books. */
export class InnerBlocks {
  readonly #release: ReleaseBlocks;
  readonly #memory: BooksMemory;
  readonly #books: DebugBooks;

  constructor(release: ReleaseBlocks, memory: BooksMemory, books: DebugBooks) {
    this.#release = release;
    this.#memory = memory;
    this.#books = books;
  }

  /** Whether the block of the release build that begins there is taken. */
  has(inner: number): boolean {
    return (this.#memory.words[this.#word(inner)]! & this.#bit(inner)) !== 0;
  }

  /**
   * A block of at least so many bytes, from a function of the release build; 0 if there is no memory. The books are
   * unsettled until it is in them.
   *
   * @throws {HeaderCorruptedError} if a free list was damaged; nothing is taken.
   */
  take(bytes: number, allocate: (bytes: number) => number): number {
    this.#books.unsettle();
    // Before it is taken: some variants write a header in front of what they take, which may be anybody's.
    this.#release.assertNext(bytes, (next) => !this.has(next));
    const inner = allocate(bytes);
    if (inner === 0) return 0;
    if (!this.#release.isBlock(inner) || this.has(inner) || this.#release.usableSize(inner) < bytes) {
      throw new HeaderCorruptedError(
        `a free list led to ${
          hex(inner)
        }, which is not a free block: the first bytes of a free block were overwritten.`,
        inner,
      );
    }
    this.#mark(inner, true);
    return inner;
  }

  /** A block is about to be given back. Commits what the section has written. */
  untake(inner: number): void {
    this.#mark(inner, false);
    this.#books.unsettle();
    this.#memory.journal.keep();
  }

  /**
   * Gives a block back to the release build that is no longer taken.
   *
   * @throws {HeaderCorruptedError} as the release build does; then it is taken again.
   */
  give(inner: number): void {
    try {
      this.#release.free(inner);
    } catch (error) {
      if (error instanceof HeapError) this.#keep(inner);
      throw error;
    }
    this.#books.settle();
  }

  /** Makes the release build agree with the books, after a thread has not come to the end. */
  recover(): void {
    this.#release.reclaim();
    for (const inner of this.#lost()) {
      try {
        this.#release.free(inner);
      } catch (error) {
        if (!(error instanceof HeapError)) throw error;
        this.#keep(inner);
      }
    }
    this.#books.settle();
  }

  /**
   * Live blocks of the release build that nobody has taken; none if its lists, or the books, are damaged: `check` says
   * so.
   */
  #lost(): number[] {
    try {
      const booked = new BlockMarks();
      for (const list of [LIVE, QUARANTINED] as const) for (const { inner } of this.#books.on(list)) booked.add(inner);
      return [...this.#release.blocks()].map(({ ptr }) => ptr)
        .filter((inner) => !this.has(inner) && !booked.has(inner));
    } catch (error) {
      if (error instanceof HeaderCorruptedError) return [];
      throw error;
    }
  }

  /** @throws {HeaderCorruptedError} if the release build's tables disagree, or have other blocks than were taken. */
  check(): void {
    this.#release.check();
    let count = 0;
    for (const { ptr } of this.#release.blocks()) {
      if (!this.has(ptr)) throw new HeaderCorruptedError("a block is missing from the free lists.", ptr);
      count++;
    }
    if (count !== this.#memory.words[BOOK_TAKEN]) {
      throw new HeaderCorruptedError("a live block is on the free lists.", 0);
    }
  }

  /** A block that cannot be given back stays taken. */
  #keep(inner: number): void {
    this.#mark(inner, true);
    this.#memory.journal.keep();
  }

  #mark(inner: number, isTaken: boolean): void {
    const { journal, words } = this.#memory, word = this.#word(inner);
    journal.set(word, words[word]! ^ this.#bit(inner));
    journal.add(BOOK_TAKEN, isTaken ? 1 : -1);
  }

  #word(inner: number): number {
    return this.#memory.layout.taken + (placeOf(inner) >>> 5);
  }

  #bit(inner: number): number {
    return 1 << (placeOf(inner) & 31);
  }
}
