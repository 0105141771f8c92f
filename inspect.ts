/**
 * What looks into a heap: the types of `stats`, `blocks`, `leaks`, `counters`, `profile` and `snapshot`, and of the flags that a heap is built with.
 * Programs that use a heap need none of them; tools that show one do. The main module has these names, too, for what was written
 * before there was this one.
 *
 * @example
 * ```ts
 * import { Heap } from "@hakmem/hakmem";
 * import type { HeapSnapshot } from "@hakmem/hakmem/inspect";
 *
 * function slabsOfClasses({ superslabs }: HeapSnapshot): Map<number, number> {
 *   const counts = new Map<number, number>();
 *   for (const { sizeClass } of superslabs.flatMap(({ slabs }) => slabs)) {
 *     counts.set(sizeClass, (counts.get(sizeClass) ?? 0) + 1);
 *   }
 *   return counts;
 * }
 *
 * using heap = await Heap.open();
 * slabsOfClasses(heap.snapshot());
 * ```
 *
 * @module
 */

export type {
  BlockInfo,
  ClassSet,
  ClassSnapshot,
  ClassStats,
  CounterName,
  Flags,
  FreeSpanSnapshot,
  HeapCounters,
  HeapProfile,
  HeapSnapshot,
  HeapStats,
  LargeSnapshot,
  Leak,
  ProfiledBlock,
  ProfiledFrame,
  ProfiledStack,
  ProfileFormat,
  ProfileSums,
  SlabSnapshot,
  SuperslabSnapshot,
} from "./src/heap/mod.ts";
