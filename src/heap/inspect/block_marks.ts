/**
 * Which blocks a walk has met: a bit for each 16 bytes of the granules that any is in. A Set has room for 2^24 and no more,
 * which a heap has more blocks than, and takes some forty times the memory.
 *
 * @module
 */

import { BLOCK_ALIGNMENT, SLAB_BYTES } from "../state/layout.ts";

const WORD_BYTES = BLOCK_ALIGNMENT * 32;

/** See the module. */
export class BlockMarks {
  /** By granule. */
  readonly #marks = new Map<number, Int32Array>();

  /** Marks a block; whether it was not marked before. */
  add(ptr: number): boolean {
    const granule = Math.floor(ptr / SLAB_BYTES), at = ptr % SLAB_BYTES, word = Math.floor(at / WORD_BYTES);
    let marks = this.#marks.get(granule);
    if (marks === undefined) this.#marks.set(granule, marks = new Int32Array(SLAB_BYTES / WORD_BYTES));
    const before = marks[word]!, bit = bitOf(at);
    marks[word] = before | bit;
    return (before & bit) === 0;
  }

  /** Whether a block was marked. */
  has(ptr: number): boolean {
    const at = ptr % SLAB_BYTES, word = this.#marks.get(Math.floor(ptr / SLAB_BYTES))?.[Math.floor(at / WORD_BYTES)];
    return word !== undefined && (word & bitOf(at)) !== 0;
  }
}

function bitOf(at: number): number {
  return 1 << (Math.floor(at / BLOCK_ALIGNMENT) & 31);
}
