/**
 * Ratios of throughput that lie close to 1, where a fiftieth counts: three digits after the point.
 *
 * @module
 */
import { times } from "../tables/format.ts";
import type { Ratio } from "../../model/results.ts";

/** The ratio alone: 0.985, but 0.002 keeps its digit. */
export function closeRatio(ratio: number): string {
  return ratio >= 0.1 && ratio < 10 ? ratio.toFixed(3) : times(ratio);
}

/** The bounds of its interval. */
export function closeBounds({ low, high }: Ratio): string {
  return `${closeRatio(low)}–${closeRatio(high)}`;
}

/** Both: `0.985 (0.970–0.997)`. */
export function closeRatioWithBounds(ratio: Ratio): string {
  return `${closeRatio(ratio.ratio)} (${closeBounds(ratio)})`;
}
