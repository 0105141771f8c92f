/**
 * The slabs of each class that have blocks to give, and what comes back to them. A slab has an owner, the thread that
 * carves and refills from it, so neighbours in a cache line belong to one thread. All of it changes in sections
 * (`../state/journal.ts`), so a block goes back to its slab whoever freed it.
 *
 * ```
 *   CACHE_SLABS[c] of a thread -> slab -> slab -> 0   its slabs of the class that have blocks to give
 *   WORD_CLASS_SLABS[c]        -> slab -> slab -> 0   those that nobody owns: the next that needs one adopts it
 *                                  |- SLAB_FREE -> block -> block -> 0    those that were spilled
 *                                  `- SLAB_CARVED                         those above it are untouched, or trimmed
 *
 *           take                       the thread goes, or is found dead: abandon
 *   free -------------> owned by a thread ------------------------------------> owned by nobody
 *    ^                     |   ^                                                   |    |
 *    |   all spilled:      |   `----------------- adopt, in take ------------------'    |
 *    `---------------------'<---------------- all spilled ------------------------------'
 * ```
 *
 * Invariant: a block on a thread's free list lies in a slab that the thread owns, except in the variants with headers. So
 * a slab is abandoned when its owner's lists are empty. A slab all of whose blocks were spilled is given back, unless it is its
 * owner's only one of the class.
 *
 * @module
 */

import type { Watcher } from "../state/counters.ts";
import { RecordList } from "./record_list.ts";
import { damaged } from "../state/damage.ts";
import type { Journal } from "../state/journal.ts";
import {
  CACHE_SLABS,
  FIRST_BLOCK,
  firstWordOf,
  MAX_CLASSES,
  NOBODY,
  PAGE_BYTES,
  SLAB_BYTES,
  SLAB_CARVED,
  SLAB_FREE,
  SLAB_FREE_COUNT,
  SLAB_LISTED,
  SLAB_NEXT,
  SLAB_PREVIOUS,
  SLAB_SHIFT,
  SLAB_TABLE_OFFSET,
  SLAB_WORDS,
  SMALL_SPACE_BYTES,
  tagOf,
  WORD_CLASS_SLABS,
} from "../state/layout.ts";
import { HeaderCorruptedError } from "../errors.ts";
import type { Links } from "./links.ts";
import type { HeapMemory } from "../state/memory.ts";
import type { SizeClasses } from "./size_classes.ts";
import type { Slabs } from "./slabs.ts";

const SLAB_PAGES = SLAB_BYTES / PAGE_BYTES;
/** Less than this is not worth a system call, which takes as long as it does to touch some pages again. */
const TRIMMED_BYTES = 2 * PAGE_BYTES;
/** What a run of blocks that comes back may write: its slab goes back, and its superslab, and that merges with two spans. */
const GIVE_ROOM = 128;

/** See the module. Every method that writes is part of a section. */
export class ClassSlabs {
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #blocks: Int32Array;
  readonly #journal: Journal;
  readonly #slabs: Slabs;
  readonly #classes: SizeClasses;
  readonly #links: Links;
  readonly #watcher: Watcher | undefined;
  /** Those of an owner and a class. */
  readonly #lists: RecordList;

