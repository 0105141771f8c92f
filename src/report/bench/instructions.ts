/**
 * What was counted instead of timed, as text: instructions and cache misses of native peers, per operation, and how long
 * our code is.
 *
 * @module
 */
import { emphasis } from "./table.ts";
import { bySetting, nameOf, withCommas, wrap } from "../tables/format.ts";
import { type Column, markdownOf, numbers, words } from "../tables/columns.ts";
import { type Palette, PLAIN } from "../tables/palette.ts";
import type { Result } from "../../model/results.ts";
import { type TextRow, textTable } from "../tables/text_table.ts";

type Instructions = NonNullable<Result["instructions"]>;
type Counts = Instructions["perOperation"];

/** A count of an operation, and what is left of it without the loop. */
function pair(head: string, name: keyof Counts): Column<Result>[] {
  const shown = (counts: Instructions["perOperation"] | Instructions["net"]) => {
    const value = counts?.[name];
    return value === undefined ? "" : countText(value);
  };
  return [
    numbers<Result>(head, ({ instructions }) => shown(instructions?.perOperation)),
    numbers<Result>("net", ({ instructions }) => shown(instructions?.net)),
  ];
}

const WHO = [numbers<Result>("size", ({ size }) => String(size)), words<Result>("allocator", nameOf)];
/** Of native peers. */
export const INSTRUCTION_COLUMNS: readonly Column<Result>[] = [
  ...WHO,
  ...pair("instructions", "instructions"),
  ...pair("L1 misses", "l1Misses"),
  ...pair("LL misses", "lastLevelMisses"),
];
/** Of our heap. */
export const CODE_COLUMNS: readonly Column<Result>[] = [
  ...WHO,
  words<Result>("loop", ({ code }) => code?.loop ?? ""),
  words<Result>("compiler", ({ code }) => code?.tier ?? ""),
  numbers<Result>("its code", ({ code }) => code?.machineBytes === undefined ? "" : withCommas(code.machineBytes)),
  ...["malloc", "free"].map((name) =>
    numbers<Result>(`${name} bytecode`, ({ code }) => {
      const bytes = code?.bytecode.find((each) => each.function === name)?.bytes;
      return bytes === undefined ? "" : withCommas(bytes);
    })
  ),
];

/** Those of which instructions were counted, and those of whose code the length is known. */
export function countedOf(results: readonly Result[]): { native: Result[]; ours: Result[] } {
  return {
    native: results.filter(({ instructions }) => instructions !== undefined),
    ours: results.filter(({ code }) => code !== undefined),
  };
}

/** What goes to stdout, in parts; none if nothing was counted. */
export function instructionLines(results: readonly Result[], palette: Palette = PLAIN): string[][] {
  const { native, ours } = countedOf(results);
  const part = (columns: readonly Column<Result>[], rows: readonly Result[], explanation: string) =>
    rows.length === 0 ? [] : [[...wrap(explanation, palette.columns), "", bySizeTable(columns, rows, palette)]];
  return [
    ...part(INSTRUCTION_COLUMNS, native, instructionsExplanation(native)),
    ...part(CODE_COLUMNS, ours, CODE_EXPLANATION),
  ];
}

/** The table for a terminal, a block of rows for each size, which stands in its first. */
function bySizeTable(columns: readonly Column<Result>[], results: readonly Result[], palette: Palette): string {
  const rows = bySetting(results).flatMap(({ results }, group): TextRow[] => [
    ...(group === 0 ? [] : [""]),
    ...results.map((result, row) => {
      const cells = columns.map(({ cell }, column) => column === 0 && row > 0 ? "" : cell(result));
      return cells.map(emphasis(result, palette));
    }),
  ]);
  return textTable(columns, rows, palette, WHO.length);
}

/** The same as parts of a document in Markdown. */
export function instructionsMarkdown(results: readonly Result[]): string[] {
  const { native, ours } = countedOf(results);
  return [
    ...(native.length === 0 ? [] : [`${instructionsExplanation(native)}\n`, markdownOf(INSTRUCTION_COLUMNS, native)]),
    ...(ours.length === 0 ? [] : [`${CODE_EXPLANATION}\n`, markdownOf(CODE_COLUMNS, ours)]),
  ];
}

/** What the counts are. */
export function instructionsExplanation(results: readonly Result[]): string {
  const tool = results[0]?.instructions?.tool;
  return `Per operation, counted by ${
    tool === "perf"
      ? "perf in the program itself, not in the kernel; misses are reads that were not in the first cache for data, and " +
        "what was in no cache"
      : "valgrind; misses are of data, in simulated caches: L1 of 32 KiB in 8 ways, LL, the last level, of 8 MiB in 16"
  }. Net is without those of none.`;
}

/** What the lengths are. */
export const CODE_EXPLANATION =
  "Our code in bytes: that of the hot loop, with all that was inlined there, and the bytecode of malloc and free.";

/** Three digits, or as many as there are before the point. */
function countText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return withCommas(Math.round(value));
  return value.toFixed(size < 0.0005 ? 0 : size < 1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0).replace(/^-0$/, "0");
}
