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
import { CHUNK_ITERATIONS } from "./workload.ts";

/** Bytes between those that are written and read. */
export const STEP = 4096;

const CHUNK_WORDS = CHUNK_ITERATIONS * REPLAY.EVENT;
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
  const { malloc, free, nothing } = allocator;
  const events = words[REPLAY.EVENTS]!;
  const slots = allocator.slots(words[REPLAY.SLOTS]!);
  const state = new Int32Array(1);
  const mask = isVerified ? 0xff : 0;
  const touch = allocator.touch ?? touchBy(allocator.write);
  const differs = allocator.differs ?? differsBy(allocator.read);
  const rare = rareBy(allocator, slots, words, differs, mask);
  let position = 0;
  const chunk = (from: number, to: number) =>
    replayChunk(malloc, free, rare, touch, differs, nothing, slots, words, state, mask, from, to);
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
export type Touch<P> = (pointer: P, size: number, byte: number) => void;
/** 0 if a block's bytes are what `touch` wrote. */
export type Differs<P> = (pointer: P, size: number, byte: number) => number;
/** All that is neither malloc nor free: the event at this word. */
export type Rare<P> = (at: number) => P;

/** Short, and with one call of each function that is to be inlined: V8 inlines so much bytecode and no more. */
function replayChunk<P>(
  malloc: Allocator<P>["malloc"],
  free: Allocator<P>["free"],
  rare: Rare<P>,
  touch: Touch<P>,
  differs: Differs<P>,
  nothing: P,
  slots: Slots<P>,
  words: Int32Array,
  state: Int32Array,
  mask: number,
  from: number,
  to: number,
): void {
  // int32s for V8, which takes a plain number apart again in each iteration.
  const end = to | 0, checked = mask | 0, step = REPLAY.EVENT | 0;
  const MALLOC = EVENT.MALLOC | 0, FREE = EVENT.FREE | 0;
  let checksum = state[CHECKSUM] as number;
  for (let at = from | 0; at < end; at = (at + step) | 0) {
    const kind = (words[at] as number) & 0xff, slot = words[at + 1] as number, size = words[at + 2] as number;
    const byte = byteOf(slot);
    checksum = (Math.imul(checksum, 31) + (slot ^ size ^ kind)) | 0;
    if (kind === FREE) {
      const pointer = slots[slot] as P;
      if (slot !== 0 && (differs(pointer, size, byte) & checked) !== 0) {
        throw damaged(at, "was overwritten before its free");
      }
      free(pointer);
      slots[slot] = nothing;
    } else {
      const pointer = kind === MALLOC ? malloc(size) : rare(at);
      if (pointer === nothing) throw new OutOfMemory(size);
      touch(pointer, size, byte);
      slots[slot] = pointer;
    }
  }
  state[CHECKSUM] = checksum;
}

/** What is written to the block in a slot: never 0, which calloc's bytes are. */
export function byteOf(slot: number): number {
  return ((slot ^ (slot >>> 7)) & 0xff) | 1;
}

/** The failure of the event at a word. */
export function damaged(at: number, what: string): ReplayFailure {
  return new ReplayFailure(`event ${(at - REPLAY.HEAD) / REPLAY.EVENT}: its block ${what}`);
}

/** Writes by single bytes. */
export function touchBy<P>(write: Allocator<P>["write"]): Touch<P> {
  const touchSteps = (pointer: P, size: number, byte: number) => {
    for (let at = STEP; at < size; at += STEP) {
      write(pointer, at - 1, byte);
      write(pointer, at, byte);
    }
  };
  return (pointer, size, byte) => {
    if (size === 0) return;
    write(pointer, 0, byte);
    if (size > STEP) touchSteps(pointer, size, byte);
    write(pointer, size - 1, byte);
  };
}

/** Reads by single bytes. */
export function differsBy<P>(read: Allocator<P>["read"]): Differs<P> {
  const stepsDiffer = (pointer: P, size: number, byte: number) => {
    let difference = 0;
    for (let at = STEP; at < size; at += STEP) {
      difference |= (read(pointer, at - 1) ^ byte) | (read(pointer, at) ^ byte);
    }
    return difference;
  };
  return (pointer, size, byte) => {
    if (size === 0) return 0;
    const difference = (read(pointer, 0) ^ byte) | (read(pointer, size - 1) ^ byte);
    return size > STEP ? difference | stepsDiffer(pointer, size, byte) : difference;
  };
}

/** Reallocs, callocs and aligned allocations; without the last a block that is larger by the alignment stands for one. */
export function rareBy<P>(
  { malloc, calloc, realloc, alignedAlloc, address, nothing }: Allocator<P>,
  slots: Slots<P>,
  words: Int32Array,
  differs: Differs<P>,
  mask: number,
): Rare<P> {
  if (calloc === undefined || realloc === undefined) throw new Error("a replay needs calloc and realloc");
  return (at) => {
    const head = words[at]!, slot = words[at + 1]!, size = words[at + 2]!, former = words[at + 3]!;
    const kind = head & 0xff, byte = byteOf(slot);
    if (kind === EVENT.REALLOC) {
      const old = slots[slot] as P;
      const isOld = old !== nothing;
      if (isOld && (differs(old, former, byte) & mask) !== 0) throw damaged(at, "was overwritten before its realloc");
      const pointer = realloc(old, size, former);
      const isLost = pointer !== nothing && (differs(pointer, kept(size, former), byte) & mask) !== 0;
      if (isLost) throw damaged(at, "lost its contents in its realloc");
      return pointer;
    }
    if (kind === EVENT.CALLOC) {
      const pointer = calloc(size);
      if (pointer !== nothing && (differs(pointer, size, 0) & mask) !== 0) throw damaged(at, "is of calloc, but not 0");
      return pointer;
    }
    const alignment = 2 ** (head >>> 8 & 0x7f);
    if (alignedAlloc === undefined) return malloc(size + alignment);
    const pointer = alignedAlloc(alignment, size);
    if (address !== undefined && address(pointer) % BigInt(alignment) !== 0n) throw damaged(at, "is not aligned");
    return pointer;
  };
}

/** So many bytes of a block that had `former` are laid out after a realloc as they were before. */
function kept(size: number, former: number): number {
  return size >= former ? former : Math.max(size & -STEP, Math.min(size, 1));
}
