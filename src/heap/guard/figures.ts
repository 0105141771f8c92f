/**
 * The figures of a guarded build: the release build's, which leave guarded blocks out, with those that are live. They
 * count as large blocks. Those in quarantine are no longer blocks, and their pages are charged as long as they wait.
 *
 * @module
 */

import type { DebugBlock } from "../debug/block.ts";
import { fragmentation, type HeapSnapshot, type LargeSnapshot, sum } from "../inspect/snapshot.ts";
import type { HeapStats } from "../inspect/stats.ts";
import { SLAB_BYTES } from "../state/layout.ts";
import { granuleOf } from "./pages.ts";

/** What is counted of blocks. */
type Counts = Pick<HeapStats, "liveBlocks" | "liveBytes" | "largeBlocks" | "largeBytes">;

/** @param held the guarded blocks, live or in quarantine. */
export function guardedStats(stats: HeapStats, held: readonly DebugBlock[]): HeapStats {
  return { ...stats, ...counts(stats, held) };
}

function counts({ liveBlocks, liveBytes, largeBlocks, largeBytes }: Counts, held: readonly DebugBlock[]): Counts {
  const live = held.filter((block) => block.live), bytes = sum(live, ({ size }) => size);
  return {
    liveBlocks: liveBlocks + live.length,
    liveBytes: liveBytes + bytes,
    largeBlocks: largeBlocks + live.length,
    largeBytes: largeBytes + bytes,
  };
}

/** @param held as in `guardedStats`. */
export function guardedSnapshot(inner: HeapSnapshot, held: readonly DebugBlock[]): HeapSnapshot {
  const totals = { ...inner.totals, ...counts(inner.totals, held) };
  const bySpan = new Map(held.map((block) => [granuleOf(block) * SLAB_BYTES, block]));
  const largeBlocks = inner.largeBlocks.map((large): LargeSnapshot => {
    const block = bySpan.get(large.spanPtr);
    return block === undefined ? large : { ...large, ptr: block.ptr, liveBytes: block.live ? block.size : 0 };
  });
  return { ...inner, totals, fragmentation: fragmentation(totals.liveBytes, totals.residentBytes), largeBlocks };
}
