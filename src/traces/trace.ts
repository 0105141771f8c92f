/**
 * A trace in memory: what a program asked of its allocator, event by event, in the order in which it happened. All
 * formats decode to this (see `builder.ts`), and everything else reads nothing but this.
 *
 * Columns of numbers instead of objects: an event costs 24 bytes, and a replay reads them in order.
 *
 *     kinds        MALLOC   REALLOC   FREE     FREE          THREAD_END
 *     threads      0        0         1        0             1
 *     blocks       1        1         1        0 (null)      0
 *     sizes        100      300       0        0             0
 *     formerSizes  0        100       300      0             0
 *
 * A block keeps its number from its allocation through its reallocs to its free, and no other block ever has that number:
 * who follows lifetimes, or the order between threads, needs no more than the number. A replay wants its table of live
 * pointers small, as a program's own pointers are; it derives numbers that are used again (see `slots.ts`).
 *
 * @module
 */

/** What an event is. */
export const EVENT = { MALLOC: 0, CALLOC: 1, ALIGNED: 2, REALLOC: 3, FREE: 4, THREAD_END: 5 } as const;

/** The kinds by their number, as people call them. */
export const EVENT_NAMES: readonly string[] = ["malloc", "calloc", "aligned", "realloc", "free", "thread end"];

/** The block number of an event without a block: a thread's end, or `free(NULL)`. */
export const NO_BLOCK = 0;

/** A decoded trace. All columns have `length` entries; index `i` of each is event `i`. */
export interface Trace {
  /** The name of the format that it was decoded from. */
  readonly format: string;
  /** Events, thread ends included. */
  readonly length: number;
  /** Of {@link EVENT}. */
  readonly kinds: Uint8Array<ArrayBuffer>;
  /** Which thread did it, from 0 in the order of their first events. */
  readonly threads: Uint16Array<ArrayBuffer>;
  /** 1 to `blockCount` in the order of allocation, or {@link NO_BLOCK}. A `realloc(NULL)` names a fresh block. */
  readonly blocks: Uint32Array<ArrayBuffer>;
  /** Bytes that the block has after the event; count times size for calloc, 0 after a free. */
  readonly sizes: Float64Array<ArrayBuffer>;
  /** Bytes that the block had before the event; 0 for a fresh one. Live bytes change by size minus former size. */
  readonly formerSizes: Float64Array<ArrayBuffer>;
  /** Base-2 logarithm of the alignment of an ALIGNED event; 0 for all others. */
  readonly alignments: Uint8Array<ArrayBuffer>;
  readonly blockCount: number;
  /** What the trace calls its threads, by their number here. */
  readonly threadNames: readonly string[];
  /** Calls that gave the program no memory. They are no events. */
  readonly failedCalls: number;
}

/** A file is damaged, or is no trace. The message says where: a line, or a byte. */
export class TraceError extends Error {
  override name = "TraceError";
}
