/**
 * What a trace is like: counts, sizes, lifetimes, live bytes over time, and what its threads do. One pass over the
 * events; besides the result it holds what is known of each live block, 18 bytes.
 *
 * Events are counted without thread ends, as a replay counts them. A block's lifetime is the bytes that the whole program
 * allocated between its allocation and its free: the time that an allocator knows.
 *
 * @module
 */
import { EVENT, EVENT_NAMES, type EventSink, NO_BLOCK, type RanFor, type Trace, type TraceFacts } from "./trace.ts";

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
  /** Frees and reallocs of blocks from before the trace, and blocks whose free it does not have: see `TraceFacts`. */
  readonly unknownBlocks: number;
  readonly unseenFrees: number;
  /** What a reader of the results should know, a sentence each. */
  readonly remarks: readonly string[];
  /** How long the program ran, where the trace says so. */
  readonly ran?: RanFor;
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
  /** The share of frees of blocks, 0 to 1, by a thread that had not allocated the block. */
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
const FIRST_SLOTS = 2 ** 10;

/** After which events samples are taken: `count` of them, evenly, the last at the end; all events if they are fewer. */
export function samplePoints(events: number, count: number): number[] {
  const points = Math.min(events, count);
  return Array.from({ length: points }, (_, index) => Math.round((index + 1) * events / points));
}

/** Summarises a trace. @param samples Points of the curve of live bytes. */
export function summarise(trace: Trace, samples: number): TraceSummary {
  const { length, kinds, threads, blocks, sizes, formerSizes, threadNames } = trace;
  const summary = new Summary(samples, samplePoints(length - countOf(kinds, EVENT.THREAD_END), samples));
  threadNames.forEach((_, thread) => summary.thread(thread));
  for (let index = 0; index < length; index++) {
    const block = blocks[index]!;
    summary.add(kinds[index]!, threads[index]!, block, block, sizes[index]!, formerSizes[index]!);
  }
  return summary.finish(trace);
}

/** The sink that summarises events as they come. What it holds is by slot, so of live blocks only. */
export class Summary implements EventSink<TraceSummary> {
  readonly #samples: number;
  readonly #counts: number[] = EVENT_NAMES.map(() => 0);
  readonly #sizeRows: HistogramRow[] = [];
  readonly #lifetimeRows: HistogramRow[] = [];
  readonly #threads: ThreadSummary[] = [];
  readonly #points: number[];
  readonly #liveBytes: number[] = [];
  /** Where the number of events is not known beforehand: events between two samples, which doubles. */
  #stride: number;
  /** By slot: what the program had allocated before the block, its size, and who allocated it. */
  #bornAt = new Float64Array(FIRST_SLOTS);
  #bornSize = new Float64Array(FIRST_SLOTS);
  #owner = new Uint16Array(FIRST_SLOTS);
  #events = 0;
  #newest = 0;
  #allocated = 0;
  #largest = 0;
  #live = 0;
  #liveBlocks = 0;
  #peak = 0;
  #peakEvent = 0;
  #peakBlocks = 0;
  #foreignFrees = 0;
  #blockFrees = 0;

  /**
   * @param samples least points of the curve of live bytes; without `points` there may be twice as many
   * @param points after which events those are, where that is known beforehand
   */
  constructor(samples: number, points?: readonly number[]) {
    this.#samples = samples;
    this.#points = [...points ?? []];
    this.#stride = points === undefined && samples > 0 ? 1 : 0;
  }

