/**
 * Where freed blocks of the debug build wait: first in, first out, up to a number of bytes. While a block is in here its
 * memory is not given out again, so that a second free and a write after free can be told for certain. What has left
 * is remembered for a while, without its memory: a second free is then still known for what it is.
 *
 * @module
 */

import type { DebugBlock } from "./debug_block.ts";

/** Entries at the front that were taken are cut off when there are so many, and they are half of all. */
const CUT_LEAST = 1024;

/** Blocks in the order in which they were freed. */
export class Quarantine implements Iterable<DebugBlock> {
  /** Bytes of the blocks within, redzones among them. */
  bytes = 0;
  #blocks: DebugBlock[] = [];
  #first = 0;

  /** Adds one behind all others. */
  push(block: DebugBlock): void {
    this.#blocks.push(block);
    this.bytes += block.innerBytes;
  }

  /** Takes the one that has been here longest; undefined if there is none. */
  shift(): DebugBlock | undefined {
    const block = this.#blocks[this.#first];
    if (block === undefined) return undefined;
    this.bytes -= block.innerBytes;
    this.#first++;
    if (this.#first >= CUT_LEAST && this.#first * 2 >= this.#blocks.length) {
      this.#blocks = this.#blocks.slice(this.#first);
      this.#first = 0;
    }
    return block;
  }

  /** From the oldest to the newest. */
  *[Symbol.iterator](): Generator<DebugBlock> {
    for (let index = this.#first; index < this.#blocks.length; index++) yield this.#blocks[index]!;
  }
}

/** The blocks that left the quarantine last. */
export class History {
  readonly #byPtr = new Map<number, DebugBlock>();
  readonly #ring: DebugBlock[] = [];
  readonly #length: number;
  #next = 0;

  /** @param length how many it remembers. */
  constructor(length: number) {
    this.#length = length;
  }

  add(block: DebugBlock): void {
    const oldest = this.#ring[this.#next];
    if (oldest !== undefined && this.#byPtr.get(oldest.ptr) === oldest) this.#byPtr.delete(oldest.ptr);
    this.#ring[this.#next] = block;
    this.#next = (this.#next + 1) % this.#length;
    this.#byPtr.set(block.ptr, block);
  }

  /** The block that began there and was freed; undefined if none is remembered. */
  get(ptr: number): DebugBlock | undefined {
    return this.#byPtr.get(ptr);
  }

  /** A pointer that was given out again is no freed one. */
  forget(ptr: number): void {
    this.#byPtr.delete(ptr);
  }
}
