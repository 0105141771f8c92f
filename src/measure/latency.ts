/**
 * Histograms of how long operations took, in ticks of a clock: as `native/latency.h` records them, and percentiles of
 * them. A bucket is one tick wide below 64 ticks, then a 32nd of its power of two, so its middle is within 1.6 % of all
 * that is in it (the layout is HdrHistogram's; its library records in objects of its own, this records in C):
 *
 *     bucket     0 ...  63    64 ...  95     96 ... 127    ...
 *     ticks      0 ...  63    64 ... 127    128 ... 255
 *     width            1             2              4
 *
 * @module
 */

const SUBBUCKETS = 32;
const HIGHEST = 2 ** 44;

/** Operations by bucket, ascending; buckets without any are left out. */
export type Histogram = readonly (readonly [bucket: number, count: number])[];

/** The bucket of so many ticks, a whole number; the last one has all from 2^44. */
export function bucketOf(ticks: number): number {
  if (ticks < 2 * SUBBUCKETS) return ticks;
  const within = Math.min(ticks, HIGHEST - 1), shift = Math.floor(Math.log2(within)) - Math.log2(SUBBUCKETS);
  return shift * SUBBUCKETS + Math.floor(within / 2 ** shift);
}

/** The ticks in the middle of a bucket. */
export function bucketMiddle(bucket: number): number {
  if (bucket < 2 * SUBBUCKETS) return bucket;
  const shift = Math.floor(bucket / SUBBUCKETS) - 1, width = 2 ** shift;
  return (bucket % SUBBUCKETS + SUBBUCKETS) * width + (width - 1) / 2;
}

/** How many operations are in a histogram. */
export function countOf(histogram: Histogram): number {
  return histogram.reduce((sum, [, count]) => sum + count, 0);
}

/** The operations of several histograms in one. */
export function merged(histograms: readonly Histogram[]): Histogram {
  const counts = new Map<number, number>();
  for (const [bucket, count] of histograms.flat()) counts.set(bucket, (counts.get(bucket) ?? 0) + count);
  return [...counts].toSorted(([a], [b]) => a - b);
}

/**
 * The ticks that a share of the operations did not exceed, as the middle of a bucket.
 *
 * @param share 0.999 for p99.9
 * @returns undefined of so few operations that none is beyond the share: of 9,999, p99.99 is the longest alone
 */
export function percentile(histogram: Histogram, share: number): number | undefined {
  const count = countOf(histogram);
  if (count === 0 || count * (1 - share) < 1 - 1e-9) return undefined;
  const rank = Math.ceil(count * share - 1e-6);
  let below = 0;
  for (const [bucket, each] of histogram) {
    below += each;
    if (below >= rank) return bucketMiddle(bucket);
  }
  return undefined;
}
