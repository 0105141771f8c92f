/**
 * What is doubtful about a run, collected from all that was recorded with it.
 *
 * @module
 */
import {
  bimodalWarning,
  type Environment,
  type Estimate,
  loadWarning,
  loopsWarning,
  modesOf,
  noiseWarning,
  type readSteal,
  stealWarning,
  threadsWarning,
  tierWarning,
  unstableWarning,
  type Warning,
  whoAt,
} from "../../measure/mod.ts";
import type { Result } from "../../model/mod.ts";
import { loopDifference, nameOf, settingOf, unlikeLoops } from "../../report/mod.ts";
import { median } from "simple-statistics";
import type { Parameters } from "../../workloads/mod.ts";

const SLOW = 20; // nanoseconds, and times the harness
/** What results of a replay have for a workload. */
export const REPLAY = "replay";

type Steal = Awaited<ReturnType<typeof readSteal>>;

/** What warnings are drawn from. */
export interface Evidence {
  readonly results: readonly Result[];
  /** Of each result, round by round, nanoseconds per operation of the fastest part of the turn. */
  readonly fastest: readonly (readonly number[])[];
  readonly environment: Environment;
  /** Who was still changing its speed after warm-up, and where. */
  readonly unstable: ReadonlyMap<string, readonly { readonly setting: string }[]>;
  readonly stealBefore: Steal;
  readonly stealAfter: Steal;
}

/** All warnings of a run. Unsteady speed is only worth one where it blurs the answer: our heap and `system`. */
export function warningsOf({ results, fastest, environment, unstable, stealBefore, stealAfter }: Evidence): Warning[] {
  const measured = results.filter(({ runtime }) => runtime !== "harness");
  // The loop's code says little where the allocator is many times slower than the loop.
  const isHarnessBound = ({ nsPerOp, netNsPerOp }: Result) => nsPerOp < SLOW * (nsPerOp - netNsPerOp) || nsPerOp < SLOW;
  const judged = measured.filter(({ runtime }) => runtime === "deno" || runtime === "native");
  const names = [...new Set(judged.map(nameOf))];
  const longer = longerBy(results.map(({ parameters }) => parameters));
  const steal = stealBefore && stealAfter &&
    stealWarning(stealAfter.stolen - stealBefore.stolen, stealAfter.total - stealBefore.total);
  const loops = unlikeLoops(results);
  return [
    loops.length === 0
      ? undefined
      : loopsWarning(loopDifference(loops), loops.map((each) => settingIn(results[0]!.workload, each))),
    loadWarning(environment.loadAverage[0] ?? 0, environment.cores),
    threadsWarning(Math.max(1, ...results.map(({ threads }) => threads)), environment.cores),
    steal,
    ...results.filter(isHarnessBound).map((result) =>
      tierWarning(whoAt(nameOf(result), [settingIn(result.workload, result)]), result.tiers, longer)
    ),
    ...judged.map((result) => modesWarning(result, results, fastest)),
    ...names.map((name) => unstableWarning(name, (unstable.get(name) ?? []).map(({ setting }) => setting), longer)),
    noiseWarning(names.map((who) => ({ who, at: throughputs(judged.filter((each) => nameOf(each) === who)) }))),
  ].filter((warning) => warning !== undefined);
}

/** Who has two speeds somewhere, that the others had not in the same rounds. Each sample is of a process of its own. */
function modesWarning(result: Result, all: readonly Result[], fastest: Evidence["fastest"]): Warning | undefined {
  const others = all.filter((each) => each !== result && each.size === result.size && each.threads === result.threads);
  const timesOf = (of: Result) => fastest[all.indexOf(of)]!, samples = timesOf(result);
  const slowness = (round: number) => median(others.map((other) => timesOf(other)[round]! / other.nsPerOp));
  const modes = modesOf(samples, others.length === 0 ? undefined : samples.map((_sample, round) => slowness(round)));
  return bimodalWarning(whoAt(nameOf(result), [settingIn(result.workload, result)]), modes);
}

function throughputs(results: readonly Result[]): Map<string, Estimate> {
  return new Map(results.map((result) => [settingIn(result.workload, result), result.opsPerSecond]));
}

/** The option that makes a unit longer, if the workload has it. */
export function longerBy(parameters: readonly Parameters[]): string | undefined {
  return parameters.some((each) => "cycles" in each) ? "--cycles" : undefined;
}

/** Where something was measured, as messages have it; empty for a replay, which has one setting only. */
export function settingIn(workload: string, setting: Pick<Result, "size" | "threads">): string {
  return workload === REPLAY ? "" : settingOf(setting);
}
