/**
 * The verdict on a paired comparison: is B as fast as A, faster, slower, or is that not known?
 *
 * The unit is the round. Each round gives one number, d = ln(time of B / time of A), measured while the machine was the
 * same for both. The estimate is Hodges and Lehmann's: the median of the Walsh averages (d_i + d_j) / 2, i <= j. The
 * interval goes from the k-th smallest to the k-th largest of them, where k comes from the exact distribution of
 * Wilcoxon's signed rank: no assumption about the distribution of d except symmetry, and one wild round moves it
 * little.
 *
 * An A/A control, the same contestant in two processes of the same rounds, says what the machine calls a difference
 * today. A difference counts if its whole interval is beyond what the control's interval reaches, and beyond 2 %. Two
 * are equivalent if the whole interval is within that, and within 5 %: a bound that the noise cannot widen. Without it,
 * on a machine where one process in twenty is half as fast, a quarter of real losses of 10 % were called equivalent.
 *
 * Where too many rounds were disturbed from outside (`disturbance.ts`) every row is inconclusive, whatever it says.
 *
 * Looks are taken at fixed numbers of rounds, never until something is significant; rows (sizes) share one level
 * (Bonferroni). That false verdicts are rare was simulated: `tests/measure/verdict_simulation_test.ts`.
 *
 * Sources: Hollander, Wolfe & Chicken, "Nonparametric Statistical Methods" (2014), 3.1-3.3; Kalibera & Jones, "Rigorous
 * Benchmarking in Reasonable Time" (2013); of the bound, Schuirmann, "A Comparison of the Two One-Sided Tests Procedure
 * and the Power Approach for Assessing the Equivalence of Average Bioavailability" (1987).
 *
 * @module
 */
import { quickselect } from "simple-statistics";

/** What can be said about a row. A regression means that B is slower. */
export type Verdict = "regression" | "improvement" | "equivalent" | "inconclusive";

/** A location and the bounds of its interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The level of a whole comparison: of 100 comparisons of equals, one may have an interval that misses. */
export const COMPARE_LEVEL = 0.99;

/**
 * The numbers of rounds at which a comparison is looked at. The third is for small losses on noisy machines: of losses of
 * 5 % in real rounds that were drawn again, 89 % were found with two looks and 99.6 % with three.
 */
export const LOOKS: readonly number[] = [20, 40, 80];

/** Less than this is not a difference, however sure it is. */
export const LEAST_DELTA = 0.02;

/** Who may differ by more than this is not called equivalent, however noisy the machine is. */
export const EQUIVALENT_WITHIN = 0.05;

/** Each row's share of the level of the whole. */
export function bonferroni(rows: number, level: number = COMPARE_LEVEL): number {
  return 1 - (1 - level) / Math.max(1, rows);
}

/**
 * The probability that the signed-rank statistic of `count` differences, which are symmetric around 0, is below `rank`.
 * Exact: the number of subsets of 1..count with each sum, over all subsets. Cost: count^3 / 4 additions.
 */
export function signedRankBelow(count: number, rank: number): number {
  let below = 0;
  for (const subsets of subsetsBySum(count).subarray(0, Math.max(0, rank))) below += subsets;
  return below / 2 ** count;
}

/** How many subsets of 1..count have each sum. */
function subsetsBySum(count: number): Float64Array {
  const largest = count * (count + 1) / 2;
  const subsets = new Float64Array(largest + 1);
  subsets[0] = 1;
  for (let item = 1; item <= count; item++) {
    for (let sum = largest; sum >= item; sum--) subsets[sum]! += subsets[sum - item]!;
  }
  return subsets;
}

const RANKS = new Map<string, number>(); // by count and level: a comparison asks for few, and for each again and again

/**
 * The rank of the Walsh average that bounds the interval from below; its mirror image bounds it from above. For 10
 * differences at 99 % it is 4 of 55, for 20 it is 38 of 210, for 40 it is 221 of 820. 0 if no interval has the level.
 */
export function walshRank(count: number, level: number): number {
  const key = `${count} ${level}`;
  let rank = RANKS.get(key);
  if (rank === undefined) {
    const subsets = subsetsBySum(count);
    let below = subsets[0]!; // what is below the next rank
    for (rank = 0; 2 * below / 2 ** count <= 1 - level; rank++) below += subsets[rank + 1]!;
    RANKS.set(key, rank);
  }
  return rank;
}

/** The fewest differences of which an interval of this level exists. */
export function leastRounds(level: number): number {
  let count = 1;
  while (walshRank(count, level) === 0) count++;
  return count;
}

/** The highest level of which so many differences have an interval: that from the smallest to the largest of them. */
export function highestLevel(count: number): number {
  return 1 - 2 / 2 ** count;
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
  const sorted = differences.toSorted((a, b) => a - b); // so the averages come in runs, which are quicker to select from
  const averages = new Array<number>(count * (count + 1) / 2);
  let next = 0;
  for (let i = 0; i < count; i++) {
    for (let j = i; j < count; j++) averages[next++] = (sorted[i]! + sorted[j]!) / 2;
  }
  const last = averages.length - 1, upper = Math.ceil(last / 2), lower = Math.floor(last / 2);
  const select = (place: number, from: number, to: number) => {
    quickselect(averages, place, from, to); // what is below that place is less, and stays on that side
    return averages[place]!;
  };
  const above = select(upper, 0, last), below = select(lower, 0, upper);
  return { value: (below + above) / 2, low: select(rank - 1, 0, lower), high: select(last - rank + 1, upper, last) };
}

/** What a difference must exceed to count: 2 %, or as far as the control, which compares equals, reaches. */
export function deltaOf(control: Interval): number {
  return Math.max(Math.log1p(LEAST_DELTA), Math.abs(control.low), Math.abs(control.high));
}

/** The verdict on one row; `difference` is of logarithms of times, B's over A's. */
export function verdictOf({ low, high }: Interval, delta: number): Verdict {
  if (low > delta) return "regression";
  if (high < -delta) return "improvement";
  const within = Math.min(delta, Math.log1p(EQUIVALENT_WITHIN));
  return low >= -within && high <= within ? "equivalent" : "inconclusive";
}

/**
 * The verdict on the whole: the first of these that a row has: regression, inconclusive, improvement, equivalent.
 */
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

/**
 * Judges a row at a level of its own.
 *
 * @param areDisturbed Whether its rounds were disturbed so often that they give no verdict.
 */
export function judge({ differences, control }: PairedRounds, level: number, areDisturbed = false): Judgement {
  const difference = signedRankInterval(differences, level), controlled = signedRankInterval(control, level);
  const delta = deltaOf(controlled);
  const verdict = areDisturbed ? "inconclusive" : verdictOf(difference, delta);
  return { difference, control: controlled, delta, verdict };
}

/** Whether a comparison may end at this look: of every row it is known what it is. Another look takes more rounds. */
export function isSettled(rows: readonly { readonly verdict: Verdict }[]): boolean {
  return rows.every(({ verdict }) => verdict !== "inconclusive");
}
