/**
 * Where a runner works: which thread of how many it is, and where it keeps its live pointers and its state. A runner
 * that works alone has arrays of its own. Threads that hand blocks to one another have theirs in memory that all of
 * them see: each lays its arrays out in the same order, so they are the same ones.
 *
 * @module
 */
import type { Allocator, Slots } from "./allocator.ts";

/** See the module. */
export interface Workspace<P> {
  /** This thread's number, from 0. */
  readonly thread: number;
  readonly threads: number;
  /** Slots that hold `nothing`. */
  readonly slots: (count: number) => Slots<P>;
  /** Zeros. */
  readonly ints: (count: number) => Int32Array;
  /**
   * Returns when an int is `value`, which another thread will {@linkcode tell}.
   *
   * @throws OtherThreadFailed if one that could have said so has failed.
   */
  readonly await: (ints: Int32Array, index: number, value: number) => void;
  /** Sets an int that another thread may await. */
  readonly tell: (ints: Int32Array, index: number, value: number) => void;
}

/** This thread cannot go on because another one failed, which says why. */
export class OtherThreadFailed extends Error {
  override name = "OtherThreadFailed";
}

/** The workspace of a runner that is the only one. */
export function alone<P>(allocator: Pick<Allocator<P>, "slots">): Workspace<P> {
  return {
    thread: 0,
    threads: 1,
    slots: (count) => allocator.slots(count),
    ints: (count) => new Int32Array(count),
    await: (ints, index, value) => {
      if (ints[index] !== value) throw new Error("a runner that is alone waits for another");
    },
    tell: (ints, index, value) => {
      ints[index] = value;
    },
  };
}

/** Memory that threads share, zeros at first, and the word by which one of them says that it has failed. */
export interface CommonMemory {
  readonly bytes: SharedArrayBuffer;
  /** The first int is not 0 once a thread has failed. */
  readonly failed: Int32Array;
}

/** Bytes between two arrays: neither lies in a line of the other's, nor in one that is fetched along with it. */
const APART = 128;
const SLOT_BYTES = 8;
/**
 * Some microseconds: a thread that is at work gets there in less, one that is not runs on the core of the one that
 * waits.
 */
const SPINS = 2000;
/** The longest sleep before a failure is looked for, milliseconds. */
const NAP = 20;

/** The workspace of one of several threads, all of which make the same arrays in the same order. */
export function among<P>(
  { slots }: Pick<Allocator<P>, "slots">,
  { bytes, failed }: CommonMemory,
  thread: number,
  threads: number,
): Workspace<P> {
  let used = 0;
  const take = (length: number) => {
    const at = used;
    used += Math.ceil(length / APART) * APART + APART;
    return at;
  };
  return {
    thread,
    threads,
    slots: (count) => slots(count, bytes, take(count * SLOT_BYTES)),
    ints: (count) => new Int32Array(bytes, take(count * Int32Array.BYTES_PER_ELEMENT), count),
    await(ints, index, value) {
      for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(ints, index) === value) return;
      for (;;) {
        const now = Atomics.load(ints, index);
        if (now === value) return;
        if (Atomics.load(failed, 0) !== 0) throw new OtherThreadFailed("another thread has failed");
        Atomics.wait(ints, index, now, NAP);
      }
    },
    tell(ints, index, value) {
      Atomics.store(ints, index, value);
      Atomics.notify(ints, index);
    },
  };
}

/** How many bytes the arrays need that `prepare` makes in a workspace. */
export function bytesOf(prepare: (workspace: Workspace<unknown>) => unknown, threads: number): number {
  let bytes = 0;
  const add = (length: number) => {
    bytes += Math.ceil(length / APART) * APART + APART;
  };
  const measuring: Workspace<unknown> = {
    thread: 0,
    threads,
    slots: (count) => {
      add(count * SLOT_BYTES);
      return { length: count };
    },
    ints: (count) => {
      add(count * Int32Array.BYTES_PER_ELEMENT);
      return new Int32Array(count);
    },
    await: () => {},
    tell: () => {},
  };
  prepare(measuring);
  return bytes;
}
