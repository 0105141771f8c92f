/**
 * What a build of the heap is: release (`release.ts`), or debug (`debug/build.ts`), which is a layer over the other.
 *
 * @module
 */

import type { HeapCounters } from "./state/counters.ts";
import type { BufferOverflowError } from "./errors.ts";
import type { HeapSnapshot } from "./inspect/snapshot.ts";
import type { BlockInfo, HeapStats } from "./inspect/stats.ts";
import type { HeapProfile } from "./profile/profile.ts";

/**
 * A byte offset into a heap; 0 is NULL.
 *
 * @example
 * ```ts
 * import { Heap, type Ptr } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * const ptr: Ptr = heap.alloc(16);
 * heap.i32[ptr / 4] = 5; // an index of an element of four bytes
 * assertEquals(heap.ptrAt(heap.address(ptr)), ptr);
 * heap.free(ptr);
 * ```
 */
export type Ptr = number;

/**
 * Live blocks that one line of the program allocated.
 *
 * @example
 * ```ts
 * import { Heap, type Leak } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open({ build: "debug", log: () => {} });
 * for (let i = 0; i < 3; i++) heap.malloc(100);
 * const [leak]: Leak[] = heap.leaks();
 * assertEquals([leak?.blocks, leak?.bytes], [3, 300]); // leak.stack says where
 * ```
 */
export interface Leak {
  /** How many. */
  readonly blocks: number;
  /** Their bytes: the sizes asked for. */
  readonly bytes: number;
  /** One of them. */
  readonly ptr: number;
  /** Where they were allocated, a frame a line; undefined where no stack was captured. */
  readonly stack: string | undefined;
}

/** A call of the program's in which C allocates, as a build knows it that keeps stacks. */
export interface CallSite {
  readonly isCallSite: true;
}

/**
 * How a build that keeps stacks is told what a call of the heap cannot know: where C was called, so that no stack need
 * be captured for what C does meanwhile, and that the program's frames are far below.
 */
export interface CallSites {
  /** The call of a function that is under way; undefined if no stacks are kept. */
  site(callee: (...args: never[]) => unknown): CallSite | undefined;
  /** Where C was called that is about to allocate or free: that call of the heap takes it. */
  next: CallSite | undefined;
  /** Whether the next call of the heap is made for the program by many functions of our own, which fill a stack. */
  isDeep: boolean;
}

/** What a build does. Sizes and alignments are valid and the heap is open, but for `malloc` and `free`, which look. */
export interface Blocks {
  /** Undefined if no stacks are kept. */
  readonly callSites?: CallSites;
  readonly malloc: (size: number) => Ptr;
  readonly free: (ptr: Ptr) => void;
  calloc(count: number, size: number): Ptr;
  /** Whether `realloc` leaves a block as it is, if that is found out at once; for any numbers. */
  readonly keeps: (ptr: Ptr, size: number) => boolean;
  /**
   * What `realloc` does with a block that `keeps` did not leave, if that is found out at once; otherwise -1. For any
   * numbers.
   */
  readonly moves: (ptr: Ptr, size: number) => Ptr;
  /** `ptr` is not 0. */
  realloc(ptr: Ptr, size: number): Ptr;
  alignedAlloc(alignment: number, size: number): Ptr;
  usableSize(ptr: Ptr): number;
  goodSize(size: number): number;
  owns(ptr: number): boolean;
  blockOf(ptr: number): Ptr;
  /** The error for a view of a block that would be longer than the block. */
  tooLong(ptr: Ptr, length: number): BufferOverflowError;
  stats(): HeapStats;
  snapshot(): HeapSnapshot;
  counters(): HeapCounters | undefined;
  blocks(): Iterable<BlockInfo>;
  leaks(): Leak[];
  /** What a profiled heap has sampled. */
  profile?(): HeapProfile | undefined;
  check(): void;
  collect(): number;
  /** This thread is about to let go of the heap. @throws {HeapSharedError} if it may not; then nothing has changed. */
  close(): void;
  /** Other threads are about to have the heap, too. */
  beforeShare?(): void;
  /** The heap is about to be gone, and no other thread has it: the last word on it. */
  report?(): void;
}
