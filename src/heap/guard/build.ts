/**
 * The guarded build: the release build, in which one allocation in about a thousand has pages of its own. What
 * JavaScript or C writes past its end, or after it was freed, is found for certain, with the stacks of allocation and
 * free: so a fault that a program has often is found in production, for the price of some kilobytes.
 *
 * - Each thread counts its mallocs down to the next that is guarded, on the hot path; how far is random, each with the
 *   same probability, so no pattern of a program's hides from it.
 * - A guarded block ends where its pages do (`pages.ts`). Behind them is memory that nobody may touch: C dies at once of
 *   what it does there, as it would have sooner or later, but with a report of who allocated the block. What JavaScript
 *   does there must not end the process, and is found when the block is freed, or by `check()`.
 * - A freed block waits in quarantine, where nobody may touch it either, until a mebibyte of others were freed since.
 *   If it is written to meanwhile, that is reported when it leaves, or by `check()`.
 * - The records are those of a debug build (`../debug/books.ts`), with the same sections: what a thread dies in the middle
 *   of is not done, and what it had guarded stays so.
 *
 * It is the idea of Electric Fence, sampled as GWP-ASan does it. Cost: a load and a store for a malloc that is not
 * guarded; 30 to 100 us for a block that is, most of it for its two stacks and the system; 15 KiB of memory for a small one,
 * and two of the system's mappings.
 *
 * @module
 */

import type { Blocks, Leak, Ptr } from "../blocks.ts";
import type { HeapCounters } from "../state/counters.ts";
import {
  type DebugBlock,
  fill,
  FILL_FREED,
  freedDamage,
  frontDamage,
  rearDamage,
  writeRedzones,
} from "../debug/block.ts";
import { DebugBooks, LIVE, QUARANTINED } from "../debug/books.ts";
import { groupLeaks } from "../debug/leaks.ts";
import { DebugReport } from "../debug/report.ts";
import { DebugStacks } from "../debug/stacks.ts";
import { type BufferOverflowError, HeaderCorruptedError, HeapError, type UseAfterFreeError } from "../errors.ts";
import type { HeapSnapshot } from "../inspect/snapshot.ts";
import type { BlockInfo, HeapStats } from "../inspect/stats.ts";
import type { Log } from "../log.ts";
import type { ReleaseBlocks } from "../release.ts";
import { BOOK_GUARD_HIDES, BOOK_GUARD_ONE_IN, BOOK_TAKEN, STACKS_WORD } from "../state/books_layout.ts";
import { BLOCK_ALIGNMENT, CACHE_GUARD, firstWordOf, KIB, MIB, PAGE_BYTES, SMALL_SPACE_BYTES } from "../state/layout.ts";
import type { BooksMemory, HeapMemory } from "../state/memory.ts";
import { guardedSnapshot, guardedStats } from "./figures.ts";
import { granuleOf, GuardedPages, spanPages } from "./pages.ts";

/** One allocation in so many is guarded by default, and in so many at most. */
export const DEFAULT_ONE_IN = 1000;
export const MOST_ONE_IN = 2 ** 30;

/** Larger blocks are never guarded. */
const GUARDED_BYTES = 256 * KIB;
/** Blocks that may be guarded at once, those in quarantine among them: each takes two of the 65,530 mappings of a process. */
const GUARDED_BLOCKS = 8192;
/** What freed blocks may hold back, in bytes of their own pages: 256 small ones. */
const QUARANTINE_BYTES = MIB;

/** See the module. What it says of a block that is not guarded is what the release build says. */
export class GuardedBlocks implements Blocks {
  readonly malloc: (size: number) => Ptr;
  readonly free: (ptr: Ptr) => void;
  readonly keeps: (ptr: Ptr, size: number) => boolean;
  readonly moves: (ptr: Ptr, size: number) => Ptr;
  readonly #memory: HeapMemory;
  readonly #booksMemory: BooksMemory;
  readonly #inner: ReleaseBlocks;
  readonly #log: Log;
  readonly #books: DebugBooks;
  readonly #stacks: DebugStacks;
  readonly #report: DebugReport;
  readonly #pages: GuardedPages;
  readonly #oneIn: number;
  /** Index of the word that the hot path counts down. */
  readonly #left: number;

