/**
 * Expectations: what somebody said the ratio to `system` would be, against what was measured. One that is never checked
 * is how a slower design came to be called a faster one.
 *
 * @module
 */
import { hasOwnHeaps, placeOf, ratioWithBounds, times } from "./format.ts";
import type { Expectation, Result } from "./schema.ts";

/**
 * Reads `+20%`, `-5%`, `1.2` or `1.2x` as a ratio; undefined if it is none of these.
 */
export function parseExpectation(text: string): number | undefined {
  const match = /^(?:([+-]\d+(?:\.\d+)?)\s*%|(\d+(?:\.\d+)?)x?)$/.exec(text.trim());
  const ratio = match?.[1] !== undefined ? 1 + Number(match[1]) / 100 : Number(match?.[2]);
  return Number.isFinite(ratio) && ratio > 0 ? ratio : undefined;
}

/** Holds each of our heaps, at each size with each number of threads, against the expected ratio to `system`. */
export function checkExpectation(expected: number, results: readonly Result[]): Expectation[] {
  return results.flatMap((result) => {
    const { runtime, allocator, size, threads, ratioToSystem: measured } = result;
    if (runtime !== "deno" || measured === undefined || hasOwnHeaps(result)) return [];
    const verdict = measured.low > expected ? "above" : measured.high < expected ? "below" : "as expected";
    return [{ allocator, size, ...(threads > 1 ? { threads } : {}), expected, measured, verdict }];
  });
}

/** One expectation as a line. */
export function expectationLine({ allocator, size, threads = 1, expected, measured, verdict }: Expectation): string {
  const contains = verdict === "as expected"
    ? "the interval contains what was expected"
    : `the whole interval is ${verdict} what was expected`;
  return `${allocator} at ${placeOf({ size, threads })}: expected ${times(expected)} times system, ` +
    `measured ${ratioWithBounds(measured)}: ${contains}`;
}
