/**
 * The page heap: hands out spans, runs of 64 KiB granules, to the slab layer (a superslab is a span of 32) and to large
 * blocks. Best fit; neighbours that are free are merged at once.
 *
 * A span's record is in the span table at its first granule, and a shorter one at its last, so that both neighbours are
 * found from any span. The records in between are always 0:
 *
 * ```
 *   first granule   | kind | granules | previous in bin, or offset of the block | next in bin, or pages charged |
 *   last granule    | TAIL | granules |        0         |         0        |
 * ```
 *
 * Free spans are *clean* (never touched since the system had them: they read as zero) or *dirty*, and merge only with
 * their like. Each kind has bins by length: one for each length below 64 granules, then eight a doubling. Dirty spans
 * are used first, being in memory; those that are too many (`trim`), or all if nothing else fits, are purged and so
 * become clean. Whatever writes here is part of a section (`../state/journal.ts`). Purging makes sections of its own, one
 * for every two megabytes, so that each is short.
 *
 * A granule is *touched* if it is in use or dirty, or part of a free slab. When a heap touches more than it ever did, what
 * lies idle is given back first (`hasGrown`): what a program is done with makes room for what it does next. One that
 * does the same again touches no more, so it pays nothing for this.
 *
 * Small blocks must lie below 2 GiB, and pointers below 2 GiB are fast for V8: so large spans go there too, but leave
 * a part of it for superslabs as long as there is room above. Cost: some tens of nanoseconds a call, without a purge.
 *
 * @module
 */

import { RecordList } from "./record_list.ts";
import { damaged } from "../state/damage.ts";
import type { Journal } from "../state/journal.ts";
import {
  BIN_MAP_WORDS,
  BINS,
  FIRST_BLOCK,
  MIB,
  SLAB_BYTES,
  SLABS_PER_SUPERSLAB,
  SMALL_SPACE_BYTES,
  SPAN_TABLE_OFFSET,
  SPAN_WORDS,
  WORD_BIN_MAP,
  WORD_BINS,
  WORD_DIRTY_GRANULES,
  WORD_FREE_GRANULES,
  WORD_LOW_FREE_GRANULES,
  WORD_TOUCHED_GRANULES,
  WORD_TOUCHED_LIMIT,
} from "../state/layout.ts";
import type { HeapMemory } from "../state/memory.ts";

export const SPAN_CLEAN = 1;
export const SPAN_DIRTY = 2;
export const SPAN_LARGE = 3;
export const SPAN_SUPERSLAB = 4;
const SPAN_TAIL = 8;

/** Words of a span's record. */
const KIND = 0;
const GRANULES = 1;
const PREVIOUS = 2;
const NEXT = 3;
/** The same two words in a large span: the block's offset from the span's start, and the pages it is charged with. */
export const SPAN_BLOCK_OFFSET = PREVIOUS;
/** Beside the offset: that the block is sampled, in a profiled heap. */
export const SPAN_SAMPLED = 1 << 30;
export const SPAN_PAGES = NEXT;
/** A span that was just taken has in the first of them whether it was clean, and so reads as zero. */
export const SPAN_WAS_CLEAN = PREVIOUS;

/**
 * Where a large span may be: anywhere; below 2 GiB alone; or that, and only as long as half of what is there is free, or
 * 512 MiB.
 */
export type SpanPlace = "anywhere" | "low" | "low half";

const LOW_GRANULES = SMALL_SPACE_BYTES / SLAB_BYTES;
/** What large spans leave for superslabs below 2 GiB while there is room above. */
const LOW_RESERVE_GRANULES = 512 * MIB / SLAB_BYTES;
/** Free spans keep this much touched memory, or a quarter of what is in use if that is more. */
const DIRTY_GRANULES = 32 * MIB / SLAB_BYTES;
/** A section purges no more, and `trim` no less: the system takes some 50 us for it, and one for a call at all. */
const PURGED_GRANULES = 2 * MIB / SLAB_BYTES;