  /** @param oneIn of a heap that is new: one allocation in so many is guarded. */
  constructor(memory: HeapMemory, books: BooksMemory, inner: ReleaseBlocks, log: Log, oneIn?: number) {
    this.#memory = memory;
    this.#booksMemory = books;
    this.#inner = inner;
    this.#log = log;
    this.malloc = inner.malloc;
    this.free = inner.free;
    this.moves = inner.moves;
    this.keeps = inner.keeps; // no guarded block is where others may be
    this.#books = new DebugBooks(books, memory.bytes, oneIn === undefined ? undefined : QUARANTINE_BYTES);
    const every = oneIn === undefined ? undefined : 1;
    this.#stacks = new DebugStacks(books, every, (body) => this.#section(body), true);
    this.#report = new DebugReport(memory.u8, this.#stacks);
    if (oneIn !== undefined) {
      books.words[BOOK_GUARD_ONE_IN] = oneIn;
      books.words[BOOK_GUARD_HIDES] = Number(this.#watch());
    }
    this.#oneIn = books.words[BOOK_GUARD_ONE_IN]!;
    this.#pages = new GuardedPages(memory, inner.guardedSpans, books.words[BOOK_GUARD_HIDES] === 1);
    this.#left = firstWordOf(memory.thread) + CACHE_GUARD;
    memory.words[this.#left] = this.#distance();
    inner.guard = {
      malloc: (size, alignment, isSmall) => this.#sample(size, alignment, isSmall),
      free: (ptr) => this.#free(ptr),
      flush: () => this.#section(() => this.#makeRoom(Infinity)),
    };
  }

  #watch(): boolean {
    const { system, base, bytes } = this.#memory, { address, layout } = this.#booksMemory;
    const at = (word: number): bigint => address + BigInt(word * 4);
    const watches = system.guard.watch(base, bytes, address, at(layout.records), at(STACKS_WORD));
    if (!watches) {
      this.#log.say(
        "guard: nobody watches the pages of this heap, so what C writes past a block is found when the block is freed.",
      );
    }
    return watches;
  }

  /** Mallocs until the next that is guarded: each is with the same probability, whatever came before. */
  #distance(): number {
    if (this.#oneIn === 1) return 0;
    return Math.min(MOST_ONE_IN, Math.floor(Math.log1p(-Math.random()) / Math.log1p(-1 / this.#oneIn)));
  }

  /** A guarded block for a malloc that the hot path did not count, if it is to be one; otherwise 0. */
  #sample(size: number, alignment: number, isSmall: boolean): Ptr {
    const { words } = this.#memory, left = words[this.#left]!;
    if (left > 0) {
      words[this.#left] = left - 1;
      return 0;
    }
    return this.#guarded(size, alignment, isSmall, this.malloc);
  }

  /** A guarded block, or 0 if there can be none; then the next malloc is not asked. */
  #guarded(size: number, alignment: number, isSmall: boolean, callee: (...args: never[]) => number): Ptr {
    const { words } = this.#memory, distance = this.#distance();
    let ptr: Ptr;
    try {
      ptr = this.#allocate(size, alignment, isSmall, callee);
    } catch (error) {
      if (error instanceof HeapError) words[this.#left] = Math.max(1, distance); // damage is said once in so many calls
      throw error;
    }
    // No call from here on: one for which there is no stack would lose the block.
    words[this.#left] = ptr === 0 && distance === 0 ? 1 : distance;
    return ptr;
  }

  #allocate(size: number, alignment: number, isSmall: boolean, callee: (...args: never[]) => number): Ptr {
    const { words } = this.#booksMemory;
    if (size > GUARDED_BYTES || alignment > PAGE_BYTES || words[BOOK_TAKEN]! >= GUARDED_BLOCKS) return 0;
    const stack = this.#stacks.capture(callee);
    return this.#section(() => {
      const again = this.#reuse(size, isSmall);
      this.#books.unsettle();
      const granule = again || this.#inner.guardedSpans.takeGuarded(spanPages(size), isSmall);
      if (granule === 0) {
        this.#books.settle();
        return 0;
      }
      const block = { ...this.#pages.place(granule, size, alignment), sizeClass: 0, allocated: 0 };
      writeRedzones(this.#memory.u8, block);
      const record = this.#books.add(block);
      this.#booksMemory.journal.add(BOOK_TAKEN, 1);
      this.#stacks.note(stack, this.#books.allocatedWord(record));
      this.#books.settle();
      try {
        if (again === 0) this.#pages.hideAround(block);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error; // there is no stack left, and it has its redzones
      }
      return block.ptr;
    });
  }

  /**
   * The span of the block that has been in quarantine longest, if that is full, and the span has as many pages as a
   * block of `size` bytes needs: its pages are in memory, and what is around them is hidden. 0 if it is not so, or the
   * block was written to, which whoever puts it out reports.
   */
  #reuse(size: number, isSmall: boolean): number {
    const block = this.#books.oldest(QUARANTINED);
    if (block === undefined || (isSmall && block.inner >= SMALL_SPACE_BYTES)) return 0;
    if (this.#books.quarantineBytes + block.innerBytes <= QUARANTINE_BYTES) return 0;
    const granule = this.#pages.spanOf(block);
    if (this.#pages.place(granule, size, BLOCK_ALIGNMENT).innerBytes !== block.innerBytes) return 0;
    this.#pages.hideOwn(block, false);
    let isWritten = true;
    try {
      isWritten = this.#damageOf(block, false) !== undefined;
    } finally {
      if (isWritten) this.#pages.hideOwn(block, true);
    }
    if (isWritten) return 0;
    this.#retire(block);
    return granule;
  }

  /** Forgets a block in quarantine. Until its span is given back or has another, nobody has it. */
  #retire(block: DebugBlock): void {
    this.#books.retire(block);
    this.#booksMemory.journal.add(BOOK_TAKEN, -1);
    this.#books.unsettle();
    this.#booksMemory.journal.keep();
  }

  #free(ptr: Ptr): boolean {
    if (!this.#books.mayHold(ptr)) return false;
    const stack = this.#stacks.capture(this.free);
    return this.#section(() => {
      const block = this.#freeable(ptr);
      if (block === undefined) return false;
      this.#makeRoom(block.innerBytes);
      this.#books.quarantine(block, 0);
      this.#stacks.note(stack, this.#books.freedWord(block.record));
      this.#books.settle();
      // The block is freed. What there is no stack left for now is left to the next section.
      try {
        this.#fillFreed(block);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      return true;
    });
  }

  #fillFreed(block: DebugBlock): void {
    fill(this.#memory.u8, block, FILL_FREED);
    this.#books.filled();
    this.#pages.hideOwn(block, true);
  }

  /** The guarded block that begins there, live and sound; undefined if what does is not guarded. Part of a section. */
  #freeable(ptr: Ptr): DebugBlock | undefined {
    const block = this.#books.held(ptr);
    if (block === undefined) return undefined;
    if (!block.live) throw this.#report.doubleFree(block);
    this.#assertSound(block);
    return block;
  }

  /** What is known of the guarded block that begins there, live or in quarantine; undefined if what does is not guarded. */
  #held(ptr: Ptr): DebugBlock | undefined {
    return this.#books.mayHold(ptr) ? this.#section(() => this.#books.held(ptr)) : undefined;
  }

