/**
 * How long single operations took, as text: percentiles of each kind of operation and contestant, the longest, and its
 * cause.
 *
 *     p99.99 of single operations: hakmem 2,800 ns, 1.18 times system's; longest 148 us (compiler)
 *
 * @module
 */
import { counted, nameOf, sizesOf, times, withCommas, wrap } from "../tables/format.ts";
import { type Palette, PLAIN } from "../tables/palette.ts";
import { markdownTable } from "../tables/rows.ts";
import type { Latency, Result } from "../../model/results.ts";
import { type TextColumn, type TextRow, textTable } from "../tables/text_table.ts";

type Operations = Latency["operations"][number];

/** A contestant with latencies. */
export interface Timed {
  readonly result: Result;
  readonly latency: Latency;
}

/** One kind of operation, of all contestants that have it. */
export interface LatencyGroup {
  /** `malloc, small`. */
  readonly name: string;
  readonly rows: readonly { readonly result: Result; readonly operations: Operations }[];
}

/** The columns after the kind and the name: for the page and for Markdown, too. */
export const LATENCY_COLUMNS = ["p50 ns", "p99 ns", "p99.9 ns", "p99.99 ns", "longest us", "cause"] as const;

/** Those of which single operations were timed. */
export function timedOf(results: readonly Result[]): Timed[] {
  return results.flatMap((result) => result.latency === undefined ? [] : [{ result, latency: result.latency }]);
}

/** By kind of operation, all together first. */
export function latencyGroups(results: readonly Result[]): LatencyGroup[] {
  const all = timedOf(results).flatMap(({ result, latency }) =>
    latency.operations.map((operations) => ({ result, operations }))
  );
  const hasSizes = sizesOf(all.map(({ result }) => result)).length > 1;
  const nameOfKind = ({ result, operations }: (typeof all)[number]) =>
    `${hasSizes ? `size ${result.size}: ` : ""}${kindText(operations)}`;
  return [...Map.groupBy(all, nameOfKind)].map(([name, rows]) => ({ name, rows }));
}

/** In the order of {@link LATENCY_COLUMNS}. */
export function latencyCells({ p50Ns, p99Ns, p999Ns, p9999Ns, longestNs, longest }: Operations): string[] {
  const percentiles = [p50Ns, p99Ns, p999Ns, p9999Ns].map((ns) => ns === undefined ? "" : wholeNs(ns));
  return [...percentiles, (longestNs / 1000).toFixed(1), causeText(longest)];
}

/** What goes to stdout: the answer, the table, and what the figures are. Nothing if no operation was timed. */
export function latencyLines(results: readonly Result[], palette: Palette = PLAIN): string[][] {
  const groups = latencyGroups(results);
  if (groups.length === 0) return [];
  const columns: TextColumn[] = ["allocator", ...LATENCY_COLUMNS].map((head) => ({
    head,
    isNumeric: head !== "allocator" && head !== "cause",
  }));
  const rows = groups.flatMap(({ name, rows }): TextRow[] => [
    `${name}, ${counted(rows[0]!.operations.count, "operation")}`,
    ...rows.map(({ result, operations }) =>
      [nameOf(result), ...latencyCells(operations)].map(result.runtime === "deno" ? palette.bold : String)
    ),
  ]);
  const lines = (text: string) => wrap(text, palette.columns);
  return [
    lines(latencyAnswer(results)).map(palette.bold),
    [textTable(columns, rows, palette)],
    lines(latencyExplanation(results)),
  ];
}

/** The same as parts of a document in Markdown; none if no operation was timed. */
export function latencyMarkdown(results: readonly Result[]): string[] {
  const groups = latencyGroups(results);
  if (groups.length === 0) return [];
  const rows = groups.flatMap(({ name, rows }) =>
    rows.map(({ result, operations }) => [name, nameOf(result), operations.count, ...latencyCells(operations)])
  );
  return [
    `${latencyAnswer(results)}\n`,
    markdownTable(["operation", "allocator", "count", ...LATENCY_COLUMNS], rows),
    `${latencyExplanation(results)}\n`,
  ];
}

/** The answer in one line: p99.99 of all operations, ours over the system's, and the longest. */
export function latencyAnswer(results: readonly Result[]): string {
  const [all] = latencyGroups(results);
  const first = all?.rows[0];
  if (first === undefined) return "";
  const system = all?.rows.find(({ result }) => result.allocator === "system")?.operations.p9999Ns;
  const { p9999Ns, longestNs, longest } = first.operations;
  const ratio = p9999Ns === undefined || !system || first.result.allocator === "system"
    ? ""
    : `, ${times(p9999Ns / system)} times system's`;
  const tail = p9999Ns === undefined ? "too few operations" : `${wholeNs(p9999Ns)} ns${ratio}`;
  return `p99.99 of single operations${all!.name === "all" ? "" : ` (${all!.name.replace(": all", "")})`}: ${
    nameOf(first.result)
  } ${tail}; longest ${(longestNs / 1000).toFixed(1)} us (${causeText(longest)})`;
}

/** What the figures are, and what they are not. */
export function latencyExplanation(results: readonly Result[]): string {
  const clocks = timedOf(results).map(({ latency }) => latency.clock);
  const range = (name: "stepNs" | "p50Ns" | "p9999Ns" | "longestNs") => {
    const known = clocks.flatMap((clock) => clock[name] ?? []);
    const [low, high] = [Math.min(...known), Math.max(...known)].map(wholeNs);
    return low === high ? `${low}` : `${low} to ${high}`;
  };
  const isTailKnown = clocks.some(({ p9999Ns }) => p9999Ns !== undefined);
  return "Single operations: warm, each alone between two readings of the processor's counter, with nothing to overlap " +
    `with, so they take longer than in a loop. The clock goes by ${range("stepNs")} ns; its own cost, ` +
    `${range("p50Ns")} ns, is taken off, but not what disturbs it: intervals with nothing in them took ` +
    `${isTailKnown ? `${range("p9999Ns")} ns at p99.99, ` : ""}${
      range("longestNs")
    } ns at most. 0 is less than the clock ` +
    "tells; a percentile is the median of five batches, and left out where no operation was beyond it. Large: over 32 KiB.";
}

function kindText({ operation, blocks }: Operations): string {
  return operation === "all" ? "all" : `${operation}, ${blocks}`;
}

function causeText({ cause, pageFaults }: Operations["longest"]): string {
  return cause === "page faults" ? counted(pageFaults ?? 0, "page fault") : cause;
}

/** The clock goes by some nanoseconds, so none is divided. */
function wholeNs(ns: number): string {
  return withCommas(Math.round(ns));
}
