/**
 * The books of a debug build, and of a guarded one (`../guard/`): a record for each block that is live, in quarantine, or
 * remembered after that. They are in memory of their own (`../state/books_layout.ts`), which all threads of a heap have, and
 * written as the heap's tables are: in sections, with an undo log, under one lock (`../state/journal.ts`). So they are right
 * whichever thread dies, and at whatever step.
 *
 * ```
 *   map[place of ptr] -> record: | ptr, size | in front, behind | class | list | allocated, freed | next, previous |
 *
 *   LIVE <-> oldest <-> ... <-> newest <-> LIVE     three rings, each closed by a record that is its head:
 *   QUARANTINED <-> ... <-> QUARANTINED             a freed block goes from the first to the second, then to the third,
 *   GONE <-> ... <-> GONE                           which forgets the oldest when it has 4,096
 * ```
 *
 * The quarantine is first in, first out, up to a number of bytes. While a block is in there its memory is not given out
 * again, so that a second free and a write after free can be told for certain. What is gone is remembered without its
 * memory, until a block begins in its place: a second free is then still known for what it is.
 *
 * C code, which has addresses, may overwrite the books: so each step of a walk looks whether the next record leads back, and
 * what a record says is compared with the map before anything is done to its block. What disagrees is `HEADER_CORRUPTED`.
 *
 * A record that is on no ring is nobody's, so only links, the list that it is on, and what changes later are logged.
 * So a section adds one block at most, before it forgets any: a record that it has made free could not be made whole
 * again.
 *
 * @module
 */

import { damaged } from "../state/damage.ts";
import type { DebugBlock } from "./block.ts";
import {
  BOOK_FREE_RECORDS,
  BOOK_GONE_BLOCKS,
  BOOK_QUARANTINE_BYTES,
  BOOK_QUARANTINE_MOST,
  BOOK_RECORDS,
  BOOK_UNFILLED,
  BOOK_UNSETTLED,
  placeOf,
  RECORD_WORDS,
} from "../state/books_layout.ts";
import type { Journal } from "../state/journal.ts";
import type { HeaderCorruptedError } from "../errors.ts";
import { BLOCK_ALIGNMENT, SLAB_SHIFT } from "../state/layout.ts";
import type { BooksMemory } from "../state/memory.ts";

/** Words of a record; its first four are two doubles. */
const PTR = 0;
const SIZE = 1;
const FRONT_BYTES = 4; // from the inner block's start to the user's
const REAR_BYTES = 5; // from the user's end to the inner block's
const SIZE_CLASS = 6;
const LIST = 7;
const ALLOCATED = 8;
const FREED = 9;
const NEXT = 10;
const PREVIOUS = 11;

/** The rings, by the records that are their heads. */
export const LIVE = 1;
export const QUARANTINED = 2;
export const GONE = 3;
export type List = typeof LIVE | typeof QUARANTINED | typeof GONE;

/** Freed blocks that are remembered when their memory is in use again. */
const GONE_MOST = 4096;

/** A double, and its two words. */
const double = new Float64Array(1), doubleWords = new Int32Array(double.buffer);

/** See the module. Every method that writes is part of a section. */
export class DebugBooks {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #journal: Journal;
  readonly #heapBytes: number;
  readonly #map: number;
  readonly #records: number;
  /** Records that there is room for. */
  readonly #most: number;

