/**
 * Steps in a curve: points that stand out from their neighbours. Where a cost is to grow evenly, if at all, such a point is
 * work that is done now and then, all at once.
 *
 * @module
 */
import { median } from "simple-statistics";

/** Neighbours on each side. */
const NEIGHBOURS = 3;

/** A point that stands out. */
export interface Step {
  readonly index: number;
  /** How many times the median of its neighbours it is. */
  readonly times: number;
}

/**
 * The points of a curve that are more than `factor` times the median of their three neighbours on each side, or of those
 * that there are at its ends.
 */
export function stepsOf(values: readonly number[], factor: number): Step[] {
  return values.flatMap((value, index) => {
    const near = values.slice(Math.max(0, index - NEIGHBOURS), index + NEIGHBOURS + 1);
    near.splice(Math.min(index, NEIGHBOURS), 1);
    if (near.length === 0) return [];
    const times = value / median(near);
    return times > factor ? [{ index, times }] : [];
  });
}
