/**
 * Medians with an interval that assumes nothing about the distribution of the samples.
 *
 * The interval of a median comes from the order statistics: each sample lies below the true median with probability
 * 1/2, so the number that do is binomial, and sample k and its mirror image enclose the median unless fewer than k
 * samples fell on one side. With 6 samples the 95 % interval is minimum to maximum (96.9 %), with 10 it is the second to
 * the ninth (97.9 %); with fewer than 6 there is none. (David & Nagaraja, "Order Statistics", 7.1.)
 *
 * @module
 */
import { medianSorted } from "simple-statistics";

/** The level of every interval of `bench`. */
export const LEVEL = 0.95;

/** A median and the bounds of its interval. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * How often the interval from the `rank`-th smallest to the `rank`-th largest of `count` samples holds the median of
 * what they are drawn from. Exact.
 */
export function coverage(count: number, rank: number): number {
  let outside = 0;
  let probability = 2 ** -count; // of exactly `below` samples on one side
  for (let below = 0; below < rank; below++) {
    outside += 2 * probability;
    probability *= (count - below) / (below + 1);
  }
  return Math.max(0, 1 - outside);
}

/** The greatest rank whose interval still has the level, counted from 1; 0 if even minimum to maximum does not. */
export function intervalRank(count: number, level: number = LEVEL): number {
  let rank = 0;
  while (rank < Math.floor(count / 2) && coverage(count, rank + 1) >= level) rank++;
  return rank;
}

/**
 * The median of samples and its 95 % interval. Fewer than six, as of a run that was interrupted, give minimum to
 * maximum, which holds the median less often.
 *
 * @throws RangeError if there are no samples.
 */
export function estimate(samples: readonly number[]): Estimate {
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = Math.max(1, intervalRank(sorted.length));
  const low = sorted[rank - 1];
  const high = sorted[sorted.length - rank];
  if (low === undefined || high === undefined) throw new RangeError("an estimate needs at least one sample");
  return { median: medianSorted(sorted), low, high };
}

/** Of each pair, the first over the second. Samples of one round are a pair: the machine was the same for both. */
export function ratios(over: readonly number[], under: readonly number[]): number[] {
  return pairs(over, under, (a, b) => a / b);
}

/** Of each pair, the first minus the second. */
export function differences(from: readonly number[], what: readonly number[]): number[] {
  return pairs(from, what, (a, b) => a - b);
}

function pairs(left: readonly number[], right: readonly number[], combine: (a: number, b: number) => number): number[] {
  if (left.length !== right.length) {
    throw new RangeError(`${left.length} samples cannot be paired with ${right.length}`);
  }
  return left.map((value, index) => combine(value, right[index] as number));
}
