/**
 * Which allocators' highest value is far above that of most: on one scale with them, all others would be flat.
 *
 * @module
 */

/** Times the median beyond which a value is far. Up to there, the median still has a quarter of a chart's height. */
const FAR = 4;

/** The highest value that is not far above most, which at least half of the values do not exceed. */
export function commonTop(peaks: readonly number[]): number {
  const median = peaks.toSorted((a, b) => a - b)[Math.floor((peaks.length - 1) / 2)] ?? 0;
  return Math.max(0, ...peaks.filter((peak) => peak <= FAR * median));
}
