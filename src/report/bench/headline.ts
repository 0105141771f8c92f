/**
 * The result in one line of words: how many times as fast as each peer our heap is, over all sizes. With several
 * numbers of threads, it has one ratio for each, against one peer alone, and how throughput grows from the fewest.
 *
 * Sizes are joined round by round by the geometric mean of their ratios; the interval is that of the median round. Where
 * the loops of the two languages differ, the ratios are those of net times, and the line says so.
 *
 * @module
 */
import { type Estimate, knownRatio, ratios } from "../../measure/mod.ts";
import {
  bounds,
  hasOwnHeaps,
  isThreaded,
  mops,
  nameOf,
  ratioWithBounds,
  sizesOf,
  threadCount,
  threadsOf,
  times,
} from "../tables/format.ts";
import { loopDifference, netRatiosOf, unlikeLoops } from "./loops.ts";
import type { Result, ResultFile } from "../../model/results.ts";

/** The line, without its end. */
export function headline({ results, rounds }: Pick<ResultFile, "results" | "rounds">): string {
  const first = results.find(({ runtime }) => runtime === "deno");
  if (first === undefined) return "nothing was measured";
  const counted = results.filter(({ runtime }) => runtime !== "harness");
  const seriesOf = (allocator: string) => counted.filter((each) => each.allocator === allocator && !hasOwnHeaps(each));
  const ours = seriesOf(first.allocator);
  const others = [...new Set(counted.map(({ allocator }) => allocator))]
    .filter((allocator) => allocator !== first.allocator)
    .toSorted((a, b) => Number(b === "system") - Number(a === "system"));
  const where = `${sizeRange(results)}, ${rounds.measured} ${rounds.measured === 1 ? "round" : "rounds"}`;
  const threads = threadsOf(ours);
  const rival = others.find((other) =>
    threads.every((count) => seriesOf(other).some((each) => each.threads === count))
  );
  const crew = isThreaded(ours)
    ? ` with ${threads.length === 1 ? threadCount(threads[0]!) : `${threads.join(", ")} threads`}`
    : "";
  const subject = `${nameOf(ours[0]!)} runs ${first.workload}${crew}`;
  const ratioOf = ratioWithin(results);
  if (threads.length > 1) {
    const peer = seriesOf(rival ?? "");
    const how = peer.length === 0 ? "" : howOf(results);
    return `${subject} ${byThreads(ours, peer, threads, ratioOf, how)}; ${where}`;
  }
  if (others.length === 0) return `${subject} at ${ours.map(speedOf).join(", ")} M operations/s; ${where}`;
  const known: string[] = [], unknown: string[] = [];
  for (const other of others) {
    const ratio = ratioOf(ours, seriesOf(other));
    const name = nameOf(seriesOf(other)[0]!);
    if (ratio === undefined) {
      unknown.push(name);
      continue;
    }
    const how = known.length === 0 ? "times as fast as" : "times";
    known.push(`${times(ratio.median)} ${how} ${name} (${bounds(ratio.low, ratio.high)})`);
  }
  const how = howOf(results), names = unknown.join(", ");
  if (known.length === 0) {
    return `it is not known how many times as fast as ${names} ${
      nameOf(ours[0]!)
    } runs ${first.workload}${crew}${how}; ${where}`;
  }
  return `${subject} ${known.join(", ")}${names === "" ? "" : `, not known against ${names}`}${how}; ${where}`;
}

/** Which ratio it is, if it is not that of the whole. */
function howOf(results: readonly Result[]): string {
  const loops = unlikeLoops(results);
  return loops.length === 0
    ? ""
    : `, in malloc and free alone, since the loops around them differ by ${loopDifference(loops)}`;
}

/** How fast for each number of threads, and what more of them bring. */
function byThreads(
  ours: readonly Result[],
  peer: readonly Result[],
  threads: readonly number[],
  ratioOf: RatioOf,
  how: string,
): string {
  const withThreads = (results: readonly Result[], count: number) => results.filter((each) => each.threads === count);
  const fewest = withThreads(ours, threads[0]!);
  const speeds = threads.map((count) => {
    const [mine, other] = [withThreads(ours, count), withThreads(peer, count)];
    return peer.length === 0 ? speedOf(mine[0]!) : factor(ratioOf(mine, other)) ?? "not known";
  });
  const growth = threads.slice(1).map((count) => {
    return factor(wholeRatio(withThreads(ours, count), fewest)) ?? "an unknown number of";
  });
  const against = peer[0] === undefined ? "M operations/s" : `times as fast as ${nameOf(peer[0])}`;
  return `${speeds.join(", ")} ${against}${how}, and ${growth.join(", ")} times as fast as with ${threads[0]}`;
}

/** Millions of operations a second, with the interval. */
function speedOf({ opsPerSecond: { median, low, high } }: Result): string {
  return `${mops(median)} (${bounds(low, high, mops)})`;
}

/** A ratio with its interval; undefined if it is not known. */
function factor(ratio: Estimate | undefined): string | undefined {
  return ratio && ratioWithBounds({ ...ratio, ratio: ratio.median });
}

/** How many times as fast `left` was; undefined if that is not known. */
type RatioOf = (left: readonly Result[], right: readonly Result[]) => Estimate | undefined;

/** Of the whole, or of net times where the loops differ. */
function ratioWithin(results: readonly Result[]): RatioOf {
  if (unlikeLoops(results).length === 0) return wholeRatio;
  return (left, right) => joined(left, right, (one, other) => netRatiosOf(one, other, results) ?? []);
}

function wholeRatio(left: readonly Result[], right: readonly Result[]): Estimate | undefined {
  return joined(left, right, (one, other) => ratios(other.samples, one.samples));
}

/** The geometric mean over the sizes, round by round. */
function joined(
  left: readonly Result[],
  right: readonly Result[],
  ratiosOf: (one: Result, other: Result) => number[],
): Estimate | undefined {
  const bySize = left.flatMap((result) => {
    const other = right.find(({ size }) => size === result.size);
    return other === undefined ? [] : [ratiosOf(result, other)];
  });
  return knownRatio(Array.from({ length: bySize[0]?.length ?? 0 }, (_, round) => {
    const logarithms = bySize.map((ratiosOfSize) => Math.log(ratiosOfSize[round] as number));
    const mean = logarithms.reduce((sum, value) => sum + value, 0) / logarithms.length;
    return Number.isNaN(mean) ? Infinity : Math.exp(mean); // nothing at one size, no bound at another: not known
  }));
}

function sizeRange(results: readonly Result[]): string {
  const first = results[0];
  if (first?.parameters["max"] !== undefined) {
    return `sizes ${first.parameters["min"] ?? "?"} to below ${first.parameters["max"] ?? "?"}`;
  }
  const sizes = sizesOf(results);
  if (first !== undefined && first.parameters["size"] === undefined) return `sizes to ${sizes[0]}`;
  return sizes.length === 1 ? `size ${sizes[0]}` : `sizes ${Math.min(...sizes)}–${Math.max(...sizes)}`;
}
