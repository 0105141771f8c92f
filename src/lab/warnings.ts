/**
 * What is doubtful about a run, collected from all that was taken down with it.
 *
 * @module
 */
import {
  type Environment,
  type Estimate,
  loadWarning,
  noiseWarning,
  type readSteal,
  stealWarning,
  threadsWarning,
  tierWarning,
  unstableWarning,
  type Warning,
} from "../measure/mod.ts";
import { nameOf, placeOf, type Result } from "../report/mod.ts";

const SLOW = 20; // nanoseconds, and times the harness

type Steal = Awaited<ReturnType<typeof readSteal>>;

/** What warnings are drawn from. */
export interface Evidence {
  readonly results: readonly Result[];
  readonly environment: Environment;
  /** Who was still changing its speed after warm-up, and where. */
  readonly unstable: ReadonlyMap<string, readonly { readonly place: string }[]>;
  readonly stealBefore: Steal;
  readonly stealAfter: Steal;
}

/** All warnings of a run. Unsteady speed is only worth one where it blurs the answer: our heap and `system`. */
export function warningsOf({ results, environment, unstable, stealBefore, stealAfter }: Evidence): Warning[] {
  const measured = results.filter(({ runtime }) => runtime !== "harness");
  // The loop's code says little where the allocator is many times slower than the loop.
  const isHarnessBound = ({ nsPerOp, netNsPerOp }: Result) => nsPerOp < SLOW * (nsPerOp - netNsPerOp) || nsPerOp < SLOW;
  const judged = measured.filter(({ runtime }) => runtime === "deno" || runtime === "native");
  const names = [...new Set(judged.map(nameOf))];
  const who = (result: Result) => `${result.allocator} at ${placeOf(result)}`;
  const steal = stealBefore && stealAfter &&
    stealWarning(stealAfter.stolen - stealBefore.stolen, stealAfter.total - stealBefore.total);
  return [
    loadWarning(environment.loadAverage[0] ?? 0, environment.cores),
    threadsWarning(Math.max(1, ...results.map(({ threads }) => threads)), environment.cores),
    steal,
    ...results.filter(isHarnessBound).map((result) => tierWarning(who(result), result.tiers)),
    ...names.map((name) => unstableWarning(name, (unstable.get(name) ?? []).map(({ place }) => place))),
    ...names.map((name) => noiseWarning(name, throughputs(judged.filter((each) => nameOf(each) === name)))),
  ].filter((warning) => warning !== undefined);
}

function throughputs(results: readonly Result[]): Map<string, Estimate> {
  return new Map(results.map((result) => [placeOf(result), result.opsPerSecond]));
}
