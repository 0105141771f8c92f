/**
 * The page heap: hands out spans, runs of 64 KiB units, to the slab layer (a superslab is a span of 32) and to large
 * blocks. Best fit; neighbours that are free are merged at once.
 *
 * A span's record is in the span table at its first unit, and a shorter one at its last, so that both neighbours are
 * found from any span; the records between are 0, always:
 *
 * ```
 *   first unit   | kind | units | previous in bin, or offset of the block | next in bin, or pages charged |
 *   last unit    | TAIL | units |        0         |         0        |
 * ```
 *
 * Free spans are *clean* (never touched since the system had them: they read as zero) or *dirty*, and merge only with
 * their like. Each kind has bins by length: one for each length below 64 units, then eight a doubling. Dirty spans are
 * used first, being in memory; those that are too many (`trim`), or all if nothing else fits, are purged and so become
 * clean. What writes here is part of a section (`../state/journal.ts`), but for purging, which makes sections of its
 * own: one for each two megabytes, so that none is long.
 *
 * Units are *touched* that are in use or dirty, in free slabs too. When a heap touches more than it ever did, what lies
 * idle is given back first (`hasGrown`): what a program is done with makes room for what it does next. One that does the same
 * again touches no more, so it pays nothing for this.
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
  WORD_DIRTY_UNITS,
  WORD_FREE_UNITS,
  WORD_LOW_FREE_UNITS,
  WORD_TOUCHED_LIMIT,
  WORD_TOUCHED_UNITS,
} from "../state/layout.ts";
import type { HeapMemory } from "../state/memory.ts";

export const SPAN_CLEAN = 1;
export const SPAN_DIRTY = 2;
export const SPAN_LARGE = 3;
export const SPAN_SUPERSLAB = 4;
const SPAN_TAIL = 8;

/** Words of a span's record. */
const KIND = 0;
const UNITS = 1;
const PREVIOUS = 2;
const NEXT = 3;
/** The same two words in a large span: the block's offset from the span's start, and the pages it is charged with. */
export const SPAN_BLOCK_OFFSET = PREVIOUS;
export const SPAN_PAGES = NEXT;
/** A span that was just taken has in the first of them whether it was clean, and so reads as zero. */
export const SPAN_WAS_CLEAN = PREVIOUS;

const LOW_UNITS = SMALL_SPACE_BYTES / SLAB_BYTES;
/** What large spans leave for superslabs below 2 GiB while there is room above. */
const LOW_RESERVE_UNITS = 512 * MIB / SLAB_BYTES;
/** Free spans keep this much touched memory, or a quarter of what is in use if that is more. */
const DIRTY_UNITS = 32 * MIB / SLAB_BYTES;
/** A section purges no more, and `trim` no less: the system takes some 50 us for it, and one for a call at all. */
const PURGED_UNITS = 2 * MIB / SLAB_BYTES;

/** Units that a heap may touch before it gives anything back: with its lists filled it has one of each small class. */
const FIRST_LIMIT = 4 * MIB / SLAB_BYTES;
/** The step by which that limit rises, or a sixteenth of the limit if that is more. */
const GROWTH_UNITS = MIB / SLAB_BYTES;

const EXACT_BINS = 64;

/** Where in a free span `count` units would go: the first of them, or -1. */
type Place = (first: number, units: number, count: number) => number;

/** The bin of a length. A span in a later bin is longer than any in an earlier one. */
function binOf(units: number): number {
  if (units < EXACT_BINS) return units;
  const log = 31 - Math.clz32(units);
  return EXACT_BINS + (log - 6) * 8 + ((units >>> (log - 3)) & 7);
}

/** See the module. Units are numbered from where pointers are; 0 is none: no block lies there. */
export class PageHeap {
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #journal: Journal;
  readonly #units: number;
  readonly #firstUnit: number;
  /** The free spans of each bin. */
  readonly #bins: RecordList;

