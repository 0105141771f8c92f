/**
 * A thread's cache: for each class a free list that the hot path pops and pushes, and the slabs it carves. This file is
 * what happens when a list is empty (*refill*) or full (*spill*), once in some dozens of operations.
 *
 * ```
 *   heads[c] -> block -> block -> block -> 0         the list; each block's first word is the link
 *   rooms[c]                                         blocks that the list may still take
 *   slabs[c] -> slab -> slab -> 0                    slabs of the class that have blocks to give
 *                |- SLAB_FREE -> block -> block -> 0    those that were spilled
 *                `- SLAB_CARVED                         those above it have never been touched
 * ```
 *
 * Heads and rooms are in the heap's memory, in the cache's own 2 KiB, so that a dead thread's blocks can be found. A
 * slab that holds none but spilled blocks is given back, unless it is the class's only one.
 *
 * @module
 */

import type { Watcher } from "./counters.ts";
import type { Flags } from "./flags.ts";
import {
  CACHE_BYTES,
  CACHE_HEADS,
  CACHE_ROOMS,
  CACHE_SLABS,
  CACHES_OFFSET,
  KIB,
  MAX_CLASSES,
  PAGE_BYTES,
  SLAB_BYTES,
  SLAB_CARVED,
  SLAB_CLASS,
  SLAB_FREE,
  SLAB_FREE_COUNT,
  SLAB_LISTED,
  SLAB_NEXT,
  SLAB_OWNER,
  SLAB_PREVIOUS,
  SLAB_SHIFT,
} from "./layout.ts";
import type { Links } from "./links.ts";
import type { HeapMemory } from "./memory.ts";
import type { SizeClasses } from "./size_classes.ts";
import type { Slabs } from "./slabs.ts";

/** A list of one class holds at most this, whatever `capacity` says, but always some blocks. */
const LIST_BYTES = 256 * KIB;
const LIST_LEAST = 4;
/** What is carved at once is at most this: a class that is hardly used touches few pages. */
const CARVE_BYTES = 8 * KIB;
/** Classes above this stride are not filled when the heap opens. */
const PREWARM_STRIDE = KIB;

const SLAB_PAGES = SLAB_BYTES / PAGE_BYTES;

/** See the module. */
export class ThreadCache {
  /** Index of the cache's first word in the heap. */
  readonly firstWord: number;
  readonly heads: Int32Array;
  readonly rooms: Int32Array;
  /** Blocks that a list of each class may hold. */
  readonly capacities: readonly number[];
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #slabs: Slabs;
  readonly #lists: Int32Array;
  readonly #classes: SizeClasses;
  readonly #batches: readonly number[];
  readonly #owner: number;
  readonly #links: Links;
  readonly #watcher: Watcher | undefined;
  /** By class: the byte written in front of each block when it is carved; empty where there are no headers. */
  readonly #headers: readonly number[];