/**
 * Granules that a heap may touch before it gives anything back: with its lists filled it has one of each small class.
 */
const FIRST_LIMIT = 4 * MIB / SLAB_BYTES;
/** The step by which that limit rises, or a sixteenth of the limit if that is more. */
const GROWTH_GRANULES = MIB / SLAB_BYTES;

const EXACT_BINS = 64;

/** Where in a free span `count` granules would go: the first of them, or -1. */
type Place = (first: number, granules: number, count: number) => number;

/** The bin of a length. A span in a later bin is longer than any in an earlier one. */
function binOf(granules: number): number {
  if (granules < EXACT_BINS) return granules;
  const log = 31 - Math.clz32(granules);
  return EXACT_BINS + (log - 6) * 8 + ((granules >>> (log - 3)) & 7);
}

/** See the module. Granules are numbered from pointer 0 on. Granule 0 means that there is none: no block lies there. */
export class PageHeap {
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #journal: Journal;
  readonly #granules: number;
  readonly #firstGranule: number;
  /** The free spans of each bin. */
  readonly #bins: RecordList;

  constructor(memory: HeapMemory) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#journal = memory.journal;
    this.#granules = memory.granules;
    this.#firstGranule = FIRST_BLOCK / SLAB_BYTES;
    this.#bins = new RecordList(this.#words, this.#journal, {
      name: "the free span at granule",
      least: this.#firstGranule,
      end: this.#granules,
      at: this.#record(0),
      words: SPAN_WORDS,
      next: NEXT,
      previous: PREVIOUS,
    });
    if (memory.isNew) {
      this.#journal.run(() => {
        this.#insert(this.#firstGranule, this.#granules - this.#firstGranule, SPAN_CLEAN);
        this.#journal.set(WORD_TOUCHED_LIMIT, FIRST_LIMIT);
      });
    }
  }

  /** First of 32 free granules that make a superslab, or 0. */
  takeSuperslab(): number {
    return this.#take(SLABS_PER_SUPERSLAB, SPAN_SUPERSLAB, (first, granules, count) => {
      const at = Math.ceil(first / SLABS_PER_SUPERSLAB) * SLABS_PER_SUPERSLAB;
      return at + count <= first + granules && at + count <= LOW_GRANULES ? at : -1;
    });
  }

  /**
   * First granule of a span for a large block, or 0. `aligned(first)` gives the lowest granule from `first` on at which
   * the span may begin.
   */
  takeLarge(
    count: number,
    aligned: (first: number) => number = (first) => first,
    where: SpanPlace = "anywhere",
  ): number {
    const spare = this.#granules > LOW_GRANULES ? LOW_RESERVE_GRANULES : 0;
    const within = (at: number, first: number, granules: number): number => at + count <= first + granules ? at : -1;
    const low: Place = (first, granules) => {
      const at = within(aligned(first), first, granules);
      if (at < 0 || at >= LOW_GRANULES) return -1;
      return this.#words[WORD_LOW_FREE_GRANULES]! - (Math.min(at + count, LOW_GRANULES) - at) >= spare ? at : -1;
    };
    if (where === "low") return this.#take(count, SPAN_LARGE, low);
    if (where === "low half") {
      const kept = Math.min(LOW_RESERVE_GRANULES, Math.min(this.#granules, LOW_GRANULES) >> 1);
      const left = this.#words[WORD_LOW_FREE_GRANULES]! - count - kept;
      return this.#take(count, SPAN_LARGE, (first, granules) => {
        const at = within(aligned(first), first, granules);
        return at >= 0 && at + count <= LOW_GRANULES && left >= 0 ? at : -1;
      });
    }
    const high: Place = (first, granules) => within(aligned(Math.max(first, LOW_GRANULES)), first, granules);
    const anywhere: Place = (first, granules) => within(aligned(first), first, granules);
    return this.#take(count, SPAN_LARGE, low, high, anywhere);
  }

  /** Whether a free span of so many granules has been touched before. Part of a section: it walks lists. */
  hasDirty(count: number): boolean {
    return this.#find(SPAN_DIRTY, count, (first) => first) !== 0;
  }

  /** Makes a span in use longer where it is, if the granules behind it are free. */
  growInPlace(first: number, count: number): boolean {
    const granules = this.granulesOf(first);
    const end = first + granules;
    if (end >= this.#granules || !this.isFree(end)) return false;
    const behind = this.granulesOf(end);
    if (granules + behind < count) return false;
    const kind = this.kindOf(end);
    this.#remove(end);
    if (granules + behind > count) this.#insert(first + count, granules + behind - count, kind);
    this.#resize(first, granules, count);
    if (kind === SPAN_CLEAN) this.#journal.add(WORD_TOUCHED_GRANULES, count - granules);
    this.#journal.watcher?.add("spansTaken", end);
    return true;
  }

  /** Gives the granules of a span in use from `count` on back. */
  shrinkInPlace(first: number, count: number): void {
    const granules = this.granulesOf(first);
    if (count >= granules) return;
    this.#resize(first, granules, count);
    this.#release(first + count, granules - count);
  }

  /** Gives a span back. */
  give(first: number): void {
    const granules = this.granulesOf(first);
    this.#clear(first, granules);
    this.#release(first, granules);
  }

  #release(first: number, granules: number): void {
    this.#journal.watcher?.add("spansGiven", first);
    this.#insert(first, granules, SPAN_DIRTY);
  }

  /**
   * Purges what is too much of touched memory that lies idle. To be called after the section that gave something back.
   */
  trim(): void {
    const inUse = this.#granules - this.#firstGranule - this.#words[WORD_FREE_GRANULES]!;
    const excess = this.#words[WORD_DIRTY_GRANULES]! - Math.max(DIRTY_GRANULES, inUse / 4);
    if (excess > 0) this.purge(this.#words[WORD_TOUCHED_GRANULES]! - Math.max(excess, PURGED_GRANULES));
  }

  /**
   * Whether more granules are touched than there may be. Then idle ones are due to be given back, until no more than
   * `goal` are touched, as far as there are any; and `raiseLimit` is to be called.
   */
  get hasGrown(): boolean {
    return this.#words[WORD_TOUCHED_GRANULES]! > this.#words[WORD_TOUCHED_LIMIT]!;
  }

  /** Whether so many more may be touched, and the heap has not grown then. */
  mayTouch(granules: number): boolean {
    return this.#words[WORD_TOUCHED_GRANULES]! + granules <= this.#words[WORD_TOUCHED_LIMIT]!;
  }

  /** Granules that are touched. */
  get touched(): number {
    return this.#words[WORD_TOUCHED_GRANULES]!;
  }

  /** See `hasGrown`. */
  get goal(): number {
    return this.#words[WORD_TOUCHED_LIMIT]! - this.#growth;
  }

  /**
   * Lets the heap touch more again: a whole step from here where not enough lay idle, otherwise a quarter of one, or
   * half of what went back, a number of granules, if that is more. So a program that does the same again and again is
   * let alone in the end, and soon if it needs much each time.
   */
  raiseLimit(purged: number): void {
    this.#journal.run(() => {
      const limit = this.#words[WORD_TOUCHED_LIMIT]!, touched = this.#words[WORD_TOUCHED_GRANULES]!;
      const step = Math.max(this.#growth, purged * 2) >> 2;
      this.#journal.set(
        WORD_TOUCHED_LIMIT,
        Math.min(this.#granules, Math.max(limit + step, touched + this.#growth)),
      );
    });
  }

  get #growth(): number {
    return Math.max(GROWTH_GRANULES, this.#words[WORD_TOUCHED_LIMIT]! >> 4);
  }

  /**
   * Gives the memory of dirty spans back to the system, until no more than `goal` granules are touched; returns the
   * bytes of those spans. What the system does not take stays dirty.
   */
  purge(goal = -Infinity): number {
    let purged = 0;
    while (this.#words[WORD_TOUCHED_GRANULES]! > goal) {
      const granules = this.#journal.run(() => this.#purgeOne());
      if (granules === 0) break;
      purged += granules;
    }
    return purged * SLAB_BYTES;
  }

  /** Granules, at the start of a dirty span, that are clean now; 0 if there is none. */
  #purgeOne(): number {
    const first = this.#first(SPAN_DIRTY);
    if (first === 0) return 0;
    const dirty = this.granulesOf(first), granules = Math.min(dirty, PURGED_GRANULES);
    if (!this.#memory.purge(first * SLAB_BYTES, granules * SLAB_BYTES)) return 0;
    this.#remove(first);
    this.#insert(first, granules, SPAN_CLEAN);
    if (granules < dirty) this.#insert(first + granules, dirty - granules, SPAN_DIRTY);
    this.#journal.add(WORD_TOUCHED_GRANULES, -granules);
    return granules;
  }

  /** With nothing in use, gives back the pages of the span table between the two records of the only span left. */
  purgeTable(): void {
    this.#journal.run(() => {
      const first = this.#firstGranule;
      if (this.kindOf(first) !== SPAN_CLEAN || this.granulesOf(first) !== this.#granules - first) return;
      const from = Math.ceil((this.#record(first) * 4 + SPAN_WORDS * 4) / SLAB_BYTES) * SLAB_BYTES;
      const to = Math.floor(this.#record(this.#granules - 1) * 4 / SLAB_BYTES) * SLAB_BYTES;
      if (to > from) this.#memory.purgeState(from, to - from);
    });
  }

  /** Kind of the span that begins at a granule; 0 if none does. For any number. */
  kindOf(granule: number): number {
    if (!(granule >= this.#firstGranule && granule < this.#granules)) return 0;
    const kind = this.#words[this.#record(granule) + KIND]!;
    return kind > 0 && kind <= SPAN_SUPERSLAB ? kind : 0;
  }

  isFree(granule: number): boolean {
    const kind = this.kindOf(granule);
    return kind === SPAN_CLEAN || kind === SPAN_DIRTY;
  }

  /**
   * Granules of the span that begins at one. @throws {HeaderCorruptedError} if its two records do not say that one
   * does.
   */
  granulesOf(granule: number): number {
    const words = this.#words,
      granules = words[this.#record(granule) + GRANULES]!,
      tail = this.#record(granule + granules - 1);
    const isWhole = this.kindOf(granule) !== 0 && granules > 0 && granule + granules <= this.#granules &&
      (granules === 1 || (words[tail + KIND] === SPAN_TAIL && words[tail + GRANULES] === granules));
    if (!isWhole) throw damaged(`no span of ${granules} granules begins at granule ${granule}`);
    return granules;
  }

  /** Word of a large span's record: `SPAN_BLOCK_OFFSET` or `SPAN_PAGES`. */
  wordOf(granule: number, word: number): number {
    return this.#words[this.#record(granule) + word]!;
  }

  setWord(granule: number, word: number, value: number): void {
    this.#journal.set(this.#record(granule) + word, value);
  }

  /**
   * Its index in the heap's words: for whoever writes it outside a section, being the only one to write and read it.
   */
  indexOf(granule: number, word: number): number {
    return this.#record(granule) + word;
  }

  /** First granules of all spans, in order of address. */
  *spans(): Generator<number> {
    for (let first = this.#firstGranule; first < this.#granules; first += this.granulesOf(first)) yield first;
  }

  /** Walks all spans and bins; returns what is wrong with the first record that is, or undefined. */
  findDamage(): string | undefined {
    let free = 0, dirty = 0, low = 0, listed = 0, count = 0, before = 0;
    for (let first = this.#firstGranule; first < this.#granules; first += this.granulesOf(first)) {
      const kind = this.kindOf(first), granules = this.granulesOf(first);
      if (this.isFree(first)) {
        if (kind === before) return `the free spans before and at granule ${first} are not merged`;
        free += granules;
        count++;
        if (kind === SPAN_DIRTY) dirty += granules;
        low += Math.max(0, Math.min(first + granules, LOW_GRANULES) - first);
      }
      before = this.isFree(first) ? kind : 0;
    }
    for (const kind of [SPAN_CLEAN, SPAN_DIRTY]) {
      for (let bin = 0; bin < BINS; bin++) {
        for (let granule = this.#bins.first(this.#bin(kind, bin)); granule !== 0; granule = this.#bins.next(granule)) {
          if (this.kindOf(granule) !== kind || binOf(this.granulesOf(granule)) !== bin) {
            return `granule ${granule} is in a wrong bin`;
          }
          listed++;
        }
      }
    }
    if (listed !== count) return `${count} spans are free, ${listed} are in bins`;
    if (free !== this.#words[WORD_FREE_GRANULES]) return `${free} granules are free, not as counted`;
    if (dirty !== this.#words[WORD_DIRTY_GRANULES]) return `${dirty} granules are dirty, not as counted`;
    if (low !== this.#words[WORD_LOW_FREE_GRANULES]) return `${low} low granules are free, not as counted`;
    return undefined;
  }

  /** The best fit that the first policy finds which finds any; dirty spans before clean ones. */
  #take(count: number, kind: number, ...policies: Place[]): number {
    for (const place of policies) {
      for (const free of [SPAN_DIRTY, SPAN_CLEAN]) {
        const first = this.#find(free, count, place);
        if (first !== 0) return this.#cut(first, place(first, this.granulesOf(first), count), count, kind);
      }
    }
    return 0; // what is free may lie on both sides of a border between clean and dirty: a purge joins them
  }

  /** The shortest free span of a kind in which `count` granules have a place, or 0. */
  #find(kind: number, count: number, place: Place): number {
    const maps = WORD_BIN_MAP + (kind - SPAN_CLEAN) * BIN_MAP_WORDS;
    let from = binOf(count);
    for (let index = from >>> 5; index < BIN_MAP_WORDS; index++, from = index << 5) {
      let map = this.#words[maps + index]! & (-1 << (from & 31));
      for (; map !== 0; map &= map - 1) {
        const bin = (index << 5) + 31 - Math.clz32(map & -map);
        let best = 0;
        for (let granule = this.#bins.first(this.#bin(kind, bin)); granule !== 0; granule = this.#bins.next(granule)) {
          const granules = this.granulesOf(granule);
          if (this.kindOf(granule) !== kind) throw damaged(`the span at granule ${granule} is in a bin, and not free`);
          if (granules < count || (best !== 0 && granules >= this.granulesOf(best))) continue;
          if (place(granule, granules, count) >= 0) best = granule;
        }
        if (best !== 0) return best;
      }
    }
    return 0;
  }

  /** Takes `count` granules at `at` out of a free span; what is left before and after it stays free. */
  #cut(first: number, at: number, count: number, kind: number): number {
    const free = this.kindOf(first);
    const end = first + this.granulesOf(first);
    this.#remove(first);
    if (at > first) this.#insert(first, at - first, free);
    if (end > at + count) this.#insert(at + count, end - at - count, free);
    this.#write(at, count, kind);
    this.#journal.watcher?.add("spansTaken", at);
    this.setWord(at, SPAN_WAS_CLEAN, free === SPAN_CLEAN ? 1 : 0);
    // Those of a superslab are counted slab by slab, when they are taken.
    if (free === SPAN_CLEAN && kind === SPAN_LARGE) this.#journal.add(WORD_TOUCHED_GRANULES, count);
    return at;
  }

  /** Makes granules a free span, merged with neighbours of its kind. */
  #insert(first: number, granules: number, kind: number): void {
    let start = first, end = first + granules;
    if (end < this.#granules && this.kindOf(end) === kind) {
      const next = end;
      end += this.granulesOf(next);
      this.#remove(next);
    }
    if (start > this.#firstGranule) {
      const previous = start - this.#words[this.#record(start - 1) + GRANULES]!; // the end of a span, or all of it
      if (this.kindOf(previous) === kind) {
        if (this.granulesOf(previous) !== start - previous) throw damaged(`no span ends before granule ${start}`);
        this.#remove(previous);
        start = previous;
      }
    }
    this.#write(start, end - start, kind);
    const bin = binOf(end - start);
    this.#bins.push(this.#bin(kind, bin), start);
    const map = this.#map(kind, bin);
    this.#journal.set(map, this.#words[map]! | 1 << (bin & 31));
    this.#count(start, end - start, kind, 1);
  }

  /** Takes a free span off its bin and clears its records. */
  #remove(first: number): void {
    const kind = this.kindOf(first), granules = this.granulesOf(first), bin = binOf(granules);
    this.#bins.unlink(this.#bin(kind, bin), first);
    if (this.#words[this.#bin(kind, bin)] === 0) {
      const map = this.#map(kind, bin);
      this.#journal.set(map, this.#words[map]! & ~(1 << (bin & 31)));
    }
    this.#clear(first, granules);
    this.#count(first, granules, kind, -1);
  }

  #count(first: number, granules: number, kind: number, sign: number): void {
    const low = Math.max(0, Math.min(first + granules, LOW_GRANULES) - first);
    this.#journal.add(WORD_FREE_GRANULES, sign * granules);
    if (kind === SPAN_DIRTY) this.#journal.add(WORD_DIRTY_GRANULES, sign * granules);
    this.#journal.add(WORD_LOW_FREE_GRANULES, sign * low);
  }

  #write(first: number, granules: number, kind: number): void {
    const tail = this.#record(first + granules - 1);
    this.#journal.set(tail + KIND, SPAN_TAIL);
    this.#journal.set(tail + GRANULES, granules);
    const head = this.#record(first); // a span of one granule has its head there
    this.#journal.set(head + KIND, kind);
    this.#journal.set(head + GRANULES, granules);
  }

  #clear(first: number, granules: number): void {
    this.#journal.clear(this.#record(first), SPAN_WORDS);
    if (granules > 1) this.#journal.clear(this.#record(first + granules - 1), SPAN_WORDS);
  }

  /** Changes the length of a span in use, keeping the rest of its record. */
  #resize(first: number, from: number, to: number): void {
    const kind = this.kindOf(first);
    const a = this.wordOf(first, PREVIOUS), b = this.wordOf(first, NEXT);
    this.#clear(first, from);
    this.#write(first, to, kind);
    this.setWord(first, PREVIOUS, a);
    this.setWord(first, NEXT, b);
  }

  #first(kind: number): number {
    const maps = WORD_BIN_MAP + (kind - SPAN_CLEAN) * BIN_MAP_WORDS;
    for (let index = 0; index < BIN_MAP_WORDS; index++) {
      const map = this.#words[maps + index]!;
      if (map === 0) continue;
      const first = this.#bins.first(this.#bin(kind, (index << 5) + 31 - Math.clz32(map & -map)));
      if (this.kindOf(first) !== kind) throw damaged(`a bin of free spans leads to granule ${first}`);
      return first;
    }
    return 0;
  }

  #record(granule: number): number {
    return SPAN_TABLE_OFFSET / 4 + granule * SPAN_WORDS;
  }

  /** Word of the bitmap that has a bin's bit. */
  #map(kind: number, bin: number): number {
    return WORD_BIN_MAP + (kind - SPAN_CLEAN) * BIN_MAP_WORDS + (bin >>> 5);
  }

  #bin(kind: number, bin: number): number {
    return WORD_BINS + (kind - SPAN_CLEAN) * BINS + bin;
  }
}
