/**
 * `history`: which commit of a range made a tree's heap slower or faster. The search (`search.ts`) says which two
 * revisions are compared next, `compare` compares them, and what it found is kept at once (`kept.ts`), so that no
 * comparison is made twice.
 *
 * Commits between which nothing of what is measured differs (`commits.ts`) are one state of the search, and the first of
 * them stands for all. A revision that does not run, since it has no heap, its modules do not load or its heap cannot do
 * the work, is left out, and the search takes its neighbour.
 *
 * @module
 */
import { InvalidOptionError } from "../../heap/mod.ts";
import { captureEnvironment, type Environment, overall } from "../../measure/mod.ts";
import type { CompareFile, Found, HistoryCommit, HistoryFile, HistoryKey } from "../../model/mod.ts";
import { reasonOf } from "../../os/mod.ts";
import { shortHash } from "../../report/history.ts";
import { processorOf } from "../../report/mod.ts";
import { compare, type ComparePlan, type CompareRun } from "../compare/compare.ts";
import { Children } from "../contest/children.ts";
import type { Harness } from "../contest/contestants.ts";
import { type ResolvedSpec, resolveRevision } from "../contest/specs.ts";
import type { Range } from "./commits.ts";
import { Kept } from "./kept.ts";
import { Findings, type Pair, search } from "./search.ts";

/** What to search, and how to compare. */
export interface HistoryPlan extends Omit<ComparePlan, "a" | "b" | "looks" | "threads"> {
  readonly range: Range;
  readonly threads: number;
  readonly looks: readonly number[];
  /** A variant and flags, as every revision is run; its own default if absent. */
  readonly variant?: string;
  /** Hashes of revisions that are left out. */
  readonly leftOut: readonly string[];
  /** Compares at every so many commits, too; only at the end if absent. */
  readonly every?: number;
  /** SHA-256 of the trace, if that is replayed; its words are in a file that the harness names. */
  readonly traceHash?: string;
  readonly harness?: Harness;
  /** Where it is kept; in the cache folder if absent. */
  readonly state?: string;
  /** Begins anew. */
  readonly fresh: boolean;
}

/** What is shown while it lasts. */
export interface HistoryProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly label: string;
}

/** What goes to the file, but for the command. */
export type HistoryRun = Omit<HistoryFile, "schema" | "command">;

/** A comparison that has just been made, or found. */
export interface Report {
  readonly a: HistoryCommit;
  readonly b: HistoryCommit;
  readonly found: Found;
  readonly kept: boolean;
}

/** The parts of a history that a test replaces. */
export interface HistoryParts {
  /** Why a revision does not run; undefined if it does. */
  readonly tryOut: (plan: HistoryPlan, commit: HistoryCommit, signal: AbortSignal) => Promise<string | undefined>;
  readonly compare: (
    plan: HistoryPlan,
    a: HistoryCommit,
    b: HistoryCommit,
    show: (progress: HistoryProgress) => void,
    signal: AbortSignal,
  ) => Promise<CompareRun>;
}

const REAL: HistoryParts = { tryOut, compare: compareRevisions };

/**
 * Searches, and goes on with what was kept of the same history. If it is stopped, what is known so far is the result.
 *
 * @param tell Called after each comparison.
 * @throws {InvalidOptionError} if no revision runs, or what is kept is of another history or cannot be written
 * @throws ContestantError if a revision that was tried out dies after all
 */
