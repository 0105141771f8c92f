/**
 * The verdict on a paired comparison: is B as fast as A, faster, slower, or is that not known?
 *
 * The unit is the round. Of each there is one number, d = ln(time of B / time of A), measured while the machine was the
 * same for both. The estimate is Hodges and Lehmann's: the median of the Walsh averages (d_i + d_j) / 2, i <= j. The
 * interval goes from the k-th smallest to the k-th largest of them, where k comes from the exact distribution of
 * Wilcoxon's signed rank: no assumption about the distribution of d but symmetry, and one wild round moves it little.
 *
 * An A/A control, the same contestant in two processes of the same rounds, says what the machine calls a difference
 * today. A difference counts if its whole interval is beyond what the control's interval reaches, and beyond 2 %.
 *
 * Looks are taken at fixed numbers of rounds, never until something is significant; rows (sizes) share one level
 * (Bonferroni). That false verdicts are rare was simulated: `tests/measure/verdict_simulation_test.ts`.
 *
 * Sources: Hollander, Wolfe & Chicken, "Nonparametric Statistical Methods" (2014), 3.1-3.3; Kalibera & Jones, "Rigorous
 * Benchmarking in Reasonable Time" (2013).
 *
 * @module
 */

/** What can be said of a row. A regression means that B is slower. */
export type Verdict = "regression" | "improvement" | "equivalent" | "inconclusive";

/** A location and the bounds of its interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The level of a whole comparison: of 100 comparisons of equals, one may have an interval that misses. */
export const COMPARE_LEVEL = 0.99;

/** The numbers of rounds at which a comparison is looked at. */
export const LOOKS: readonly number[] = [20, 40];

/** Less than this is no difference, however sure it is. */
export const LEAST_DELTA = 0.02;

/** Each row's share of the level of the whole. */
export function bonferroni(rows: number, level: number = COMPARE_LEVEL): number {
  return 1 - (1 - level) / Math.max(1, rows);
}

/**
 * The probability that the signed-rank statistic of `count` differences, which are symmetric around 0, is below `rank`.
 * Exact: the number of subsets of 1..count with each sum, over all subsets. Cost: count^3 / 4 additions.
 */
export function signedRankBelow(count: number, rank: number): number {
  const largest = count * (count + 1) / 2;
  const subsets = new Float64Array(largest + 1);
  subsets[0] = 1;
  for (let item = 1; item <= count; item++) {
    for (let sum = largest; sum >= item; sum--) subsets[sum]! += subsets[sum - item]!;
  }
  let below = 0;
  for (let sum = 0; sum < Math.min(rank, largest + 1); sum++) below += subsets[sum]!;
  return below / 2 ** count;
}

/**
 * The rank of the Walsh average that bounds the interval from below; its mirror image bounds it from above. For 10
 * differences at 99 % it is 4 of 55, for 20 it is 38 of 210, for 40 it is 221 of 820. 0 if no interval has the level.
 */
export function walshRank(count: number, level: number): number {
  let rank = 0;
  while (2 * signedRankBelow(count, rank + 1) <= 1 - level) rank++;
  return rank;
}

/** The fewest differences of which an interval of this level exists. */
export function leastRounds(level: number): number {
  let count = 1;
  while (walshRank(count, level) === 0) count++;
  return count;
}

/**
 * Hodges and Lehmann's estimate of where differences lie, with its exact interval.
 *
 * @throws RangeError if there are too few for an interval of that level (8 at 99 %).
 */
export function signedRankInterval(differences: readonly number[], level: number): Interval {
  const count = differences.length;
  const rank = walshRank(count, level);
  if (rank === 0) throw new RangeError(`${count} differences have no interval of level ${level}`);
  const averages = new Float64Array(count * (count + 1) / 2);
  let next = 0;
  for (let i = 0; i < count; i++) {
    for (let j = i; j < count; j++) averages[next++] = (differences[i]! + differences[j]!) / 2;
  }
  averages.sort();
  const middle = averages.length / 2;
  const value = (averages[Math.floor(middle)]! + averages[Math.ceil(middle) - 1]!) / 2;
  return { value, low: averages[rank - 1]!, high: averages[averages.length - rank]! };
}

/** What a difference must exceed to count: 2 %, or as far as the control, which compares equals, reaches. */
export function deltaOf(control: Interval): number {
  return Math.max(Math.log1p(LEAST_DELTA), Math.abs(control.low), Math.abs(control.high));
}

/** The verdict on one row; `difference` is of logarithms of times, B's over A's. */
export function verdictOf({ low, high }: Interval, delta: number): Verdict {
  if (low > delta) return "regression";
  if (high < -delta) return "improvement";
  return low >= -delta && high <= delta ? "equivalent" : "inconclusive";
}

/** The verdict on the whole: the worst that is known of a row, else what is not known, else the best. */
export function overall(verdicts: readonly Verdict[]): Verdict {
  const order: readonly Verdict[] = ["regression", "inconclusive", "improvement", "equivalent"];
  return order.find((verdict) => verdicts.includes(verdict)) ?? "inconclusive";
}

/** One row's rounds: logarithms of ratios of times. */
export interface PairedRounds {
  /** ln(B / A), a number a round. */
  readonly differences: readonly number[];
  /** ln(A' / A), the control, of the same rounds. */
  readonly control: readonly number[];
}

/** One row, judged. */
export interface Judgement {
  readonly difference: Interval;
  readonly control: Interval;
  readonly delta: number;
  readonly verdict: Verdict;
}

/** Judges a row at a level of its own. */
export function judge({ differences, control }: PairedRounds, level: number): Judgement {
  const difference = signedRankInterval(differences, level), controlled = signedRankInterval(control, level);
  const delta = deltaOf(controlled);
  return { difference, control: controlled, delta, verdict: verdictOf(difference, delta) };
}