  constructor(memory: HeapMemory) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#journal = memory.journal;
    this.#units = memory.units;
    this.#firstUnit = FIRST_BLOCK / SLAB_BYTES;
    this.#bins = new RecordList(this.#words, this.#journal, {
      name: "the free span at unit",
      least: this.#firstUnit,
      end: this.#units,
      at: this.#record(0),
      words: SPAN_WORDS,
      next: NEXT,
      previous: PREVIOUS,
    });
    if (memory.isNew) {
      this.#journal.run(() => {
        this.#insert(this.#firstUnit, this.#units - this.#firstUnit, SPAN_CLEAN);
        this.#journal.set(WORD_TOUCHED_LIMIT, FIRST_LIMIT);
      });
    }
  }

  /** First of 32 free units that make a superslab, or 0. */
  takeSuperslab(): number {
    return this.#take(SLABS_PER_SUPERSLAB, SPAN_SUPERSLAB, (first, units, count) => {
      const at = Math.ceil(first / SLABS_PER_SUPERSLAB) * SLABS_PER_SUPERSLAB;
      return at + count <= first + units && at + count <= LOW_UNITS ? at : -1;
    });
  }

  /**
   * First unit of a span for a large block, or 0. `aligned(first)` gives the lowest unit from `first` on at which the
   * span may begin.
   */
  takeLarge(count: number, aligned: (first: number) => number = (first) => first): number {
    const spare = this.#units > LOW_UNITS ? LOW_RESERVE_UNITS : 0;
    const within = (at: number, first: number, units: number): number => at + count <= first + units ? at : -1;
    const low: Place = (first, units) => {
      const at = within(aligned(first), first, units);
      if (at < 0 || at >= LOW_UNITS) return -1;
      return this.#words[WORD_LOW_FREE_UNITS]! - (Math.min(at + count, LOW_UNITS) - at) >= spare ? at : -1;
    };
    const high: Place = (first, units) => within(aligned(Math.max(first, LOW_UNITS)), first, units);
    const anywhere: Place = (first, units) => within(aligned(first), first, units);
    return this.#take(count, SPAN_LARGE, low, high, anywhere);
  }

  /** Makes a span in use longer where it is, if the units behind it are free. */
  growInPlace(first: number, count: number): boolean {
    const units = this.unitsOf(first);
    const end = first + units;
    if (end >= this.#units || !this.isFree(end)) return false;
    const behind = this.unitsOf(end);
    if (units + behind < count) return false;
    const kind = this.kindOf(end);
    this.#remove(end);
    if (units + behind > count) this.#insert(first + count, units + behind - count, kind);
    this.#resize(first, units, count);
    if (kind === SPAN_CLEAN) this.#journal.add(WORD_TOUCHED_UNITS, count - units);
    this.#journal.watcher?.add("spansTaken", end);
    return true;
  }

  /** Gives the units of a span in use from `count` on back. */
  shrinkInPlace(first: number, count: number): void {
    const units = this.unitsOf(first);
    if (count >= units) return;
    this.#resize(first, units, count);
    this.#release(first + count, units - count);
  }

  /** Gives a span back. */
  give(first: number): void {
    const units = this.unitsOf(first);
    this.#clear(first, units);
    this.#release(first, units);
  }

  #release(first: number, units: number): void {
    this.#journal.watcher?.add("spansGiven", first);
    this.#insert(first, units, SPAN_DIRTY);
  }

  /** Purges what is too much of touched memory that lies idle. To be called after the section that gave something back. */
  trim(): void {
    const inUse = this.#units - this.#firstUnit - this.#words[WORD_FREE_UNITS]!;
    const excess = this.#words[WORD_DIRTY_UNITS]! - Math.max(DIRTY_UNITS, inUse / 4);
    if (excess > 0) this.purge(this.#words[WORD_TOUCHED_UNITS]! - Math.max(excess, PURGED_UNITS));
  }

  /**
   * Whether more units are touched than there may be. Then idle ones are due to be given back, until no more than `goal`
   * are touched, as far as there are any; and `raiseLimit` is to be called.
   */
  get hasGrown(): boolean {
    return this.#words[WORD_TOUCHED_UNITS]! > this.#words[WORD_TOUCHED_LIMIT]!;
  }

  /** See `hasGrown`. */
  get goal(): number {
    return this.#words[WORD_TOUCHED_LIMIT]! - this.#growth;
  }

  /**
   * Lets the heap touch more again: a whole step from here where not enough lay idle, else a quarter of one. So a program
   * that does the same again and again is let alone in the end, if its memory fits worse each time.
   */
  raiseLimit(): void {
    this.#journal.run(() => {
      const limit = this.#words[WORD_TOUCHED_LIMIT]!, touched = this.#words[WORD_TOUCHED_UNITS]!;
      this.#journal.set(
        WORD_TOUCHED_LIMIT,
        Math.min(this.#units, Math.max(limit + (this.#growth >> 2), touched + this.#growth)),
      );
    });
  }

  get #growth(): number {
    return Math.max(GROWTH_UNITS, this.#words[WORD_TOUCHED_LIMIT]! >> 4);
  }

  /**
   * Gives the memory of dirty spans back to the system, until no more than `goal` units are touched; returns the bytes of
   * those spans. What the system does not take stays dirty.
   */
  purge(goal = -Infinity): number {
    let purged = 0;
    while (this.#words[WORD_TOUCHED_UNITS]! > goal) {
      const units = this.#journal.run(() => this.#purgeOne());
      if (units === 0) break;
      purged += units;
    }
    return purged * SLAB_BYTES;
  }

  /** Units, at the start of a dirty span, that are clean now; 0 if there is none. */
  #purgeOne(): number {
    const first = this.#first(SPAN_DIRTY);
    if (first === 0) return 0;
    const dirty = this.unitsOf(first), units = Math.min(dirty, PURGED_UNITS);
    if (!this.#memory.purge(first * SLAB_BYTES, units * SLAB_BYTES)) return 0;
    this.#remove(first);
    this.#insert(first, units, SPAN_CLEAN);
    if (units < dirty) this.#insert(first + units, dirty - units, SPAN_DIRTY);
    this.#journal.add(WORD_TOUCHED_UNITS, -units);
    return units;
  }

  /** With nothing in use, gives back the pages of the span table between the two records of the only span left. */
  purgeTable(): void {
    this.#journal.run(() => {
      const first = this.#firstUnit;
      if (this.kindOf(first) !== SPAN_CLEAN || this.unitsOf(first) !== this.#units - first) return;
      const from = Math.ceil((this.#record(first) * 4 + SPAN_WORDS * 4) / SLAB_BYTES) * SLAB_BYTES;
      const to = Math.floor(this.#record(this.#units - 1) * 4 / SLAB_BYTES) * SLAB_BYTES;
      if (to > from) this.#memory.purgeState(from, to - from);
    });
  }

  /** Kind of the span that begins at a unit; 0 if none does. For any number. */
  kindOf(unit: number): number {
    if (!(unit >= this.#firstUnit && unit < this.#units)) return 0;
    const kind = this.#words[this.#record(unit) + KIND]!;
    return kind > 0 && kind <= SPAN_SUPERSLAB ? kind : 0;
  }

  isFree(unit: number): boolean {
    const kind = this.kindOf(unit);
    return kind === SPAN_CLEAN || kind === SPAN_DIRTY;
  }

  /** Units of the span that begins at one. @throws {HeaderCorruptedError} if its two records do not say that one does. */
  unitsOf(unit: number): number {
    const words = this.#words, units = words[this.#record(unit) + UNITS]!, tail = this.#record(unit + units - 1);
    const isWhole = this.kindOf(unit) !== 0 && units > 0 && unit + units <= this.#units &&
      (units === 1 || (words[tail + KIND] === SPAN_TAIL && words[tail + UNITS] === units));
    if (!isWhole) throw damaged(`no span of ${units} units begins at unit ${unit}`);
    return units;
  }

  /** Word of a large span's record: `SPAN_BLOCK_OFFSET` or `SPAN_PAGES`. */
  wordOf(unit: number, word: number): number {
    return this.#words[this.#record(unit) + word]!;
  }

  setWord(unit: number, word: number, value: number): void {
    this.#journal.set(this.#record(unit) + word, value);
  }

  /** Its index in the heap's words: for who writes it in no section, being the only one to write and read it. */
  indexOf(unit: number, word: number): number {
    return this.#record(unit) + word;
  }

  /** First units of all spans, in order of address. */
  *spans(): Generator<number> {
    for (let first = this.#firstUnit; first < this.#units; first += this.unitsOf(first)) yield first;
  }

  /** Walks all spans and bins; returns what is wrong with the first record that is, or undefined. */
  findDamage(): string | undefined {
    let free = 0, dirty = 0, low = 0, listed = 0, count = 0, before = 0;
    for (let first = this.#firstUnit; first < this.#units; first += this.unitsOf(first)) {
      const kind = this.kindOf(first), units = this.unitsOf(first);
      if (this.isFree(first)) {
        if (kind === before) return `the free spans before and at unit ${first} are not merged`;
        free += units;
        count++;
        if (kind === SPAN_DIRTY) dirty += units;
        low += Math.max(0, Math.min(first + units, LOW_UNITS) - first);
      }
      before = this.isFree(first) ? kind : 0;
    }
    for (const kind of [SPAN_CLEAN, SPAN_DIRTY]) {
      for (let bin = 0; bin < BINS; bin++) {
        for (let unit = this.#bins.first(this.#bin(kind, bin)); unit !== 0; unit = this.#bins.next(unit)) {
          if (this.kindOf(unit) !== kind || binOf(this.unitsOf(unit)) !== bin) return `unit ${unit} is in a wrong bin`;
          listed++;
        }
      }
    }
    if (listed !== count) return `${count} spans are free, ${listed} are in bins`;
    if (free !== this.#words[WORD_FREE_UNITS]) return `${free} units are free, not as counted`;
    if (dirty !== this.#words[WORD_DIRTY_UNITS]) return `${dirty} units are dirty, not as counted`;
    if (low !== this.#words[WORD_LOW_FREE_UNITS]) return `${low} low units are free, not as counted`;
    return undefined;
  }

  /** The best fit that the first policy finds which finds any; dirty spans before clean ones. */
  #take(count: number, kind: number, ...policies: Place[]): number {
    for (const place of policies) {
      for (const free of [SPAN_DIRTY, SPAN_CLEAN]) {
        const first = this.#find(free, count, place);
        if (first !== 0) return this.#cut(first, place(first, this.unitsOf(first), count), count, kind);
      }
    }
    return 0; // what is free may lie on both sides of a border between clean and dirty: a purge joins them
  }

  /** The shortest free span of a kind in which `count` units have a place, or 0. */
  #find(kind: number, count: number, place: Place): number {
    const maps = WORD_BIN_MAP + (kind - SPAN_CLEAN) * BIN_MAP_WORDS;
    let from = binOf(count);
    for (let index = from >>> 5; index < BIN_MAP_WORDS; index++, from = index << 5) {
      let map = this.#words[maps + index]! & (-1 << (from & 31));
      for (; map !== 0; map &= map - 1) {
        const bin = (index << 5) + 31 - Math.clz32(map & -map);
        let best = 0;
        for (let unit = this.#bins.first(this.#bin(kind, bin)); unit !== 0; unit = this.#bins.next(unit)) {
          const units = this.unitsOf(unit);
          if (this.kindOf(unit) !== kind) throw damaged(`the span at unit ${unit} is in a bin, and not free`);
          if (units < count || (best !== 0 && units >= this.unitsOf(best))) continue;
          if (place(unit, units, count) >= 0) best = unit;
        }
        if (best !== 0) return best;
      }
    }
    return 0;
  }

  /** Takes `count` units at `at` out of a free span; what is left in front and behind stays free. */
  #cut(first: number, at: number, count: number, kind: number): number {
    const free = this.kindOf(first);
    const end = first + this.unitsOf(first);
    this.#remove(first);
    if (at > first) this.#insert(first, at - first, free);
    if (end > at + count) this.#insert(at + count, end - at - count, free);
    this.#write(at, count, kind);
    this.#journal.watcher?.add("spansTaken", at);
    this.setWord(at, SPAN_WAS_CLEAN, free === SPAN_CLEAN ? 1 : 0);
    // Those of a superslab are counted slab by slab, when they are taken.
    if (free === SPAN_CLEAN && kind === SPAN_LARGE) this.#journal.add(WORD_TOUCHED_UNITS, count);
    return at;
  }

  /** Makes units a free span, merged with neighbours of its kind. */
  #insert(first: number, units: number, kind: number): void {
    let start = first, end = first + units;
    if (end < this.#units && this.kindOf(end) === kind) {
      const next = end;
      end += this.unitsOf(next);
      this.#remove(next);
    }
    if (start > this.#firstUnit) {
      const previous = start - this.#words[this.#record(start - 1) + UNITS]!; // the end of a span, or all of it
      if (this.kindOf(previous) === kind) {
        if (this.unitsOf(previous) !== start - previous) throw damaged(`no span ends before unit ${start}`);
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
    const kind = this.kindOf(first), units = this.unitsOf(first), bin = binOf(units);
    this.#bins.unlink(this.#bin(kind, bin), first);
    if (this.#words[this.#bin(kind, bin)] === 0) {
      const map = this.#map(kind, bin);
      this.#journal.set(map, this.#words[map]! & ~(1 << (bin & 31)));
    }
    this.#clear(first, units);
    this.#count(first, units, kind, -1);
  }

  #count(first: number, units: number, kind: number, sign: number): void {
    const low = Math.max(0, Math.min(first + units, LOW_UNITS) - first);
    this.#journal.add(WORD_FREE_UNITS, sign * units);
    if (kind === SPAN_DIRTY) this.#journal.add(WORD_DIRTY_UNITS, sign * units);
    this.#journal.add(WORD_LOW_FREE_UNITS, sign * low);
  }

  #write(first: number, units: number, kind: number): void {
    const tail = this.#record(first + units - 1);
    this.#journal.set(tail + KIND, SPAN_TAIL);
    this.#journal.set(tail + UNITS, units);
    const head = this.#record(first); // a span of one unit has its head there
    this.#journal.set(head + KIND, kind);
    this.#journal.set(head + UNITS, units);
  }

  #clear(first: number, units: number): void {
    this.#journal.clear(this.#record(first), SPAN_WORDS);
    if (units > 1) this.#journal.clear(this.#record(first + units - 1), SPAN_WORDS);
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
      if (this.kindOf(first) !== kind) throw damaged(`a bin of free spans leads to unit ${first}`);
      return first;
    }
    return 0;
  }

  #record(unit: number): number {
    return SPAN_TABLE_OFFSET / 4 + unit * SPAN_WORDS;
  }

  /** Word of the bitmap that has a bin's bit. */
  #map(kind: number, bin: number): number {
    return WORD_BIN_MAP + (kind - SPAN_CLEAN) * BIN_MAP_WORDS + (bin >>> 5);
  }

  #bin(kind: number, bin: number): number {
    return WORD_BINS + (kind - SPAN_CLEAN) * BINS + bin;
  }
}