  /** What a thread did so far. */
  thread(number: number): ThreadSummary {
    return this.#threads[number] ??= {
      name: "",
      events: 0,
      allocations: 0,
      allocatedBytes: 0,
      frees: 0,
      foreignFrees: 0,
    };
  }

  /** Takes an event; blocks are known by their slots. */
  add(kind: number, thread: number, block: number, slot: number, size: number, formerSize: number): void {
    const own = this.thread(thread);
    this.#counts[kind]!++;
    if (kind === EVENT.THREAD_END) return;
    this.#events++;
    own.events++;
    this.#live += size - formerSize;
    if (kind !== EVENT.FREE) {
      this.#allocation(thread, block, slot, size);
      own.allocations++;
      own.allocatedBytes += size;
    } else if (block !== NO_BLOCK) {
      const isForeign = Number(this.#owner[slot] !== thread);
      this.#blockFrees++;
      this.#liveBlocks--;
      this.#foreignFrees += isForeign;
      own.frees++;
      own.foreignFrees += isForeign;
      const lifetime = this.#allocated - this.#bornAt[slot]!;
      addTo(this.#lifetimeRows, lifetime, this.#bornSize[slot]!, SMALLEST_LIFETIME_ROW, LIFETIME_STEP);
    }
    if (this.#live > this.#peak) {
      this.#peak = this.#live;
      this.#peakEvent = this.#events;
    }
    if (this.#liveBlocks > this.#peakBlocks) this.#peakBlocks = this.#liveBlocks;
    if (this.#stride > 0 ? this.#events % this.#stride === 0 : this.#points[this.#liveBytes.length] === this.#events) {
      this.#sample();
    }
  }

  #allocation(thread: number, block: number, slot: number, size: number): void {
    if (slot >= this.#bornAt.length) this.#grow(slot);
    if (block > this.#newest) { // numbers are given in the order of allocation
      this.#newest = block;
      this.#liveBlocks++;
      this.#owner[slot] = thread;
      this.#bornAt[slot] = this.#allocated;
    }
    this.#bornSize[slot] = size;
    this.#allocated += size;
    if (size > this.#largest) this.#largest = size;
    addTo(this.#sizeRows, size, size, SMALLEST_SIZE_ROW, 2);
  }

  #grow(slot: number): void {
    const slots = 2 ** Math.ceil(Math.log2(slot + 1));
    this.#bornAt = new Float64Array(this.#bornAt.buffer.transfer(8 * slots));
    this.#bornSize = new Float64Array(this.#bornSize.buffer.transfer(8 * slots));
    this.#owner = new Uint16Array(this.#owner.buffer.transfer(2 * slots));
  }

  /** Takes a sample. Once there are twice as many as are wanted, every other one is dropped. */
  #sample(): void {
    this.#liveBytes.push(this.#live);
    if (this.#stride === 0) return;
    this.#points.push(this.#events);
    if (this.#points.length < 2 * this.#samples) return;
    for (let index = 0; index < this.#samples; index++) {
      this.#points[index] = this.#points[2 * index + 1]!;
      this.#liveBytes[index] = this.#liveBytes[2 * index + 1]!;
    }
    this.#points.length = this.#liveBytes.length = this.#samples;
    this.#stride *= 2;
  }

  /** The summary. */
  finish(
    { format, blockCount, threadNames, failedCalls, unknownBlocks, unseenFrees, remarks, ran }: TraceFacts,
  ): TraceSummary {
    if (this.#stride > 0 && this.#points.at(-1) !== this.#events) {
      this.#points.push(this.#events);
      this.#liveBytes.push(this.#live);
    }
    return {
      format,
      events: this.#events,
      kinds: Object.fromEntries(EVENT_NAMES.map((name, kind) => [name, this.#counts[kind]!])),
      threads: threadNames.length,
      blocks: blockCount,
      failedCalls,
      unknownBlocks,
      unseenFrees,
      remarks,
      ...(ran === undefined ? {} : { ran }),
      allocatedBytes: this.#allocated,
      largestBytes: this.#largest,
      peakLiveBytes: this.#peak,
      peakEvent: this.#peakEvent,
      peakLiveBlocks: this.#peakBlocks,
      endLiveBytes: this.#live,
      endLiveBlocks: this.#liveBlocks,
      crossThreadFrees: this.#blockFrees === 0 ? 0 : this.#foreignFrees / this.#blockFrees,
      sizes: this.#sizeRows,
      lifetimes: this.#lifetimeRows,
      live: { events: this.#points, liveBytes: this.#liveBytes },
      threadTable: this.#threads.map((thread, number) => ({ ...thread, name: threadNames[number]! })),
    };
  }
}

/** Adds a value to the row that holds it, and makes the rows up to there. */
function addTo(rows: HistogramRow[], value: number, bytes: number, smallest: number, step: number): void {
  let position = 0; // a logarithm takes longer than these few steps
  while ((rows[position] ??= { upTo: smallest * step ** position, count: 0, bytes: 0 }).upTo < value) position++;
  const row = rows[position]!;
  row.count++;
  row.bytes += bytes;
}

function countOf(kinds: Uint8Array, wanted: number): number {
  let count = 0;
  for (const kind of kinds) count += Number(kind === wanted);
  return count;
}
