/**
 * The oracle of a heap that several threads have: a table of blocks in shared memory, where `oracle.ts` has a Map. Each
 * block is filled with a pattern; any thread may take any block in hand, and verify, resize or free it.
 *
 * ```
 *             take: compare-and-swap             settle: a store
 *   empty ---------------------------> in hand ------------------> empty or live
 *   live  ---------------------------> in hand ------------------> empty or live
 * ```
 *
 * A thread has one slot in hand at most. So when it ends in the middle of anything, all slots but that one are known
 * for sure, and the block of that one is *in doubt*: it may be there or not, and so may another that was to take its
 * place. An audit, while all threads are quiet, compares the table with the heap: every live slot is a block of the
 * heap, whole and in no other slot, and the heap has no blocks besides, but for those in doubt.
 *
 * @module
 */

import type { Heap, Ptr } from "../heap/mod.ts";
import { CheckedCalls, OracleError, verifyFill } from "./oracle.ts";

/** Words in front of the slots. */
const LIVE_BYTES = 0;
const PEAK_BYTES = 1;
const HEAD_WORDS = 16;

/** Words of a slot. */
const STATE = 0;
const PTR = 1;
const SIZE = 2;
const USABLE = 3;
const FILL = 4;
/** Who gave the block its pattern. */
const BY = 5;
const SLOT_WORDS = 8;

/** States of a slot; higher ones are in the hand of thread `state - FIRST_HAND`. */
const EMPTY = 0;
const LIVE = 1;
const FIRST_HAND = 2;

/** What an audit found where threads had ended. */
export interface Doubts {
  /** Slots that were in the hand of a thread that has ended. */
  readonly inDoubt: number;
  /** Blocks that the heap has and no slot: under way when a thread ended. They are freed. */
  readonly lost: number;
}

/** See the module. One object a thread, all over the same memory. */
export class SharedOracle extends CheckedCalls {
  readonly slots: number;
  readonly #words: Int32Array;
  readonly #hand: number;
  readonly #step: () => void;
  #slot = 0;
  #at = 0;

