/**
 * The loops around the allocators. Each workload exists in TypeScript and in C; a do-nothing allocator prices the loop of
 * either. Where the two prices differ, a ratio of whole times says as much about the loops as about the allocators, and
 * the ratio of net times, each without its own loop, is the one to read.
 *
 * Net times are subtracted round by round, and their ratio is taken round by round, too; its interval is that of the
 * median of those ratios. A round in which the divisor is not above 0 says only that the ratio is large: it counts as
 * infinite. So where too many rounds say that, or that the dividend is nothing, no interval bounds the ratio: it is not
 * known.
 *
 * @module
 */
import { differences, type Estimate, estimate, ratios } from "./statistics.ts";

/** More than this, either way, is no longer the same loop. */
export const LOOPS_WITHIN = 0.15;

/** Times of one contestant, and of the do-nothing allocator of its language in the same rounds. */
export interface WithLoop {
  readonly samples: readonly number[];
  readonly loop: readonly number[];
}

/** The net time of `other` over that of `one`, a number a round: how many times as fast one is. */
export function netRatios(one: WithLoop, other: WithLoop): number[] {
  const divisors = differences(one.samples, one.loop);
  return differences(other.samples, other.loop).map((net, round) =>
    divisors[round]! > 0 ? Math.max(0, net / divisors[round]!) : Infinity
  );
}

/** The median of such ratios with its interval; undefined if no interval bounds it. */
export function knownRatio(ratiosOfRounds: readonly number[]): Estimate | undefined {
  if (ratiosOfRounds.length === 0) return undefined;
  const { median, low, high } = estimate(ratiosOfRounds);
  return low > 0 && Number.isFinite(high) ? { median, low, high } : undefined;
}

/** By which factor, 1 or more, the loops of two languages differ: the median of the rounds. */
export function loopFactor(one: readonly number[], other: readonly number[]): number {
  const { median } = estimate(ratios(one, other));
  return Math.max(median, 1 / median);
}
