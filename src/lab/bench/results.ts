/**
 * From turns to results: nanoseconds per operation of each round, their medians and intervals, and the ratios and
 * differences that are paired within the rounds.
 *
 * @module
 */
import { median } from "simple-statistics";
import { differences, type Estimate, estimate, ratios } from "../../measure/mod.ts";
import type { Ratio, Result } from "../../model/mod.ts";
import { netRatioToSystem } from "../../report/mod.ts";
import { LIBRARY_PATH, libraryName } from "../../peers/native.ts";
import type { Parameters } from "../../workloads/mod.ts";
import type { Contestant } from "../contest/contestants.ts";
import type { Identity } from "../contest/identity.ts";
import { perOperation } from "../contest/rounds.ts";
import type { Turn } from "../contestant/protocol.ts";

/** All turns of one contestant at one size with one number of threads, in the order of the rounds. */
export interface Series {
  readonly contestant: Contestant;
  readonly workload: string;
  readonly size: number;
  readonly threads: number;
  readonly parameters: Parameters;
  /** Operations of one unit of all threads. */
  readonly unitOperations: number;
  readonly turns: readonly Turn[];
  /** The first units of its processes, if they were timed. */
  readonly first?: readonly Turn[];
  /** Why the loops of the two languages cannot cost the same, if they cannot. */
  readonly loopsDiffer?: string | undefined;
  /** What served its malloc, if that was asked. */
  readonly identity?: Identity | undefined;
}

/** The results of series that were measured in the same rounds. */
export function resultsOf(all: readonly Series[]): Result[] {
  const labels = labelsOf(all);
  const results = all.map((series): Result => {
    const label = labels.get(series.contestant.allocator) ?? series.contestant.label;
    return { ...resultOf(series, all), label };
  });
  return results.map((result) => {
    if (result.ratioToSystem === undefined || !results.some(({ runtime }) => runtime === "harness")) return result;
    const net = netRatioToSystem(result, results);
    return { ...result, netRatioToSystem: net === undefined ? null : ratioOfEstimate(net) };
  });
}

/**
 * What people read instead of a native peer's name, by that: the allocator and its version. A library that tells
 * neither keeps the name of its file; names that two have in common are followed by their files. The system's keeps its
 * own.
 */
export function labelsOf(all: readonly Pick<Series, "contestant" | "identity">[]): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const { contestant: { allocator, runtime }, identity } of all) {
    if (runtime !== "native" || allocator === "system" || identity === undefined) continue;
    const isPath = LIBRARY_PATH.test(allocator);
    const name = isPath ? identity.name ?? libraryName(allocator) : allocator;
    if (name === undefined || (!isPath && identity.version === undefined)) continue;
    labels.set(allocator, identity.version === undefined ? name : `${name} ${identity.version}`);
  }
  const told = [...labels.values()], paths = [...labels.keys()];
  const isClear = (label: string) => / /.test(label) && told.indexOf(label) === told.lastIndexOf(label);
  return new Map(
    [...labels].map((
      [allocator, label],
    ) => [allocator, isClear(label) ? label : `${label} (${shortest(allocator, paths)})`]),
  );
}

/** The end of a path that no other path ends with, from a folder's name on. */
function shortest(path: string, all: readonly string[]): string {
  const ends = path.split("/").map((_part, index, parts) => parts.slice(index).join("/")).toReversed();
  return ends.find((end) => all.every((other) => other === path || !`/${other}`.endsWith(`/${end}`))) ?? path;
}

