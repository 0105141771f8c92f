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
  tierWarning,
  unstableWarning,
  type Warning,
} from "../measure/mod.ts";
import type { Result } from "../report/mod.ts";

const SLOW = 20; // nanoseconds, and times the harness

type Steal = Awaited<ReturnType<typeof readSteal>>;

/** What warnings are drawn from. */
export interface Evidence {
  readonly results: readonly Result[];
  readonly environment: Environment;
  /** Who was still changing its speed after warm-up, and at which sizes. */
  readonly unstable: ReadonlyMap<string, readonly number[]>;
  readonly stealBefore: Steal;
  readonly stealAfter: Steal;
}

/** All warnings of a run. Unsteady speed is only worth one where it blurs the answer: our heap and `system`. */
export function warningsOf({ results, environment, unstable, stealBefore, stealAfter }: Evidence): Warning[] {
  const measured = results.filter(({ runtime }) => runtime !== "harness");
  // The loop's code says little where the allocator is many times slower than the loop.
  const isHarnessBound = ({ nsPerOp, netNsPerOp }: Result) => nsPerOp < SLOW * (nsPerOp - netNsPerOp) || nsPerOp < SLOW;
  const judged = measured.filter(({ runtime }) => runtime === "deno" || runtime === "native");
  const names = [...new Set(judged.map(({ allocator }) => allocator))];
  const who = ({ allocator, size }: Result) => `${allocator} at ${size}`;
  const steal = stealBefore && stealAfter &&
    stealWarning(stealAfter.stolen - stealBefore.stolen, stealAfter.total - stealBefore.total);
  return [
    loadWarning(environment.loadAverage[0] ?? 0, environment.cores),
    steal,
    ...results.filter(isHarnessBound).map((result) => tierWarning(who(result), result.tiers)),
    ...names.map((name) => unstableWarning(name, unstable.get(name) ?? [])),
    ...names.map((name) => noiseWarning(name, throughputs(judged.filter((each) => each.allocator === name)))),
  ].filter((warning) => warning !== undefined);
}

function throughputs(results: readonly Result[]): Map<number, Estimate> {
  return new Map(results.map(({ size, opsPerSecond }) => [size, opsPerSecond]));
}
