/**
 * The results as a table for a terminal, at most 100 columns wide, a block of rows for each size. Where there are several
 * threads, a block for each of their numbers, too, under a heading; nanoseconds then give way to what each thread did.
 *
 * @module
 */
import Table from "cli-table3";
import { bounds, byPlace, isThreaded, mops, nameOf, nanoseconds, times, wrap } from "./format.ts";
import { loopsLine, netRatioToSystem, unlikeLoops } from "./loops.ts";
import type { Result } from "./schema.ts";

/** How text is emphasised: does nothing where there is no colour. */
export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly green: (text: string) => string;
  readonly red: (text: string) => string;
}

const LINE_COLUMNS = 76; // of a line below rows: narrower than they are

/** No emphasis. */
export const PLAIN: Palette = { bold: String, dim: String, green: String, red: String };

/** A column of results. */
export interface Column {
  readonly head: string;
  readonly isNumeric: boolean;
  readonly cell: (result: Result) => string;
}

function numbers(head: string, cell: Column["cell"]): Column {
  return { head, isNumeric: true, cell };
}

const SIZE = numbers("size", ({ size }) => String(size));
const THREADS = numbers("threads", ({ threads }) => String(threads));
const NAME: Column = { head: "allocator", isNumeric: false, cell: nameOf };
const THROUGHPUT = [
  numbers("M ops/s", ({ opsPerSecond: { median } }) => mops(median)),
  numbers("95 %", ({ opsPerSecond: { low, high } }) => bounds(low, high, mops)),
];
const TIME = [
  numbers("ns/op", ({ nsPerOp }) => nanoseconds(nsPerOp)),
  numbers("net ns", ({ runtime, netNsPerOp }) => runtime === "harness" ? "" : nanoseconds(netNsPerOp)),
];
const RATIO = [
  numbers("x system", ({ ratioToSystem }) => ratioToSystem === undefined ? "" : times(ratioToSystem.ratio)),
  numbers(
    "95 %",
    ({ allocator, ratioToSystem }) =>
      ratioToSystem === undefined || allocator === "system" ? "" : bounds(ratioToSystem.low, ratioToSystem.high),
  ),
];
/** Where the loops differ: the ratio of the whole without an interval, and that of net times. */
function netRatio(results: readonly Result[]): Column[] {
  const netOf = (result: Result) =>
    result.ratioToSystem === undefined ? undefined : netRatioToSystem(result, results) ?? "not known";
  return [
    RATIO[0]!,
    numbers("net x", (result) => {
      const net = netOf(result);
      return net === undefined ? "" : typeof net === "string" ? net : times(net.median);
    }),
    numbers("95 %", (result) => {
      const net = netOf(result);
      return typeof net !== "object" || result.allocator === "system" ? "" : bounds(net.low, net.high);
    }),
  ];
}
const CREW = [
  numbers(
    "per thread",
    ({ threadOpsPerSecond: each }) => each === undefined ? "" : bounds(Math.min(...each), Math.max(...each), mops),
  ),
  numbers("scaling", ({ scaling }) => scaling === undefined ? "" : times(scaling.ratio)),
  numbers("fairness", ({ fairness }) => fairness === undefined ? "" : fairness.toFixed(2)),
];

/** The columns of these results. */
export function columnsOf(results: readonly Result[]): readonly Column[] {
  const ratio = unlikeLoops(results).length === 0 ? RATIO : netRatio(results);
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
  const table = new Table({
    head: columns.map(({ head }) => palette.bold(head)),
    colAligns: columns.map(({ isNumeric }) => isNumeric ? "right" : "left"),
    style: { head: [], border: [], compact: true },
    chars: hasThreads ? { ...LINES, middle: "" } : LINES,
  });
  for (const [index, group] of byPlace(results).entries()) {
    if (index > 0) table.push(columns.map(() => ""));
    if (hasThreads) table.push([{ colSpan: columns.length, content: group.heading }]);
    for (const [row, result] of group.results.entries()) {
      const cells = columns.map((column) => column === SIZE && row > 0 ? "" : column.cell(result));
      table.push(cells.map(emphasis(result, palette)));
    }
    const differing = loops.find(({ size, threads }) =>
      size === group.results[0]!.size && threads === group.results[0]!.threads
    );
    if (differing === undefined) continue;
    for (const content of wrap(loopsLine(differing), LINE_COLUMNS)) table.push([{ colSpan: columns.length, content }]);
  }
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

/** A table of any columns: the first on the left, the others, which are numbers, on the right. */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  palette: Palette = PLAIN,
): string {
  const table = new Table({
    head: head.map((name) => palette.bold(name)),
    colAligns: head.map((_name, column) => column === 0 ? "left" : "right"),
    style: { head: [], border: [], compact: true },
    chars: LINES,
  });
  for (const row of rows) table.push([...row]);
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

/** Columns separated by spaces, a rule under the head: it survives being pasted anywhere. */
export const LINES = {
  "top": "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  "bottom": "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  "left": "",
  "left-mid": "",
  "mid": "",
  "mid-mid": "",
  "right": "",
  "right-mid": "",
  "middle": " ",
};

function emphasis({ runtime }: Result, palette: Palette): (text: string) => string {
  if (runtime === "deno") return palette.bold;
  return runtime === "harness" ? palette.dim : String;
}
