/**
 * The snapshot of a debug build: the release build's, with what users have instead of what it took for them.
 *
 * @module
 */

import { classOf, fragmentation, type HeapSnapshot, sum } from "../inspect/snapshot.ts";
import type { DebugBlock } from "./block.ts";
import { debugStats } from "./stats.ts";

/** @param inner the release build's. @param live the live blocks. */
export function debugSnapshot(inner: HeapSnapshot, live: readonly DebugBlock[]): HeapSnapshot {
  const { classes, ...totals } = debugStats({ ...inner.totals, classes: inner.classes }, live);
  const bySlab = Map.groupBy(live, ({ slab }) => slab), large = live.filter(({ sizeClass }) => sizeClass === 0);
  const byInner = new Map(large.map((block) => [block.inner, block]));
  const byClass = Map.groupBy(live, ({ sizeClass }) => sizeClass);
  const superslabs = inner.superslabs.map((superslab) => ({
    ...superslab,
    slabs: superslab.slabs.map((slab) => {
      const liveBlocks = bySlab.get(slab.slab)?.length ?? 0;
      return { ...slab, liveBlocks, freeBlocks: slab.freeBlocks + slab.liveBlocks - liveBlocks };
    }),
  }));
  const all = superslabs.flatMap(({ slabs }) => slabs);
  return {
    ...inner,
    totals,
    fragmentation: fragmentation(totals.liveBytes, totals.residentBytes),
    roundingBytes: sum(live, ({ innerBytes, size }) => innerBytes - size),
    classes: classes.map((row) => classOf(row, sum(byClass.get(row.sizeClass) ?? [], ({ size }) => size), all)),
    superslabs,
    largeBlocks: inner.largeBlocks.map((block) => ({ ...block, liveBytes: byInner.get(block.ptr)?.size ?? 0 })),
  };
}