  constructor(
    memory: HeapMemory,
    slabs: Slabs,
    classes: SizeClasses,
    flags: Flags,
    headers: readonly number[],
    links: Links,
    watcher: Watcher | undefined,
    index: number,
  ) {
    this.#links = links;
    this.#watcher = watcher;
    this.#memory = memory;
    this.#words = memory.words;
    this.#slabs = slabs;
    this.#classes = classes;
    this.#headers = headers;
    this.#owner = index + 1;
    this.firstWord = (CACHES_OFFSET + index * CACHE_BYTES) / 4;
    const part = (first: number): Int32Array =>
      memory.words.subarray(this.firstWord + first, this.firstWord + first + MAX_CLASSES);
    this.heads = part(CACHE_HEADS);
    this.rooms = part(CACHE_ROOMS);
    this.#lists = part(CACHE_SLABS);
    this.capacities = classes.strides.map((stride) =>
      stride === 0 ? 0 : Math.max(LIST_LEAST, Math.min(flags.capacity, Math.floor(LIST_BYTES / stride)))
    );
    this.#batches = classes.strides.map((stride) =>
      stride === 0 ? 0 : Math.max(1, Math.min(flags.refill, Math.floor(CARVE_BYTES / stride)))
    );
    this.rooms.set(this.capacities);
  }

  /** Fills the lists of the small classes. */
  prewarm(): void {
    for (let sizeClass = 1; this.#classes.strides[sizeClass]! <= PREWARM_STRIDE; sizeClass++) {
      const ptr = this.refill(sizeClass);
      if (ptr === 0) return;
      this.#words[ptr >> 2] = this.heads[sizeClass]!;
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
    const head = this.heads[sizeClass]!;
    if (head !== 0) {
      this.abandon(sizeClass);
      throw this.#links.damaged(sizeClass, head);
    }
    const slab = this.#lists[sizeClass]! || this.#takeSlab(sizeClass);
    if (slab === 0) return 0;
    const record = this.#slabs.record(slab);
    try {
      return this.#words[record + SLAB_FREE] !== 0 ? this.#reuse(sizeClass, record) : this.#carve(sizeClass, slab);
    } finally {
      const left = this.#classes.blocks[sizeClass]! - this.#words[record + SLAB_CARVED]!;
      if (left === 0 && this.#words[record + SLAB_FREE] === 0) this.#unlist(sizeClass, slab);
    }
  }

  /** Takes up to a list's capacity of the blocks that were spilled to a slab, or gives them up if a link is damaged. */
  #reuse(sizeClass: number, record: number): number {
    const ptr = this.#words[record + SLAB_FREE]!, count = this.#words[record + SLAB_FREE_COUNT]!;
    this.#words[record + SLAB_FREE] = 0;
    this.#words[record + SLAB_FREE_COUNT] = 0;
    if (!this.#links.isFree(sizeClass, ptr)) throw this.#links.damaged(sizeClass, ptr);
    this.#links.splice(sizeClass, ptr, count);
    const capacity = this.capacities[sizeClass]!;
    let taken = count, rest = 0;
    if (count > capacity) {
      let last = ptr;
      for (taken = 1; taken < capacity && this.#links.isFree(sizeClass, last); taken++) last = this.#words[last >> 2]!;
      if (!this.#links.isFree(sizeClass, last)) throw this.#links.damaged(sizeClass, last);
      rest = this.#words[last >> 2]!;
      this.#words[last >> 2] = 0;
    }
    this.#words[record + SLAB_FREE] = rest;
    this.#words[record + SLAB_FREE_COUNT] = count - taken;
    this.heads[sizeClass] = this.#words[ptr >> 2]!;
    this.rooms[sizeClass] = capacity - (taken - 1);
    return ptr;
  }

  /** Makes the next few blocks of a slab. */
  #carve(sizeClass: number, slab: number): number {
    const record = this.#slabs.record(slab), stride = this.#classes.strides[sizeClass]!;
    const blocks = this.#classes.blocks[sizeClass]!, carved = this.#words[record + SLAB_CARVED]!;
    const count = Math.min(this.#batches[sizeClass]!, this.capacities[sizeClass]! + 1, blocks - carved);
    const first = (slab + 1) * SLAB_BYTES - (blocks - carved) * stride;
    const header = this.#headers[sizeClass];
    for (let ptr = first, index = 1; index <= count; index++, ptr += stride) {
      this.#words[ptr >> 2] = index < count ? ptr + stride : 0;
      if (header !== undefined) this.#memory.u8[ptr - 1] = header;
      this.#links.seal(ptr);
    }
    this.#words[record + SLAB_CARVED] = carved + count;
    this.heads[sizeClass] = this.#words[first >> 2]!;
    this.rooms[sizeClass] = this.capacities[sizeClass]! - (count - 1);
    return first;
  }

  /**
   * Gives half of a full list back to the slabs that own the blocks: the half that was freed longer ago.
   *
   * @throws {HeaderCorruptedError} if a link is damaged. What was behind it is lost, with the Box the whole list;
   * nothing else is.
   */
  spill(sizeClass: number, keep = this.capacities[sizeClass]! >> 1): void {
    const count = this.countOf(sizeClass);
    if (count > keep) this.#watcher?.add("spills", sizeClass);
    let ptr = this.heads[sizeClass]!, last = 0, kept = 0;
    try {
      this.#links.splice(sizeClass, ptr, count);
    } catch (error) {
      this.abandon(sizeClass);
      throw error;
    }
    for (; kept < Math.min(keep, count) && this.#links.isFree(sizeClass, ptr); kept++, ptr = this.#words[ptr >> 2]!) {
      last = ptr;
    }
    if (last === 0) this.heads[sizeClass] = 0;
    else this.#words[last >> 2] = 0;
    this.rooms[sizeClass] = this.capacities[sizeClass]! - kept;
    for (let left = count - kept; left > 0; left--) {
      if (!this.#links.isFree(sizeClass, ptr)) throw this.#links.damaged(sizeClass, ptr);
      const next = this.#words[ptr >> 2]!;
      this.#giveBack(sizeClass, ptr);
      ptr = next;
    }
    if (ptr !== 0) throw this.#links.damaged(sizeClass, ptr);
  }

  /** Spills every list whole, and gives back every slab that is empty then. */
  flush(): void {
    for (let sizeClass = 1; sizeClass < this.#classes.strides.length; sizeClass++) {
      this.spill(sizeClass, 0);
      for (let slab = this.#lists[sizeClass]!, next; slab !== 0; slab = next) {
        const record = this.#slabs.record(slab);
        next = this.#words[record + SLAB_NEXT]!;
        if (this.#isEmpty(record)) this.#giveSlab(sizeClass, slab);
      }
    }
  }

  /** Blocks on the list of a class. */
  countOf(sizeClass: number): number {
    return this.capacities[sizeClass]! - this.rooms[sizeClass]!;
  }

  /** The blocks on the list of a class. @throws {HeaderCorruptedError} at the first link that is damaged. */
  listed(sizeClass: number): Generator<number> {
    return this.#links.walk(sizeClass, this.heads[sizeClass]!, this.countOf(sizeClass));
  }

  /** The blocks that were spilled to a slab. @throws {HeaderCorruptedError} at the first link that is damaged. */
  spilled(slab: number): Generator<number> {
    const record = this.#slabs.record(slab);
    const sizeClass = this.#words[record + SLAB_CLASS]!;
    return this.#links.walk(sizeClass, this.#words[record + SLAB_FREE]!, this.#words[record + SLAB_FREE_COUNT]!);
  }

  /** Gives the list of a class up: what was on it is lost. */
  abandon(sizeClass: number): void {
    this.heads[sizeClass] = 0;
    this.rooms[sizeClass] = this.capacities[sizeClass]!;
  }

  #giveBack(sizeClass: number, ptr: number): void {
    const slab = ptr >>> SLAB_SHIFT, record = this.#slabs.record(slab);
    this.#words[ptr >> 2] = this.#words[record + SLAB_FREE]!;
    this.#words[record + SLAB_FREE] = ptr;
    this.#words[record + SLAB_FREE_COUNT]!++;
    if (this.#words[record + SLAB_LISTED] === 0) this.#list(sizeClass, slab);
    if (this.#isEmpty(record) && !this.#isOnly(sizeClass, record)) this.#giveSlab(sizeClass, slab);
  }

  #isEmpty(record: number): boolean {
    return this.#words[record + SLAB_FREE_COUNT] === this.#words[record + SLAB_CARVED];
  }

  #isOnly(sizeClass: number, record: number): boolean {
    const head = this.#lists[sizeClass]!;
    return this.#slabs.record(head) === record && this.#words[record + SLAB_NEXT] === 0;
  }

  #takeSlab(sizeClass: number): number {
    if (!this.#memory.charge(SLAB_PAGES)) return 0;
    const slab = this.#slabs.take(sizeClass);
    if (slab === 0) {
      this.#memory.discharge(SLAB_PAGES);
      return 0;
    }
    this.#watcher?.add("slabsTaken", slab);
    this.#words[this.#slabs.record(slab) + SLAB_OWNER] = this.#owner;
    this.#list(sizeClass, slab);
    return slab;
  }

  #giveSlab(sizeClass: number, slab: number): void {
    this.#watcher?.add("slabsReturned", slab);
    this.#unlist(sizeClass, slab);
    this.#slabs.give(slab);
    this.#memory.discharge(SLAB_PAGES);
  }

  #list(sizeClass: number, slab: number): void {
    const record = this.#slabs.record(slab), head = this.#lists[sizeClass]!;
    this.#words[record + SLAB_NEXT] = head;
    this.#words[record + SLAB_PREVIOUS] = 0;
    this.#words[record + SLAB_LISTED] = 1;
    if (head !== 0) this.#words[this.#slabs.record(head) + SLAB_PREVIOUS] = slab;
    this.#lists[sizeClass] = slab;
  }

  #unlist(sizeClass: number, slab: number): void {
    const record = this.#slabs.record(slab);
    const next = this.#words[record + SLAB_NEXT]!, previous = this.#words[record + SLAB_PREVIOUS]!;
    if (next !== 0) this.#words[this.#slabs.record(next) + SLAB_PREVIOUS] = previous;
    if (previous !== 0) this.#words[this.#slabs.record(previous) + SLAB_NEXT] = next;
    else this.#lists[sizeClass] = next;
    this.#words[record + SLAB_LISTED] = 0;
  }
}
