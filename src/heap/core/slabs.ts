/**
 * Slabs: 64 KiB of blocks of one class each, 32 of them in a superslab. A superslab with a free slab is in the shared
 * pool. Empty ones go back to the page heap, all but one, so that a program at the edge does not take and give the same
 * one for ever. Words of a slab's record are in `../state/layout.ts`; a record of zeros is a free slab.
 *
 * The slab map, one word a slab, is all that `free` reads: class and owner. It is written here and nowhere else.
 *
 * @module
 */

import { RecordList } from "./record_list.ts";
import { damaged } from "../state/damage.ts";
import type { Journal } from "../state/journal.ts";
import {
  MAX_CLASSES,
  SLAB_BYTES,
  SLAB_CARVED,
  SLAB_CLASS,
  SLAB_FREE,
  SLAB_FREE_COUNT,
  SLAB_MAP_OFFSET,
  SLAB_MAP_SLABS,
  SLAB_SHIFT,
  SLAB_SUM,
  SLAB_TABLE_OFFSET,
  SLAB_WORDS,
  SLABS_PER_SUPERSLAB,
  SUPERSLAB_DIRTY,
  SUPERSLAB_FREE,
  SUPERSLAB_NEXT,
  SUPERSLAB_PREVIOUS,
  SUPERSLAB_SHIFT,
  SUPERSLAB_TABLE_OFFSET,
  SUPERSLAB_WORDS,
  tagOf,
  WORD_EMPTY_SUPERSLABS,
  WORD_POOL_HEAD,
  WORD_SLABS,
  WORD_SUPERSLABS,
  WORD_TOUCHED_GRANULES,
} from "../state/layout.ts";
import type { HeapMemory } from "../state/memory.ts";
import type { SizeClasses } from "./size_classes.ts";
import { type PageHeap, SPAN_CLEAN, SPAN_SUPERSLAB, SPAN_WAS_CLEAN } from "./page_heap.ts";

const ALL_FREE = -1; // 32 bits

/** What a slab's record says of its blocks. */
export interface SlabRecord {
  readonly sizeClass: number;
  /** Head of the list of blocks that came back, and their number. */
  readonly free: number;
  readonly freeCount: number;
  /** Blocks given out, not counting those at the end that were trimmed away. */
  readonly carved: number;
}

/** See the module. Slabs and superslabs are numbered by address: `ptr >>> 16` and `ptr >>> 21`. */
export class Slabs {
  /** Class and owner of each slab, 0 for none; long enough for any int32 pointer. */
  readonly map: Int32Array;
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #pages: PageHeap;
  /** By class: blocks in a slab. */
  readonly #blocks: readonly number[];
  readonly #journal: Journal;
  /** The shared pool. */
  readonly #pool: RecordList;

