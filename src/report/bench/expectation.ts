/**
 * Expectations: what was said beforehand that the ratio to `system` would be, against what was measured. A slower
 * design was once called a faster one because nobody checked what was expected of it.
 *
 * @module
 */
import { hasOwnHeaps, ratioWithBounds, settingOf, times } from "../tables/format.ts";
import { judgedRatio } from "./loops.ts";
import { heapLabel } from "../tables/label.ts";
import type { Expectation, Result } from "../../model/results.ts";

/**
 * Reads `+20%`, `-5%`, `1.2` or `1.2x` as a ratio; undefined if it is none of these.
 */
export function parseExpectation(text: string): number | undefined {
  const match = /^(?:([+-]\d+(?:\.\d+)?)\s*%|(\d+(?:\.\d+)?)x?)$/.exec(text.trim());
  const ratio = match?.[1] !== undefined ? 1 + Number(match[1]) / 100 : Number(match?.[2]);
  return Number.isFinite(ratio) && ratio > 0 ? ratio : undefined;
}

/**
 * Holds each of our heaps, at each size with each number of threads, against the expected ratio to `system`: that of net
 * times where the loops differ.
 */
export function checkExpectation(expected: number, results: readonly Result[]): Expectation[] {
  return results.flatMap((result) => {
    const { runtime, allocator, size, threads, ratioToSystem: whole } = result;
    const system = results.find((other) =>
      other.allocator === "system" && other.size === size && other.threads === threads
    );
    if (runtime !== "deno" || whole === undefined || system === undefined || hasOwnHeaps(result)) return [];
    const { ratio, isNet } = judgedRatio(result, system, results);
    const measured = isNet && ratio !== undefined ? { ratio: ratio.median, low: ratio.low, high: ratio.high } : whole;
    const { low, high } = measured;
    const verdict = ratio === undefined
      ? "not known"
      : low > expected
      ? "above"
      : high < expected
      ? "below"
      : "as expected";
    const setting = { allocator, size, ...(threads > 1 ? { threads } : {}) };
    return [{ ...setting, expected, measured, ...(isNet ? { isNet } : {}), verdict }];
  });
}

/** One expectation as a line. */
export function expectationLine(
  { allocator, size, threads = 1, expected, measured, isNet, verdict }: Expectation,
): string {
  const start = `${heapLabel(allocator)} at ${settingOf({ size, threads })}: expected ${
    times(expected)
  } times system, `;
  if (verdict === "not known") return `${start}which is not known: the loops differ, and nothing is left without them`;
  const contains = verdict === "as expected"
    ? "the interval contains what was expected"
    : `the whole interval is ${verdict} what was expected`;
  const without = isNet === true ? " without the loops, which differ" : "";
  return `${start}measured ${ratioWithBounds(measured)}${without}: ${contains}`;
}
