/**
 * `bench`: the throughput of our heap and of its peers, size by size, in one run.
 *
 * In each round every contestant has a fresh process, since V8 decides anew in each how to compile the same source: so
 * a contestant's samples spread as its users' runs do, and a contestant that runs at one of two speeds is told from one
 * that does not. All processes of a round are warmed up, then every size is measured by each in two halves of a
 * turn, in random order, one after the other while the rest wait: through all sizes, and back. So the turns of one size
 * and round lie close together, and what disturbs the machine disturbs them alike: ratios are taken within rounds. What
 * slows only one half comes from the machine, not from the process.
 *
 * Before the first round each contestant has a process in which its turns are made long enough, and what it does is
 * checked against what a do-nothing allocator does.
 *
 * @module
 */
import { captureEnvironment, type Environment, Random, readSteal, type Warning } from "../../measure/mod.ts";
import type { Failure, Result, ResultFile } from "../../model/mod.ts";
import type { Parameters } from "../../workloads/mod.ts";
import { Agreements } from "../contest/agreement.ts";
import { type Child, ContestantError, ContestantTimeout, deadlineAfter, deadlineFor } from "../contest/child.ts";
import { Children } from "../contest/children.ts";
import { type Contestant, contestantOf, type Contestants, enter } from "../contest/contestants.ts";
import { runnersOf } from "../contestant/crew/member.ts";
import type { Identity } from "../contest/identity.ts";
import { type ContestantStart, lineUp, type LineUpPlan } from "./line_up.ts";
import type { Request, Turn } from "../contestant/protocol.ts";
import { resultsOf } from "./results.ts";
import { isWarm, warm, warmAll, type WarmUp, warmUp } from "../contest/warm_up.ts";
import { settingIn, warningsOf } from "../contest/warnings.ts";

/** What to measure. */
export interface BenchPlan extends LineUpPlan {
  /** Parameters that are complete, a set for each size, with the size that stands for it in the results. */
  readonly sizes: readonly { readonly size: number; readonly parameters: Parameters }[];
  readonly variants: readonly string[];
  readonly peers: readonly string[];
  readonly rounds: number;
  readonly slotMilliseconds: number;
  /** As of a warm-up's goal. */
  readonly warmMilliseconds?: number;
  readonly orderSeed: number;
  /** Milliseconds that a first unit of a peer may take before it is left out, which is not a failure then. */
  readonly unitDeadline?: number | undefined;
  /** Whether the first unit of each process is timed by itself; of plans with one size. */
  readonly firstUnits?: boolean;
  /** If given, all contestants run the same number of units: so many that `system` is busy that long in all. */
  readonly seconds?: number | undefined;
}

/** How far a run is. */
export interface Progress {
  readonly phase:
    | "starting"
    | "warming up"
    | "measuring"
    | "taking the footprint"
    | "timing single operations"
    | "counting instructions"
    | "replaying";
  readonly done: number;
  readonly total: number;
  /** Who is next. */
  readonly label: string;
}

/** What goes to the result file, but for the command and what was expected. */
export type BenchRun = Omit<ResultFile, "schema" | "command" | "expectations"> & {
  /** Whether it was stopped before its last round. */
  readonly isInterrupted: boolean;
};

/** A contestant with what was measured of it. */
interface ContestantRecord {
  readonly contestant: Contestant;
  readonly threads: number;
  readonly identity: Identity | undefined;
  readonly warmUps: readonly WarmUp[];
  /** By size, the halves of each round's turn. */
  readonly turns: readonly Turn[][][];
  /** The first units of its processes, one a round, if they are timed. */
  readonly first: Turn[];
}

/** What became of those that began. */
interface Field {
  /** Those that are still in it. */
  records: ContestantRecord[];
  readonly notes: string[];
  readonly failures: Failure[];
  /** The error of the first of these. */
  cause?: ContestantError;
  /** Says that it is over, and whoever fails from then on was ended by us. */
  readonly signal: AbortSignal;
}

/**
 * Runs a plan. A peer that fails, or that does not answer, is out of it from then on, with a failure instead of
 * results.
 *
 * @param signal Stops the run: what whole rounds measured is returned.
 * @param everyone Who takes part; found from the plan if it is not given.
 * @throws ContestantError if our heap, or a do-nothing allocator, cannot do its work; DisagreementError if one did
 * other work.
 */
