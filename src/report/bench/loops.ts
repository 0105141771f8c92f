/**
 * Whether the loops of TypeScript and C cost the same in a run, and ratios of net times where they do not. All is drawn
 * from the samples, so it holds for files of versions that said nothing of it.
 *
 * @module
 */
import { type Estimate, estimate, knownRatio, loopFactor, LOOPS_WITHIN, netRatios, ratios } from "../../measure/mod.ts";
import { isReplay, nanoseconds, type Setting, settingOf, times } from "../tables/format.ts";
import type { Result } from "../../model/results.ts";

/** What the two loops cost at a setting, where they differ. */
export interface Loops extends Setting {
  /** Nanoseconds per operation. */
  readonly deno: number;
  readonly native: number;
  /** By which factor they differ, more than 1. */
  readonly factor: number;
  /** Why, if the workload knows. */
  readonly because?: string | undefined;
}

/** The settings at which the loops differ by more than 15 %. */
export function unlikeLoops(results: readonly Result[]): Loops[] {
  return results.filter(({ runtime, host }) => runtime === "harness" && host === "deno").flatMap((deno) => {
    const native = loopOf({ ...deno, host: "native" }, results);
    if (native === undefined) return [];
    const factor = loopFactor(deno.samples, native.samples);
    if (factor <= 1 + LOOPS_WITHIN) return [];
    const { size, threads, loopsDiffer: because } = deno;
    return [{ size, threads, deno: deno.nsPerOp, native: native.nsPerOp, factor, because }];
  });
}

/** By how much they differ, in words: `50 %`, `8.50 times`. */
export function loopDifference(loops: readonly Loops[]): string {
  const factor = Math.max(...loops.map((each) => each.factor));
  return factor < 2 ? `${Math.round(100 * (factor - 1))} %` : `a factor of ${times(factor)}`;
}

/** One setting in words. */
export function loopsLine(loops: Loops): string {
  const { deno, native, factor, because } = loops;
  // The median of the rounds' ratios may be far from the ratio of the medians, which a reader sees.
  const how = Math.abs(Math.max(deno / native, native / deno) - factor) > 0.05 ? " in the median round" : "";
  return `the loops differ by ${loopDifference([loops])}${how}: ${nanoseconds(deno)} ns in TypeScript, ` +
    `${nanoseconds(native)} ns in C${because === undefined ? "" : ` (${because})`}`;
}

/** A line for each setting, named where there are several. */
export function loopsLines(results: readonly Result[]): string[] {
  return unlikeLoops(results).map((loops) =>
    `${isReplay(results) ? "" : `at ${settingOf(loops)} `}${loopsLine(loops)}; net x compares without them`
  );
}

/** How many times as fast `one` is without the loops, round by round; undefined if a loop was not measured. */
export function netRatiosOf(one: Result, other: Result, results: readonly Result[]): number[] | undefined {
  const ours = loopOf(one, results), theirs = loopOf(other, results);
  if (ours === undefined || theirs === undefined) return undefined;
  return netRatios({ samples: one.samples, loop: ours.samples }, { samples: other.samples, loop: theirs.samples });
}

/** The net ratio to `system` at a result's setting; undefined if it is not known. */
export function netRatioToSystem(result: Result, results: readonly Result[]): Estimate | undefined {
  const system = results.find((other) => other.allocator === "system" && isAt(other, result));
  return system && knownRatio(netRatiosOf(result, system, results) ?? []);
}

/**
 * What is judged of two at one setting: how many times as fast one is. That is the ratio of whole times, or of net ones
 * where the loops around the two differ, and then it may be not known.
 */
export function judgedRatio(one: Result, other: Result, results: readonly Result[]): JudgedRatio {
  const isNet = one.host !== other.host && unlikeLoops(results).some((loops) => isAt(loops, one));
  if (!isNet) return { ratio: estimate(ratios(other.samples, one.samples)), isNet };
  return { ratio: knownRatio(netRatiosOf(one, other, results) ?? []), isNet };
}

/** A ratio to be judged; undefined if it is not known. */
export interface JudgedRatio {
  readonly ratio: Estimate | undefined;
  readonly isNet: boolean;
}

/** The do-nothing allocator in the language of a result, at its setting. */
function loopOf(result: Pick<Result, "host" | "size" | "threads">, results: readonly Result[]): Result | undefined {
  return results.find((other) => other.runtime === "harness" && other.host === result.host && isAt(other, result));
}

function isAt(one: Setting, other: Setting): boolean {
  return one.size === other.size && one.threads === other.threads;
}
