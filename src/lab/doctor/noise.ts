/**
 * The noise floor: two fresh processes of the same code, which take turns (A B B A), as `compare` would have them. The
 * difference that they seem to have is noise, and no smaller difference can be told on this machine in that time.
 *
 * It is one pair of processes: the addresses they got and what V8 made of them are part of what is measured, and
 * another pair has others. `compare` takes many pairs for that reason.
 *
 * @module
 */
import { coverage, estimate, intervalRank, readSteal } from "../../measure/mod.ts";
import type { Noise } from "../../model/mod.ts";
import { completeParameters, WORKLOADS } from "../../workloads/mod.ts";
import { type Child, ContestantError } from "../contest/child.ts";
import { Children } from "../contest/children.ts";
import { enter } from "../contest/contestants.ts";
import type { Turn } from "../contestant/protocol.ts";
import { warmUp } from "../contest/warm_up.ts";

/** What to measure. */
export interface NoisePlan {
  readonly variant: string;
  /** Of measuring; starting and warming up come on top. */
  readonly seconds: number;
}

/** How far it is, for a progress bar. */
export type Report = (progress: { phase: string; done: number; total: number; label: string }) => void;

const WORKLOAD = "random-mixed";
const SIZE = 128;
const SLOT_MILLISECONDS = 25;
const LEVEL = 0.99;

/**
 * Measures the noise floor.
 *
 * @param signal Ends it.
 * @throws ContestantError if a process cannot do its work; what `signal` says if it is aborted.
 */
export async function measureNoise(
  { variant, seconds }: NoisePlan,
  report: Report,
  signal: AbortSignal,
): Promise<Noise> {
  const workload = WORKLOADS.get(WORKLOAD)!;
  const request = { workload: WORKLOAD, parameters: completeParameters(workload, { size: SIZE }) };
  const contestant = (await enter([variant], [])).contestants.find(({ runtime }) => runtime === "deno");
  if (contestant === undefined) throw new ContestantError(variant, "is not a contestant");
  await using children = new Children(signal);
  try {
    const both: Child[] = [];
    let units = 1;
    for (const done of [0, 1]) {
      report({ phase: "warming up", done, total: 2, label: contestant.label });
      const child = await children.start(contestant.command);
      both.push(child);
      const warm = await warmUp(child, request, { slotMilliseconds: SLOT_MILLISECONDS });
      units = Math.max(units, warm.units); // the same work for both
    }
    const [a, b] = both as [Child, Child];
    const pairs: [Turn, Turn][] = [];
    const before = await readSteal();
    const start = performance.now();
    for (let spent = 0; spent < seconds * 1000 || pairs.length === 0; spent = performance.now() - start) {
      report({ phase: "measuring", done: Math.round(spent), total: seconds * 1000, label: "" });
      signal.throwIfAborted();
      const isMirrored = pairs.length % 2 === 1;
      const first = await (isMirrored ? b : a).run({ ...request, units });
      const second = await (isMirrored ? a : b).run({ ...request, units });
      pairs.push(isMirrored ? [second, first] : [first, second]);
    }
    const after = await readSteal();
    const total = before !== undefined && after !== undefined ? after.total - before.total : 0;
    return {
      variant,
      workload: WORKLOAD,
      size: SIZE,
      slotMilliseconds: SLOT_MILLISECONDS,
      ...noiseOf(pairs.map(([one, other]) => one.nanoseconds / other.nanoseconds)),
      ...(total > 0 ? { stolen: (after!.stolen - before!.stolen) / total } : {}),
      tiers: [...new Set(pairs.flat().map(({ tier }) => tier))],
    };
  } catch (error) {
    signal.throwIfAborted(); // a process that was ended says so in words of its own
    throw error;
  }
}

/** What ratios of paired turns say: their median, its 99 % interval, the end of it that is farther from 1. */
export function noiseOf(ratios: readonly number[]): Pick<Noise, "pairs" | "ratio" | "level" | "floor" | "spread"> {
  const sorted = ratios.toSorted((a, b) => a - b);
  const rank = Math.max(1, intervalRank(sorted.length, LEVEL));
  const low = sorted[rank - 1], high = sorted[sorted.length - rank];
  if (low === undefined || high === undefined) throw new RangeError("noise needs at least one pair");
  return {
    pairs: ratios.length,
    ratio: { median: estimate(ratios).median, low, high },
    level: Math.min(LEVEL, coverage(ratios.length, rank)),
    floor: Math.max(share(low), share(high)),
    spread: estimate(ratios.map(share)).median,
  };
}

/** How far a ratio is from 1, either way: 0.1 for 1.1 and for 1/1.1. */
function share(ratio: number): number {
  return Math.exp(Math.abs(Math.log(ratio))) - 1;
}