export async function bench(
  plan: BenchPlan,
  report: (progress: Progress) => void,
  signal: AbortSignal,
  everyone?: Contestants,
): Promise<BenchRun> {
  const environment = await captureEnvironment();
  const stealBefore = await readSteal();
  everyone ??= await enter(plan.variants, plan.peers);
  const { starts, notes } = lineUp(plan, everyone);
  const agreements = new Agreements();
  const field: Field = { records: [], notes, failures: [], signal };
  let measured = 0;
  try {
    await calibrate(plan, starts, field, agreements, report);
    const units = unitsOf(plan, field.records);
    const random = new Random(plan.orderSeed);
    for (; measured < plan.rounds; measured++) {
      await measureRound(plan, field, units, agreements, random, measured, report);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return {
    ...summarise(plan, field.records, environment, measured, stealBefore, await readSteal()),
    ...(field.failures.length === 0 ? {} : { failures: field.failures }),
    notes,
    isInterrupted: signal.aborted && measured < plan.rounds,
  };
}

/** Finds how long a turn of each contestant is, and whether it does what is asked. */
async function calibrate(
  plan: BenchPlan,
  starts: readonly ContestantStart[],
  field: Field,
  agreements: Agreements,
  report: (progress: Progress) => void,
): Promise<void> {
  report({ phase: "starting", done: 0, total: 1, label: "" });
  await using children = new Children(field.signal);
  const started = await startAll(starts, children, field);
  assertPeers(field, started);
  await warmUpAll(plan, started, field, report);
  await verify(plan, field, new Map(started.map(([start, child]) => [keyOf(start), child])), agreements);
}

/** Starts a process for each, warms it up, and measures every size once. */
async function measureRound(
  plan: BenchPlan,
  field: Field,
  units: Units,
  agreements: Agreements,
  random: Random,
  round: number,
  report: (progress: Progress) => void,
): Promise<void> {
  const { sizes, rounds, firstUnits = false } = plan;
  let done = 0;
  const show = ({ contestant }: ContestantRecord) => {
    const each = (2 * sizes.length + Number(firstUnits)) * field.records.length;
    report({ phase: "measuring", done: round * each + done++, total: rounds * each, label: contestant.command.label });
  };
  /** Has a contestant do something, unless it is out; if it fails, it is. */
  const attempt = async (record: ContestantRecord, action: (child: Child) => Promise<void>): Promise<void> => {
    if (isOut(field, record.contestant)) return;
    try {
      await action(processes.get(keyOf(record))!);
    } catch (error) {
      leaveOut(field, record.contestant, error);
    }
  };
  await using children = new Children(field.signal);
  const started = await startAll(field.records, children, field);
  const processes = new Map(started.map(([record, child]) => [keyOf(record), child]));
  if (firstUnits) {
    for (const record of random.shuffled(field.records)) {
      show(record);
      await attempt(record, async (child) => {
        const deadline = deadlineAfter((record.warmUps[0]?.nanosecondsPerUnit ?? 0) / 1e6);
        record.first.push(await child.run(requestOf(plan, record, 0, 1), deadline));
      });
    }
  }
  await warmAll(field.records.map((record) => () =>
    attempt(record, async (child) => {
      for (const [index, { nanosecondsPerUnit }] of record.warmUps.entries()) {
        if (isWarm(nanosecondsPerUnit, plan)) continue;
        const request = requestOf(plan, record, index, units(record, index));
        await warm(child, request, nanosecondsPerUnit, plan);
      }
    })
  ));
  const halves = new Map(field.records.map((record) => [record, sizes.map((): Turn[] => [])]));
  const there = [...sizes.entries()];
  for (const [index, size] of [...there, ...there.toReversed()]) {
    for (const record of random.shuffled(field.records)) {
      const own = halves.get(record)![index]!, whole = units(record, index);
      if (own.length === whole) continue; // a unit that takes long is not divided
      show(record);
      await attempt(record, async (child) => {
        const turn = await child.run(requestOf(plan, record, index, Math.ceil(whole / 2)));
        agreements.record(workOf(plan, record, size), record.contestant.label, turn);
        own.push(turn);
      });
    }
  }
  for (const [record, each] of halves) for (const [index, turns] of each.entries()) record.turns[index]!.push(turns);
}

/** How a contestant is told from all others that take part. */
function keyOf({ contestant, threads }: ContestantStart): string {
  return `${threads} ${contestant.label}`;
}

/** Starts a process for each; a contestant that cannot start is left out. */
async function startAll<Who extends ContestantStart>(
  starts: readonly Who[],
  children: Children,
  field: Field,
): Promise<[Who, Child][]> {
  const outcomes = await Promise.allSettled(starts.map(({ contestant }) => children.start(contestant.command)));
  return outcomes.flatMap((outcome, index): [Who, Child][] => {
    const start = starts[index]!;
    if (outcome.status === "fulfilled") return [[start, outcome.value]];
    leaveOut(field, start.contestant, outcome.reason);
    return [];
  }).filter(([{ contestant }]) => !isOut(field, contestant));
}

/** @throws The failures of all peers, if none of them could start: then the question has no answer. */
function assertPeers({ failures, cause }: Field, started: readonly [ContestantStart, Child][]): void {
  if (cause === undefined || started.some(([{ contestant }]) => isPeer(contestant))) return;
  cause.message = failures.map(({ message }) => message).join("\n");
  throw cause;
}

function isPeer({ runtime }: Contestant): boolean {
  return runtime !== "deno" && runtime !== "harness";
}

/**
 * Takes a peer out that failed, with whatever number of threads. @throws The error, if it is our heap's, or our doing.
 */
function leaveOut(field: Field, contestant: Contestant, error: unknown): void {
  field.signal.throwIfAborted();
  const failure = failureOfPeer(contestant, error);
  if (isOut(field, contestant)) return;
  field.cause ??= error as ContestantError; // or the line above had thrown
  field.failures.push(failure);
  field.notes.push(noteOf(failure));
  field.records = field.records.filter((record) => record.contestant.allocator !== contestant.allocator);
}

function isOut({ failures }: Field, { allocator }: Contestant): boolean {
  return failures.some((failure) => failure.allocator === allocator);
}

/** The failure of a peer. @throws The error, if it is not a contestant's, or our heap's. */
function failureOfPeer(contestant: Contestant, error: unknown): Failure {
  const { allocator, runtime } = contestant;
  if (!isPeer(contestant) || !(error instanceof ContestantError)) throw error;
  return { allocator, runtime, message: error.message };
}

/**
 * Measures something more of results, one after the other, until it is interrupted.
 *
 * @returns what was found; a peer that failed has a failure instead.
 */
export async function measureAfterwards<Found>(
  phase: Progress["phase"],
  results: readonly Result[],
  contestants: readonly Contestant[],
  measure: (contestant: Contestant, result: Result) => Promise<Found>,
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<{ found: Map<Result, Found>; failures: Failure[] }> {
  const found = new Map<Result, Found>(), failures: Failure[] = [];
  for (const [done, result] of results.entries()) {
    const contestant = contestantOf(contestants, result);
    report({ phase, done, total: results.length, label: contestant.label });
    try {
      found.set(result, await measure(contestant, result));
    } catch (error) {
      if (signal.aborted) break;
      failures.push(failureOfPeer(contestant, error));
    }
  }
  return { found, failures };
}

/** A failure in words. */
export function noteOf({ message }: Failure): string {
  return `left out: ${message}`;
}

async function warmUpAll(
  plan: BenchPlan,
  started: readonly [ContestantStart, Child][],
  field: Field,
  report: (progress: Progress) => void,
): Promise<void> {
  const { slotMilliseconds, warmMilliseconds, workload } = plan;
  const total = started.length * plan.sizes.length;
  for (const [position, [{ contestant, threads }, child]] of started.entries()) {
    if (isOut(field, contestant)) continue;
    const ownDeadline = isPeer(contestant) ? plan.unitDeadline : undefined;
    const warmUps: WarmUp[] = [];
    try {
      for (const { parameters } of plan.sizes) {
        const done = position * plan.sizes.length + warmUps.length;
        report({ phase: "warming up", done, total, label: child.label });
        const request = { workload: workload.name, threads, parameters };
        const unitDeadline = ownDeadline ?? deadlineFor(threads * workload.operationsPerUnit(parameters));
        warmUps.push(await warmUp(child, request, { slotMilliseconds, warmMilliseconds, unitDeadline }));
      }
      const turns = plan.sizes.map(() => []);
      field.records.push({ contestant, threads, identity: child.identity, warmUps, turns, first: [] });
    } catch (error) {
      if (!(error instanceof ContestantTimeout) || ownDeadline === undefined) leaveOut(field, contestant, error);
      else field.notes.push(`left out: ${error.message}; name it with --peer to wait longer`);
    }
  }
}

/** How many units a contestant runs in a turn of a size. */
type Units = (record: ContestantRecord, index: number) => number;

/** Everyone's own number, or with `seconds` the same for all with as many threads. */
function unitsOf({ seconds, rounds }: BenchPlan, records: readonly ContestantRecord[]): Units {
  const own: Units = ({ warmUps }, index) => warmUps[index]?.units ?? 1;
  if (seconds === undefined) return own;
  return ({ threads }, index) => {
    const equals = records.filter((record) => record.threads === threads);
    const pace = equals.find(({ contestant }) => contestant.allocator === "system") ?? equals[0];
    const nanoseconds = pace?.warmUps[index]?.nanosecondsPerUnit ?? Infinity;
    return Math.max(1, Math.ceil(seconds * 1e9 / rounds / nanoseconds));
  };
}

function requestOf(
  { workload, sizes }: BenchPlan,
  { threads }: ContestantRecord,
  index: number,
  units: number,
): Request {
  return { workload: workload.name, units, threads, parameters: sizes[index]?.parameters ?? {} };
}

/** What all contestants that do it must agree on. */
function workOf({ workload }: BenchPlan, { threads }: ContestantRecord, { size }: BenchPlan["sizes"][number]): string {
  return `${workload.name} ${settingIn(workload.name, { size, threads })}`.trimEnd();
}

/**
 * Lets every contestant run a turn of as many units as it will be asked for, and a do-nothing allocator the same: one
 * that does other work than it is found before anything is measured. Each turn that follows must repeat what this one
 * gave.
 */
async function verify(
  plan: BenchPlan,
  field: Field,
  processes: ReadonlyMap<string, Child>,
  agreements: Agreements,
): Promise<void> {
  const units = unitsOf(plan, field.records);
  const harnesses = field.records.filter(({ contestant }) => contestant.runtime === "harness");
  for (const [index, size] of plan.sizes.entries()) {
    for (const record of field.records) {
      const judge = harnesses.find((each) => each !== record && each.threads === record.threads) ?? record;
      const request = requestOf(plan, record, index, units(record, index));
      for (const each of new Set([judge, record])) {
        const { contestant } = each;
        if (isOut(field, contestant)) continue;
        try {
          const turn = await processes.get(keyOf(each))!.run(request);
          agreements.record(workOf(plan, record, size), contestant.label, turn);
        } catch (error) {
          leaveOut(field, contestant, error);
        }
      }
    }
  }
  agreements.check();
}

function summarise(
  plan: BenchPlan,
  records: readonly ContestantRecord[],
  environment: Environment,
  measured: number,
  stealBefore: Awaited<ReturnType<typeof readSteal>>,
  stealAfter: Awaited<ReturnType<typeof readSteal>>,
): Omit<BenchRun, "notes" | "isInterrupted"> {
  const { rounds: wanted, orderSeed, slotMilliseconds } = plan;
  // A round that was interrupted is dropped whole: its samples would pair with nothing.
  const series = plan.sizes.flatMap(({ size, parameters }, index) =>
    records.map(({ contestant, threads, identity, turns, first }) => ({
      contestant,
      identity,
      workload: plan.workload.name,
      size,
      threads,
      parameters,
      unitOperations: plan.workload.operationsPerUnit(parameters) * runnersOf(plan.workload, threads),
      loopsDiffer: plan.workload.loopsDiffer,
      turns: turns[index]!.slice(0, measured).map(whole),
      fastest: turns[index]!.slice(0, measured).map(fastestOf),
      ...(plan.firstUnits === true ? { first: first.slice(0, measured) } : {}),
    }))
  );
  const results = measured === 0 ? [] : resultsOf(series), fastest = series.map((each) => each.fastest);
  const unstable = Map.groupBy(
    records.flatMap(({ contestant: { label }, threads, warmUps }) =>
      plan.sizes.filter((_size, index) => warmUps[index]?.isStable === false)
        .map(({ size }) => ({ label, setting: settingIn(plan.workload.name, { size, threads }) }))
    ),
    ({ label }) => label,
  );
  const warnings: Warning[] = warningsOf({ results, fastest, environment, unstable, stealBefore, stealAfter });
  return {
    environment: { ...environment, loadAverage: [...environment.loadAverage] },
    rounds: { wanted, measured, orderSeed, slotMilliseconds },
    results,
    warnings,
  };
}

/** A turn of its halves. */
function whole(halves: readonly Turn[]): Turn {
  const [first, ...rest] = halves as [Turn, ...Turn[]];
  return rest.reduce((sum, half): Turn => ({
    ...sum,
    units: sum.units + half.units,
    nanoseconds: sum.nanoseconds + half.nanoseconds,
    operations: sum.operations + half.operations,
    tier: half.tier,
    ...(sum.threads === undefined ? {} : {
      threads: sum.threads.map(({ nanoseconds, operations }, thread) => ({
        nanoseconds: nanoseconds + (half.threads?.[thread]?.nanoseconds ?? 0),
        operations: operations + (half.threads?.[thread]?.operations ?? 0),
      })),
    }),
  }), first);
}

/** Nanoseconds per operation of the faster half. */
function fastestOf(halves: readonly Turn[]): number {
  return Math.min(...halves.map(({ nanoseconds, operations }) => nanoseconds / operations));
}
