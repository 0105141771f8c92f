/**
 * The slabs of each class that have blocks to give, and what comes back to them. A slab has an owner, the thread that
 * carves and refills from it: so neighbours in a cache line are one thread's. All of it changes in sections (`journal.ts`),
 * so a block goes back to its slab whoever freed it.
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
 * Invariant: a block on a thread's free list is in a slab of that thread's, but in the variants with headers; so a slab is
 * abandoned when its owner's lists are empty. A slab all of whose blocks were spilled is given back, unless it is its
 * owner's only one of the class.
 *
 * @module
 */

import type { Watcher } from "./counters.ts";
import type { Journal } from "./journal.ts";
import {
  CACHE_SLABS,
  firstWordOf,
  NOBODY,
  PAGE_BYTES,
  SLAB_BYTES,
  SLAB_CARVED,
  SLAB_CLASS,
  SLAB_FREE,
  SLAB_FREE_COUNT,
  SLAB_LISTED,
  SLAB_NEXT,
  SLAB_PREVIOUS,
  SLAB_SHIFT,
  tagOf,
  WORD_CLASS_SLABS,
} from "./layout.ts";
import type { Links } from "./links.ts";
import type { HeapMemory } from "./memory.ts";
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
  readonly #journal: Journal;
  readonly #slabs: Slabs;
  readonly #classes: SizeClasses;
  readonly #links: Links;
  readonly #watcher: Watcher | undefined;

  constructor(memory: HeapMemory, slabs: Slabs, classes: SizeClasses, links: Links, watcher: Watcher | undefined) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#journal = memory.journal;
    this.#slabs = slabs;
    this.#classes = classes;
    this.#links = links;
    this.#watcher = watcher;
  }

  /** Whether this thread has a slab that has blocks of a class to give. */
  hasOwn(sizeClass: number): boolean {
    return this.#words[headOf(this.#memory.thread, sizeClass)] !== 0;
  }

  /** A slab of this thread that has blocks of a class to give, adopted or new if need be; 0 if there is no memory. */
  take(sizeClass: number): number {
    const own = this.#memory.thread;
    const first = this.#words[headOf(own, sizeClass)]!;
    if (first !== 0) return first;
    const abandoned = this.#words[headOf(NOBODY, sizeClass)]!;
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

  /** Takes a slab that has nothing more to give off its list. */
  retire(sizeClass: number, slab: number): void {
    const record = this.#slabs.record(slab);
    const left = this.#classes.blocks[sizeClass]! - this.#words[record + SLAB_CARVED]!;
    if (left === 0 && this.#words[record + SLAB_FREE] === 0) this.#unlist(sizeClass, slab);
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
    const record = this.#slabs.record(ptr >>> SLAB_SHIFT), carved = this.#words[record + SLAB_CARVED]!;
    const left = (SLAB_BYTES - (ptr & (SLAB_BYTES - 1))) / this.#classes.strides[sizeClass]!;
    const blocks = this.#classes.blocks[sizeClass]!;
    return Number.isInteger(left) && left <= blocks && left > blocks - carved &&
      this.#words[record + SLAB_FREE_COUNT]! < carved;
  }

  /** Puts `count` blocks of one slab back into it, each linked to the next, which are on no list. */
  give(sizeClass: number, first: number, last: number, count: number): void {
    const slab = first >>> SLAB_SHIFT, record = this.#slabs.record(slab);
    this.#journal.set(last >> 2, this.#words[record + SLAB_FREE]!);
    this.#journal.set(record + SLAB_FREE, first);
    this.#journal.add(record + SLAB_FREE_COUNT, count);
    if (this.#words[record + SLAB_LISTED] === 0) this.#list(sizeClass, slab);
    if (this.#isEmpty(record) && !this.#isOnly(sizeClass, slab)) this.#giveSlab(sizeClass, slab);
  }

  /** Puts the `left` first blocks of a chain back into their slabs, as many as there is room for; see {@linkcode Given}. */
  giveChain(sizeClass: number, head: number, left: number, mayGive: (ptr: number) => boolean): Given {
    let ptr = head;
    while (left > 0 && this.hasRoom && mayGive(ptr)) {
      // Blocks of one slab that follow one another are linked already.
      const first = ptr, slab = ptr >>> SLAB_SHIFT;
      let end = ptr, count = 1;
      ptr = this.#words[end >> 2]!;
      while (count < left && ptr >>> SLAB_SHIFT === slab && mayGive(ptr)) {
        end = ptr;
        count++;
        ptr = this.#words[end >> 2]!;
      }
      if (this.#slabs.ownerOf(slab) !== this.#memory.thread) this.#countRemote(slab, count);
      this.give(sizeClass, first, end, count);
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
      const record = this.#slabs.record(slab), sizeClass = this.#words[record + SLAB_CLASS]!;
      if (this.#isEmpty(record)) this.#giveSlab(sizeClass, slab);
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
      for (let slab = this.#words[headOf(owner, sizeClass)]!, next; slab !== 0; slab = next) {
        const record = this.#slabs.record(slab);
        next = this.#words[record + SLAB_NEXT]!;
        if (!this.#isEmpty(record)) continue;
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
      let slab = this.#words[headOf(this.#memory.thread, sizeClass)]!;
      for (; slab !== 0; slab = this.#words[this.#slabs.record(slab) + SLAB_NEXT]!) slabs.push(slab);
    });
    return slabs.reduce((bytes, slab) => bytes + this.#journal.run(() => this.#trim(sizeClass, slab)), 0);
  }

  #trim(sizeClass: number, slab: number): number {
    if (this.#slabs.map[slab] !== (sizeClass | tagOf(this.#memory.thread))) return 0; // another gave it back in between
    const record = this.#slabs.record(slab), stride = this.#classes.strides[sizeClass]!;
    const count = this.#words[record + SLAB_FREE_COUNT]!, carved = this.#words[record + SLAB_CARVED]!;
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
      this.#journal.set((first + block * stride) >> 2, head);
      head = first + block * stride;
    }
    this.#journal.set(record + SLAB_FREE, head);
    this.#journal.set(record + SLAB_FREE_COUNT, count - (carved - left));
    this.#journal.set(record + SLAB_CARVED, left);
    this.#journal.keep(); // links that were on those pages cannot come back
    return this.#memory.purge(from, end - from) ? end - from : 0;
  }

  /** By block of a slab, 1 for those that were spilled; undefined if its list is damaged. */
  #spilledMarks(slab: number, first: number, stride: number): Uint8Array | undefined {
    const record = this.#slabs.record(slab), isFree = new Uint8Array(this.#words[record + SLAB_CARVED]!);
    let ptr = this.#words[record + SLAB_FREE]!;
    for (let left = this.#words[record + SLAB_FREE_COUNT]!; left > 0; left--, ptr = this.#words[ptr >> 2]!) {
      const block = (ptr - first) / stride;
      if (isFree[block] !== 0) return undefined; // on the list twice, or no block of this slab
      isFree[block] = 1;
    }
    return ptr === 0 ? isFree : undefined;
  }

  /** The blocks that were spilled to a slab. @throws {HeaderCorruptedError} at the first link that is damaged. */
  spilled(slab: number): Generator<number> {
    const record = this.#slabs.record(slab);
    const sizeClass = this.#words[record + SLAB_CLASS]!;
    return this.#links.walk(sizeClass, this.#words[record + SLAB_FREE]!, this.#words[record + SLAB_FREE_COUNT]!);
  }

  #isEmpty(record: number): boolean {
    return this.#words[record + SLAB_FREE_COUNT] === this.#words[record + SLAB_CARVED];
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
    const journal = this.#journal, record = this.#slabs.record(slab);
    const first = headOf(this.#slabs.ownerOf(slab), sizeClass), head = this.#words[first]!;
    journal.set(record + SLAB_NEXT, head);
    journal.set(record + SLAB_PREVIOUS, 0);
    journal.set(record + SLAB_LISTED, 1);
    if (head !== 0) journal.set(this.#slabs.record(head) + SLAB_PREVIOUS, slab);
    journal.set(first, slab);
  }

  #unlist(sizeClass: number, slab: number): void {
    const journal = this.#journal, record = this.#slabs.record(slab);
    const next = this.#words[record + SLAB_NEXT]!, previous = this.#words[record + SLAB_PREVIOUS]!;
    if (next !== 0) journal.set(this.#slabs.record(next) + SLAB_PREVIOUS, previous);
    if (previous !== 0) journal.set(this.#slabs.record(previous) + SLAB_NEXT, next);
    else journal.set(headOf(this.#slabs.ownerOf(slab), sizeClass), next);
    journal.set(record + SLAB_LISTED, 0);
  }
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