  /**
   * @param memory of `bytesFor(slots)` bytes, zeros at first.
   * @param thread its number, from 0.
   * @param step called between any two steps of an operation: where a thread may end.
   */
  constructor(heap: Heap, memory: SharedArrayBuffer, thread: number, step: () => void = () => {}) {
    super(heap, thread * 31);
    this.#words = new Int32Array(memory);
    this.#hand = FIRST_HAND + thread;
    this.#step = step;
    this.slots = (this.#words.length - HEAD_WORDS) / SLOT_WORDS;
  }

  /** Bytes that a table takes. */
  static bytesFor(slots: number): number {
    return (HEAD_WORDS + slots * SLOT_WORDS) * 4;
  }

  /** Bytes that the live blocks were asked for; a little off where a thread has ended since the last audit. */
  get liveBytes(): number {
    return Atomics.load(this.#words, LIVE_BYTES);
  }

  /** The most that were. */
  get peakLiveBytes(): number {
    return Atomics.load(this.#words, PEAK_BYTES);
  }

  /** Takes a slot in hand; false if another thread has it. */
  take(slot: number): boolean {
    const at = HEAD_WORDS + slot * SLOT_WORDS, state = Atomics.load(this.#words, at);
    if (state >= FIRST_HAND) return false;
    if (Atomics.compareExchange(this.#words, at, state, this.#hand) !== state) return false;
    this.#slot = slot;
    this.#at = at;
    return true;
  }

  /** The block in hand; 0 if the slot is empty. So are the others of the slot in hand. */
  get ptr(): Ptr {
    return this.#words[this.#at + PTR]!;
  }

  /** Whether another thread made it, or changed its size last. */
  get isForeign(): boolean {
    return this.ptr !== 0 && this.#words[this.#at + BY] !== this.#hand;
  }

  /** Puts the slot back as it was. */
  putBack(): void {
    this.#settle(this.ptr === 0 ? EMPTY : LIVE);
  }

  realloc(size: number): Ptr {
    const { ptr } = this, words = this.#words, at = this.#at;
    this.verify();
    this.#step();
    const moved = this.heap.realloc(ptr, size);
    this.#step();
    if (moved === 0) {
      this.verify();
      this.#settle(LIVE);
      return 0;
    }
    const before = words[at + SIZE]!;
    verifyFill(this.heap, moved, Math.min(before, size), words[at + FILL]!, "realloc lost the contents of");
    Atomics.sub(words, LIVE_BYTES, before);
    return this.add(moved, size, 16);
  }

  free(): void {
    const { ptr } = this, words = this.#words, at = this.#at;
    this.verify();
    this.#step();
    this.heap.free(ptr);
    this.#step();
    Atomics.sub(words, LIVE_BYTES, words[at + SIZE]!);
    words[at + PTR] = 0;
    this.#settle(EMPTY);
  }

  /** Asks the heap all that it knows of the block. */
  inspect(): void {
    const { ptr } = this, usable = this.#words[this.#at + USABLE]!;
    this.verify();
    if (!this.heap.owns(ptr)) throw new OracleError(`owns(${ptr}) is false`);
    const says = this.heap.usableSize(ptr);
    if (says !== usable) throw new OracleError(`usableSize(${ptr}) is ${says}, and was ${usable}`);
    const middle = ptr + Math.floor(usable / 2), block = this.heap.blockOf(middle);
    if (block !== ptr) throw new OracleError(`blockOf(${middle}) is ${block}, not ${ptr}`);
    this.#settle(LIVE);
  }

  /** Reads the pattern of the block in hand. */
  verify(): void {
    this.#verify(this.#at);
  }

  /**
   * Compares the table with the heap while all threads are quiet, and frees what was under way where a thread ended.
   *
   * @param ends threads that have ended in the middle of something since the last audit.
   * @throws {OracleError} at the first disagreement, and what `check` throws.
   */
  audit(ends: number): Doubts {
    const words = this.#words;
    this.heap.check();
    const blocks = new Map([...this.heap.blocks()].map(({ ptr, size }) => [ptr, size]));
    this.#compareStats(blocks);
    const slotOf = new Map<Ptr, number>(), doubtful: number[] = [];
    let liveBytes = 0;
    for (let slot = 0; slot < this.slots; slot++) {
      const at = HEAD_WORDS + slot * SLOT_WORDS, state = Atomics.load(words, at), ptr = words[at + PTR]!;
      if (state >= FIRST_HAND) doubtful.push(at);
      if (state !== LIVE) continue;
      const other = slotOf.get(ptr), size = blocks.get(ptr);
      if (other !== undefined) throw new OracleError(`${ptr} was given out twice: it is in slots ${other} and ${slot}`);
      if (size === undefined) throw new OracleError(`blocks() has no ${ptr}, which is live: ${this.#describe(at)}`);
      if (size !== words[at + USABLE]) throw new OracleError(`blocks() says ${size} of ${this.#describe(at)}`);
      slotOf.set(ptr, slot);
      liveBytes += words[at + SIZE]!;
    }
    if (doubtful.length > ends) throw new OracleError(`${doubtful.length} blocks are in doubt, ${ends} threads ended`);
    for (const [ptr, slot] of slotOf) {
      this.#verify(HEAD_WORDS + slot * SLOT_WORDS);
      blocks.delete(ptr);
    }
    Atomics.store(words, LIVE_BYTES, liveBytes);
    return this.#clear(doubtful, blocks);
  }

  /** Empties the slots in doubt, and frees what the heap has besides: at most what these may account for. */
  #clear(doubtful: readonly number[], rest: ReadonlyMap<Ptr, number>): Doubts {
    const named = new Set(doubtful.map((at) => this.#words[at + PTR]!));
    const unnamed = [...rest.keys()].filter((ptr) => !named.has(ptr));
    if (unnamed.length > doubtful.length) {
      const some = unnamed.slice(0, 5).map((ptr) => `${ptr} of ${rest.get(ptr)} bytes`).join(", ");
      throw new OracleError(
        `blocks() has ${unnamed.length} blocks that nobody has, and ${doubtful.length} are in doubt: ${some}`,
      );
    }
    for (const at of doubtful) {
      this.#words[at + PTR] = 0;
      Atomics.store(this.#words, at + STATE, EMPTY);
    }
    for (const ptr of rest.keys()) this.heap.free(ptr);
    return { inDoubt: doubtful.length, lost: rest.size };
  }

  #compareStats(blocks: ReadonlyMap<Ptr, number>): void {
    const { liveBlocks, liveBytes, chargedBytes } = this.heap.stats();
    const bytes = [...blocks.values()].reduce((sum, size) => sum + size, 0);
    if (liveBlocks !== blocks.size || liveBytes !== bytes) {
      throw new OracleError(`stats() has ${liveBlocks} blocks, ${liveBytes} bytes; not ${blocks.size}, ${bytes}`);
    }
    if (chargedBytes < liveBytes) throw new OracleError("stats(): less is charged than live");
  }

  /** Frees every block. */
  freeAll(): void {
    for (let slot = 0; slot < this.slots; slot++) {
      if (!this.take(slot)) throw new OracleError(`slot ${slot} is in the hand of a thread, and all have ended`);
      if (this.ptr === 0) this.putBack();
      else this.free();
    }
  }

  /** What lies over a block, in words; empty if nothing does. Of threads that are at work, as far as can be seen. */
  overlapping(ptr: Ptr): string {
    const words = this.#words, found: string[] = [];
    for (let slot = 0; slot < this.slots; slot++) {
      const at = HEAD_WORDS + slot * SLOT_WORDS, start = words[at + PTR]!;
      if (start !== 0 && ptr >= start && ptr < start + words[at + USABLE]!) found.push(this.#describe(at));
    }
    return found.length < 2 ? "" : found.join(", and ");
  }

  /** Fills the empty slot in hand; 0 is not an error. */
  protected override add(ptr: Ptr, size: number, alignment: number): Ptr {
    this.#step();
    if (ptr === 0) {
      this.#settle(EMPTY);
      return 0;
    }
    const words = this.#words, at = this.#at;
    const { usable, fill } = this.filled(ptr, size, alignment);
    this.#step();
    words[at + PTR] = ptr;
    words[at + SIZE] = size;
    words[at + USABLE] = usable;
    words[at + FILL] = fill;
    words[at + BY] = this.#hand;
    const live = Atomics.add(words, LIVE_BYTES, size) + size;
    for (let peak = this.peakLiveBytes; live > peak; peak = this.peakLiveBytes) {
      Atomics.compareExchange(words, PEAK_BYTES, peak, live);
    }
    this.#settle(LIVE);
    return ptr;
  }

  #settle(state: number): void {
    this.#step();
    Atomics.store(this.#words, this.#at + STATE, state);
  }

  #verify(at: number): void {
    const words = this.#words;
    verifyFill(this.heap, words[at + PTR]!, words[at + USABLE]!, words[at + FILL]!, "something else wrote into");
  }

  #describe(at: number): string {
    const words = this.#words;
    return `${words[at + PTR]} of ${words[at + SIZE]} bytes (slot ${(at - HEAD_WORDS) / SLOT_WORDS}, ` +
      `Worker ${words[at + BY]! - FIRST_HAND})`;
  }
}
