/**
 * replay: what a real program asked of its allocator, event by event, in the order of its trace, by one thread. Its words
 * are described in `../../traces/replay_words.ts`, its twin is `native/replay.c`. One operation is one event.
 *
 * A program uses its memory, so the replay does (`replay_blocks.ts`): it writes a block when it is made or resized, and
 * before it is freed or resized, and after it was resized, reads it again: an allocator that lost one or gave memory out
 * twice is found, as is a calloc whose bytes are not zero, and an address that is not aligned as was asked for.
 *
 * What the trace leaves live is freed at the end, off the clock, so that the next replay finds an empty allocator, which
 * has kept what memory it keeps.
 *
 * @module
 */
import { EVENT } from "../../traces/trace.ts";
import { LARGE, largeSizes, REPLAY } from "../../traces/replay_words.ts";
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { byteOf, type Differs, differsOf, kept, type Touch, touchOf } from "./replay_blocks.ts";
import { CHUNK_ITERATIONS, seeEnd, type Workload } from "../workload.ts";

const CHUNK_WORDS = CHUNK_ITERATIONS * REPLAY.EVENT;
// V8 folds a module's own constants, but loads imported ones each time.
const MALLOC = EVENT.MALLOC, FREE = EVENT.FREE, EVENT_WORDS = REPLAY.EVENT;

/**
 * Where a replay keeps its state between chunks. The mask says what of a difference counts: nothing with the do-nothing
 * allocator. It is in memory, since V8 would not read what is masked by a constant 0.
 */
export const REPLAY_STATE = { CHECKSUM: 0, MASK: 1 } as const;

/** The state at first. */
export function replayState(isVerified: boolean): Int32Array {
  return Int32Array.of(0, isVerified ? 0xff : 0);
}

/** An allocator did what none may do. The blocks are as they are, so its process cannot go on. */
export class ReplayFailure extends Error {
  override name = "ReplayFailure";
}

/** A replay, bound to an allocator. */
export interface Replay {
  /** Of the trace. */
  readonly events: number;
  /** Replays up to an event, from where it is; `begin` goes back to the first. */
  advance(to: number): void;
  /** Frees what is live, and starts over. */
  begin(): void;
  /** Replays from the first event to the last, and takes the time of each: keeps the shorter one in `least`, in ns. */
  timeEach(least: Float64Array, clock: () => number): void;
  /** 32 bits of what was replayed since `begin`, as an unsigned number. */
  readonly checksum: number;
  /** The function that the time is spent in: the lab asks V8 for its tier. */
  // deno-lint-ignore ban-types
  readonly hot: Function;
}

/**
 * Binds a replay to an allocator.
 *
 * @param words From `replayWords`.
 * @param isVerified Whether what is read must be what was written; false for the do-nothing allocator, which reads it too.
 */
export function prepareReplay<P>(allocator: Allocator<P>, words: Int32Array, isVerified: boolean): Replay {
  const { malloc, free, nothing } = allocator;
  const events = words[REPLAY.EVENTS]!;
  const slots = replaySlots(allocator, words);
  const state = replayState(isVerified);
  const touch = touchOf(allocator), differs = differsOf(allocator);
  const rare = rareBy(allocator, slots, words, touch, differs, state);
  const chunk = compileChunk(malloc, free, rare, touch, differs, byteOf, nothing, slots, words, state);
  seeEnd(() => chunk(REPLAY.HEAD, REPLAY.HEAD));
  let position = 0;
  return {
    events,
    advance(to) {
      const end = REPLAY.HEAD + to * REPLAY.EVENT;
      for (let at = REPLAY.HEAD + position * REPLAY.EVENT; at < end; at += CHUNK_WORDS) {
        chunk(at, Math.min(end, at + CHUNK_WORDS));
      }
      position = to;
    },
    begin() {
      for (let slot = 0; slot < slots.length; slot++) {
        if (slots[slot] === nothing) continue;
        free(slots[slot] as P);
        slots[slot] = nothing;
      }
      position = 0;
      state[REPLAY_STATE.CHECKSUM] = 0;
    },
    timeEach(least, clock) {
      this.begin();
      for (let event = 0, at: number = REPLAY.HEAD; event < events; event++, at += REPLAY.EVENT) {
        const start = clock();
        chunk(at, at + REPLAY.EVENT);
        least[event] = Math.min(least[event]!, clock() - start);
      }
    },
    get checksum() {
      return state[REPLAY_STATE.CHECKSUM]! >>> 0;
    },
    hot: chunk,
  };
}

/** A replay as a workload, whose unit is all of it: for what runs workloads in its own process. */
export function replayWorkload(words: Int32Array): Workload {
  return {
    name: "replay",
    description: "the events of a trace",
    operation: "one event",
    parameters: {},
    operationsPerUnit: () => words[REPLAY.EVENTS]!,
    prepare: (allocator) => {
      const replay = prepareReplay(allocator, words, true);
      return {
        begin() {},
        unit() {
          replay.begin();
          replay.advance(replay.events);
        },
        drain: () => 0,
        end: () => replay.begin(),
        get checksum() {
          return replay.checksum;
        },
        hot: replay.hot,
      };
    },
  };
}

