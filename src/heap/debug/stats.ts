/**
 * The sums of a debug build: the release build's, with what users have instead of what it took for them. Blocks in
 * quarantine count as free ones of their class.
 *
 * @module
 */

import type { DebugBlock } from "./block.ts";
import type { HeapStats } from "../inspect/stats.ts";

/** @param live the live blocks. */
export function debugStats(stats: HeapStats, live: Iterable<DebugBlock>): HeapStats {
  const byClass: number[] = [];
  let liveBlocks = 0, liveBytes = 0, largeBytes = 0;
  for (const { sizeClass, size } of live) {
    byClass[sizeClass] = (byClass[sizeClass] ?? 0) + 1;
    liveBlocks++;
    liveBytes += size;
    if (sizeClass === 0) largeBytes += size;
  }
  const classes = stats.classes.map((row) => {
    const liveBlocks = byClass[row.sizeClass] ?? 0;
    return { ...row, liveBlocks, freeBlocks: row.freeBlocks + row.liveBlocks - liveBlocks };
  });
  return { ...stats, liveBlocks, liveBytes, largeBytes, largeBlocks: byClass[0] ?? 0, classes };
}
