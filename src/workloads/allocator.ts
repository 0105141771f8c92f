/**
 * What a workload needs of an allocator, whatever its pointers are: offsets (`number`), addresses (`bigint`) or objects.
 *
 * The members are plain functions and not methods: a workload reads them into locals and calls those, so that V8 sees
 * one callee per call site and inlines it. An adapter should pass on its allocator's own functions where it can, and
 * otherwise close over the parameters of the function that makes it: TurboFan folds a parameter that is never assigned,
 * while a module-level binding costs a check at every use.
 *
 * @module
 */

/** Where a workload keeps its live pointers: a typed array for numbers and bigints, an array for objects. */
export interface Slots<P> {
  readonly length: number;
  [slot: number]: P;
}

/** One contestant, as the workloads see it. */
export interface Allocator<P> {
  /** The null pointer: what an empty slot holds, and what `malloc` gives when there is no memory. */
  readonly nothing: P;
  /** An array of `count` slots, each holding `nothing`; in memory of zeros that threads share, where it is given. */
  readonly slots: (count: number, shared?: SharedArrayBuffer, at?: number) => Slots<P>;
  readonly malloc: (size: number) => P;
  readonly free: (pointer: P) => void;
  /** A block whose address is a multiple of `alignment`, a power of two; absent where the allocator has no such call. */
  readonly alignedAlloc?: (alignment: number, size: number) => P;
  /** A block of zeros; absent as above. */
  readonly calloc?: (size: number) => P;
  /** The block with another size, and what fits of its contents; of `nothing` it is a malloc. Absent as above. */
  readonly realloc?: (pointer: P, size: number, former: number) => P;
  /** Bytes of the allocator's own mapping that are in memory, -1 if nobody can tell; absent where it does not say. */
  readonly residentBytes?: () => number;
  /** All of its memory, where that is one mapping and it does not say itself how much of it is in memory. */
  readonly mapping?: Uint8Array;
  /** The native address of a block; absent where it has none. */
  readonly address?: (pointer: P) => bigint;
  /** Writes a byte to a block's beginning, its end, and each step between (`replay/replay_blocks.ts`); absent: by `write`. */
  readonly touch?: (pointer: P, size: number, byte: number) => void;
  /** 0 if those bytes are what was written; absent: by `read`. */
  readonly differs?: (pointer: P, size: number, byte: number) => number;
  /**
   * What another thread of the process needs to open an allocator that knows the same blocks; absent where blocks are
   * of one thread alone.
   */
  readonly share?: () => unknown;
  /** Lets go of it, where its memory is more than one thread's; nothing here is called afterwards. */
  readonly close?: () => void;
  /** Writes one byte of a block. */
  readonly write: (pointer: P, index: number, byte: number) => void;
  /** Reads one byte of a block. */
  readonly read: (pointer: P, index: number) => number;
}

/** Slots for pointers that are numbers below 2^31: a heap's small blocks lie there, and whatever does not is caught. */
export function numberSlots(count: number, shared?: SharedArrayBuffer, at?: number): Slots<number> {
  return shared === undefined ? new Int32Array(count) : new Int32Array(shared, at, count);
}

/** A `malloc` of the measured allocator gave `nothing`. The slots are still full, so its process cannot go on. */
export class OutOfMemory extends Error {
  /**
   * @param size The bytes that were asked for.
   * @param when What to begin the message with.
   */
  constructor(size: number, when = "") {
    super(`${when}malloc(${size}) gave NULL`);
    this.name = "OutOfMemory";
  }
}
