/**
 * replay: what a real program asked of its allocator, event by event, in the order of its trace, by one thread. Its words
 * are described in `../traces/replay_words.ts`, its twin is `native/replay.c`. One operation is one event.
 *
 * A program uses its memory, so the replay does: when a block is made or grows, its first byte is written, its last, and
 * those of each 4 KiB of it in between, so that every page of it is touched. The byte depends on the block's slot. Before a
 * block is freed or resized, and after it was resized, they are read again: an allocator that lost one or gave memory out
 * twice is found, as is a calloc whose bytes are not zero, and an address that is not aligned as was asked for.
 *
 * What the trace leaves live is freed at the end, off the clock, so that the next replay finds an empty allocator, which
 * has kept what memory it keeps.
 *
 * @module
 */
import { EVENT } from "../traces/mod.ts";
import { REPLAY } from "../traces/replay_words.ts";
import { type Allocator, OutOfMemory, type Slots } from "./allocator.ts";

/** Bytes between those that are written and read. */
export const STEP = 4096;

/** Events per call of the hot loop; `CHUNK_ITERATIONS` of the other workloads, in words. */
const CHUNK_WORDS = 10_000 * REPLAY.EVENT;
const CHECKSUM = 0;

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
  const { malloc, free, nothing, realloc } = allocator;
  if (realloc === undefined) throw new Error("a replay needs a realloc");
  const events = words[REPLAY.EVENTS]!;
  const slots = allocator.slots(words[REPLAY.SLOTS]!);
  const state = new Int32Array(1);
  const touch = allocator.touch ?? touchBy(allocator.write);
  const differs = masked(allocator.differs ?? differsBy(allocator.read), isVerified ? 0xff : 0);
  const special = specialBy(allocator, differs);
  let position = 0;
  const chunk = (from: number, to: number) =>
    replayChunk(malloc, realloc, special, free, touch, differs, nothing, slots, words, state, from, to);
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
      state[CHECKSUM] = 0;
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
      return state[CHECKSUM]! >>> 0;
    },
    hot: replayChunk,
  };
}

/** Writes a block's bytes. */
type Touch<P> = (pointer: P, size: number, byte: number) => void;
/** 0 if a block's bytes are what `touch` wrote. */
type Differs<P> = (pointer: P, size: number, byte: number) => number;
/** A calloc or an aligned allocation. */
type Special<P> = (head: number, size: number) => P;

function replayChunk<P>(
  malloc: Allocator<P>["malloc"],
  realloc: NonNullable<Allocator<P>["realloc"]>,
  special: Special<P>,
  free: Allocator<P>["free"],
  touch: Touch<P>,
  differs: Differs<P>,
  nothing: P,
  slots: Slots<P>,
  words: Int32Array,
  state: Int32Array,
  from: number,
  to: number,
): void {
  // int32s for V8, which takes a plain number apart again in each iteration.
  const end = to | 0;
  const { MALLOC, REALLOC, FREE } = EVENT;
  const wordsOfEvent = REPLAY.EVENT;
  let checksum = state[CHECKSUM] as number;
  for (let at = from | 0; at < end; at = (at + wordsOfEvent) | 0) {
    const head = words[at] as number, slot = words[at + 1] as number;
    const size = words[at + 2] as number, former = words[at + 3] as number;
    const kind = head & 0xff;
    const byte = ((slot ^ (slot >>> 7)) & 0xff) | 1; // never 0, which calloc's bytes are
    checksum = (Math.imul(checksum, 31) + (slot ^ size ^ kind)) | 0;
    if (kind === FREE) {
      const pointer = slots[slot] as P;
      if (slot !== 0 && differs(pointer, former, byte) !== 0) throw damaged(at, "was overwritten before its free");
      free(pointer);
      slots[slot] = nothing;
      continue;
    }
    let pointer: P;
    if (kind === MALLOC) {
      pointer = malloc(size);
    } else if (kind === REALLOC) {
      const old = slots[slot] as P;
      if (old !== nothing && differs(old, former, byte) !== 0) throw damaged(at, "was overwritten before its realloc");
      pointer = realloc(old, size, former);
      if (pointer !== nothing && differs(pointer, kept(size, former), byte) !== 0) {
        throw damaged(at, "lost its contents in its realloc");
      }
    } else {
      pointer = special(head, size);
    }
    if (pointer === nothing) throw new OutOfMemory(size);
    touch(pointer, size, byte);
    slots[slot] = pointer;
  }
  state[CHECKSUM] = checksum;
}

/** So many bytes of a block that had `former` are laid out after a realloc as they were before. */
function kept(size: number, former: number): number {
  return size >= former ? former : Math.max(size & -STEP, Math.min(size, 1));
}

function damaged(at: number, what: string): ReplayFailure {
  return new ReplayFailure(`event ${(at - REPLAY.HEAD) / REPLAY.EVENT}: its block ${what}`);
}

function touchBy<P>(write: Allocator<P>["write"]): Touch<P> {
  return (pointer, size, byte) => {
    if (size === 0) return;
    write(pointer, 0, byte);
    for (let at = STEP; at < size; at += STEP) {
      write(pointer, at - 1, byte);
      write(pointer, at, byte);
    }
    write(pointer, size - 1, byte);
  };
}

function differsBy<P>(read: Allocator<P>["read"]): Differs<P> {
  return (pointer, size, byte) => {
    if (size === 0) return 0;
    let difference = (read(pointer, 0) ^ byte) | (read(pointer, size - 1) ^ byte);
    for (let at = STEP; at < size; at += STEP) {
      difference |= (read(pointer, at - 1) ^ byte) | (read(pointer, at) ^ byte);
    }
    return difference;
  };
}

function masked<P>(differs: Differs<P>, mask: number): Differs<P> {
  return (pointer, size, byte) => differs(pointer, size, byte) & mask;
}

/** Rare events. Without an aligned allocation a block that is larger by the alignment stands for it. */
function specialBy<P>(
  { malloc, calloc, alignedAlloc, address, nothing }: Allocator<P>,
  differs: Differs<P>,
): Special<P> {
  return (head, size) => {
    if ((head & 0xff) === EVENT.CALLOC) {
      if (calloc === undefined) throw new Error("this replay needs a calloc");
      const zeros = calloc(size);
      if (zeros !== nothing && differs(zeros, size, 0) !== 0) {
        throw new ReplayFailure("calloc gave bytes that are not 0");
      }
      return zeros;
    }
    const alignment = 1 << (head >>> 8 & 0xff);
    if (alignedAlloc === undefined) return malloc(size + alignment);
    const pointer = alignedAlloc(alignment, size);
    if (address !== undefined && address(pointer) % BigInt(alignment) !== 0n) {
      throw new ReplayFailure(`alignedAlloc(${alignment}, ${size}) gave an address that is not aligned`);
    }
    return pointer;
  };
}
