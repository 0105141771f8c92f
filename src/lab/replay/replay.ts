/**
 * `replay`: a trace of a real program against our heap and other allocators: time, memory, and whether every block kept
 * what was written to it.
 *
 * Time is measured as `bench` measures it, with a whole replay for a unit of work: in each round every contestant has a
 * fresh process, and they replay in turn; the do-nothing allocators price the loop. The first replay of a process is timed
 * by itself: a program runs once, and pays for the pages that its allocator asks of the system. Then the processes are
 * warmed up, and what is timed is a program that has run for a while.
 *
 * Memory is another matter: for that each contestant replays once more in a fresh process, and stops at the same events,
 * where the bytes in memory are taken.
 *
 * - Our heap, and the pools that are one mapping: the pages of that mapping which are in memory (`mincore`), the
 *   allocator's tables in it included.
 * - All others: the process, beyond what it has at the same event with the do-nothing allocator. For native ones, only
 *   memory that is private and not a file's counts; the replay itself has no such memory.
 *
 * And how long single operations take is a third matter (`../latency/latency.ts`): one more process of each contestant.
 *
 * With several threads, those of the trace are dealt to as many, which keep the order of each thread and of what happens
 * to each block (`../../traces/replay_words.ts`). Only allocators take part whose blocks may be freed by another thread.
 *
 * The words to replay go through a temporary file to all contestants, of either language.
 *
 * @module
 */
import type { Failure, Result, ResultFile } from "../../model/mod.ts";
import { summarise, type Trace, TraceError, type TraceSummary } from "../../traces/mod.ts";
import { replayWords } from "../../traces/replay_words.ts";
import { replayWorkload, type Workload } from "../../workloads/mod.ts";
import { bench, type BenchRun, measureAfterwards, noteOf, type Progress } from "../bench/bench.ts";
import { type Child, deadlineAfter, failureOf } from "../contest/child.ts";
import { Children } from "../contest/children.ts";
import {
  type Contestant,
  contestantOf,
  type Contestants,
  enter,
  type Harness,
  NATIVE_FLAGS,
} from "../contest/contestants.ts";
import { isTooSlow, latencyHarness, timeOperations } from "../latency/latency.ts";
import { ProtocolError } from "../contestant/protocol.ts";
import { figureOf, formatReplayRequest, type ReplayRequest } from "./protocol.ts";
import { touchingOf } from "./touching.ts";
import { REPLAY } from "../contest/warnings.ts";

/** What to replay. */
export interface ReplayPlan {
  readonly trace: Trace;
  /** What the trace is called in the report. */
  readonly file: string;
  readonly variants: readonly string[];
  readonly peers: readonly string[];
  /** How many replay it, 1 to 16. */
  readonly threads: number;
  readonly rounds: number;
  readonly slotMilliseconds: number;
  /** As of a warm-up's goal; what a replay needs if absent. */
  readonly warmMilliseconds?: number;
  /** Whether single operations are timed, too: of one thread only. */
  readonly latency?: boolean;
  readonly orderSeed: number;
  /** As of `BenchPlan`. */
  readonly unitDeadline?: number | undefined;
  /** Is told what the trace is like before anything is measured. */
  readonly foresee?: (summary: TraceSummary) => void;
}

/** A replay meets all of the allocator, not its fastest path alone: V8 has more to compile. */
const WARM_MILLISECONDS = 400;
/** Points at which memory is taken. */
export const SAMPLES = 200;
/** Why the loop in TypeScript takes longer than the one in C: `loopsDiffer` of a workload. */
export const REPLAY_LOOPS_DIFFER =
  "in each event V8 checks the bounds of three words, a slot and two bytes, and that sums do not overflow; C does not";
/** Replays of which each event's shortest time counts. */
const REPLAYS_OF_LONGEST = 3;

/**
 * Runs a plan.
 *
 * A peer that fails, or damages a block, is out of it, with a failure instead of a result.
 *
 * @throws ContestantError if our heap cannot do its work, or a block of it was damaged; TraceError if too much is live.
 */
