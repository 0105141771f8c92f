/**
 * The allocator.
 *
 * @module
 */

export * from "./errors.ts";
export type { CounterName, HeapCounters } from "./state/counters.ts";
export type { Leak, Ptr } from "./blocks.ts";
export { type GuardOptions, Heap, type HeapOptions, type LentBlock, type ThreadOptions } from "./heap.ts";
export * from "./interop/mod.ts";
export type { ProfileFormat } from "./profile/mod.ts";
export type { HeapProfile, ProfiledBlock, ProfiledFrame, ProfiledStack, ProfileSums } from "./profile/profile.ts";
export type { BlockInfo, ClassStats, HeapStats } from "./inspect/stats.ts";
export { type Build, type ClassSet, FLAGS, type Flags, flagsToQuery, withOverrides } from "./flags.ts";
export type { SharedHeap } from "./state/share.ts";
export type {
  ClassSnapshot,
  FreeSpanSnapshot,
  HeapSnapshot,
  LargeSnapshot,
  SlabSnapshot,
  SuperslabSnapshot,
} from "./inspect/snapshot.ts";
export { DEFAULT_VARIANT, parseVariant, type Variant, VARIANTS } from "./variants.ts";
