/**
 * A thread's cache: for each class a free list that the hot path pops and pushes. This file is what happens when a list
 * is empty (*refill*) or full. A full list is set aside, to be taken back when the next is empty (`magazines.ts`). What
 * that cannot do takes blocks from the slabs of the class (`../core/class_slabs.ts`), and *spills* blocks there, in
 * sections (`../state/journal.ts`).
 *
 * ```
 *   heads[c] -> block -> block -> block -> 0         the list; each block's first word is the link
 *   rooms[c]                                         blocks that the list may still take
 * ```
 *
 * What a thread frees of other owners' slabs does not go on its own list: two threads would write to one cache line
 * from then on, each time it is used again (Berger et al., "Hoard", 2000). It goes back to its owner (`remote_frees.ts`).
 * Measured: where such blocks served as refills instead, larson with two threads ran 0.63 times as fast, since in
 * time half of all frees were of other owners' blocks.
 *
 * All of these words are in the heap's memory, in the cache's own 3 KiB, so that a dead thread's blocks can be found.
 *
 * @module
 */

import type { ClassSlabs } from "../core/class_slabs.ts";
import type { Watcher } from "../state/counters.ts";
import { damaged } from "../state/damage.ts";
import { HeaderCorruptedError } from "../errors.ts";
import type { Flags } from "../flags.ts";
import type { Journal } from "../state/journal.ts";
import {
  CACHE_HEADS,
  CACHE_ROOMS,
  firstWordOf,
  KIB,
  MAX_CLASSES,
  PAGE_BYTES,
  SLAB_BYTES,
  SLAB_SHIFT,
} from "../state/layout.ts";
import type { Links } from "../core/links.ts";
import { Magazines } from "./magazines.ts";
import type { HeapMemory } from "../state/memory.ts";
import { RemoteFrees } from "./remote_frees.ts";
import type { SizeClasses } from "../core/size_classes.ts";
import type { Slabs } from "../core/slabs.ts";

/** A list of one class holds at most this, whatever `capacity` says, but always some blocks. */
const LIST_BYTES = 256 * KIB;
const LIST_LEAST = 4;
/** What is carved at once is at most this: a class that is hardly used touches few pages. */
const CARVE_BYTES = 4 * KIB;
/** Classes below this stride are not trimmed. */
const TRIMMED_STRIDE = 256;
/** Classes above this stride are not filled beforehand. */
const PREWARM_STRIDE = KIB;

/** By class: the most blocks that a thread's list holds. */
export function listCapacities({ strides }: SizeClasses, { capacity }: Flags): number[] {
  return strides.map((stride) =>
    stride === 0 ? 0 : Math.max(LIST_LEAST, Math.min(capacity, Math.floor(LIST_BYTES / stride)))
  );
}

/** See the module. */
export class ThreadCache {
  /** Index of the cache's first word in the heap. */
  readonly firstWord: number;
  readonly heads: Int32Array;
  readonly rooms: Int32Array;
  /** Blocks that a list of each class may hold. */
  readonly capacities: readonly number[];
  /** By class: the blocks that a full list keeps when it is spilled. */
  readonly #kept: readonly number[];
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #blocks: Int32Array;
  readonly #journal: Journal;
  readonly #slabs: Slabs;
  readonly #source: ClassSlabs;
  readonly #classes: SizeClasses;
  readonly #batches: readonly number[];
  /** Full lists that were set aside. */
  readonly magazines: Magazines;
  readonly #hasMagazines: boolean;
  /** Blocks of other owners' slabs. */
  readonly remote: RemoteFrees;
  readonly #links: Links;
  readonly #watcher: Watcher | undefined;
  /** By class: the byte written in front of each block when it is carved; empty where there are no headers. */
  readonly #headers: readonly number[];

