/**
 * A window of a trace as a trace of its own, which replays: what is live where the window begins is allocated first, in
 * the order in which it once was, by the threads that did it, in the size that it has by then. Threads that are gone by
 * then, and still have blocks, end after that.
 *
 *     malloc 1   malloc 2   free 1   malloc 3   free 2   free 3         the trace
 *                                  ├─────────────────┤                --from 3 --to 5
 *     malloc 2 ╎ malloc 3   free 2                                      what is made of it
 *
 * An allocation before the window has the stack that it once had, if the trace has stacks.
 *
 * So an allocator that replays it has the same live blocks as at that place of the trace, but not the same holes between
 * them: those are what the events before the window left.
 *
 * @module
 */
import { EVENT, NO_BLOCK, type Trace, TraceError } from "../trace.ts";
import { Rebuild } from "./rebuild.ts";

/** A window, and what was put before it. */
export interface CutTrace {
  readonly trace: Trace;
  /** Allocations of what is live where the window begins. */
  readonly before: number;
}

/**
 * Cuts a window out of a trace.
 *
 * @param from So many events are before it, thread ends not counted.
 * @param to So many events are before its end.
 * @throws TraceError if nothing is between them.
 */
export function cutTrace(trace: Trace, from: number, to: number): CutTrace {
  if (from >= to) throw new TraceError(`the window from event ${from} to event ${to} has no event`);
  const { length, kinds } = trace;
  const made = new Rebuild(trace, "kept");
  let event = 0, counted = 0;
  const advance = (until: number, take: (event: number) => void) => {
    for (; event < length && (counted < until || kinds[event] === EVENT.THREAD_END); event++) {
      counted += Number(kinds[event] !== EVENT.THREAD_END);
      take(event);
    }
  };
  const live = new Live(trace);
  advance(from, (event) => live.take(event));
  for (const [event, size] of live.blocks.values()) made.take(event, size);
  for (const thread of live.goneOwners()) made.threadEnd(thread);
  advance(to, (event) => made.take(event));
  return { trace: made.finish((former) => trace.threadNames[former]!), before: live.blocks.size };
}

/** What is live as events come. */
class Live {
  readonly #trace: Trace;
  readonly #ended = new Set<number>();
  /** By number, and so in the order of allocation: the event that allocated the block, and its size by now. */
  readonly blocks = new Map<number, readonly [event: number, size: number]>();

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  take(event: number): void {
    const { kinds, blocks, sizes, threads } = this.#trace;
    const kind = kinds[event], block = blocks[event]!;
    if (kind === EVENT.THREAD_END) this.#ended.add(threads[event]!);
    else if (kind === EVENT.FREE) this.blocks.delete(block);
    else if (block !== NO_BLOCK) this.blocks.set(block, [this.blocks.get(block)?.[0] ?? event, sizes[event]!]);
  }

  /** Threads that allocated what is live, and have ended. */
  goneOwners(): Iterable<number> {
    const owners = new Set([...this.blocks.values()].map(([event]) => this.#trace.threads[event]!));
    return [...owners].filter((thread) => this.#ended.has(thread));
  }
}