export async function replay(
  plan: ReplayPlan,
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<BenchRun & { readonly trace: NonNullable<ResultFile["trace"]> }> {
  const summary = summarise(plan.trace, SAMPLES);
  if (summary.events === 0) throw new TraceError(`${plan.file}: there is nothing to replay but ends of threads`);
  plan.foresee?.(summary);
  return await withHarness(plan, plan.variants.length + plan.peers.length, async (harness, notes, _words, path) => {
    const everyone = whoCan(await enter(plan.variants, plan.peers, harness), plan.threads);
    const run = await measure(plan, summary, everyone, report, signal);
    signal.throwIfAborted(); // time without memory would be half a result
    const taken = await withMemory(run.results, plan.threads, summary, everyone, report, signal);
    signal.throwIfAborted();
    const timed = await withLatency(taken.results, plan, path, summary, report, signal);
    const results = timed.results.map((result) => ({ ...result, threads: plan.threads }));
    const failures = [...run.failures ?? [], ...taken.failures, ...timed.failures];
    return {
      ...run,
      isInterrupted: signal.aborted,
      results,
      ...(failures.length === 0 ? {} : { failures }),
      notes: [
        ...plan.trace.remarks,
        ...notes,
        ...run.notes,
        ...[...taken.failures, ...timed.failures].map(noteOf),
        ...timed.notes,
        ...remarks(results),
      ],
      trace: describe(plan.file, summary),
    };
  });
}

/**
 * Has something done with processes that replay a trace.
 *
 * @param replays How many processes have the trace's memory at the same time.
 * @param action Gets what the processes run, what to say about how much they touch, the words, and their file.
 */
export async function withHarness<T>(
  { trace, threads }: Pick<ReplayPlan, "trace" | "threads">,
  replays: number,
  action: (harness: Harness, notes: readonly string[], words: Int32Array, path: string) => Promise<T>,
): Promise<T> {
  const { touched, notes } = await touchingOf(trace, replays);
  const words = replayWords(trace, threads, touched);
  const path = await Deno.makeTempFile({ prefix: "hakmem-replay-" });
  try {
    await Deno.writeFile(path, new Uint8Array(words.buffer));
    return await action(replayHarness(path), notes, words, path);
  } finally {
    await Deno.remove(path);
  }
}

/** What a comparison or an explanation does with a trace. */
export interface ReplayedWork {
  readonly workload: Workload;
  readonly sizes: ReturnType<typeof sizesOf>;
  readonly trace: NonNullable<ResultFile["trace"]>;
  readonly notes: readonly string[];
  readonly warmMilliseconds: number;
  /** What their processes run. */
  readonly harness: Harness;
}

/**
 * Has builds compared in replays of a trace.
 *
 * @param replays How many processes have the trace's memory at the same time.
 * @throws TraceError if there is nothing to replay, or too much is live.
 */
export async function comparingReplays<T>(
  plan: Pick<ReplayPlan, "trace" | "threads" | "file">,
  replays: number,
  action: (work: ReplayedWork) => Promise<T>,
): Promise<T> {
  const summary = summarise(plan.trace, SAMPLES);
  if (summary.events === 0) throw new TraceError(`${plan.file}: there is nothing to replay but ends of threads`);
  return await withHarness(plan, replays, (harness, notes, words) =>
    action({
      workload: replayWorkload(words),
      sizes: sizesOf(summary.largestBytes),
      trace: describe(plan.file, summary),
      notes: [...plan.trace.remarks, ...notes],
      warmMilliseconds: WARM_MILLISECONDS,
      harness,
    }));
}

/** What the processes of a replay run. @param path The file with the words. */
export function replayHarness(path: string): Harness {
  return {
    child: new URL("./child.ts", import.meta.url),
    childArgs: [`--words=${path}`],
    program: {
      name: "replay",
      sources: ["replay.c", "identity.c", "identity.h", "touch.h"].map((file) =>
        new URL(`../../../native/${file}`, import.meta.url)
      ),
      kind: "executable",
      flags: NATIVE_FLAGS,
    },
    programArgs: [path],
  };
}

/** A replay has one size, which stands for all: the largest that is asked for. */
export function sizesOf(
  largestBytes: number,
): { readonly size: number; readonly parameters: Record<string, number> }[] {
  return [{ size: largestBytes, parameters: {} }];
}

/** Leaves out contestants that cannot replay, and says why. */
function whoCan({ contestants, notes }: Contestants, threads: number): Contestants {
  const hasCompiler = contestants.some(({ language }) => language === "native");
  const reasonOf = ({ runtime }: Contestant): string | undefined => {
    if (threads > 1 && (runtime === "ffi" || runtime === "js")) return "its blocks are of one thread alone";
    if (runtime === "ffi" && !hasCompiler) return "what touches its blocks is in C";
    return undefined;
  };
  return {
    contestants: contestants.filter((each) => reasonOf(each) === undefined),
    notes: [
      ...notes,
      ...contestants.flatMap((each) => reasonOf(each) ? [`${each.label} is left out: ${reasonOf(each)}`] : []),
    ],
  };
}

async function measure(
  { rounds, slotMilliseconds, warmMilliseconds = WARM_MILLISECONDS, orderSeed, unitDeadline, variants, peers }:
    ReplayPlan,
  { events, largestBytes }: TraceSummary,
  everyone: Contestants,
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<BenchRun> {
  const plan = {
    workload: { name: REPLAY, operationsPerUnit: () => events, loopsDiffer: REPLAY_LOOPS_DIFFER },
    sizes: sizesOf(largestBytes),
    variants,
    peers,
    rounds,
    slotMilliseconds,
    orderSeed,
    unitDeadline,
    firstUnits: true,
    warmMilliseconds,
  };
  return await bench(plan, report, signal, everyone);
}

/** What one contestant's memory was: after each sample's event, and in the end. */
interface Memory {
  readonly resident: readonly number[];
  /** Whether that is the allocator's mapping alone. */
  readonly isMapping: boolean;
  readonly pageFaults: number;
  /** Of one thread only. */
  readonly longestNs?: number;
}

async function withMemory(
  results: readonly Result[],
  threads: number,
  summary: TraceSummary,
  { contestants }: Contestants,
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<{ results: Result[]; failures: Failure[] }> {
  const { found: memories, failures } = await measureAfterwards(
    "taking the footprint",
    results,
    contestants,
    (contestant, { nsPerOp }) =>
      takeMemory(contestant, threads, summary, deadlineAfter(nsPerOp * summary.events / 1e6), signal),
    report,
    signal,
  );
  const whole = [...memories].map(([result, memory]) => {
    const idle = results.find((each) => each.runtime === "harness" && each.host === result.host);
    return { ...result, ...figures(result, memory, idle && memories.get(idle), summary) };
  });
  return { results: whole, failures };
}

async function takeMemory(
  contestant: Contestant,
  threads: number,
  summary: TraceSummary,
  deadline: number,
  signal: AbortSignal,
): Promise<Memory> {
  await using children = new Children(signal);
  const child = await children.start(contestant.command);
  try {
    const resident: number[] = [];
    let pageFaults = 0, isMapping = false;
    for (const count of pointsOf(summary)) {
      const answer = await ask(child, { verb: "advance", count }, deadline);
      resident.push(figureOf(answer, "resident"));
      pageFaults = figureOf(answer, "faults");
      isMapping = figureOf(answer, "mapping") === 1;
    }
    const memory = { resident, isMapping, pageFaults };
    if (threads > 1) return memory; // an event that waits for another thread is as long as that one likes
    const longest = await ask(child, { verb: "longest", count: REPLAYS_OF_LONGEST }, deadline);
    return { ...memory, longestNs: figureOf(longest, "nanoseconds") };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ProtocolError) throw failureOf(contestant.label, error);
    throw error;
  }
}

const LATENCY_CHILD = new URL("./latency_child.ts", import.meta.url);

/** Times the operations of each contestant, one after the other, until it is interrupted. */
async function withLatency(
  results: readonly Result[],
  { variants, peers, threads, latency = false }: ReplayPlan,
  path: string,
  { events }: TraceSummary,
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<{ results: readonly Result[]; failures: Failure[]; notes: string[] }> {
  if (!latency) return { results, failures: [], notes: [] };
  if (threads > 1) return { results, failures: [], notes: ["single operations are timed with one thread only"] };
  const { contestants } = whoCan(
    await enter(variants, peers, latencyHarness(replayHarness(path), LATENCY_CHILD)),
    threads,
  );
  if (!contestants.some(({ language }) => language === "native")) {
    return { results, failures: [], notes: ["single operations are not timed: the clock for that is in C"] };
  }
  const isSlow = ({ nsPerOp }: Result) => isTooSlow(events, nsPerOp);
  const own = results.filter(({ runtime }) => runtime !== "harness");
  const { found, failures } = await measureAfterwards(
    "timing single operations",
    own.filter((result) => !isSlow(result)),
    contestants,
    (contestant, { nsPerOp }) =>
      timeOperations(contestant, events, nsPerOp, (replays) => `latency replay units=${replays}`, signal),
    report,
    signal,
  );
  const timed = results.map((result) => {
    const latency = found.get(result);
    return latency === undefined ? result : { ...result, latency };
  });
  const notes = own.filter(isSlow).map((result) =>
    `${contestantOf(contestants, result).label}: single operations are not timed, since a replay takes over a second`
  );
  return { results: timed, failures, notes };
}

function ask(child: Child, request: ReplayRequest, deadline: number): Promise<string> {
  return child.ask(formatReplayRequest(request), String, deadline);
}

/** The samples, and the peak of live bytes among them. */
function pointsOf({ live, peakEvent }: TraceSummary): number[] {
  return [...new Set([...live.events, peakEvent])].toSorted((a, b) => a - b);
}

/** A replay's own fields of a result. */
function figures(result: Result, memory: Memory, idle: Memory | undefined, summary: TraceSummary): Partial<Result> {
  const { events } = summary;
  if (result.runtime === "harness") return { events };
  const isMapping = memory.isMapping;
  const beyond = isMapping ? undefined : idle;
  const footprintBytes = memory.resident.map((bytes, at) => Math.max(0, bytes - (beyond?.resident[at] ?? 0)));
  const points = pointsOf(summary);
  const isKnown = memory.resident.every((bytes) => bytes >= 0);
  const inSamples = footprintBytes.filter((_bytes, at) => summary.live.events.includes(points[at]!));
  return {
    events,
    verified: true, // by the contestant itself, which fails at the first block that is not what it should be
    peakLiveBytes: summary.peakLiveBytes,
    pageFaults: Math.max(0, memory.pageFaults - (idle?.pageFaults ?? 0)),
    ...(memory.longestNs === undefined ? {} : { longestNs: memory.longestNs }),
    ...(isKnown
      ? {
        peakFootprintBytes: Math.max(...footprintBytes),
        averageFootprintBytes: Math.round(inSamples.reduce((sum, bytes) => sum + bytes, 0) / inSamples.length),
        footprintOf: isMapping ? "mapping" : "process",
        footprint: { events: points, liveBytes: points.map((point) => liveAt(summary, point)), footprintBytes },
      }
      : {}),
  };
}

function liveAt({ live, peakEvent, peakLiveBytes }: TraceSummary, point: number): number {
  return point === peakEvent ? peakLiveBytes : live.liveBytes[live.events.indexOf(point)]!;
}

/** What a result says of its trace. */
export function describe(
  file: string,
  { format, events, threads, blocks, crossThreadFrees, ran }: TraceSummary,
): NonNullable<ResultFile["trace"]> {
  return { file, format, events, threads, blocks, crossThreadFrees, ...(ran === undefined ? {} : { ran }) };
}

/** What a reader of the table should know of some contestants. */
function remarks(results: readonly Result[]): string[] {
  const without = results.filter(({ allocator }) => WITHOUT_ALIGNMENT.has(allocator)).map(({ allocator }) => allocator);
  if (without.length === 0) return [];
  return [`${without.join(", ")}: no aligned allocation; a block that is larger by the alignment stands for one`];
}

const WITHOUT_ALIGNMENT: ReadonlySet<string> = new Set(["thi.ng", "assemblyscript", "codemix", "uint8array"]);
