/**
 * Links: free blocks are chained through their first word, on a thread's lists and in the slabs. This file
 * checks such chains off the hot path, and has the Box's part of that:
 *
 * ```
 *   free block: | link, 4 bytes | canary, 4 bytes: integrity 4 only | ... |
 * ```
 *
 * - *splice*: where the Box is on (`push=box`), a chain is walked whole before it goes on a list (refill) or off one
 *   (spill); each of its blocks has to be the start of a block of the class.
 * - *canary*: a word that follows from the block's address, written when a block becomes free and looked at when it
 *   leaves the list. A write after free that spares the link changes it.
 *
 * @module
 */

import { HeaderCorruptedError, hex } from "../errors.ts";
import type { Flags } from "../flags.ts";
import { FIRST_BLOCK, FREE_CANARY, SLAB_BYTES } from "../state/layout.ts";
import type { HeapMemory } from "../state/memory.ts";
import type { SizeClasses } from "./size_classes.ts";
import type { Slabs } from "./slabs.ts";
import { describeBoxLog, LOG_SPLICE, newBoxLog, record } from "./box_log.ts";

/** See the module. */
export class Links {
  /** The Box's last operations, those of the hot path among them. */
  readonly log: Int32Array = newBoxLog();
  readonly #blocks: Int32Array;
  readonly #slabs: Slabs;
  readonly #strides: readonly number[];
  readonly #hasBox: boolean;
  /** Whether a free block has one. */
  readonly hasCanary: boolean;
  readonly #hasLog: boolean;

  constructor(memory: HeapMemory, slabs: Slabs, classes: SizeClasses, flags: Flags) {
    this.#blocks = memory.blocks;
    this.#slabs = slabs;
    this.#strides = classes.strides;
    this.#hasBox = flags.push === "box";
    this.hasCanary = flags.integrity >= 4;
    this.#hasLog = flags.track === 1;
  }

  /** Whether a link leads to a free block of the class; without the Box, to a slab of it: a list never leaves those. */
  isFree(sizeClass: number, ptr: number): boolean {
    if (!(ptr >= FIRST_BLOCK && this.#slabs.classAt(ptr) === sizeClass)) return false;
    if (!this.#hasBox) return true;
    return (SLAB_BYTES - (ptr & (SLAB_BYTES - 1))) % this.#strides[sizeClass]! === 0 && this.#isWhole(ptr);
  }

  #isWhole(ptr: number): boolean {
    return !this.hasCanary || this.#blocks[(ptr >> 2) + 1] === (ptr ^ FREE_CANARY);
  }

  /** Keeps a list operation of the Box, where they are kept. */
  note(operation: number, sizeClass: number, ptr: number): void {
    if (this.#hasLog) record(this.log, operation, sizeClass, ptr);
  }

  /** Marks a block that becomes free, where there are canaries. */
  seal(ptr: number): void {
    if (this.hasCanary) this.#blocks[(ptr >> 2) + 1] = ptr ^ FREE_CANARY;
  }

  /**
   * The blocks of a chain of a known length, which ends with 0 or leads to `end`.
   *
   * @throws {HeaderCorruptedError} at the first link that is damaged.
   */
  *walk(sizeClass: number, head: number, count: number, end = 0): Generator<number> {
    let ptr = head;
    for (let left = count; left > 0; left--, ptr = this.#blocks[ptr >> 2]!) {
      if (!this.isFree(sizeClass, ptr)) throw this.damaged(sizeClass, ptr);
      yield ptr;
    }
    if (ptr !== 0 && ptr !== end) throw this.damaged(sizeClass, ptr);
  }

  /** Whether a chain leads to a block within so many steps. It does not throw: a damaged link is an end. */
  leadsTo(block: number, sizeClass: number, head: number, most: number): boolean {
    let ptr = head;
    for (let left = most; left > 0 && ptr !== block && this.isFree(sizeClass, ptr); left--) {
      ptr = this.#blocks[ptr >> 2]!;
    }
    return ptr === block;
  }

  /**
   * The Box looks at a chain that is about to change its place; nothing happens where there is no Box.
   *
   * @throws {HeaderCorruptedError} if a link is damaged, or the length another. Nothing has moved.
   */
  splice(sizeClass: number, head: number, count: number): void {
    if (!this.#hasBox) return;
    this.note(LOG_SPLICE, sizeClass, head);
    const walk = this.walk(sizeClass, head, count);
    while (!walk.next().done);
  }

  /** The error for a link that leads to no free block. */
  damaged(sizeClass: number, ptr: number): HeaderCorruptedError {
    const isBlock = ptr >= FIRST_BLOCK && this.#slabs.classAt(ptr) === sizeClass;
    const what = isBlock && !this.#isWhole(ptr)
      ? `the free block ${hex(ptr)} of class ${sizeClass} has no canary: it was written to after it was freed, or a ` +
        `link to it was made up.`
      : `a free block of class ${sizeClass} links to ${hex(ptr >>> 0)}, which is not a block of that class: ` +
        `the first four bytes of a free block were overwritten, or a block was freed twice.`;
    return new HeaderCorruptedError(what + this.logged(), ptr);
  }

  /** What a message ends with: the last operations on lists, where they are kept. */
  logged(): string {
    const log = describeBoxLog(this.log);
    return log === "" ? "" : `\nThe last operations on lists, the latest first:\n${log}`;
  }
}
