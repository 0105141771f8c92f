/**
 * The result in one line of words: how many times as fast as each peer our heap is, over all sizes.
 *
 * Sizes are joined round by round by the geometric mean of their ratios; the interval is that of the median round.
 *
 * @module
 */
import { estimate, ratios } from "../measure/mod.ts";
import { bounds, sizesOf, times } from "./format.ts";
import type { Result, ResultFile } from "./schema.ts";

/** The line, without its end. */
export function headline({ results, rounds }: Pick<ResultFile, "results" | "rounds">): string {
  const ours = results.find(({ runtime }) => runtime === "deno");
  if (ours === undefined) return "nothing was measured";
  const seriesOf = (allocator: string) => results.filter((each) => each.allocator === allocator);
  const others = [...new Set(results.filter(({ runtime }) => runtime !== "harness").map(({ allocator }) => allocator))]
    .filter((allocator) => allocator !== ours.allocator)
    .toSorted((a, b) => Number(b === "system") - Number(a === "system"));
  const where = `${sizeRange(results)}, ${rounds.measured} ${rounds.measured === 1 ? "round" : "rounds"}`;
  const subject = `${ours.allocator} runs ${ours.workload}`;
  if (others.length === 0) return `${subject} at ${times(ours.opsPerSecond.median / 1e6)} M operations/s; ${where}`;
  const clauses = others.map((other, index) => {
    const { median, low, high } = estimate(ratioByRound(seriesOf(ours.allocator), seriesOf(other)));
    const claim = `${times(median)} times${index === 0 ? " as fast as" : ""} ${other}`;
    return other === "system" ? `${claim} (${bounds(low, high)})` : claim;
  });
  return `${subject} ${clauses.join(", ")}; ${where}`;
}

/** For each round, the geometric mean over the sizes of how many times as fast `left` was. */
function ratioByRound(left: readonly Result[], right: readonly Result[]): number[] {
  const bySize = left.map((result) => {
    const other = right.find(({ size }) => size === result.size);
    return ratios(other?.samples ?? [], result.samples);
  });
  const rounds = bySize[0]?.length ?? 0;
  return Array.from({ length: rounds }, (_, round) => {
    const logarithms = bySize.map((ratiosOfSize) => Math.log(ratiosOfSize[round] as number));
    return Math.exp(logarithms.reduce((sum, value) => sum + value, 0) / logarithms.length);
  });
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
