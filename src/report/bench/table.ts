/**
 * The results as a table for a terminal, a block of rows for each size. Where there are several threads, a block for each
 * of their numbers, too, under a heading; nanoseconds then give way to what each thread did.
 *
 * @module
 */
import { bounds, bySetting, isThreaded, mops, nameOf, nanoseconds, times } from "../tables/format.ts";
import { loopsLine, netRatioToSystem, unlikeLoops } from "./loops.ts";
import { type Column, numbers, words } from "../tables/columns.ts";
import { type Palette, PLAIN } from "../tables/palette.ts";
import type { Result } from "../../model/results.ts";
import { type TextRow, textTable } from "../tables/text_table.ts";

const SIZE = numbers<Result>("size", ({ size }) => String(size));
const THREADS = numbers<Result>("threads", ({ threads }) => String(threads));
const NAME = words<Result>("allocator", nameOf);
const THROUGHPUT = [
  numbers<Result>("M ops/s", ({ opsPerSecond: { median } }) => mops(median)),
  numbers<Result>("95 %", ({ opsPerSecond: { low, high } }) => bounds(low, high, mops)),
];
const TIME = [
  numbers<Result>("ns/op", ({ nsPerOp }) => nanoseconds(nsPerOp)),
  numbers<Result>("net ns", ({ runtime, netNsPerOp }) => runtime === "harness" ? "" : nanoseconds(netNsPerOp)),
];
const RATIO = [
  numbers<Result>("x system", ({ ratioToSystem }) => ratioToSystem === undefined ? "" : times(ratioToSystem.ratio)),
  numbers<Result>(
    "95 %",
    ({ allocator, ratioToSystem }) =>
      ratioToSystem === undefined || allocator === "system" ? "" : bounds(ratioToSystem.low, ratioToSystem.high),
  ),
];
/** Where the loops differ: the ratio of the whole without an interval, and that of net times. */
function netRatio(results: readonly Result[]): Column<Result>[] {
  const netOf = (result: Result) =>
    result.ratioToSystem === undefined ? undefined : netRatioToSystem(result, results) ?? "not known";
  return [
    RATIO[0]!,
    numbers<Result>("net x", (result) => {
      const net = netOf(result);
      return net === undefined ? "" : typeof net === "string" ? net : times(net.median);
    }),
    numbers<Result>("95 %", (result) => {
      const net = netOf(result);
      return typeof net !== "object" || result.allocator === "system" ? "" : bounds(net.low, net.high);
    }),
  ];
}
const CREW = [
  numbers<Result>(
    "per thread",
    ({ threadOpsPerSecond: each }) => each === undefined ? "" : bounds(Math.min(...each), Math.max(...each), mops),
  ),
  numbers<Result>("scaling", ({ scaling }) => scaling === undefined ? "" : times(scaling.ratio)),
  numbers<Result>("fairness", ({ fairness }) => fairness === undefined ? "" : fairness.toFixed(2)),
];

/** The columns of these results. */
export function columnsOf(results: readonly Result[]): readonly Column<Result>[] {
  const hasSystem = results.some(({ ratioToSystem }) => ratioToSystem !== undefined);
  const ratio = !hasSystem ? [] : unlikeLoops(results).length === 0 ? RATIO : netRatio(results);
  return isThreaded(results)
    ? [SIZE, THREADS, NAME, ...THROUGHPUT, ...ratio, ...CREW]
    : [SIZE, NAME, ...THROUGHPUT, ...TIME, ...ratio];
}

/** The table's text. */
export function renderTable(results: readonly Result[], palette: Palette = PLAIN): string {
  const hasThreads = isThreaded(results), loops = unlikeLoops(results);
  // With several threads there is room for one ratio: that of net times, where the loops differ.
  const left = [SIZE, THREADS, ...(loops.length === 0 ? [] : [RATIO[0]!])];
  const columns = columnsOf(results).filter((column) => !hasThreads || !left.includes(column));
  const rows: TextRow[] = [];
  for (const [index, group] of bySetting(results).entries()) {
    if (index > 0) rows.push("");
    if (hasThreads) rows.push(group.heading);
    for (const [row, result] of group.results.entries()) {
      const cells = columns.map((column) => column === SIZE && row > 0 ? "" : column.cell(result));
      rows.push(cells.map(emphasis(result, palette)));
    }
    const differing = loops.find(({ size, threads }) =>
      size === group.results[0]!.size && threads === group.results[0]!.threads
    );
    if (differing !== undefined) rows.push({ remark: loopsLine(differing) });
  }
  return textTable(columns, rows, palette, columns.indexOf(NAME) + 1);
}

/** Ours stand out, the do-nothing allocators step back. */
export function emphasis({ runtime }: Result, palette: Palette): (text: string) => string {
  if (runtime === "deno") return palette.bold;
  return runtime === "harness" ? palette.dim : String;
}
