/**
 * A trace that is made of another's events: by a builder, so that it is checked and numbered anew. Blocks and threads are
 * called by their numbers in the other trace; a thread gets its name back, or the number that it has now. Allocations keep
 * their stacks, unless those are to be forgotten.
 *
 * @module
 */
import { TraceBuilder } from "../builder.ts";
import { EVENT, NO_BLOCK, type Trace } from "../trace.ts";

/** Takes events of a trace into a new one. */
export class Rebuild {
  readonly #trace: Trace;
  readonly #builder: TraceBuilder;
  /** Which of the trace's blocks the new one has had. */
  readonly #known: Uint8Array;
  readonly #callers: Trace["callers"];

  /** @param trace Whose events they are. @param stacks Whether they keep their stacks. */
  constructor(trace: Trace, stacks: "kept" | "forgotten") {
    this.#trace = trace;
    this.#builder = new TraceBuilder(trace.format, () => "a trace that was made of another", {
      mostLive: Infinity, // it has no more than the other
      names: "decimal",
    });
    this.#known = new Uint8Array(trace.blockCount + 1);
    if (stacks === "kept" && trace.stacks !== undefined) {
      this.#builder.hasStacks(trace.stacks);
      this.#callers = trace.callers;
    }
  }

  /** Takes an event, with another size if one is given. What needs a block that was never taken allocates it. */
  take(event: number, size = this.#trace.sizes[event]!): void {
    const { kinds, threads, blocks, alignments } = this.#trace;
    const builder = this.#builder, thread = threads[event]!, block = blocks[event]!;
    const isNew = block !== NO_BLOCK && this.#known[block] === 0;
    this.#known[block] = 1;
    builder.calledFrom(this.#callers?.[event] ?? 0);
    switch (kinds[event]) {
      case EVENT.MALLOC:
        return builder.malloc(thread, block, size);
      case EVENT.CALLOC:
        return builder.calloc(thread, block, 1, size);
      case EVENT.ALIGNED:
        return builder.aligned(thread, block, 2 ** alignments[event]!, size);
      case EVENT.REALLOC:
        return builder.realloc(thread, isNew ? null : block, block, size);
      case EVENT.FREE:
        return builder.free(thread, block === NO_BLOCK ? null : block);
      default:
        return builder.threadEnd(thread);
    }
  }

  /** Ends a thread of the other trace. */
  threadEnd(thread: number): void {
    this.#builder.calledFrom(0);
    this.#builder.threadEnd(thread);
  }

  /** The new trace. @param nameOf What a thread is called, by its number in the other trace and in the new one. */
  finish(nameOf: (former: number, thread: number) => string): Trace {
    const made = this.#builder.finish();
    return { ...made, threadNames: made.threadNames.map((former, thread) => nameOf(Number(former), thread)) };
  }
}
