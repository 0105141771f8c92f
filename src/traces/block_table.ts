/**
 * Which blocks are live, by the names that a trace has for them: from a name to the block's slot.
 *
 * Names that are numbers, as addresses are, lie in a table of their own: open addressing in two typed arrays, at most
 * half full, 24 to 48 bytes for a block. A `Map` takes more memory, and longer to find a number than everything else
 * that is done for an event. A block that goes leaves no mark: those after it move up (Knuth, volume 3, 6.4, algorithm
 * R).
 *
 * @module
 */

/** A block's name in the source: unique among the blocks that are live. */
export type BlockId = number | bigint | string;

const FIRST_BITS = 11;
const GOLDEN = 0x9e3779b1 | 0; // 2^32 over the golden ratio: neighbours lie far apart
const MIX = 0x85ebca6b | 0;

/** See the module. Slots are from 1. */
export class BlockTable {
  #names = new Float64Array(2 ** FIRST_BITS);
  /** Slots; 0 where there is no name. */
  #slots = new Uint32Array(2 ** FIRST_BITS);
  /** The first index of a name is its hash without the lowest bits, so many. */
  #shift = 32 - FIRST_BITS;
  #numbers = 0;
  readonly #others = new Map<bigint | string, number>();

  /** How many blocks are live. */
  get size(): number {
    return this.#numbers + this.#others.size;
  }

  /** The slot of a block; 0 if none has that name. */
  get(id: BlockId): number {
    if (typeof id !== "number") return this.#others.get(id) ?? 0;
    return this.#slots[this.#indexOf(id)]!;
  }

  /** Names a block. No block may have that name. */
  add(id: BlockId, slot: number): void {
    if (typeof id !== "number") {
      this.#others.set(id, slot);
      return;
    }
    if (2 * this.#numbers >= this.#slots.length) this.#grow();
    this.#put(id, slot);
    this.#numbers++;
  }

  /** Takes a block out; returns its slot, or 0 if none has that name. */
  take(id: BlockId): number {
    if (typeof id !== "number") {
      const slot = this.#others.get(id) ?? 0;
      this.#others.delete(id);
      return slot;
    }
    const index = this.#indexOf(id), slot = this.#slots[index]!;
    if (slot === 0) return 0;
    this.#numbers--;
    this.#close(index);
    return slot;
  }

  /** Where a name is, or would be. */
  #indexOf(name: number): number {
    const names = this.#names, slots = this.#slots, mask = slots.length - 1;
    let index = hashOf(name) >>> this.#shift;
    while (slots[index] !== 0 && names[index] !== name) index = (index + 1) & mask;
    return index;
  }

  #put(name: number, slot: number): void {
    const index = this.#indexOf(name);
    this.#names[index] = name;
    this.#slots[index] = slot;
  }

  /** Moves up what could not be found any more over the hole at `index`. */
  #close(index: number): void {
    const names = this.#names, slots = this.#slots, mask = slots.length - 1;
    let hole = index;
    for (let at = (hole + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const first = hashOf(names[at]!) >>> this.#shift;
      if (((at - first) & mask) < ((at - hole) & mask)) continue; // it begins after the hole
      names[hole] = names[at]!;
      slots[hole] = slots[at]!;
      hole = at;
    }
    slots[hole] = 0;
  }

  #grow(): void {
    const names = this.#names, slots = this.#slots;
    this.#names = new Float64Array(2 * names.length);
    this.#slots = new Uint32Array(2 * slots.length);
    this.#shift--;
    for (let index = 0; index < slots.length; index++) {
      if (slots[index] !== 0) this.#put(names[index]!, slots[index]!);
    }
  }
}

/** 32 bits, of which the high ones are mixed well. */
function hashOf(name: number): number {
  return Math.imul((name | 0) ^ Math.imul((name / 2 ** 32) | 0, MIX), GOLDEN);
}
