/**
 * The allocator.
 *
 * @module
 */

export * from "./errors.ts";
export type { CounterName, HeapCounters } from "./counters.ts";
export type { Leak } from "./debug_leaks.ts";
export type { Build, Ptr } from "./blocks.ts";
export { Heap, type HeapOptions, type LentBlock } from "./heap.ts";
export type { BlockInfo, ClassStats, HeapStats } from "./introspect.ts";
export { FLAGS, type Flags, flagsToQuery, withOverrides } from "./flags.ts";
export type { SharedHeap } from "./share.ts";
export type {
  ClassSnapshot,
  FreeSpanSnapshot,
  HeapSnapshot,
  LargeSnapshot,
  SlabSnapshot,
  SuperslabSnapshot,
} from "./snapshot.ts";
export type { ClassSet } from "./size_classes.ts";
export { DEFAULT_VARIANT, parseVariant, type Variant, VARIANTS } from "./variants.ts";
