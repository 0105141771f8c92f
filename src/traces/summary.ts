/**
 * What a trace is like: counts, sizes, lifetimes, live bytes over time, and what its threads do. One pass over the events;
 * beside the result it holds what is known of each block, 17 bytes.
 *
 * Events are counted without thread ends, as a replay counts them. A block's lifetime is the bytes that the whole program
 * allocated between its allocation and its free: the time that an allocator knows.
 *
 * @module
 */
import { EVENT, EVENT_NAMES, NO_BLOCK, type Trace } from "./trace.ts";

/** A row of a histogram: what is above the row before, and not above this bound. */
export interface HistogramRow {
  readonly upTo: number;
  count: number;
  bytes: number;
}

/** What one thread did. */
export interface ThreadSummary {
  /** As the trace calls it. */
  readonly name: string;
  events: number;
  allocations: number;
  allocatedBytes: number;
  frees: number;
  /** Frees of blocks that another thread had allocated. */
  foreignFrees: number;
}

/** Live bytes over time: after each of `events` events. */
export interface LiveCurve {
  readonly events: readonly number[];
  readonly liveBytes: readonly number[];
}

/** What a trace is like. */
export interface TraceSummary {
  readonly format: string;
  readonly events: number;
  /** Events by kind, thread ends with them. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly threads: number;
  readonly blocks: number;
  /** Calls that gave no memory. */
  readonly failedCalls: number;
  /** All that was asked for, by reallocs too. */
  readonly allocatedBytes: number;
  readonly largestBytes: number;
  readonly peakLiveBytes: number;
  /** Events until the peak was reached. */
  readonly peakEvent: number;
  readonly peakLiveBlocks: number;
  /** What was never freed. */
  readonly endLiveBytes: number;
  readonly endLiveBlocks: number;
  /** Of the frees of blocks, the share by another thread than the one that allocated the block; 0 to 1. */
  readonly crossThreadFrees: number;
  /** Allocations by the size that was asked for; reallocs count by their new size. */
  readonly sizes: readonly HistogramRow[];
  /** Blocks by lifetime in allocated bytes; those that were freed. */
  readonly lifetimes: readonly HistogramRow[];
  readonly live: LiveCurve;
  readonly threadTable: readonly ThreadSummary[];
}

const SMALLEST_SIZE_ROW = 16;
const SMALLEST_LIFETIME_ROW = 1024;
const LIFETIME_STEP = 4; // the bound of a row over that of the row before

/** After which events samples are taken: `count` of them, evenly, the last at the end; all events if they are fewer. */
export function samplePoints(events: number, count: number): number[] {
  const points = Math.min(events, count);
  return Array.from({ length: points }, (_, index) => Math.round((index + 1) * events / points));
}

/** Summarises a trace. @param samples Points of the curve of live bytes. */
export function summarise(trace: Trace, samples: number): TraceSummary {
  const { length, kinds, threads, blocks, sizes, formerSizes, blockCount, threadNames } = trace;
  const bornAt = new Float64Array(blockCount + 1); // allocated bytes before
  const bornSize = new Float64Array(blockCount + 1);
  const owner = new Uint16Array(blockCount + 1);
  const counts: number[] = EVENT_NAMES.map(() => 0);
  const sizeRows: HistogramRow[] = [], lifetimeRows: HistogramRow[] = [];
  const threadTable = threadNames.map((name): ThreadSummary => (
    { name, events: 0, allocations: 0, allocatedBytes: 0, frees: 0, foreignFrees: 0 }
  ));
  const points = samplePoints(length - countOf(kinds, EVENT.THREAD_END), samples);
  const liveBytes: number[] = [];
  let events = 0, allocated = 0, largest = 0, live = 0, liveBlocks = 0;
  let peak = 0, peakEvent = 0, peakBlocks = 0, foreignFrees = 0, blockFrees = 0, newest = 0;
  for (let index = 0; index < length; index++) {
    const kind = kinds[index]!, block = blocks[index]!, size = sizes[index]!;
    const thread = threadTable[threads[index]!]!;
    counts[kind]!++;
    if (kind === EVENT.THREAD_END) continue;
    events++;
    thread.events++;
    live += size - formerSizes[index]!;
    if (kind === EVENT.FREE) {
      if (block !== NO_BLOCK) {
        const isForeign = Number(owner[block] !== threads[index]);
        blockFrees++;
        liveBlocks--;
        foreignFrees += isForeign;
        thread.frees++;
        thread.foreignFrees += isForeign;
        addTo(lifetimeRows, allocated - bornAt[block]!, bornSize[block]!, SMALLEST_LIFETIME_ROW, LIFETIME_STEP);
      }
    } else {
      if (block > newest) { // numbers are given in the order of allocation
        newest = block;
        liveBlocks++;
        owner[block] = threads[index]!;
        bornAt[block] = allocated;
      }
      bornSize[block] = size;
      thread.allocations++;
      thread.allocatedBytes += size;
      allocated += size;
      largest = Math.max(largest, size);
      addTo(sizeRows, size, size, SMALLEST_SIZE_ROW, 2);
    }
    if (live > peak) [peak, peakEvent] = [live, events];
    peakBlocks = Math.max(peakBlocks, liveBlocks);
    if (points[liveBytes.length] === events) liveBytes.push(live);
  }
  return {
    format: trace.format,
    events,
    kinds: Object.fromEntries(EVENT_NAMES.map((name, kind) => [name, counts[kind]!])),
    threads: threadNames.length,
    blocks: blockCount,
    failedCalls: trace.failedCalls,
    allocatedBytes: allocated,
    largestBytes: largest,
    peakLiveBytes: peak,
    peakEvent,
    peakLiveBlocks: peakBlocks,
    endLiveBytes: live,
    endLiveBlocks: liveBlocks,
    crossThreadFrees: blockFrees === 0 ? 0 : foreignFrees / blockFrees,
    sizes: sizeRows,
    lifetimes: lifetimeRows,
    live: { events: points, liveBytes },
    threadTable,
  };
}

/** Adds a value to the row that holds it, and makes the rows up to there. */
function addTo(rows: HistogramRow[], value: number, bytes: number, smallest: number, step: number): void {
  const position = value <= smallest ? 0 : Math.ceil(Math.log2(value / smallest) / Math.log2(step));
  while (rows.length <= position) rows.push({ upTo: smallest * step ** rows.length, count: 0, bytes: 0 });
  const row = rows[position]!;
  row.count++;
  row.bytes += bytes;
}

function countOf(kinds: Uint8Array, wanted: number): number {
  let count = 0;
  for (const kind of kinds) count += Number(kind === wanted);
  return count;
}