  #assertSound(block: DebugBlock): void {
    const { u8 } = this.#memory, written = this.#pages.written(block, false);
    const before = frontDamage(u8, block) ?? (written !== undefined && written.first < block.ptr ? written : undefined);
    if (before !== undefined) throw this.#report.underflow(block, before);
    const after = rearDamage(u8, block) ?? written;
    if (after !== undefined) throw this.#report.overflow(block, after);
  }

  /** What is wrong with a block in quarantine, whose pages are accessible. @param forget whether the noted writes are forgotten */
  #damageOf(block: DebugBlock, forget: boolean): UseAfterFreeError | undefined {
    const written = this.#pages.written(block, forget), damage = freedDamage(this.#memory.u8, block) ?? written;
    return damage && this.#report.writtenAfterFree(block, damage);
  }

  /** The same of one whose pages are hidden, and stay so. */
  #damageBehind(block: DebugBlock): UseAfterFreeError | undefined {
    this.#pages.hideOwn(block, false);
    try {
      return this.#damageOf(block, false);
    } finally {
      this.#pages.hideOwn(block, true);
    }
  }

  /** Empties the quarantine, the oldest first, until so many bytes fit. */
  #makeRoom(bytes: number): void {
    while (this.#books.quarantineBytes + bytes > QUARANTINE_BYTES) {
      const block = this.#books.oldest(QUARANTINED);
      if (block === undefined) return;
      const granule = this.#pages.spanOf(block);
      this.#pages.showSpan(granule);
      const error = this.#damageOf(block, true);
      this.#retire(block);
      this.#inner.guardedSpans.giveGuarded(granule);
      this.#books.settle();
      if (error !== undefined) throw error;
    }
  }

  #section<Result>(body: () => Result): Result {
    return this.#booksMemory.journal.run(() => {
      const { unfilled } = this.#books;
      if (unfilled !== undefined) this.#fillFreed(unfilled);
      if (this.#books.isUnsettled) this.#recover();
      return body();
    });
  }

  /**
   * A thread has not come to the end: gives back the spans that no record is of, as they are taken before and left
   * after.
   */
  #recover(): void {
    const held = new Set(this.#records().map(granuleOf));
    for (const granule of this.#inner.guardedSpans.guarded()) {
      if (held.has(granule)) continue;
      this.#pages.showSpan(granule);
      this.#inner.guardedSpans.giveGuarded(granule);
    }
    this.#books.settle();
  }

  /** The guarded blocks, live or in quarantine. */
  #records(): DebugBlock[] {
    return [...this.#books.on(LIVE), ...this.#books.on(QUARANTINED)];
  }

  calloc(count: number, size: number): Ptr {
    return this.#inner.calloc(count, size);
  }

  realloc(ptr: Ptr, size: number): Ptr {
    const before = this.#books.mayHold(ptr) ? this.#section(() => this.#freeable(ptr)?.size) : undefined;
    if (before === undefined) return this.#inner.realloc(ptr, size);
    return size === before ? ptr : this.#inner.move(ptr, before, size);
  }

  alignedAlloc(alignment: number, size: number): Ptr {
    if (alignment <= BLOCK_ALIGNMENT) return this.malloc(size);
    const isTurn = !(this.#memory.words[this.#left]! > 0);
    return (isTurn && this.#guarded(size, alignment, false, this.alignedAlloc)) ||
      this.#inner.alignedAlloc(alignment, size);
  }

  usableSize(ptr: Ptr): number {
    return this.#used(ptr)?.size ?? this.#inner.usableSize(ptr);
  }

  /** A guarded block has no byte more than was asked for. */
  goodSize(size: number): number {
    return size;
  }

  owns(ptr: number): boolean {
    return this.#held(ptr)?.live ?? this.#inner.owns(ptr);
  }

  blockOf(ptr: number): Ptr {
    const found = this.#inner.blockOf(ptr);
    if (found !== 0) return found;
    return this.#section(() => {
      for (const block of this.#books.on(LIVE)) {
        if (ptr >= block.ptr && ptr < block.ptr + Math.max(1, block.size)) return block.ptr;
      }
      return 0;
    });
  }

  tooLong(ptr: Ptr, length: number): BufferOverflowError {
    const block = this.#used(ptr);
    return block === undefined ? this.#inner.tooLong(ptr, length) : this.#report.tooLong(block, length);
  }

  /** The live guarded block that begins there; undefined for what is not guarded. */
  #used(ptr: Ptr): DebugBlock | undefined {
    const block = this.#held(ptr);
    if (block !== undefined && !block.live) throw this.#report.usedAfterFree(block);
    return block;
  }

  stats(): HeapStats {
    return this.#section(() => guardedStats(this.#inner.stats(), this.#records()));
  }

  snapshot(): HeapSnapshot {
    return this.#section(() => guardedSnapshot(this.#inner.snapshot(), this.#records()));
  }

  counters(): HeapCounters | undefined {
    return this.#inner.counters();
  }

  *blocks(): Generator<BlockInfo> {
    const all = this.#section(() => [
      ...this.#inner.blocks(),
      ...[...this.#books.on(LIVE)].map(({ ptr, size, sizeClass, slab }) => ({ ptr, size, sizeClass, slab })),
    ]);
    yield* all.sort((a, b) => a.ptr - b.ptr);
  }

  /** The guarded ones by their stacks, and all others together. */
  leaks(): Leak[] {
    return this.#section(() => [...groupLeaks(this.#books.on(LIVE), this.#stacks), ...this.#inner.leaks()])
      .sort((a, b) => b.bytes - a.bytes || b.blocks - a.blocks);
  }

  check(): void {
    this.#section(() => {
      this.#assertGuarded();
      this.#inner.check();
    });
  }

  #assertGuarded(): void {
    for (const block of this.#books.on(LIVE)) this.#assertSound(block);
    for (const block of this.#books.on(QUARANTINED)) {
      const error = this.#damageBehind(block);
      if (error !== undefined) throw error;
    }
    const spans = this.#inner.guardedSpans.guarded().length, taken = this.#booksMemory.words[BOOK_TAKEN]!;
    if (spans !== taken) {
      throw new HeaderCorruptedError(`the heap has ${spans} spans of guarded pages, and ${taken} guarded blocks.`, 0);
    }
  }

  collect(): number {
    return this.#section(() => {
      this.#makeRoom(Infinity);
      return this.#inner.collect();
    });
  }

  close(): void {
    this.#inner.close();
  }

  /** Logs what of the guarded blocks is damaged, once nobody can free them any more. */
  report(): void {
    try {
      this.#section(() => this.#assertGuarded());
    } catch (error) {
      if (!(error instanceof HeapError)) throw error;
      for (const line of `hakmem: ${error.code}: ${error.message}`.split("\n")) this.#log.say(line);
    }
  }
}
