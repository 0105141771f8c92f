/**
 * How long single operations take: percentiles, the longest, and what made it long. Throughput is measured elsewhere;
 * for this each contestant has one more process, in a replay in which each call of the allocator is timed by itself
 * (`native/latency.h`). It is warmed up first: what is told is a program that has run for a while.
 *
 * What the clock costs is the median of empty intervals in the same replays, and is taken off. The tail is not mended by
 * that: what disturbs the machine lengthens an empty interval as it does an operation, so the intervals' own tail is told
 * beside the operations'.
 *
 * A percentile is the median of those of five batches of replays, one after the other: what disturbs the machine for a
 * while, as another program does, is in one or two. Where a batch has too few operations for one, it is that of all. The
 * longest is that of all in any case.
 *
 * A cause is named only where there is evidence, in this order:
 *
 * - `collector`, `compiler`: V8 wrote a line of its trace while the operation lasted.
 * - `page faults`: the same event had some, in a replay in which they were counted.
 * - `allocator`: the same event never took less than half of it, so it is its own work, or what it waits for.
 * - `host`: the thread was not running for at least half of the time. Or an interval with nothing in it, of which there are
 *   a sixteenth as many, was at least half as long, with V8 silent: so this thread is interrupted for so long whatever it
 *   does, by the system, or by the machine under a virtual one. Nothing shorter than 5 us is taken for that: it may as well
 *   be misses of caches.
 * - `unknown`: there is evidence for none of these.
 *
 * @module
 */
import { median } from "simple-statistics";
import { bucketMiddle, countOf, type Histogram, merged, percentile } from "../../measure/mod.ts";
import type { Result } from "../../model/mod.ts";
import { deadlineAfter } from "../contest/child.ts";
import { Children } from "../contest/children.ts";
import type { Contestant, Harness } from "../contest/contestants.ts";
import { KINDS, type LatencyAnswer, type LongestAnswer, parseLatency } from "./protocol.ts";

/** What a result has of it. */
export type Latency = NonNullable<Result["latency"]>;
type Operations = Latency["operations"][number];

const SHARES = { p50Ns: 0.5, p99Ns: 0.99, p999Ns: 0.999, p9999Ns: 0.9999 } as const;
/** Of one contestant in all its replays: enough for p99.99, if they take no more than so many nanoseconds. */
const WANTED_OPERATIONS = 1e6;
const MOST_NANOSECONDS = 1e9;
const LEAST_REPLAYS = 3;
/** Nanoseconds that the clock adds to an operation, at most. */
const CLOCK_NANOSECONDS = 120;

/** What V8 writes that is evidence. */
const V8_TRACES: readonly string[] = ["--trace-gc", "--trace-opt", "--trace-deopt"];

/** Nanoseconds; less may be the two clocks, which are not read at once. */
const LEAST_IDLE = 2000;
/** Nanoseconds; less may be misses of caches and of the table of pages. */
const LEAST_INTERRUPTION = 5000;

/** How many replays are timed of a trace. */
export function latencyReplays(events: number, nsPerOp: number): number {
  const affordable = Math.floor(MOST_NANOSECONDS / (events * (nsPerOp + CLOCK_NANOSECONDS)));
  return Math.max(LEAST_REPLAYS, Math.min(Math.ceil(WANTED_OPERATIONS / events), affordable));
}

/** Whether a replay takes so long that six of them, warm-up and all, are not worth it. */
export function isTooSlow(events: number, nsPerOp: number): boolean {
  return events * nsPerOp > MOST_NANOSECONDS;
}

/**
 * Times a contestant's operations, in a process of its own.
 *
 * @param events Operations of a replay, or of a unit.
 * @param requestOf The request for so many replays.
 * @throws ContestantError if it cannot do its work; what `signal` says if it is aborted.
 */
export async function timeOperations(
  { command }: Contestant,
  events: number,
  nsPerOp: number,
  requestOf: (replays: number) => string,
  signal: AbortSignal,
): Promise<Latency> {
  const replays = latencyReplays(events, nsPerOp);
  await using children = new Children(signal);
  const child = await children.start(command);
  const deadline = deadlineAfter((nsPerOp + CLOCK_NANOSECONDS) * events * replays / 1e6);
  return latencyOf(await child.ask(requestOf(replays), parseLatency, deadline), replays);
}

/** What processes run that time each operation instead of measuring throughput. */
export function latencyHarness({ program, ...harness }: Harness, child: URL, flags: readonly string[] = []): Harness {
  return {
    ...harness,
    child,
    v8Flags: V8_TRACES,
    program: {
      ...program,
      name: `${program.name}-latency`,
      sources: [...program.sources, new URL("../../../native/latency.h", import.meta.url)],
      flags: [...program.flags ?? [], "-DLATENCY", ...flags],
    },
  };
}