function resultOf(series: Series, all: readonly Series[]): Result {
  const { contestant, workload, size, threads, parameters, turns, identity } = series;
  const { allocator, runtime, language } = contestant;
  const last = turns.at(-1);
  if (last === undefined) throw new RangeError(`${contestant.label} has no turns at ${size}`);
  const samples = turns.map(perOperation);
  const time = estimate(samples);
  const equals = all.filter((other) => other.size === size && other.threads === threads);
  const harness = equals.find((other) => isHarness(other.contestant) && other.contestant.language === language);
  const system = equals.find((other) => other.contestant.allocator === "system");
  const ownHeaps = equals.find((other) => isWithOwnHeaps(other, contestant));
  const fewest = fewestThreads(series, all);
  const result: Result = {
    workload,
    allocator,
    runtime,
    host: language,
    ...(isHarness(contestant) && series.loopsDiffer !== undefined ? { loopsDiffer: series.loopsDiffer } : {}),
    ...(identity === undefined ? {} : { library: identity.library }),
    ...(identity?.version === undefined ? {} : { libraryVersion: identity.version }),
    size,
    threads,
    operations: series.unitOperations,
    checksum: last.checksum,
    opsPerSecond: throughput(time),
    nsPerOp: time.median,
    netNsPerOp: harness === undefined ? time.median : netTime(samples, harness),
    samples,
    ...(series.first === undefined ? {} : { coldSamples: series.first.map(perOperation) }),
    unitsPerSlot: last.units,
    tiers: turns.map((turn) => turn.tier),
    parameters: { ...parameters },
  };
  if (system !== undefined && !isHarness(contestant)) {
    result.ratioToSystem = ratioOf(series, system);
  }
  if (threads > 1) Object.assign(result, threadResults(series));
  if (ownHeaps !== undefined) result.ratioToOwnHeaps = ratioOf(series, ownHeaps);
  if (fewest !== undefined) result.scaling = ratioOf(series, fewest);
  return result;
}

/** What is only said of several threads. */
function threadResults({ contestant, turns }: Series): Partial<Result> {
  const byTurn = turns.map(({ threads = [] }) =>
    threads.map(({ operations, nanoseconds }) => operations === 0 ? 0 : 1e9 * operations / nanoseconds)
  );
  const threadSamples = (byTurn[0] ?? []).map((_, thread) => byTurn.map((turn) => turn[thread]!));
  return {
    heaps: contestant.heaps ?? "shared",
    threadSamples,
    threadOpsPerSecond: threadSamples.map((samples) => median(samples)),
    fairness: median(byTurn.map((turn) => Math.min(...turn) / Math.max(...turn))),
  };
}

/** Whether it is the same heap of ours, but one for each thread. */
function isWithOwnHeaps(other: Series, { allocator, runtime, heaps }: Contestant): boolean {
  const { contestant } = other;
  return runtime === "deno" && heaps !== "own" && contestant.runtime === "deno" && contestant.heaps === "own" &&
    contestant.allocator === allocator;
}

/** The same contestant with the fewest threads of all, if it has more. With one thread, own heaps are the one heap. */
function fewestThreads({ contestant, size, threads }: Series, all: readonly Series[]): Series | undefined {
  const fewest = Math.min(...all.map((other) => other.threads));
  if (threads === fewest) return undefined;
  return all.find((other) =>
    other.size === size && other.threads === fewest && other.contestant.allocator === contestant.allocator &&
    other.contestant.language === contestant.language && (fewest === 1 || other.contestant.heaps === contestant.heaps)
  );
}

function isHarness({ runtime }: Contestant): boolean {
  return runtime === "harness";
}

/** `net ns` of the tables: the time without that of the do-nothing allocator, round by round. */
function netTime(samples: readonly number[], harness: Series): number {
  return estimate(differences(samples, harness.turns.map(perOperation))).median;
}

/** The fastest time is the highest throughput: the bounds change sides. */
function throughput({ median, low, high }: Estimate): Estimate {
  return { median: 1e9 / median, low: 1e9 / high, high: 1e9 / low };
}

/** Throughput over that of another, round by round. */
function ratioOf({ turns }: Series, other: Series): Ratio {
  const times = turns.map(perOperation), others = other.turns.map(perOperation);
  return ratioOfEstimate(estimate(ratios(others, times)));
}

function ratioOfEstimate({ median, low, high }: Estimate): Ratio {
  return { ratio: median, low, high };
}