  constructor(memory: HeapMemory, slabs: Slabs, classes: SizeClasses, links: Links, watcher: Watcher | undefined) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#blocks = memory.blocks;
    this.#journal = memory.journal;
    this.#slabs = slabs;
    this.#classes = classes;
    this.#links = links;
    this.#watcher = watcher;
    this.#lists = new RecordList(memory.words, memory.journal, {
      name: "slab",
      least: FIRST_BLOCK / SLAB_BYTES,
      end: SMALL_SPACE_BYTES / SLAB_BYTES,
      at: SLAB_TABLE_OFFSET / 4,
      words: SLAB_WORDS,
      next: SLAB_NEXT,
      previous: SLAB_PREVIOUS,
    });
  }

  /** Whether this thread has a slab that has blocks of a class to give. */
  hasOwn(sizeClass: number): boolean {
    return this.#words[headOf(this.#memory.thread, sizeClass)] !== 0;
  }

  /** A slab of this thread that has blocks of a class to give, adopted or new if need be; 0 if there is no memory. */
  take(sizeClass: number): number {
    const own = this.#memory.thread;
    const first = this.#first(own, sizeClass);
    if (first !== 0) return first;
    const abandoned = this.#first(NOBODY, sizeClass);
    if (abandoned !== 0) {
      this.#move(sizeClass, abandoned, own);
      return abandoned;
    }
    if (!this.#memory.charge(SLAB_PAGES)) return 0;
    const slab = this.#slabs.take(sizeClass);
    if (slab === 0) {
      this.#memory.discharge(SLAB_PAGES);
      return 0;
    }
    this.#watcher?.add("slabsTaken", slab);
    this.#list(sizeClass, slab);
    return slab;
  }

  /** The first slab of a list, or 0. A list that is damaged is given up, and the next refill does without it. */
  #first(owner: number, sizeClass: number): number {
    const head = headOf(owner, sizeClass);
    try {
      const slab = this.#lists.first(head);
      if (slab === 0 || (this.#slabs.map[slab] === (sizeClass | tagOf(owner)) && this.#slabs.find(slab))) return slab;
      throw misplaced(slab, sizeClass);
    } catch (error) {
      if (!(error instanceof HeaderCorruptedError)) throw error;
      this.#giveUp(owner, sizeClass);
      throw error;
    }
  }

  /** Of a list that is given up nothing is listed any more: a slab comes back to a list with the next block that it gets. */
  #giveUp(owner: number, sizeClass: number): void {
    this.#journal.set(headOf(owner, sizeClass), 0);
    this.#journal.keep();
    for (const slab of this.#slabs.inUse()) {
      if (this.#slabs.map[slab] !== (sizeClass | tagOf(owner))) continue;
      this.#journal.set(this.#slabs.record(slab) + SLAB_LISTED, 0);
      this.#journal.keep();
    }
  }

  /** Takes a slab that has nothing more to give off its list. */
  retire(sizeClass: number, slab: number): void {
    const { carved, free } = this.#slabs.read(slab);
    if (carved === this.#classes.blocks[sizeClass] && free === 0) this.#unlist(sizeClass, slab);
  }

  /** Whether the section that this is part of may give another run of blocks back. */
  get hasRoom(): boolean {
    return this.hasRoomFor(1);
  }

  /** Whether it may give so many runs back, and write so many words more. */
  hasRoomFor(runs: number, words = 0): boolean {
    return this.#journal.room >= runs * GIVE_ROOM + words;
  }

  /** Whether a block of the class begins at a pointer, of whose slab not all blocks are free already. For any int32. */
  mayFree(sizeClass: number, ptr: number): boolean {
    if (this.#slabs.classAt(ptr) !== sizeClass) return false;
    const record = this.#slabs.find(ptr >>> SLAB_SHIFT);
    if (record === undefined) return false;
    const left = (SLAB_BYTES - (ptr & (SLAB_BYTES - 1))) / this.#classes.strides[sizeClass]!;
    const blocks = this.#classes.blocks[sizeClass]!;
    return Number.isInteger(left) && left <= blocks && left > blocks - record.carved &&
      record.freeCount < record.carved;
  }

  /**
   * Puts `count` blocks of one slab back into it, each linked to the next, which are on no list. Where the slab's record is
   * damaged, or the slab has not given out so many, they are lost: then it returns false.
   */
  give(sizeClass: number, first: number, last: number, count: number): boolean {
    const slab = first >>> SLAB_SHIFT, record = this.#slabs.record(slab), words = this.#words;
    const freeCount = words[record + SLAB_FREE_COUNT]! + count, carved = words[record + SLAB_CARVED]!;
    if (!this.#slabs.isSound(slab) || freeCount > carved) return false;
    this.#journal.set(this.#memory.wordOf(last), words[record + SLAB_FREE]!);
    this.#slabs.write(slab, first, freeCount, carved);
    if (words[record + SLAB_LISTED] === 0) this.#list(sizeClass, slab);
    if (freeCount === carved && !this.#isOnly(sizeClass, slab)) this.#giveSlab(sizeClass, slab);
    return true;
  }

  /** Puts the `left` first blocks of a chain back into their slabs, as many as there is room for; see {@linkcode Given}. */
  giveChain(sizeClass: number, head: number, left: number, mayGive: (ptr: number) => boolean): Given {
    let ptr = head;
    while (left > 0 && this.hasRoom && mayGive(ptr)) {
      // Blocks of one slab that follow one another are linked already.
      const first = ptr, slab = ptr >>> SLAB_SHIFT;
      let end = ptr, count = 1;
      ptr = this.#blocks[end >> 2]!;
      while (count < left && ptr >>> SLAB_SHIFT === slab && mayGive(ptr)) {
        end = ptr;
        count++;
        ptr = this.#blocks[end >> 2]!;
      }
      if (this.#slabs.ownerOf(slab) !== this.#memory.thread) this.#countRemote(slab, count);
      if (!this.give(sizeClass, first, end, count)) return { ptr: first, left, isDamaged: true };
      left -= count;
    }
    return { ptr, left, isDamaged: left === 0 ? ptr !== 0 : !mayGive(ptr) };
  }

  #countRemote(slab: number, count: number): void {
    for (let left = count; left > 0; left--) this.#watcher?.add("remoteFrees", slab);
  }

  /**
   * Makes the slabs of a thread nobody's, as many as there is room for; returns the first that was not looked at, or 0.
   *
   * @param from what an earlier call returned, or 0.
   */
  abandon(thread: number, from: number): number {
    for (const slab of [...this.#slabs.inUse()]) { // a list: a span that goes would lose a walk its way
      if (slab < from || this.#slabs.ownerOf(slab) !== thread) continue;
      if (!this.hasRoom) return slab;
      const record = this.#slabs.find(slab), sizeClass = record?.sizeClass ?? 0;
      if (record === undefined) this.#slabs.setOwner(slab, NOBODY); // and on no list: what is in it stays
      else if (record.freeCount === record.carved) this.#giveSlab(sizeClass, slab);
      else this.#move(sizeClass, slab, NOBODY);
    }
    return 0;
  }

  /** Gives a slab to another owner, with its place on the list. */
  #move(sizeClass: number, slab: number, owner: number): void {
    const isListed = this.#words[this.#slabs.record(slab) + SLAB_LISTED] !== 0;
    if (isListed) this.#unlist(sizeClass, slab);
    this.#slabs.setOwner(slab, owner);
    if (isListed) this.#list(sizeClass, slab);
  }

  /** Gives slabs of a class back that are empty, whoever owns them; whether there was no room for all of them. */
  giveEmpty(sizeClass: number): boolean {
    for (const owner of [NOBODY, ...Array(Math.max(1, this.#memory.threads.used)).keys()]) {
      for (let slab = this.#lists.first(headOf(owner, sizeClass)), next; slab !== 0; slab = next) {
        const { carved, freeCount } = this.#slabs.read(slab);
        next = this.#lists.next(slab);
        if (freeCount < carved) continue;
        if (!this.hasRoom) return true;
        this.#giveSlab(sizeClass, slab);
      }
    }
    return false;
  }

  /**
   * Gives pages at the end of this thread's slabs of a class back all of whose blocks were spilled: those are uncarved
   * again. Returns the bytes of those pages. Each slab is a section.
   */
  trim(sizeClass: number): number {
    const slabs: number[] = [];
    this.#journal.run(() => {
      let slab = this.#lists.first(headOf(this.#memory.thread, sizeClass));
      for (; slab !== 0; slab = this.#lists.next(slab)) slabs.push(slab);
    });
    return slabs.reduce((bytes, slab) => bytes + this.#journal.run(() => this.#trim(sizeClass, slab)), 0);
  }

  #trim(sizeClass: number, slab: number): number {
    if (this.#slabs.map[slab] !== (sizeClass | tagOf(this.#memory.thread))) return 0; // another gave it back in between
    const stride = this.#classes.strides[sizeClass]!, { carved, freeCount: count } = this.#slabs.read(slab);
    if (count * stride < TRIMMED_BYTES) return 0;
    const end = (slab + 1) * SLAB_BYTES, first = end - this.#classes.blocks[sizeClass]! * stride;
    const isFree = this.#spilledMarks(slab, first, stride);
    if (isFree === undefined) return 0; // the refill that finds the damage says so
    let left = carved;
    while (left > 0 && isFree[left - 1] === 1) left--;
    const from = Math.ceil((first + left * stride) / PAGE_BYTES) * PAGE_BYTES;
    if (first + carved * stride - from < TRIMMED_BYTES) return 0;
    let head = 0;
    for (let block = left - 1; block >= 0; block--) {
      if (isFree[block] === 0) continue;
      this.#journal.set(this.#memory.wordOf(first + block * stride), head);
      head = first + block * stride;
    }
    this.#slabs.write(slab, head, count - (carved - left), left);
    this.#journal.keep(); // links that were on those pages cannot come back
    return this.#memory.purge(from, end - from) ? end - from : 0;
  }

  /** By block of a slab, 1 for those that were spilled; undefined if its list is damaged. */
  #spilledMarks(slab: number, first: number, stride: number): Uint8Array | undefined {
    const { carved, free, freeCount } = this.#slabs.read(slab), isFree = new Uint8Array(carved);
    let ptr = free;
    for (let left = freeCount; left > 0; left--, ptr = this.#blocks[ptr >> 2]!) {
      const block = (ptr - first) / stride;
      if (isFree[block] !== 0) return undefined; // on the list twice, or no block of this slab
      isFree[block] = 1;
    }
    return ptr === 0 ? isFree : undefined;
  }

  /** The blocks that were spilled to a slab. @throws {HeaderCorruptedError} at the first link that is damaged. */
  spilled(slab: number): Generator<number> {
    const { free, freeCount, sizeClass } = this.#slabs.read(slab);
    return this.#links.walk(sizeClass, free, freeCount);
  }

  /**
   * Walks the lists of every owner and class. A slab that was given up with a damaged list is not an error: its record
   * does not say that it is on one.
   *
   * @throws {HeaderCorruptedError} at the first slab that is on a list on which it does not belong, or that is on none, and
   * its record says that it is: then a head was overwritten, or a list was cut short.
   */
  assertLists(): void {
    const listed = new Set<number>();
    for (const owner of [NOBODY, ...Array(Math.max(1, this.#memory.threads.used)).keys()]) {
      for (let sizeClass = 0; sizeClass < MAX_CLASSES; sizeClass++) {
        let slab = this.#lists.first(headOf(owner, sizeClass));
        for (; slab !== 0; slab = this.#lists.next(slab)) {
          if (this.#slabs.map[slab] !== (sizeClass | tagOf(owner))) throw misplaced(slab, sizeClass);
          listed.add(slab);
        }
      }
    }
    for (const slab of this.#slabs.inUse()) {
      const isSaid = this.#words[this.#slabs.record(slab) + SLAB_LISTED] !== 0;
      if (isSaid === listed.has(slab)) continue;
      throw damaged(`slab ${slab} is on ${isSaid ? "no list" : "a list"}, and its record says otherwise`);
    }
  }

  #isOnly(sizeClass: number, slab: number): boolean {
    const owner = this.#slabs.ownerOf(slab);
    if (owner === NOBODY) return false;
    return this.#words[headOf(owner, sizeClass)] === slab && this.#words[this.#slabs.record(slab) + SLAB_NEXT] === 0;
  }

  #giveSlab(sizeClass: number, slab: number): void {
    this.#watcher?.add("slabsReturned", slab);
    this.#unlist(sizeClass, slab);
    this.#slabs.give(slab);
    this.#memory.discharge(SLAB_PAGES);
  }

  #list(sizeClass: number, slab: number): void {
    this.#lists.push(headOf(this.#slabs.ownerOf(slab), sizeClass), slab);
    this.#journal.set(this.#slabs.record(slab) + SLAB_LISTED, 1);
  }

  #unlist(sizeClass: number, slab: number): void {
    this.#lists.unlink(headOf(this.#slabs.ownerOf(slab), sizeClass), slab);
    this.#journal.set(this.#slabs.record(slab) + SLAB_LISTED, 0);
  }
}

/** The error for a slab on a list of another class or owner. */
function misplaced(slab: number, sizeClass: number): HeaderCorruptedError {
  return damaged(`slab ${slab} is on a list of class ${sizeClass} on which it does not belong`);
}

/** What became of a chain. */
export interface Given {
  /** The first block that was not given, or what the last one links to. */
  readonly ptr: number;
  /** Blocks that are left. */
  readonly left: number;
  /** Whether `ptr` is not what it should be: a block that may be given, or 0 at the end. */
  readonly isDamaged: boolean;
}

/** Index of the word that has the first of an owner's slabs of a class. */
function headOf(owner: number, sizeClass: number): number {
  return (owner === NOBODY ? WORD_CLASS_SLABS : firstWordOf(owner) + CACHE_SLABS) + sizeClass;
}