  constructor(memory: HeapMemory, pages: PageHeap, { blocks }: SizeClasses) {
    this.#blocks = blocks;
    this.#memory = memory;
    this.#words = memory.words;
    this.#journal = memory.journal;
    this.#pages = pages;
    this.#pool = new RecordList(memory.words, memory.journal, {
      name: "superslab",
      least: 1,
      end: SLAB_MAP_SLABS / SLABS_PER_SUPERSLAB,
      at: this.#superslab(0),
      words: SUPERSLAB_WORDS,
      next: SUPERSLAB_NEXT,
      previous: SUPERSLAB_PREVIOUS,
    });
    this.map = new Int32Array(memory.buffer, SLAB_MAP_OFFSET, SLAB_MAP_SLABS);
  }

  /** Index of the first word of a slab's record. */
  record(slab: number): number {
    return SLAB_TABLE_OFFSET / 4 + slab * SLAB_WORDS;
  }

  /** Whether the record of a slab in use is as it was written, and its word of the slab map. */
  isSound(slab: number): boolean {
    const record = this.record(slab), words = this.#words, sizeClass = this.map[slab]! & (MAX_CLASSES - 1);
    const freeCount = words[record + SLAB_FREE_COUNT]!, carved = words[record + SLAB_CARVED]!;
    return sizeClass > 0 && sizeClass === words[record + SLAB_CLASS] && freeCount >= 0 && freeCount <= carved &&
      carved <= this.#blocks[sizeClass]! &&
      words[record + SLAB_SUM] === sumOf(words[record + SLAB_FREE]!, freeCount, carved);
  }

  /** What such a record says; undefined if it is not sound. It makes an object: what is done for each block does without. */
  find(slab: number): SlabRecord | undefined {
    if (!this.isSound(slab)) return undefined;
    const record = this.record(slab), words = this.#words;
    return {
      sizeClass: words[record + SLAB_CLASS]!,
      free: words[record + SLAB_FREE]!,
      freeCount: words[record + SLAB_FREE_COUNT]!,
      carved: words[record + SLAB_CARVED]!,
    };
  }

  /** The same. @throws {HeaderCorruptedError} where `find` gives undefined. */
  read(slab: number): SlabRecord {
    const record = this.find(slab);
    if (record === undefined) throw damaged(`the record of slab ${slab} is not as it was written`);
    return record;
  }

  /** Part of a section. */
  write(slab: number, free: number, freeCount: number, carved: number): void {
    const record = this.record(slab), journal = this.#journal;
    journal.set(record + SLAB_FREE, free);
    journal.set(record + SLAB_FREE_COUNT, freeCount);
    if (carved !== this.#words[record + SLAB_CARVED]) journal.set(record + SLAB_CARVED, carved);
    journal.set(record + SLAB_SUM, sumOf(free, freeCount, carved));
  }

  /** Class of the slab that an int32 pointer leads into; 0 if there is none. */
  classAt(ptr: number): number {
    return this.map[ptr >>> SLAB_SHIFT]! & (MAX_CLASSES - 1);
  }

  /** Who owns a slab in use: a thread cache, or `NOBODY`. */
  ownerOf(slab: number): number {
    return this.map[slab]! / MAX_CLASSES | 0;
  }

  /** Makes a slab another's. Part of a section. */
  setOwner(slab: number, owner: number): void {
    this.#setMap(slab, this.map[slab]! & (MAX_CLASSES - 1) | tagOf(owner));
  }

  /**
   * A free slab for a class, this thread's, its record all zeros but for the class; 0 if there is no memory. Part of a
   * section.
   */
  take(sizeClass: number): number {
    const journal = this.#journal;
    let superslab = this.#pool.first(WORD_POOL_HEAD);
    if (superslab === 0) {
      superslab = this.#pages.takeSuperslab() / SLABS_PER_SUPERSLAB;
      if (superslab === 0) return 0;
      const wasClean = this.#pages.wordOf(superslab * SLABS_PER_SUPERSLAB, SPAN_WAS_CLEAN) === 1;
      journal.add(WORD_SUPERSLABS, 1);
      journal.add(WORD_EMPTY_SUPERSLABS, 1);
      journal.set(this.#superslab(superslab) + SUPERSLAB_FREE, ALL_FREE);
      journal.set(this.#superslab(superslab) + SUPERSLAB_DIRTY, wasClean ? 0 : ALL_FREE);
      this.#pool.push(WORD_POOL_HEAD, superslab);
    }
    const record = this.#superslab(superslab);
    const free = this.#words[record + SUPERSLAB_FREE]!, dirty = this.#words[record + SUPERSLAB_DIRTY]!;
    const isSuperslab = this.#pages.kindOf(superslab * SLABS_PER_SUPERSLAB) === SPAN_SUPERSLAB;
    if (free === 0 || !isSuperslab) throw damaged(`superslab ${superslab} is pooled and has no free slab`);
    const touched = free & dirty;
    const bit = touched !== 0 ? touched & -touched : free & -free; // one that is in memory already, if there is one
    if (touched === 0) journal.add(WORD_TOUCHED_GRANULES, 1);
    if (free === ALL_FREE) journal.add(WORD_EMPTY_SUPERSLABS, -1);
    journal.set(record + SUPERSLAB_FREE, free & ~bit);
    journal.set(record + SUPERSLAB_DIRTY, dirty & ~bit);
    if (free === bit) this.#pool.unlink(WORD_POOL_HEAD, superslab);
    const slab = superslab * SLABS_PER_SUPERSLAB + 31 - Math.clz32(bit);
    this.#assertFree(slab);
    journal.set(this.record(slab) + SLAB_CLASS, sizeClass);
    this.#setMap(slab, sizeClass | tagOf(this.#memory.thread));
    journal.add(WORD_SLABS, 1);
    return slab;
  }

  /** Gives a slab back, none of whose blocks is live or cached. Part of a section. */
  give(slab: number): void {
    const journal = this.#journal;
    journal.clear(this.record(slab), SLAB_WORDS);
    this.#setMap(slab, 0);
    journal.add(WORD_SLABS, -1);
    const superslab = slab >>> (SUPERSLAB_SHIFT - 16);
    const record = this.#superslab(superslab), bit = 1 << (slab & 31);
    const free = this.#words[record + SUPERSLAB_FREE]!;
    journal.set(record + SUPERSLAB_FREE, free | bit);
    journal.set(record + SUPERSLAB_DIRTY, this.#words[record + SUPERSLAB_DIRTY]! | bit);
    if (free === 0) this.#pool.push(WORD_POOL_HEAD, superslab);
    if ((free | bit) !== ALL_FREE) return;
    if (this.#words[WORD_EMPTY_SUPERSLABS]! > 0) this.#drop(superslab);
    else journal.set(WORD_EMPTY_SUPERSLABS, 1);
  }

  /**
   * Gives every empty superslab back, and the pages of every free slab, until no more than `goal` granules are touched;
   * returns the bytes of those slabs. Each superslab is a section.
   */
  purge(goal = -Infinity): number {
    let purged = 0;
    const superslabs = this.#journal.run(() =>
      [...this.#pages.spans()].filter((first) => this.#pages.kindOf(first) === SPAN_SUPERSLAB)
    );
    for (const first of superslabs) {
      if (this.#words[WORD_TOUCHED_GRANULES]! <= goal) return purged;
      purged += this.#journal.run(() => this.#purge(first));
    }
    this.#journal.run(() => {
      // Records of free slabs are zeros, and so are pages that the system has.
      if (this.#words[WORD_SUPERSLABS] === 0) {
        this.#memory.purgeState(SLAB_MAP_OFFSET, SLAB_MAP_SLABS * 4);
        this.#memory.purgeState(SLAB_TABLE_OFFSET, SUPERSLAB_TABLE_OFFSET - SLAB_TABLE_OFFSET);
      }
    });
    return purged;
  }

  #purge(first: number): number {
    if (this.#pages.kindOf(first) !== SPAN_SUPERSLAB) return 0; // another thread gave it back in between
    const superslab = first / SLABS_PER_SUPERSLAB, record = this.#superslab(superslab);
    if (this.#words[record + SUPERSLAB_FREE] === ALL_FREE) {
      this.#journal.add(WORD_EMPTY_SUPERSLABS, -1);
      this.#drop(superslab);
      return 0;
    }
    let purged = 0, kept = 0;
    for (let dirty = this.#words[record + SUPERSLAB_DIRTY]!; dirty !== 0; dirty &= dirty - 1) {
      const bit = dirty & -dirty;
      const slab = superslab * SLABS_PER_SUPERSLAB + 31 - Math.clz32(bit);
      this.#assertFree(slab);
      if (this.#memory.purge(slab * SLAB_BYTES, SLAB_BYTES)) purged += SLAB_BYTES;
      else kept |= bit;
    }
    if (purged === 0) return 0;
    this.#journal.set(record + SUPERSLAB_DIRTY, kept);
    this.#journal.add(WORD_TOUCHED_GRANULES, -purged / SLAB_BYTES);
    return purged;
  }

  /** Purges if superslabs that were given back hold too much memory. To be called after a section. */
  trim(): void {
    this.#pages.trim();
  }

  /** Every slab in use, in order of address. */
  *inUse(): Generator<number> {
    for (const first of this.#pages.spans()) {
      if (this.#pages.kindOf(first) !== SPAN_SUPERSLAB) continue;
      for (let slab = first; slab < first + SLABS_PER_SUPERSLAB; slab++) if (this.map[slab] !== 0) yield slab;
    }
  }

  /** Walks the superslabs; returns what is wrong with the first that is, or undefined. */
  findDamage(): string | undefined {
    let superslabs = 0, empty = 0, withFree = 0, pooled = 0, slabs = 0, touched = 0;
    for (const first of this.#pages.spans()) {
      if (this.#pages.kindOf(first) !== SPAN_CLEAN) touched += this.#pages.granulesOf(first);
      if (this.#pages.kindOf(first) !== SPAN_SUPERSLAB) continue;
      const superslab = first / SLABS_PER_SUPERSLAB, free = this.#words[this.#superslab(superslab) + SUPERSLAB_FREE]!;
      touched -= bitsOf(free & ~this.#words[this.#superslab(superslab) + SUPERSLAB_DIRTY]!);
      superslabs++;
      if (free !== 0) withFree++;
      if (free === ALL_FREE) empty++;
      for (let bit = 0; bit < SLABS_PER_SUPERSLAB; bit++) {
        const isFree = (free >>> bit & 1) === 1;
        if (isFree !== (this.map[first + bit] === 0)) {
          return `slab ${first + bit} is free in one table and not in another`;
        }
        if (!isFree) slabs++;
      }
    }
    for (let at = this.#pool.first(WORD_POOL_HEAD); at !== 0; at = this.#pool.next(at)) {
      if (this.#words[this.#superslab(at) + SUPERSLAB_FREE] === 0) {
        return `superslab ${at} is pooled and has no free slab`;
      }
      pooled++;
    }
    if (pooled !== withFree) return `${withFree} superslabs have free slabs, ${pooled} are pooled`;
    const counted = [WORD_SUPERSLABS, WORD_EMPTY_SUPERSLABS, WORD_SLABS].map((word) => this.#words[word]);
    if (counted.join() !== [superslabs, empty, slabs].join()) {
      return `superslabs, empty ones, slabs in use: ${[superslabs, empty, slabs]}, counted ${counted}`;
    }
    if (touched !== this.#words[WORD_TOUCHED_GRANULES]) return `${touched} granules are touched, not as counted`;
    return undefined;
  }

  #superslab(superslab: number): number {
    return SUPERSLAB_TABLE_OFFSET / 4 + superslab * SUPERSLAB_WORDS;
  }

  #setMap(slab: number, word: number): void {
    this.#journal.set(SLAB_MAP_OFFSET / 4 + slab, word);
  }

  #drop(superslab: number): void {
    const first = superslab * SLABS_PER_SUPERSLAB;
    for (let slab = first; slab < first + SLABS_PER_SUPERSLAB; slab++) this.#assertFree(slab);
    this.#pool.unlink(WORD_POOL_HEAD, superslab);
    // The page heap takes all of it for dirty.
    this.#journal.add(WORD_TOUCHED_GRANULES, bitsOf(~this.#words[this.#superslab(superslab) + SUPERSLAB_DIRTY]!));
    this.#journal.clear(this.#superslab(superslab), SUPERSLAB_WORDS);
    this.#journal.add(WORD_SUPERSLABS, -1);
    this.#pages.give(first);
  }

  /** @throws {HeaderCorruptedError} for a slab in use, as the slab map says: nothing of it is given out, or wiped. */
  #assertFree(slab: number): void {
    if (this.map[slab] !== 0) throw damaged(`slab ${slab} is in use, and free in another table`);
  }
}

/** 0 for a slab of which nothing was given out, and another for each word that is another. */
function sumOf(free: number, freeCount: number, carved: number): number {
  return free ^ (freeCount << 16 | carved);
}

/** How many bits of a word are set. */
function bitsOf(word: number): number {
  let count = 0;
  for (let left = word; left !== 0; left &= left - 1) count++;
  return count;
}
