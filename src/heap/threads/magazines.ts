/**
 * Magazines: full lists that are set aside whole (Bonwick and Adams, "Magazines and Vmem", 2001). Programs allocate in
 * phases, thousands of blocks and then thousands of frees, and so nearly every block leaves its thread's list once and
 * comes back once. Moving each block to its slab and back took 20 ns; moving a whole list takes as long as moving one
 * block. (Measured: see `src/DECISIONS.md`, "Full lists are set aside whole".)
 *
 * ```
 *   CACHE_MAGAZINES[c] of a thread -> head of a list -> head of a list -> 0      latest first, each most of a full list
 *   head of a list: | link of the list | a canary's place | next magazine | seal |
 * ```
 *
 * A list that is set aside keeps the blocks that were freed last, an eighth of it but no more than sixteen, and one
 * that is taken back has room for as many more: otherwise a program whose lists happen to be full to the brim would
 * move them back and forth, a block at a time. (Random-mixed to 512 was 1.02 times as fast for it, to 128 as fast:
 * `compare`.) They are found by a walk, each step of which waits for the one before: so no more than sixteen. A
 * magazine holds the rest of what its class's list may, no more and no fewer. It is the thread's own, as its lists are:
 * no section, and no lock. Blocks go back to their slabs when a thread has too much set aside, before the heap grows
 * (`trim`), in `collect()`, and when their thread goes or is found dead.
 *
 * Invariant: at each point between two stores each block is on the list or in a magazine; in the middle of a move the
 * list *leads into* the latest magazine, so for whoever finds a dead thread's it ends there. The seal follows from the
 * next two words, so that what a program writes into a free block is not taken for a magazine.
 *
 * @module
 */

import type { Watcher } from "../state/counters.ts";
import {
  CACHE_HEADS,
  CACHE_MAGAZINES,
  CACHE_ROOMS,
  FREE_CANARY,
  MIB,
  PAGE_BYTES,
  WORD_CHARGED_PAGES,
} from "../state/layout.ts";
import type { Links } from "../core/links.ts";
import type { HeapMemory } from "../state/memory.ts";
import type { SizeClasses } from "../core/size_classes.ts";

/** Words of a free block: see the module. */
const NEXT = 2;
const SEAL = 3;

/** Threads keep so much in magazines, or a quarter of what the heap has in use if that is more; each has its share. */
const KEPT_BYTES = 8 * MIB;

/** A list that is set aside keeps no more than so many blocks. */
const MOST_NEWEST = 16;

/** See the module. Those of any thread, by the first word of its cache; only the thread itself puts, takes and abandons. */
export class Magazines {
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #blocks: Int32Array;
  readonly #links: Links;
  readonly #watcher: Watcher | undefined;
  /** By class: blocks that a list may have. */
  readonly #capacities: readonly number[];
  /** By class: blocks in a magazine, and their bytes. */
  readonly lengths: readonly number[];
  readonly #bytes: readonly number[];
  /** What this thread has set aside: magazines, by class, and bytes. */
  readonly #counts: Int32Array;
  #kept = 0;

