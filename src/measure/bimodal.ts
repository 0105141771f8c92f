/**
 * Does a contestant run at one of two speeds? V8 decides in each process anew how to compile the same source, and then
 * a median says how often V8 decided which way, not how fast anything is.
 *
 * The logarithms of the times, one a process, are sorted and cut in two where that explains most of their variance. The
 * ratio of the sums of squares between and within the two parts is the likelihood ratio of two normal populations of
 * equal variance against one (Engelman & Hartigan, "Percentage Points of a Test for Clusters", JASA 64, 1969). Its
 * percentage points were simulated for parts of at least two, and `tests/measure/bimodal_test.ts` simulates them again.
 *
 * A process is judged by its fastest turn, since a mode that lasts for its life slows all of them, and a disturbance
 * does not. A long tail passes the test, too: so the parts must be {@link APART} from one another, and each one must be
 * narrow. And a machine that has two speeds has them for everybody: modes that other contestants had at the same time are the
 * machine's.
 *
 * @module
 */
import { mean, medianSorted, sampleStandardDeviation } from "simple-statistics";

/** Two speeds, as nanoseconds per operation (the medians of the two), and how many processes had which. */
export interface Modes {
  readonly fast: number;
  readonly slow: number;
  readonly fastCount: number;
  readonly slowCount: number;
}

/** How far the slow mode must be from the fast one, as a share of the latter. */
const APART = 0.08;
/** Fewer processes than that say nothing. */
export const LEAST_PROCESSES = 6;
/** One process alone is an accident, not a mode. */
const LEAST_IN_MODE = 2;
/** A mode's standard deviation is at most this share of the distance between the two. */
const NARROW = 1 / 4;
/** What of their distance others may share at the same time. */
const SHARED = 1 / 2;

/** What the ratio exceeds in 1 % of samples of so many numbers from one normal population. */
export const PERCENTAGE_POINTS: readonly (readonly [count: number, ratio: number])[] = [
  [6, 30.81],
  [8, 14.59],
  [10, 9.92],
  [12, 7.75],
  [15, 6.19],
  [20, 4.88],
  [30, 3.83],
  [40, 3.44],
  [60, 2.94],
  [80, 2.72],
];

/**
 * Two modes, if there are two.
 *
 * @param times Nanoseconds per operation of the fastest turn of each process; above 0.
 * @param others What another contestant took at the same times, in the same order, if that is known.
 */
export function modesOf(times: readonly number[], others?: readonly number[]): Modes | undefined {
  if (times.length < LEAST_PROCESSES) return undefined;
  const logs = times.map(Math.log), sorted = logs.toSorted((a, b) => a - b);
  const { fastCount, ratio } = bestCut(sorted);
  const fast = sorted.slice(0, fastCount), slow = sorted.slice(fastCount);
  const distance = mean(slow) - mean(fast);
  if (ratio <= percentagePoint(times.length) || distance < Math.log1p(APART)) return undefined;
  if (Math.max(sampleStandardDeviation(fast), sampleStandardDeviation(slow)) > NARROW * distance) return undefined;
  if (others !== undefined) {
    const isSlow = logs.map((log) => log >= slow[0]!);
    const of = (slowOnes: boolean) => mean(others.filter((_time, at) => isSlow[at] === slowOnes).map(Math.log));
    if (of(true) - of(false) > SHARED * distance) return undefined;
  }
  const inOrder = times.toSorted((a, b) => a - b);
  return {
    fast: medianSorted(inOrder.slice(0, fastCount)),
    slow: medianSorted(inOrder.slice(fastCount)),
    fastCount,
    slowCount: slow.length,
  };
}

/** Cuts sorted numbers in two so that the squares between the parts are greatest over those within them. */
export function bestCut(sorted: readonly number[]): { fastCount: number; ratio: number } {
  const count = sorted.length, all = mean(sorted);
  const total = sorted.reduce((sum, each) => sum + (each - all) ** 2, 0);
  let fastCount = 0, most = -1, sum = 0;
  for (let cut = 1; cut <= count - LEAST_IN_MODE; cut++) {
    sum += sorted[cut - 1]! - all;
    const between = sum ** 2 * count / (cut * (count - cut));
    if (cut >= LEAST_IN_MODE && between > most) [fastCount, most] = [cut, between];
  }
  return { fastCount, ratio: most / Math.max(0, total - most) }; // no variance at all: 0 / 0, which exceeds nothing
}

/**
 * By its logarithm between the counts that were simulated; above them the last one, which asks for more than needed.
 */
function percentagePoint(count: number): number {
  const above = PERCENTAGE_POINTS.findIndex(([each]) => each >= count);
  if (above === -1) return PERCENTAGE_POINTS.at(-1)![1];
  const [high, ratio] = PERCENTAGE_POINTS[above]!, [low, lowRatio] = PERCENTAGE_POINTS[Math.max(0, above - 1)]!;
  return high === count ? ratio : lowRatio * (ratio / lowRatio) ** ((count - low) / (high - low));
}
