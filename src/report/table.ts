/**
 * The results as a table for a terminal, at most 100 columns wide, a block of rows for each size.
 *
 * @module
 */
import Table from "cli-table3";
import { bounds, mops, nameOf, nanoseconds, sizesOf, times } from "./format.ts";
import type { Result } from "./schema.ts";

/** How text is emphasised: does nothing where there is no colour. */
export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly green: (text: string) => string;
  readonly red: (text: string) => string;
}

/** No emphasis. */
export const PLAIN: Palette = { bold: String, dim: String, green: String, red: String };

/** The table's columns, also for Markdown. */
export const COLUMNS = ["size", "allocator", "M ops/s", "95 %", "ns/op", "net ns", "x system", "95 %"] as const;

/** A result's cells, in the order of {@link COLUMNS}. */
export function cells(result: Result): string[] {
  const { opsPerSecond: { median, low, high }, ratioToSystem } = result;
  return [
    String(result.size),
    nameOf(result),
    mops(median),
    bounds(low, high, mops),
    nanoseconds(result.nsPerOp),
    result.runtime === "harness" ? "" : nanoseconds(result.netNsPerOp),
    ratioToSystem === undefined ? "" : times(ratioToSystem.ratio),
    ratioToSystem === undefined || result.allocator === "system" ? "" : bounds(ratioToSystem.low, ratioToSystem.high),
  ];
}

/** The table's text. */
export function renderTable(results: readonly Result[], palette: Palette = PLAIN): string {
  const table = new Table({
    head: COLUMNS.map((name) => palette.bold(name)),
    colAligns: ["right", "left", "right", "right", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
    chars: LINES,
  });
  for (const [index, size] of sizesOf(results).entries()) {
    if (index > 0) table.push(COLUMNS.map(() => ""));
    for (const [row, result] of results.filter((each) => each.size === size).entries()) {
      const [first = "", ...rest] = cells(result);
      table.push([row === 0 ? first : "", ...rest].map(emphasis(result, palette)));
    }
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