  constructor(
    memory: HeapMemory,
    { strides }: SizeClasses,
    capacities: readonly number[],
    links: Links,
    watcher: Watcher | undefined,
  ) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#blocks = memory.blocks;
    this.#links = links;
    this.#watcher = watcher;
    this.#capacities = capacities;
    this.lengths = capacities.map((capacity) => capacity - Math.min(MOST_NEWEST, Math.ceil(capacity / 8)));
    this.#bytes = strides.map((stride, sizeClass) => stride * this.lengths[sizeClass]!);
    this.#counts = new Int32Array(strides.length);
  }

  /**
   * Sets this thread's list aside, all but the newest blocks. Not if it is not just full, if a link of those is damaged, nor
   * if too much would be set aside.
   *
   * @throws {HeaderCorruptedError} if the Box finds the list damaged.
   */
  put(first: number, sizeClass: number): boolean {
    const words = this.#words, blocks = this.#blocks, list = first + CACHE_HEADS + sizeClass;
    const room = first + CACHE_ROOMS + sizeClass, magazines = first + CACHE_MAGAZINES + sizeClass;
    const next = words[magazines]!,
      capacity = this.#capacities[sizeClass]!,
      newest = capacity - this.lengths[sizeClass]!;
    const most = Math.max(KEPT_BYTES, words[WORD_CHARGED_PAGES]! * PAGE_BYTES / 4);
    const kept = this.#kept + this.#bytes[sizeClass]!;
    if (words[room] !== 0 || kept * Math.max(1, this.#memory.threads.used) > most) return false;
    this.#links.splice(sizeClass, words[list]!, capacity);
    let last = 0, head = words[list]!;
    for (let left = newest; left > 0 && this.#links.isFree(sizeClass, head); left--) {
      last = head;
      head = blocks[head >> 2]!;
    }
    if (!this.#links.isFree(sizeClass, head)) return false;
    this.#watcher?.add("magazinesFilled", sizeClass);
    this.#count(sizeClass, 1);
    // No call from here on: one for which there is no stack would leave it half done.
    blocks[(head >> 2) + NEXT] = next;
    blocks[(head >> 2) + SEAL] = next ^ head ^ FREE_CANARY;
    words[magazines] = head;
    words[room] = capacity - newest;
    blocks[last >> 2] = 0;
    return true;
  }

  /**
   * Makes the latest magazine this thread's list, which is empty; whether there was one.
   *
   * @throws {HeaderCorruptedError} if it is damaged. Then all of the class are lost, nothing else is.
   */
  take(first: number, sizeClass: number): boolean {
    const words = this.#words, magazines = first + CACHE_MAGAZINES + sizeClass, head = words[magazines]!;
    if (head === 0) return false;
    try {
      if (!this.#isSound(sizeClass, head)) throw this.#links.damaged(sizeClass, head);
      this.#links.splice(sizeClass, head, this.lengths[sizeClass]!);
    } catch (error) {
      this.abandon(first, sizeClass);
      throw error;
    }
    this.#watcher?.add("magazinesTaken", sizeClass);
    this.#count(sizeClass, -1);
    words[first + CACHE_HEADS + sizeClass] = head;
    words[first + CACHE_ROOMS + sizeClass] = this.#capacities[sizeClass]! - this.lengths[sizeClass]!;
    words[magazines] = this.#blocks[(head >> 2) + NEXT]!;
    return true;
  }

  /** The latest magazine of a thread, or 0. */
  latest(first: number, sizeClass: number): number {
    return this.#words[first + CACHE_MAGAZINES + sizeClass]!;
  }

  /**
   * How many of a list's first blocks, `count` of them by its room, are in no magazine: all, but for a thread that is, or
   * died, in the middle of a move.
   */
  before(first: number, sizeClass: number, count: number): number {
    const latest = this.latest(first, sizeClass), head = this.#words[first + CACHE_HEADS + sizeClass]!;
    if (latest === 0 || (head !== latest && count !== this.#capacities[sizeClass])) return count;
    let own = 0, ptr = head;
    for (; own < count && ptr !== latest && this.#links.isFree(sizeClass, ptr); own++) ptr = this.#blocks[ptr >> 2]!;
    return ptr === latest ? own : count;
  }

  /** The heads of a thread's magazines. @throws {HeaderCorruptedError} at the first that is damaged. */
  *of(first: number, sizeClass: number): Generator<number> {
    let head = 0;
    for (head of this.sound(first, sizeClass)) yield head;
    const next = head === 0 ? this.latest(first, sizeClass) : this.#blocks[(head >> 2) + NEXT]!;
    if (next !== 0) throw this.#links.damaged(sizeClass, next);
  }

  /** Those before the first that is damaged; no more than the heap has room for, should they lead round in a circle. */
  *sound(first: number, sizeClass: number): Generator<number> {
    let left = this.#memory.bytes / Math.max(1, this.#bytes[sizeClass]!), head = this.latest(first, sizeClass);
    for (; left > 0 && head !== 0 && this.#isSound(sizeClass, head); left--) {
      yield head;
      head = this.#blocks[(head >> 2) + NEXT]!;
    }
  }

  /** Takes the latest magazine of a dead thread for its list, which is empty; whether there was one. Part of a section. */
  revive(first: number, sizeClass: number): boolean {
    const { journal } = this.#memory, head = this.latest(first, sizeClass);
    if (head === 0) return false;
    const isSound = this.#isSound(sizeClass, head);
    journal.set(first + CACHE_MAGAZINES + sizeClass, isSound ? this.#blocks[(head >> 2) + NEXT]! : 0);
    journal.set(first + CACHE_HEADS + sizeClass, isSound ? head : 0);
    return isSound;
  }

  /** Gives all of this thread's magazines of a class up: what was in them is lost. */
  abandon(first: number, sizeClass: number): void {
    this.#words[first + CACHE_MAGAZINES + sizeClass] = 0;
    this.#count(sizeClass, -this.#counts[sizeClass]!);
  }

  #count(sizeClass: number, by: number): void {
    this.#counts[sizeClass]! += by;
    this.#kept += by * this.#bytes[sizeClass]!;
  }

  #isSound(sizeClass: number, head: number): boolean {
    const blocks = this.#blocks, at = head >> 2;
    return this.#links.isFree(sizeClass, head) && blocks[at + SEAL] === (blocks[at + NEXT]! ^ head ^ FREE_CANARY);
  }
}