export async function history(
  plan: HistoryPlan,
  show: (progress: HistoryProgress) => void,
  tell: (report: Report) => void,
  signal: AbortSignal,
  parts: HistoryParts = REAL,
): Promise<HistoryRun> {
  const { range: { tree, commits, notes }, variant, workload, trace } = plan;
  const environment = await captureEnvironment();
  const kept = await Kept.open(keyOf(plan, environment), plan.state, plan.fresh);
  const states = statesOf(commits);
  const skipped = new Map(plan.leftOut.map((hash) => [hash, "left out by --skip"]));
  const comparisons: HistoryFile["comparisons"][number][] = [];
  const indexOfPair = new Map<number, number>(); // of the search, among the comparisons
  const findings = new Findings();
  const runs = async (state: number): Promise<boolean> => {
    const commit = commits[states[state]!]!, { hash } = commit;
    if (skipped.has(hash)) return false;
    let reason = kept.skipped(hash);
    if (reason === undefined && !tried.has(hash)) {
      reason = await parts.tryOut(plan, commit, signal);
      if (reason !== undefined) kept.skip(hash, reason);
      tried.add(hash);
    }
    if (reason !== undefined) skipped.set(hash, reason);
    return reason === undefined;
  };
  const tried = new Set<string>();
  const compareStates = async (a: number, b: number, purpose: Pair["purpose"]): Promise<Pair["verdict"]> => {
    const [from, to] = [states[a]!, states[b]!], [one, other] = [commits[from]!, commits[to]!];
    if (one.source === other.source) return "equivalent"; // what was done is undone
    let found = kept.found(one.hash, other.hash);
    const isKept = found !== undefined;
    if (found === undefined) {
      const number = comparisons.length + 1;
      const phase = `comparison ${number}, ${shortHash(one)} with ${shortHash(other)}`;
      const run = await parts.compare(plan, one, other, (state) => show({ ...state, phase }), signal);
      signal.throwIfAborted(); // a part of a comparison decides nothing
      found = foundOf(run);
      kept.keep(one.hash, other.hash, found);
    }
    indexOfPair.set(findings.pairs.length, comparisons.length);
    comparisons.push({ ...found, a: from, b: to, purpose, kept: isKept });
    tell({ a: one, b: other, found, kept: isKept });
    return found.verdict;
  };
  let interrupted = false;
  try {
    await search({ ends: endsOf(states, commits.length, plan.every), runs, compare: compareStates }, findings);
    kept.finish();
  } catch (error) {
    if (!signal.aborted) throw error;
    interrupted = true;
  }
  if (findings.first === undefined && !interrupted) {
    const [first] = [...skipped.values()];
    throw new InvalidOptionError(`none of ${commits.length} revisions runs; the first: ${first}.`);
  }
  const changes = findings.changes.map(({ from, to, comparison, ...change }) => ({
    ...change,
    from: states[from]!,
    to: states[to]!,
    comparison: indexOfPair.get(comparison)!,
  }));
  return {
    environment: { ...environment, loadAverage: [...environment.loadAverage] },
    tree,
    ...(variant === undefined ? {} : { variant }),
    workload: workload.name,
    ...(trace === undefined ? {} : { trace }),
    commits: commits.map((commit) => {
      const reason = skipped.get(commit.hash);
      return reason === undefined ? commit : { ...commit, skipped: reason };
    }),
    comparisons,
    changes,
    curve: curveOf(comparisons),
    verdict: changes.length === 0 ? (interrupted ? "inconclusive" : "equivalent") : overall(
      changes.map(({ verdict }) => verdict),
    ),
    ...(interrupted ? { interrupted } : {}),
    state: kept.path,
    notes: [...notes, ...plan.notes ?? []],
    warnings: warningsOf(comparisons),
  };
}

/** The indexes of the commits that stand for their neighbours: where what is measured changes. */
export function statesOf(commits: readonly HistoryCommit[]): number[] {
  return commits.flatMap(({ source }, at) => source === commits[at - 1]?.source ? [] : [at]);
}

/** The states up to which it is searched: that of every so many commits, and the last one. */
export function endsOf(states: readonly number[], commits: number, every = Infinity): number[] {
  const wanted = [];
  for (let commit = every; commit < commits - 1; commit += every) wanted.push(commit);
  const ends = [...wanted, commits - 1].map((commit) => states.findLastIndex((other) => other <= commit));
  return [...new Set(ends)];
}

/**
 * The curve: each commit that was compared, over the first one. What it was compared with has its own point on the curve,
 * and the bounds of both are multiplied, so the interval is at least as wide as it must be.
 */