  /**
   * @param heapBytes every pointer is below.
   * @param quarantineMost what the quarantine holds, in bytes, if the heap is new.
   */
  constructor(
    { buffer, words, journal, layout }: BooksMemory,
    heapBytes: number,
    quarantineMost?: number,
  ) {
    this.#words = words;
    this.#doubles = new Float64Array(buffer);
    this.#journal = journal;
    this.#heapBytes = heapBytes;
    this.#map = layout.map;
    this.#records = layout.records;
    this.#most = Math.floor((words.length - layout.records) / RECORD_WORDS);
    if (quarantineMost === undefined) return;
    journal.run(() => this.#setWide(BOOK_QUARANTINE_MOST, quarantineMost));
    for (const head of [LIVE, QUARANTINED, GONE]) {
      words[this.#word(head, NEXT)] = head;
      words[this.#word(head, PREVIOUS)] = head;
    }
    words[BOOK_RECORDS] = GONE;
  }

  /** Adds a live block, one in a section. One that was gone, and began in the same place, is forgotten. @returns its record */
  add(block: Omit<DebugBlock, "record" | "live" | "slab" | "freed">): number {
    const { ptr, size, inner, innerBytes, sizeClass, allocated } = block;
    const place = this.#map + placeOf(ptr), old = this.#words[place]!;
    const record = this.#take(), word = this.#word(record, 0);
    if (old !== 0) this.#forget(old); // its record is not the one that was taken, and so is whole if this is undone
    this.#doubles[word / 2 + PTR] = ptr;
    this.#doubles[word / 2 + SIZE] = size;
    this.#words[word + FRONT_BYTES] = ptr - inner;
    this.#words[word + REAR_BYTES] = inner + innerBytes - ptr - size;
    this.#words[word + SIZE_CLASS] = sizeClass;
    this.#words[word + ALLOCATED] = allocated;
    this.#words[word + FREED] = 0;
    this.#link(record, LIVE);
    this.#journal.set(place, record);
    return record;
  }

  /** Makes a live block longer where it is, by bytes of the redzone behind it. */
  lengthen({ record, size }: DebugBlock, by: number): void {
    const word = this.#word(record, 0);
    double[0] = size + by;
    this.#journal.set(word + SIZE * 2, doubleWords[0]!);
    this.#journal.set(word + SIZE * 2 + 1, doubleWords[1]!);
    this.#journal.add(word + REAR_BYTES, -by);
  }

  /** The word that has the number of the stack of the allocation. */
  allocatedWord(record: number): number {
    return this.#word(record, ALLOCATED);
  }

  /** The word that has that of the free. */
  freedWord(record: number): number {
    return this.#word(record, FREED);
  }

  /** The block that begins at a pointer, and is on any of the lists; for any number. */
  find(ptr: number): DebugBlock | undefined {
    const record = this.#recordAt(ptr);
    return record === 0 ? undefined : this.#block(record);
  }

  /** The record of the block that begins at a pointer, or 0. */
  #recordAt(ptr: number): number {
    if (!(ptr >= 0 && ptr < this.#heapBytes) || ptr % BLOCK_ALIGNMENT !== 0) return 0;
    const record = this.#words[this.#map + placeOf(ptr)]!;
    return record !== 0 && this.#doubles[this.#word(record, 0) / 2 + PTR] === ptr ? record : 0;
  }

  /**
   * Whether a block may begin at a pointer, any number, that is live or in quarantine: outside of sections a hint, since
   * others may be giving the record to another block. It does not throw, as what else reads a record would in the middle
   * of another thread's section.
   */
  mayHold(ptr: number): boolean {
    const list = this.#listAt(ptr);
    return list === LIVE || list === QUARANTINED;
  }

  /** The same of one that is live. */
  mayBeLive(ptr: number): boolean {
    return this.#listAt(ptr) === LIVE;
  }

  #listAt(ptr: number): number {
    const record = this.#recordAt(ptr);
    return record === 0 ? 0 : this.#words[this.#word(record, LIST)]!;
  }

  /** The block that begins at a pointer, live or in quarantine. */
  held(ptr: number): DebugBlock | undefined {
    return this.mayHold(ptr) ? this.find(ptr) : undefined;
  }

  /** The blocks of a list, from the oldest on it to the newest. */
  *on(list: List): Generator<DebugBlock> {
    for (let record = this.#next(list, list); record !== list; record = this.#next(record, list)) {
      yield this.#block(record);
    }
  }

  /** The block that has been on a list longest; undefined if there is none. */
  oldest(list: List): DebugBlock | undefined {
    const record = this.#next(list, list);
    return record === list ? undefined : this.#block(record);
  }

  /** Puts a live block into the quarantine. Until it is filled, `unfilled` has it. */
  quarantine({ record, innerBytes }: DebugBlock, freed: number): void {
    this.#move(record, QUARANTINED);
    this.#journal.set(this.#word(record, FREED), freed);
    this.#journal.set(BOOK_UNFILLED, record);
    this.#setWide(BOOK_QUARANTINE_BYTES, this.quarantineBytes + innerBytes);
  }

  /** Remembers a block that leaves the quarantine, or that was never in it. */
  retire({ record, innerBytes, live, freed }: DebugBlock): void {
    if (!live) this.#setWide(BOOK_QUARANTINE_BYTES, this.quarantineBytes - innerBytes);
    this.#move(record, GONE);
    this.#journal.set(this.#word(record, FREED), freed);
    if (this.#words[BOOK_GONE_BLOCKS]! >= GONE_MOST) this.#forget(this.#next(GONE, GONE));
    this.#journal.add(BOOK_GONE_BLOCKS, 1);
  }

  /** Bytes of the blocks in quarantine, redzones among them. */
  get quarantineBytes(): number {
    return this.#wide(BOOK_QUARANTINE_BYTES);
  }

  /** The most that it may hold. */
  get quarantineMost(): number {
    return this.#wide(BOOK_QUARANTINE_MOST);
  }

  /** The block that was put into the quarantine last, if it is not filled yet. If there is none, it says so once. */
  get unfilled(): DebugBlock | undefined {
    const record = this.#words[BOOK_UNFILLED]!;
    if (record === 0) return undefined;
    if (this.#isSound(record) && this.#words[this.#word(record, LIST)] === QUARANTINED) return this.#block(record);
    this.filled();
    throw this.#damaged(record);
  }

  /** All freed blocks are filled. */
  filled(): void {
    this.#words[BOOK_UNFILLED] = 0;
  }

  /** Whether the release build may have given blocks that are in no record: whoever took them did not come to the end. */
  get isUnsettled(): boolean {
    return this.#words[BOOK_UNSETTLED] !== 0;
  }

  /** Something is about to be taken from the release build, or given back. */
  unsettle(): void {
    this.#words[BOOK_UNSETTLED] = 1;
  }

  /** Commits what the section has written so far: the books and the release build agree. */
  settle(): void {
    this.#journal.keep();
    this.#words[BOOK_UNSETTLED] = 0;
  }

  /** A number in two words. */
  #wide(index: number): number {
    return (this.#words[index]! >>> 0) + this.#words[index + 1]! * 2 ** 32;
  }

  #setWide(index: number, value: number): void {
    this.#journal.set(index, value | 0);
    this.#journal.set(index + 1, Math.floor(value / 2 ** 32));
  }

  #word(record: number, word: number): number {
    return this.#records + record * RECORD_WORDS + word;
  }

  /** The one after a record of a list, or the list. */
  #next(record: number, list: List): number {
    const words = this.#words, next = words[this.#word(record, NEXT)]!;
    const isSound = this.#isRecord(next) && words[this.#word(next, PREVIOUS)] === record &&
      (next === list || words[this.#word(next, LIST)] === list);
    if (!isSound) throw this.#damaged(next);
    return next;
  }

  #isRecord(record: number): boolean {
    return record > 0 && record < this.#most;
  }

  /** Whether a record is of a block: that of the place where it begins, and inside the heap. */
  #isSound(record: number): boolean {
    if (!this.#isRecord(record)) return false;
    const word = this.#word(record, 0), words = this.#words;
    const ptr = this.#doubles[word / 2 + PTR]!, size = this.#doubles[word / 2 + SIZE]!;
    const front = words[word + FRONT_BYTES]!, rear = words[word + REAR_BYTES]!;
    return front >= 0 && size >= 0 && rear >= 0 && ptr - front >= 0 && ptr + size + rear <= this.#heapBytes &&
      words[this.#map + placeOf(ptr)] === record;
  }

  #damaged(record: number): HeaderCorruptedError {
    return damaged(`record ${record} of the debug build's books is not as it was written`);
  }

  #block(record: number): DebugBlock {
    if (!this.#isSound(record)) throw this.#damaged(record);
    const word = this.#word(record, 0), words = this.#words;
    const ptr = this.#doubles[word / 2 + PTR]!, size = this.#doubles[word / 2 + SIZE]!;
    const inner = ptr - words[word + FRONT_BYTES]!, sizeClass = words[word + SIZE_CLASS]!;
    return {
      record,
      ptr,
      size,
      inner,
      innerBytes: ptr + size + words[word + REAR_BYTES]! - inner,
      sizeClass,
      slab: sizeClass === 0 ? -1 : inner >>> SLAB_SHIFT,
      allocated: words[word + ALLOCATED]!,
      freed: words[word + FREED]!,
      live: words[word + LIST] === LIVE,
    };
  }

  #take(): number {
    const free = this.#words[BOOK_FREE_RECORDS]!;
    const record = free === 0 ? this.#words[BOOK_RECORDS]! + 1 : free;
    const isFree = this.#isRecord(record) && record > GONE && this.#words[this.#word(record, LIST)] === 0;
    if (!isFree) throw this.#damaged(record);
    if (free === 0) this.#journal.set(BOOK_RECORDS, record);
    else this.#journal.set(BOOK_FREE_RECORDS, this.#words[this.#word(free, NEXT)]!);
    return record;
  }

  /** Forgets a block that is gone. */
  #forget(record: number): void {
    if (this.#words[this.#word(record, LIST)] !== GONE) throw this.#damaged(record);
    const { ptr } = this.#block(record);
    this.#unlink(record);
    this.#journal.set(this.#word(record, LIST), 0);
    this.#journal.add(BOOK_GONE_BLOCKS, -1);
    this.#journal.set(this.#map + placeOf(ptr), 0);
    this.#journal.set(this.#word(record, NEXT), this.#words[BOOK_FREE_RECORDS]!);
    this.#journal.set(BOOK_FREE_RECORDS, record);
  }

  #move(record: number, list: List): void {
    this.#unlink(record);
    this.#link(record, list);
  }

  /** Makes a record the newest of a list. */
  #link(record: number, list: List): void {
    const newest = this.#words[this.#word(list, PREVIOUS)]!;
    if (!this.#isRecord(newest) || this.#words[this.#word(newest, NEXT)] !== list) throw this.#damaged(newest);
    this.#journal.set(this.#word(record, LIST), list);
    this.#journal.set(this.#word(record, NEXT), list);
    this.#journal.set(this.#word(record, PREVIOUS), newest);
    this.#journal.set(this.#word(newest, NEXT), record);
    this.#journal.set(this.#word(list, PREVIOUS), record);
  }

  #unlink(record: number): void {
    const words = this.#words, next = words[this.#word(record, NEXT)]!, previous = words[this.#word(record, PREVIOUS)]!;
    const isLinked = this.#isRecord(next) && words[this.#word(next, PREVIOUS)] === record &&
      this.#isRecord(previous) && words[this.#word(previous, NEXT)] === record;
    if (!isLinked) throw this.#damaged(record);
    this.#journal.set(this.#word(next, PREVIOUS), previous);
    this.#journal.set(this.#word(previous, NEXT), next);
  }
}
