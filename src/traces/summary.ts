/**
 * What a trace is like in a few numbers: events by kind, sizes, lifetimes, how much was live, and what one thread freed of
 * another.
 *
 * @module
 */
import { EVENT, NO_BLOCK, type Trace } from "./trace.ts";

/** Counts by powers of two: element `n` counts values from 2^(n-1), exclusive, to 2^n; element 0 those up to 1. */
export type Histogram = number[];

/** The sums of a trace. */
export interface TraceSummary {
  /** Calls; the ends of threads are not among them. */
  readonly events: number;
  readonly mallocs: number;
  readonly callocs: number;
  readonly aligned: number;
  readonly reallocs: number;
  readonly frees: number;
  readonly threadEnds: number;
  /** With events. */
  readonly threads: number;
  /** Asked for by all allocations and reallocs. */
  readonly bytes: number;
  readonly peakLiveBytes: number;
  /** At the same moment or another. */
  readonly peakLiveBlocks: number;
  /** Never freed. */
  readonly endLiveBytes: number;
  readonly endLiveBlocks: number;
  /** Frees by another thread than the one that allocated the block, or was the last to reallocate it. */
  readonly crossThreadFrees: number;
  /** Of allocations and reallocs, in bytes. */
  readonly sizes: Histogram;
  /** Of freed blocks, in events from allocation to free. */
  readonly lifetimes: Histogram;
}

/** Sums a trace up. */
export function summarise(trace: Trace): TraceSummary {
  const { kinds, blocks, sizes, formerSizes, threads, length } = trace;
  const counts = new Array<number>(Object.keys(EVENT).length).fill(0);
  const births = new Uint32Array(trace.blockCount + 1), owners = new Uint16Array(trace.blockCount + 1);
  const sizeCounts: Histogram = [], lifetimes: Histogram = [];
  let bytes = 0,
    liveBytes = 0,
    liveBlocks = 0,
    peakLiveBytes = 0,
    peakLiveBlocks = 0,
    crossThreadFrees = 0,
    allocated = 0;
  for (let event = 0; event < length; event++) {
    const kind = kinds[event]!, block = blocks[event]!, size = sizes[event]!, thread = threads[event]!;
    counts[kind]!++;
    liveBytes += size - formerSizes[event]!;
    if (kind === EVENT.THREAD_END || block === NO_BLOCK) continue;
    if (kind === EVENT.FREE) {
      liveBlocks--;
      if (owners[block] !== thread) crossThreadFrees++;
      count(lifetimes, event - births[block]!);
      continue;
    }
    bytes += size;
    count(sizeCounts, size);
    owners[block] = thread;
    if (block > allocated) { // blocks are numbered in the order of their allocation
      allocated = block;
      births[block] = event;
      liveBlocks++;
    }
    if (liveBytes > peakLiveBytes) peakLiveBytes = liveBytes;
    if (liveBlocks > peakLiveBlocks) peakLiveBlocks = liveBlocks;
  }
  return {
    events: length - counts[EVENT.THREAD_END]!,
    mallocs: counts[EVENT.MALLOC]!,
    callocs: counts[EVENT.CALLOC]!,
    aligned: counts[EVENT.ALIGNED]!,
    reallocs: counts[EVENT.REALLOC]!,
    frees: counts[EVENT.FREE]!,
    threadEnds: counts[EVENT.THREAD_END]!,
    threads: trace.threadNames.length,
    bytes,
    peakLiveBytes,
    peakLiveBlocks,
    endLiveBytes: liveBytes,
    endLiveBlocks: liveBlocks,
    crossThreadFrees,
    sizes: sizeCounts,
    lifetimes,
  };
}

/** The least power of two that at least this share of the values do not exceed; undefined if there are none. */
export function boundOf(histogram: Histogram, share: number): number | undefined {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let seen = 0;
  return 2 ** histogram.findIndex((count) => (seen += count) >= share * total);
}

function count(histogram: Histogram, value: number): void {
  const bucket = value <= 1 ? 0 : Math.ceil(Math.log2(value));
  while (histogram.length <= bucket) histogram.push(0);
  histogram[bucket]!++;
}