export function curveOf(comparisons: HistoryFile["comparisons"]): HistoryFile["curve"] {
  const points = new Map<number, HistoryFile["curve"][number]["rows"]>();
  for (const { a, b, rows } of comparisons) {
    if (points.size === 0) {
      points.set(a, rows.map(({ size, threads }) => ({ size, threads, ratio: 1, low: 1, high: 1 })));
    }
    const from = points.get(a);
    if (from === undefined || points.has(b)) continue;
    points.set(
      b,
      rows.map(({ size, threads, ratio, low, high }, at) => {
        const base = from[at]!;
        return { size, threads, ratio: base.ratio * ratio, low: base.low * low, high: base.high * high };
      }),
    );
  }
  return [...points].map(([commit, rows]) => ({ commit, rows })).toSorted((a, b) => a.commit - b.commit);
}

/** What is kept of a comparison. */
function foundOf({ rows, level, rounds, environment, warnings }: CompareRun): Found {
  const { measured, discarded, disturbed = 0 } = rounds;
  return {
    verdict: verdictOnRows(rows),
    level,
    rows: rows.map(({ samples: _samples, ...row }) => row),
    rounds: { measured, discarded, disturbed },
    date: environment.date,
    warnings,
  };
}

/**
 * A row that is slower or faster says that the two differ, whatever is not known of the others: `compare` calls it
 * inconclusive if one row is an improvement and another is inconclusive.
 */
function verdictOnRows(rows: CompareFile["rows"]): Found["verdict"] {
  const verdicts = rows.map(({ verdict }) => verdict);
  const decided = verdicts.filter((verdict) => verdict !== "inconclusive");
  return decided.some((verdict) => verdict !== "equivalent") ? overall(decided) : overall(verdicts);
}

/** What is doubtful about several comparisons: each kind once, with how many have it. */
function warningsOf(comparisons: HistoryFile["comparisons"]): HistoryFile["warnings"] {
  const all = comparisons.filter(({ kept }) => !kept).flatMap(({ warnings }) => warnings);
  return [...Map.groupBy(all, ({ code }) => code).values()].map((kind) => {
    const [first] = kind;
    return kind.length === 1
      ? first!
      : { ...first!, message: `${first!.message} (and ${kind.length - 1} more of these)` };
  });
}

function keyOf(plan: HistoryPlan, environment: Environment): HistoryKey {
  const { range: { tree, commits }, variant, workload, sizes, threads, slotMilliseconds, looks, traceHash } = plan;
  const { cores, os, arch, deno } = environment;
  const processor = processorOf({ ...environment, loadAverage: [] });
  return {
    tree,
    since: commits[0]!.hash,
    until: commits.at(-1)!.hash,
    ...(variant === undefined ? {} : { variant }),
    workload: workload.name,
    parameters: sizes.map(({ parameters }) => ({ ...parameters })),
    threads,
    slotMilliseconds,
    looks: [...looks],
    ...(traceHash === undefined ? {} : { trace: traceHash }),
    machine: `${processor}, ${cores} cores, ${os}, ${arch}, Deno ${deno}`,
  };
}

/** Starts the process of a revision, and has it do one unit of each size. */
async function tryOut(plan: HistoryPlan, commit: HistoryCommit, signal: AbortSignal): Promise<string | undefined> {
  const { workload, threads, sizes } = plan;
  try {
    const { contestant } = await specOf(plan, commit);
    await using children = new Children(signal);
    const child = await children.start({ ...contestant.command, label: shortHash(commit) });
    for (const { parameters } of sizes) {
      await child.run({ workload: workload.name, units: 1, threads, parameters });
    }
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return reasonOf(error).replace(/\.$/, "");
  }
}

/** Compares two revisions, as `compare` does. */
async function compareRevisions(
  plan: HistoryPlan,
  a: HistoryCommit,
  b: HistoryCommit,
  show: (progress: HistoryProgress) => void,
  signal: AbortSignal,
): Promise<CompareRun> {
  const { range: _range, harness: _harness, ...work } = plan;
  const [one, other] = [await specOf(plan, a), await specOf(plan, b)];
  return await compare(
    { ...work, a: { name: shortHash(a), spec: one }, b: { name: shortHash(b), spec: other } },
    show,
    signal,
  );
}

async function specOf({ range, variant, harness }: HistoryPlan, { hash }: HistoryCommit): Promise<ResolvedSpec> {
  return await resolveRevision(hash, hash, range.tree, variant?.split(",") ?? [], harness);
}
