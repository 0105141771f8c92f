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
 * A block keeps its number from its allocation through its reallocs to its free, and no other block ever has that
 * number: code that follows lifetimes, or the order between threads, needs no more than the number. A replay wants its
 * table of live pointers small, as a program's own pointers are; it derives numbers that are used again (see
 * `replay_words.ts`).
 *
 * @module
 */

/** What an event is. */
export const EVENT = { MALLOC: 0, CALLOC: 1, ALIGNED: 2, REALLOC: 3, FREE: 4, THREAD_END: 5 } as const;

/** The kinds by their number, as people call them. */
export const EVENT_NAMES: readonly string[] = ["malloc", "calloc", "aligned", "realloc", "free", "thread end"];

/** The block number of an event without a block: a thread's end, or `free(NULL)`. */
export const NO_BLOCK = 0;

/** What is known of a trace when all of it was read, besides its events. */
export interface TraceFacts {
  /** The name of the format; of a file that was cut off, that too: `hakmem, cut off`. */
  readonly format: string;
  readonly blockCount: number;
  /** What the trace calls its threads, by their number. */
  readonly threadNames: readonly string[];
  /** Calls that gave the program no memory. They are not events. */
  readonly failedCalls: number;
  /** Frees and reallocs of blocks from before the trace. Such frees are not events, such reallocs are allocations. */
  readonly unknownBlocks: number;
  /**
   * Blocks whose free the trace does not have, though their addresses were given out again: events were added for them.
   */
  readonly unseenFrees: number;
  /** What a reader of the results should know: that the file was cut off, or left-out calls; a sentence each. */
  readonly remarks: readonly string[];
  /** How long the program ran; absent where the trace does not say. */
  readonly ran?: RanFor;
  /** Who called, of a trace that has it. */
  readonly stacks?: TraceStacks;
}

/**
 * How stacks are found: by frame pointers where they are right and otherwise the unwinder, or by only one of the two.
 */
export const STACKS_BY = ["auto", "fp", "unwind"] as const;

/** How the stacks of a trace were found. */
export interface StackFacts {
  readonly by: typeof STACKS_BY[number];
  /** The most callers that a stack has; those further out are left out. */
  readonly depth: number;
  /** If not every allocation has a stack: one for so many bytes, on average, each byte as likely as any other. */
  readonly sampleBytes?: number;
}

/** An executable or a library. */
export interface TraceModule {
  readonly path: string;
  /** In hexadecimal digits; empty if it has none. */
  readonly buildId: string;
}

/**
 * The stacks of a trace, as a tree: a node is a call, in the function that its parent calls. A stack is the number of its
 * innermost call, from 1; 0 is none. The columns have an entry for each node, and one that means nothing for 0.
 */
export interface TraceStacks extends StackFacts {
  readonly modules: readonly TraceModule[];
  readonly parents: readonly number[];
  /** The module's number, from 1; 0 where the code is of none, as that of a JIT. */
  readonly moduleOf: readonly number[];
  /**
   * Where the call is: the address in the module's file. Without a module an address of the process, or 0 for callers
   * that were left out.
   */
  readonly offsets: readonly number[];
}

/** How long a program ran while it was traced: by the clock, and on processors, all threads together. */
export interface RanFor {
  readonly wallSeconds: number;
  /** Absent where only the clock is known. */
  readonly processorSeconds?: number;
}

/** Where events go, one after the other. */
export interface EventSink<Result> {
  /** Is told before the first event, if events may have stacks. */
  hasStacks?(stacks: StackFacts): void;
  /**
   * Takes an event; see the columns of `Trace`.
   *
   * @param slot a small number that the block has as long as it lives, and then another; 0 if there is no block
   * @param stack a node of `TraceStacks`; 0 if the event has no stack
   */
  add(
    kind: number,
    thread: number,
    block: number,
    slot: number,
    size: number,
    formerSize: number,
    alignment: number,
    stack: number,
  ): void;
  finish(facts: TraceFacts): Result;
}

/** A decoded trace. All columns have `length` entries; index `i` of each is event `i`. */
export interface Trace extends TraceFacts {
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
  /** Of a trace with stacks: who called, a node of {@linkcode TraceStacks}; 0 if the event has no stack. */
  readonly callers?: Uint32Array<ArrayBuffer>;
}

/** A file is damaged, or is not a trace. The message says where: a line, or a byte. */
export class TraceError extends Error {
  override name = "TraceError";
}
