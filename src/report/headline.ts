/**
 * The result in one line of words: how many times as fast as each peer our heap is, over all sizes. Of several numbers of
 * threads each is told, against one peer alone, and how throughput grows from the fewest.
 *
 * Sizes are joined round by round by the geometric mean of their ratios; the interval is that of the median round.
 *
 * @module
 */
import { type Estimate, estimate, ratios } from "../measure/mod.ts";
import { bounds, hasOwnHeaps, isThreaded, nameOf, sizesOf, threadCount, threadsOf, times } from "./format.ts";
import type { Result, ResultFile } from "./schema.ts";

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
  const subject = `${first.allocator} runs ${first.workload}${crew}`;
  if (threads.length > 1) return `${subject} ${byThreads(ours, seriesOf(rival ?? ""), threads)}; ${where}`;
  if (others.length === 0) return `${subject} at ${times(first.opsPerSecond.median / 1e6)} M operations/s; ${where}`;
  const clauses = others.map((other, index) => {
    const ratio = ratioOf(ours, seriesOf(other));
    const claim = `${times(ratio.median)} times${index === 0 ? " as fast as" : ""} ${nameOf(seriesOf(other)[0]!)}`;
    return other === "system" ? `${claim} (${bounds(ratio.low, ratio.high)})` : claim;
  });
  return `${subject} ${clauses.join(", ")}; ${where}`;
}

/** How fast for each number of threads, and what more of them bring. */
function byThreads(ours: readonly Result[], peer: readonly Result[], threads: readonly number[]): string {
  const withThreads = (results: readonly Result[], count: number) => results.filter((each) => each.threads === count);
  const fewest = withThreads(ours, threads[0]!);
  const speeds = threads.map((count) => {
    const [mine, other] = [withThreads(ours, count), withThreads(peer, count)];
    if (peer.length === 0) return times(mine[0]!.opsPerSecond.median / 1e6);
    const { median, low, high } = ratioOf(mine, other);
    return `${times(median)} (${bounds(low, high)})`;
  });
  const growth = threads.slice(1).map((count) => times(ratioOf(withThreads(ours, count), fewest).median));
  const against = peer[0] === undefined ? "M operations/s" : `times as fast as ${nameOf(peer[0])}`;
  return `${speeds.join(", ")} ${against}, and ${growth.join(", ")} times as fast as with ${threads[0]}`;
}

/** How many times as fast `left` was: the geometric mean over the sizes, round by round. */
function ratioOf(left: readonly Result[], right: readonly Result[]): Estimate {
  const bySize = left.flatMap((result) => {
    const other = right.find(({ size }) => size === result.size);
    return other === undefined ? [] : [ratios(other.samples, result.samples)];
  });
  const rounds = bySize[0]?.length ?? 0;
  return estimate(Array.from({ length: rounds }, (_, round) => {
    const logarithms = bySize.map((ratiosOfSize) => Math.log(ratiosOfSize[round] as number));
    return Math.exp(logarithms.reduce((sum, value) => sum + value, 0) / logarithms.length);
  }));
}

function sizeRange(results: readonly Result[]): string {
  const first = results[0];
  if (first?.parameters["max"] !== undefined) {
    return `sizes ${first.parameters["min"]} to below ${first.parameters["max"]}`;
  }
  const sizes = sizesOf(results);
  if (first !== undefined && first.parameters["size"] === undefined) return `sizes to ${sizes[0]}`;
  return sizes.length === 1 ? `size ${sizes[0]}` : `sizes ${Math.min(...sizes)}–${Math.max(...sizes)}`;
}