/** What an answer comes to. */
export function latencyOf({ ticksPerNanosecond, step, empty, kinds }: LatencyAnswer, replays: number): Latency {
  const clock = typical(empty.batches, 0.5) ?? 0;
  const inNs = (ticks: number) => rounded(Math.max(0, ticks) / ticksPerNanosecond);
  const netNs = (ticks: number) => inNs(ticks - clock);
  const percentiles = (batches: readonly Histogram[], toNs: (ticks: number) => number) =>
    Object.fromEntries(
      Object.entries(SHARES).flatMap(([name, share]) => {
        const ticks = typical(batches, share);
        return ticks === undefined ? [] : [[name, toNs(ticks)]];
      }),
    ) as { [name in keyof typeof SHARES]?: number };
  const summary = (
    operation: Operations["operation"],
    blocks: Operations["blocks"],
    batches: readonly Histogram[],
  ) => {
    const histogram = merged(batches);
    return {
      operation,
      blocks,
      count: countOf(histogram),
      ...percentiles(batches, netNs),
      histogram: {
        ns: histogram.map(([bucket]) => netNs(bucketMiddle(bucket))),
        counts: histogram.map(([, count]) => count),
      },
    };
  };
  const own = kinds.flatMap((kind, number): Operations[] => {
    if (kind === undefined) return [];
    const { operation, blocks } = KINDS[number]!, { longest, batches } = kind;
    return [{
      ...summary(operation, blocks, batches),
      longestNs: netNs(longest.ticks),
      longest: {
        event: longest.event,
        ...causeOf(longest, empty.longest, clock, ticksPerNanosecond),
        againNs: netNs(longest.againTicks),
      },
    }];
  });
  const longest = own.toSorted((a, b) => b.longestNs - a.longestNs)[0];
  const all = longest === undefined ? [] : [{
    ...summary("all", "all", together(kinds.flatMap((kind) => kind === undefined ? [] : [kind.batches]))),
    longestNs: longest.longestNs,
    longest: longest.longest,
  }];
  return {
    replays,
    clock: {
      stepNs: rounded(step / ticksPerNanosecond),
      ...percentiles(empty.batches, inNs),
      longestNs: inNs(empty.longest.ticks),
    },
    operations: [...all, ...own],
  };
}

/** The median of the batches' percentiles; that of all, if one has too few operations; undefined, if all have. */
function typical(batches: readonly Histogram[], share: number): number | undefined {
  const each = batches.filter(({ length }) => length > 0).map((batch) => percentile(batch, share));
  return each.length === 0 || each.includes(undefined) ? percentile(merged(batches), share) : median(each as number[]);
}

/** Batch by batch, what several kinds have in it. */
function together(kinds: readonly (readonly Histogram[])[]): Histogram[] {
  const batches = Math.max(...kinds.map(({ length }) => length));
  return Array.from(
    { length: batches },
    (_, batch) => merged(kinds.flatMap((kind) => kind[batch] ? [kind[batch]] : [])),
  );
}

/**
 * What is known of why an operation was long.
 *
 * @param empty The longest empty interval.
 * @param clock Ticks that the clock takes itself.
 */
export function causeOf(
  { ticks, againTicks, pageFaults, idleNanoseconds, isCollected, isCompiled }: LongestAnswer,
  empty: LongestAnswer,
  clock: number,
  ticksPerNanosecond: number,
): Pick<Operations["longest"], "cause" | "pageFaults" | "idleNs"> {
  const half = Math.max(0, ticks - clock) / 2;
  if (isCollected) return { cause: "collector" };
  if (isCompiled) return { cause: "compiler" };
  if (pageFaults > 0) return { cause: "page faults", pageFaults };
  if (againTicks - clock >= half) return { cause: "allocator" };
  const isIdle = idleNanoseconds >= LEAST_IDLE && idleNanoseconds * ticksPerNanosecond >= half;
  if (isIdle) return { cause: "host", idleNs: idleNanoseconds };
  const isInterrupted = half >= LEAST_INTERRUPTION * ticksPerNanosecond / 2 && empty.ticks >= half &&
    !empty.isCollected && !empty.isCompiled;
  return { cause: isInterrupted ? "host" : "unknown" };
}

/** Three digits that count, which is more than the clock has. */
function rounded(ns: number): number {
  return Number(ns.toPrecision(3));
}