/** Where the pointers are kept: as numbers of any size, if the words are wide. */
export function replaySlots<P>(allocator: Allocator<P>, words: Int32Array, shared?: SharedArrayBuffer): Slots<P> {
  const count = words[REPLAY.SLOTS]!, slots = allocator.slots(count, shared);
  if (words[REPLAY.WIDE] === 0 || !(slots instanceof Int32Array)) return slots;
  const wide = shared === undefined ? new Float64Array(count) : new Float64Array(shared, 0, count);
  return wide as unknown as Slots<P>;
}

/** All that is neither malloc nor free, and the use of its block: the event at this word. */
export type Rare = (at: number) => void;

/**
 * Makes the loop. What it uses are parameters that are never assigned: V8 folds those, where it would look at each of an
 * outer function's arguments again in every iteration. The loop around the do-nothing allocator takes 0.7 of the time.
 *
 * It has one call of each function that is to be inlined: V8 inlines so much bytecode and no more.
 */
function compileChunk<P>(
  malloc: Allocator<P>["malloc"],
  free: Allocator<P>["free"],
  rare: Rare,
  touch: Touch<P>,
  differs: Differs<P>,
  byteOf: (slot: number) => number,
  nothing: P,
  slots: Slots<P>,
  words: Int32Array,
  state: Int32Array,
): (from: number, to: number) => void {
  return function replayChunk(from, to) {
    // An int32 for V8, which takes a plain number apart again in each iteration.
    const end = to | 0;
    const mask = state[REPLAY_STATE.MASK] as number;
    let checksum = state[REPLAY_STATE.CHECKSUM] as number;
    for (let at = from | 0; at < end; at = (at + EVENT_WORDS) | 0) {
      const kind = (words[at] as number) & 0xff, slot = words[(at + 1) | 0] as number;
      const size = words[(at + 2) | 0] as number;
      checksum = ((checksum << 5) - checksum + (slot ^ size ^ kind)) | 0; // times 31, as C compiles it
      if (kind === FREE) {
        const pointer = slots[slot] as P;
        if (size !== 0 && (differs(pointer, size, byteOf(slot)) & mask) !== 0) {
          throw damaged(at, "was overwritten before its free");
        }
        free(pointer);
        slots[slot] = nothing;
      } else if (kind === MALLOC) {
        const pointer = malloc(size);
        if (pointer === nothing) throw outOfMemory(at, size);
        if (size !== 0) touch(pointer, size, byteOf(slot));
        slots[slot] = pointer;
      } else {
        rare(at);
      }
    }
    state[REPLAY_STATE.CHECKSUM] = checksum;
  };
}

/** The failure of the event at a word. */
export function damaged(at: number, what: string): ReplayFailure {
  return new ReplayFailure(`${eventAt(at)}: its block ${what}`);
}

/** That the event at a word gave no block. */
export function outOfMemory(at: number, size: number): OutOfMemory {
  return new OutOfMemory(size, `${eventAt(at)}: `);
}

function eventAt(at: number): string {
  return `event ${(at - REPLAY.HEAD) / REPLAY.EVENT}`;
}

/** Reallocs, callocs and aligned allocations, and what is large; without the last a block that is larger by the alignment stands for one. */
export function rareBy<P>(
  { malloc, calloc, realloc, alignedAlloc, address, nothing }: Allocator<P>,
  slots: Slots<P>,
  words: Int32Array,
  touch: Touch<P>,
  differs: Differs<P>,
  state: Int32Array,
): Rare {
  if (calloc === undefined || realloc === undefined) throw new Error("a replay needs calloc and realloc");
  const isDamaged = (pointer: P, size: number, byte: number): boolean =>
    size !== 0 && pointer !== nothing && (differs(pointer, size, byte) & state[REPLAY_STATE.MASK]!) !== 0;
  const large = largeSizes(words);
  /** @param asked What the block is to have; of a large one, more than what of it is touched. */
  const allocate = (at: number, kind: number, slot: number, size: number, asked: number, byte: number): P => {
    if (kind === EVENT.MALLOC) return malloc(asked);
    if (kind === EVENT.REALLOC) {
      const old = slots[slot] as P, former = words[at + 3]!;
      if (isDamaged(old, former, byte)) throw damaged(at, "was overwritten before its realloc");
      const pointer = realloc(old, asked, former);
      if (isDamaged(pointer, kept(size, former), byte)) throw damaged(at, "lost its contents in its realloc");
      return pointer;
    }
    if (kind === EVENT.CALLOC) {
      const pointer = calloc(asked);
      if (isDamaged(pointer, size, 0)) throw damaged(at, "is of calloc, but not 0");
      return pointer;
    }
    const alignment = 2 ** (words[at]! >>> 8 & 0x7f);
    if (alignedAlloc === undefined) return malloc(asked + alignment);
    const pointer = alignedAlloc(alignment, asked);
    const isAligned = address === undefined || pointer === nothing || address(pointer) % BigInt(alignment) === 0n;
    if (!isAligned) throw damaged(at, "is not aligned");
    return pointer;
  };
  return (at) => {
    const slot = words[at + 1]!, size = words[at + 2]!, byte = byteOf(slot), kind = words[at]! & 0xff;
    const asked = (kind & LARGE) === 0 ? size : large.get((at - REPLAY.HEAD) / REPLAY.EVENT)!;
    const pointer = allocate(at, kind & ~LARGE, slot, size, asked, byte);
    if (pointer === nothing) throw outOfMemory(at, asked);
    if (size !== 0) touch(pointer, size, byte);
    slots[slot] = pointer;
  };
}
