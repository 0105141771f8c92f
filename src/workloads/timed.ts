/**
 * An allocator each of whose calls is timed by itself, by marks around it; and after some, an empty interval between two
 * marks, which tells what they cost themselves. V8 inlines the calls as it does in a loop without marks, but what is not
 * part of an operation cannot overlap with it: see `native/latency.h`.
 *
 * @module
 */
import { EVENT } from "../traces/trace.ts";
import { LARGE, REPLAY } from "../traces/replay_words.ts";
import { type Allocator, numberSlots } from "./allocator.ts";
import type { Parameters, Workload } from "./workload.ts";

/** The marks. */
export interface Marks {
  readonly begin: () => void;
  /** Not 0 if an empty interval is due. */
  readonly end: () => number;
  readonly empty: () => void;
}

/** A block is large beyond so many bytes: our heap serves it from spans then. `native/latency.h` has the same. */
export const LARGE_BLOCK = 32_768;

/** What the operations of a replay are, by event: twice 0 for an allocation, 1 for a free, 2 for a realloc; and 1 if large. */
export function latencyKinds(words: Int32Array): Uint8Array<ArrayBuffer> {
  const kinds = new Uint8Array(words[REPLAY.EVENTS]!);
  for (let event = 0, at: number = REPLAY.HEAD; event < kinds.length; event++, at += REPLAY.EVENT) {
    const kind = words[at]! & 0xff & ~LARGE;
    const operation = kind === EVENT.FREE ? 1 : kind === EVENT.REALLOC ? 2 : 0;
    kinds[event] = 2 * operation + Number(words[at + 2]! > LARGE_BLOCK);
  }
  return kinds;
}

/**
 * The same of one unit of a workload, from the seed: each operation between its beginning and its end. It is the same in
 * both languages, and for all allocators.
 */
export function unitKinds(workload: Workload, parameters: Parameters): Uint8Array<ArrayBuffer> {
  const kinds: number[] = [], sizes = [0]; // by pointer, which is a number of its own for each block
  let isNoted = false;
  const note = (operation: number, size: number) => {
    if (isNoted) kinds.push(2 * operation + Number(size > LARGE_BLOCK));
  };
  const allocate = (size: number) => {
    note(0, size);
    return sizes.push(size) - 1;
  };
  const runner = workload.prepare<number>({
    nothing: 0,
    slots: numberSlots,
    malloc: allocate,
    calloc: allocate,
    alignedAlloc: (_alignment, size) => allocate(size),
    free: (pointer) => note(1, sizes[pointer]!),
    write: () => {},
    read: () => 0,
  }, parameters);
  runner.begin();
  isNoted = true;
  runner.unit();
  runner.drain();
  return new Uint8Array(kinds);
}

/** See the module. */
export function timed<P>(allocator: Allocator<P>, { begin, end, empty }: Marks): Allocator<P> {
  const { malloc, free, calloc, realloc, alignedAlloc } = allocator;
  const priceClock = (): void => {
    begin();
    empty();
  };
  return {
    ...allocator,
    malloc: (size) => {
      begin();
      const pointer = malloc(size);
      if (end() !== 0) priceClock();
      return pointer;
    },
    free: (pointer) => {
      begin();
      free(pointer);
      if (end() !== 0) priceClock();
    },
    ...(calloc && {
      calloc: (size) => {
        begin();
        const pointer = calloc(size);
        if (end() !== 0) priceClock();
        return pointer;
      },
    }),
    ...(realloc && {
      realloc: (pointer, size, former) => {
        begin();
        const resized = realloc(pointer, size, former);
        if (end() !== 0) priceClock();
        return resized;
      },
    }),
    ...(alignedAlloc && {
      alignedAlloc: (alignment, size) => {
        begin();
        const pointer = alignedAlloc(alignment, size);
        if (end() !== 0) priceClock();
        return pointer;
      },
    }),
  };
}