  constructor(
    memory: HeapMemory,
    slabs: Slabs,
    source: ClassSlabs,
    classes: SizeClasses,
    flags: Flags,
    headers: readonly number[],
    links: Links,
    watcher: Watcher | undefined,
  ) {
    this.#links = links;
    this.#watcher = watcher;
    this.#memory = memory;
    this.#words = memory.words;
    this.#blocks = memory.blocks;
    this.#journal = memory.journal;
    this.#slabs = slabs;
    this.#source = source;
    this.#classes = classes;
    this.#headers = headers;
    this.firstWord = firstWordOf(memory.thread);
    const part = (first: number): Int32Array =>
      memory.words.subarray(this.firstWord + first, this.firstWord + first + MAX_CLASSES);
    this.heads = part(CACHE_HEADS);
    this.rooms = part(CACHE_ROOMS);
    this.capacities = listCapacities(classes, flags);
    this.#kept = this.capacities.map((capacity) => capacity - Math.ceil(capacity * flags.spill / 100));
    this.#batches = classes.strides.map((stride) =>
      stride === 0 ? 0 : Math.max(1, Math.min(flags.refill, Math.floor(CARVE_BYTES / stride)))
    );
    this.magazines = new Magazines(memory, classes, this.capacities, links, watcher);
    this.#hasMagazines = flags.magazines === 1;
    this.remote = new RemoteFrees(memory, slabs, source, classes, links, watcher);
    this.rooms.set(this.capacities);
  }

  /** Fills the lists of the small classes. */
  prewarm(): void {
    for (let sizeClass = 1; this.#classes.strides[sizeClass]! <= PREWARM_STRIDE; sizeClass++) {
      const ptr = this.refill(sizeClass);
      if (ptr === 0) return;
      this.#blocks[ptr >> 2] = this.heads[sizeClass]!;
      this.heads[sizeClass] = ptr;
      this.rooms[sizeClass]!--;
    }
  }

  /**
   * Puts blocks on an empty list; returns one that is not on it, or 0 if there is no memory.
   *
   * @throws {HeaderCorruptedError} if the list is not empty but damaged. What was on it is lost, nothing else is.
   */
  refill(sizeClass: number): number {
    this.#memory.assertOpen();
    this.#watcher?.add("refills", sizeClass);
    const head = this.heads[sizeClass]!, room = this.rooms[sizeClass]!;
    if (head !== 0 || room !== this.capacities[sizeClass]) {
      this.abandon(sizeClass);
      throw head === 0 ? this.#miscounted(sizeClass) : this.#links.damaged(sizeClass, head);
    }
    return this.magazines.take(this.firstWord, sizeClass)
      ? this.#pop(sizeClass)
      : this.#journal.run(() => this.#refill(sizeClass));
  }

  #pop(sizeClass: number): number {
    const ptr = this.heads[sizeClass]!, room = this.rooms[sizeClass]!;
    this.heads[sizeClass] = this.#blocks[ptr >> 2]!;
    this.rooms[sizeClass] = room + 1;
    return ptr;
  }

  /** Makes room on a full list: sets most of it aside, or spills a part of it. @throws {HeaderCorruptedError} as `spill`. */
  makeRoom(sizeClass: number): void {
    if (!this.#hasMagazines || !this.magazines.put(this.firstWord, sizeClass)) this.spill(sizeClass);
  }

  #refill(sizeClass: number): number {
    const received = this.#journal.shared ? this.#receive(sizeClass) : 0;
    if (received !== 0) return received;
    const slab = this.#source.take(sizeClass);
    if (slab === 0) return 0;
    const isUsed = this.#slabs.read(slab).free !== 0;
    const ptr = isUsed ? this.#reuse(sizeClass, slab) : this.#carve(sizeClass, slab);
    this.#source.retire(sizeClass, slab);
    return ptr;
  }

  /** Takes what other threads have freed of this one's blocks; returns one of the class, or 0 if there is none. */
  #receive(sizeClass: number): number {
    this.remote.receive(!this.#source.hasOwn(sizeClass));
    const ptr = this.heads[sizeClass]!;
    if (ptr !== 0) this.#setList(sizeClass, this.#blocks[ptr >> 2]!, this.countOf(sizeClass) - 1);
    return ptr;
  }

  /** Takes up to a list's capacity of the blocks that were spilled to a slab, or gives them up if a link is damaged. */
  #reuse(sizeClass: number, slab: number): number {
    const journal = this.#journal, { carved, free: ptr, freeCount: count } = this.#slabs.read(slab);
    const capacity = this.capacities[sizeClass]!;
    let taken = count, rest = 0;
    try {
      this.#assertFree(sizeClass, ptr);
      this.#links.splice(sizeClass, ptr, count);
      if (count > capacity) {
        let last = ptr;
        for (taken = 1; taken < capacity && this.#links.isFree(sizeClass, last); taken++) {
          last = this.#blocks[last >> 2]!;
        }
        this.#assertFree(sizeClass, last);
        rest = this.#blocks[last >> 2]!;
        journal.set(this.#memory.wordOf(last), 0);
      }
    } catch (error) {
      if (!(error instanceof HeaderCorruptedError)) throw error;
      this.#slabs.write(slab, 0, 0, carved);
      this.#source.retire(sizeClass, slab);
      journal.keep();
      throw error;
    }
    this.#slabs.write(slab, rest, count - taken, carved);
    this.#setList(sizeClass, this.#blocks[ptr >> 2]!, taken - 1);
    return ptr;
  }

  #assertFree(sizeClass: number, ptr: number): void {
    if (!this.#links.isFree(sizeClass, ptr)) throw this.#links.damaged(sizeClass, ptr);
  }

  /** Makes the next few blocks of a slab. Until the section ends they are nobody's, so their links need no log. */
  #carve(sizeClass: number, slab: number): number {
    const { carved, free, freeCount } = this.#slabs.read(slab), stride = this.#classes.strides[sizeClass]!;
    const blocks = this.#classes.blocks[sizeClass]!;
    const count = Math.min(this.#batches[sizeClass]!, this.capacities[sizeClass]! + 1, blocks - carved);
    const first = (slab + 1) * SLAB_BYTES - (blocks - carved) * stride;
    const header = this.#headers[sizeClass];
    for (let ptr = first, index = 1; index <= count; index++, ptr += stride) {
      this.#blocks[ptr >> 2] = index < count ? ptr + stride : 0;
      if (header !== undefined) this.#memory.u8[ptr - 1] = header;
      this.#links.seal(ptr);
    }
    this.#slabs.write(slab, free, freeCount, carved + count);
    this.#setList(sizeClass, this.#blocks[first >> 2]!, count - 1);
    return first;
  }

  #setList(sizeClass: number, head: number, count: number): void {
    this.#journal.set(this.firstWord + CACHE_HEADS + sizeClass, head);
    this.#journal.set(this.firstWord + CACHE_ROOMS + sizeClass, this.capacities[sizeClass]! - count);
  }

  /**
   * Gives a part of a full list back to the slabs that own the blocks: those that were freed longer ago. Each section
   * takes as many as its log has room for.
   *
   * @throws {HeaderCorruptedError} if a link is damaged. What was behind it is lost, with the Box the whole list;
   * nothing else is.
   */
  spill(sizeClass: number, keep = this.#kept[sizeClass]!): void {
    let count = 0, ptr = this.heads[sizeClass]!, last = 0, kept = 0;
    try {
      count = this.countOf(sizeClass);
      this.#links.splice(sizeClass, ptr, count);
    } catch (error) {
      if (error instanceof HeaderCorruptedError) this.abandon(sizeClass);
      throw error;
    }
    if (count > keep) this.#watcher?.add("spills", sizeClass);
    for (; kept < Math.min(keep, count) && this.#links.isFree(sizeClass, ptr); kept++, ptr = this.#blocks[ptr >> 2]!) {
      last = ptr;
    }
    while (this.#journal.run(() => this.#spill(sizeClass, last, kept)));
    this.#slabs.trim();
  }

  /** Gives back what is on a list after its `kept` first blocks, of which `last` is the last; whether some is left. */
  #spill(sizeClass: number, last: number, kept: number): boolean {
    const from = last === 0 ? this.firstWord + CACHE_HEADS + sizeClass : this.#memory.wordOf(last);
    const room = this.firstWord + CACHE_ROOMS + sizeClass, capacity = this.capacities[sizeClass]!;
    const { ptr, left, isDamaged } = this.#source.giveChain(
      sizeClass,
      this.#words[from]!,
      this.countOf(sizeClass) - kept,
      (ptr) => this.#links.isFree(sizeClass, ptr),
    );
    this.#journal.set(from, isDamaged ? 0 : ptr);
    this.#journal.set(room, capacity - kept - (isDamaged ? 0 : left));
    if (!isDamaged) return left > 0;
    this.#journal.keep();
    throw this.#links.damaged(sizeClass, ptr);
  }

  /** Spills the list of a class whole, and its magazines. @throws {HeaderCorruptedError} as `spill`. */
  #spillAll(sizeClass: number): void {
    do this.spill(sizeClass, 0); while (this.magazines.take(this.firstWord, sizeClass));
  }

  /** The same, and gives back every slab of the class that is empty then. */
  #flush(sizeClass: number): void {
    this.#spillAll(sizeClass);
    while (this.#journal.run(() => this.#source.giveEmpty(sizeClass)));
  }

  /** Spills every list whole, and gives back every slab that is empty then. */
  flush(): void {
    this.remote.flush();
    for (let sizeClass = 1; sizeClass < this.#classes.strides.length; sizeClass++) this.#flush(sizeClass);
    this.#slabs.trim();
  }

  /**
   * Spills the lists that may have whole pages, and gives back the slabs, and the ends of slabs, that are free then;
   * returns the bytes of those ends. Lists of smaller blocks are left: of so many on a page some will be in use.
   */
  trim(): number {
    let bytes = 0;
    this.#classes.strides.forEach((stride, sizeClass) => {
      const isLong = stride >= TRIMMED_STRIDE && this.countOf(sizeClass) * stride >= PAGE_BYTES;
      if (isLong || this.magazines.latest(this.firstWord, sizeClass) !== 0) this.#flush(sizeClass);
      if (stride >= TRIMMED_STRIDE) bytes += this.#source.trim(sizeClass);
    });
    return bytes;
  }

  /** The last flush of a thread that leaves: what is damaged is given up. Its slabs are nobody's then. */
  leave(): void {
    this.remote.flush();
    for (let sizeClass = 1; sizeClass < this.#classes.strides.length; sizeClass++) {
      for (let isLeft = true; isLeft;) {
        try {
          this.#spillAll(sizeClass);
          isLeft = false;
        } catch (error) {
          if (!(error instanceof HeaderCorruptedError)) throw error;
          this.abandon(sizeClass);
        }
      }
    }
    let from = 0;
    do from = this.#journal.run(() => this.#source.abandon(this.#memory.thread, from)); while (from !== 0);
  }

  /** Blocks on this thread's list of a class. */
  countOf(sizeClass: number): number {
    return this.#countAt(this.firstWord, sizeClass);
  }

  #miscounted(sizeClass: number): HeaderCorruptedError {
    return damaged(`a thread's list of class ${sizeClass} cannot have as many blocks as its room says`);
  }

  /** The block of a class that is taken next, or 0 if it comes from the slabs. */
  next(sizeClass: number): number {
    return this.heads[sizeClass] || this.magazines.latest(this.firstWord, sizeClass);
  }

  /** The blocks on this thread's lists of a class. @throws {HeaderCorruptedError} at the first link that is damaged. */
  listed(sizeClass: number): Generator<number> {
    return this.#listedAt(this.firstWord, sizeClass);
  }

  *#listedAt(first: number, sizeClass: number): Generator<number> {
    const head = this.#words[first + CACHE_HEADS + sizeClass]!, latest = this.magazines.latest(first, sizeClass);
    yield* this.#links.walk(sizeClass, head, this.#ownCountAt(first, sizeClass), latest);
    for (const magazine of this.magazines.of(first, sizeClass)) {
      yield* this.#links.walk(sizeClass, magazine, this.magazines.lengths[sizeClass]!);
    }
  }

  /** By class: blocks that are on their way, on the lists of all threads or in the rings. */
  countsOfAll(): number[] {
    const caches = this.#caches();
    const counts = this.magazines.lengths.map((length, sizeClass) =>
      caches.reduce(
        (sum, first) =>
          sum + this.#ownCountAt(first, sizeClass) + length * [...this.magazines.of(first, sizeClass)].length,
        0,
      )
    );
    for (const ptr of this.remote.blocks()) counts[this.#slabs.classAt(ptr)]!++;
    return counts;
  }

  /** Those blocks; all threads are quiet. @throws {HeaderCorruptedError} as `listed`. */
  *listedByAll(): Generator<number> {
    const caches = this.#caches();
    for (let sizeClass = 1; sizeClass < this.capacities.length; sizeClass++) {
      for (const first of caches) yield* this.#listedAt(first, sizeClass);
    }
    yield* this.remote.blocks();
  }

  /**
   * Whether a block is free: on a list of any thread, as far as that can be seen while they work, on its way to one, or in
   * its slab. It does not throw: what is behind a damaged link is not free.
   */
  isFree(sizeClass: number, block: number): boolean {
    const slab = this.#slabs.find(block >>> SLAB_SHIFT), most = this.capacities[sizeClass]!;
    return (slab !== undefined && this.#links.leadsTo(block, sizeClass, slab.free, slab.freeCount)) ||
      this.#caches().some((first) =>
        [this.#words[first + CACHE_HEADS + sizeClass]!, ...this.magazines.sound(first, sizeClass)].some((head) =>
          this.#links.leadsTo(block, sizeClass, head, most)
        )
      ) || this.remote.has(block);
  }

  /** A cache whose thread is about to set it up is all zeros: no list is empty and has no room. */
  #countAt(first: number, sizeClass: number): number {
    const head = this.#words[first + CACHE_HEADS + sizeClass]!, room = this.#words[first + CACHE_ROOMS + sizeClass]!;
    const capacity = this.capacities[sizeClass]!, count = head === 0 && room === 0 ? 0 : capacity - room;
    if (!(count >= 0 && count <= capacity + 1)) throw this.#miscounted(sizeClass); // one more where it was filled beforehand
    return count;
  }

  /** Those of them that are in no magazine. */
  #ownCountAt(first: number, sizeClass: number): number {
    return this.magazines.before(first, sizeClass, this.#countAt(first, sizeClass));
  }

  /** First words of the caches that threads have. */
  #caches(): number[] {
    if (!this.#journal.shared) return [this.firstWord];
    return this.#memory.threads.taken().map(({ entry }) => firstWordOf(entry));
  }

  /** The blocks that were spilled to a slab. @throws {HeaderCorruptedError} at the first link that is damaged. */
  spilled(slab: number): Generator<number> {
    return this.#source.spilled(slab);
  }

  /** See {@linkcode ClassSlabs.assertLists}. */
  assertSlabLists(): void {
    this.#source.assertLists();
  }

  /** Gives the list of a class up: what was on it is lost. */
  abandon(sizeClass: number): void {
    this.heads[sizeClass] = 0;
    this.rooms[sizeClass] = this.capacities[sizeClass]!;
  }
}
