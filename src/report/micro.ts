/**
 * `micro` as text: what the whole of the default heap costs first, then a row a stage with its own cost, its interval,
 * ticks, and what the stages add up to; then the same of the history, and `mincore`. In the terminal, in Markdown, and
 * as CSV.
 *
 * @module
 */
import { counted, wrap } from "./tables/format.ts";
import { answer, type Palette, PLAIN } from "./tables/palette.ts";
import { csvTable, markdownTable } from "./tables/rows.ts";
import { numbersOf, textTable } from "./tables/text_table.ts";
import { heapLabel } from "./tables/label.ts";
import type { Interval, MicroFile, MicroPath, MicroRow, MicroSlowPath } from "../model/micro.ts";

/** The columns of the stages; what is not a ladder, and `mincore`, has no last one. */
const COLUMNS = ["stage", "ns", "95 %", "ticks", "all so far, ns"] as const;
const ADDED = "Each stage was added to all above it.";
const BEHIND =
  "Behind the hot path. Each step does what the step above it does, and a layer more; the last is the whole.";
const NO_COUNTER = "Without the native library there is no counter to read: ticks are nanoseconds.";

/** The text; colours from `palette`. */
export function renderMicro(file: MicroFile, palette: Palette = PLAIN): string {
  const { defaultHeap, slowPaths, stages, mincore, source } = file;
  const text = (line: string) => wrap(line, palette.columns);
  const sections = [
    answer(headline(file), palette),
    [table(COLUMNS, defaultHeap.stages, palette)],
    text(ADDED),
    text(BEHIND),
    [textTable(
      numbersOf(["step", ...COLUMNS.slice(1)]),
      slowPaths.flatMap((path) => [slowLine(path), ...path.steps.map(cells)]),
      palette,
    )],
    text(historyLine(file)),
    [table(COLUMNS, stages, palette)],
    text(`Dim stages are not on the hot path of that variant. ${ADDED}`),
    [table(["mincore", ...COLUMNS.slice(1, 4), ""], mincore, palette)],
    source === "libc" ? text(NO_COUNTER) : [],
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** The same as Markdown. */
export function renderMicroMarkdown(file: MicroFile): string {
  const { defaultHeap, slowPaths, stages, mincore, source } = file;
  const onFastPath = stages.map((row) => [...cells(row), row.isOnFastPath ? "yes" : "no"]);
  return [
    `**${headline(file)}**\n`,
    markdownTable(COLUMNS, defaultHeap.stages.map(cells)),
    `${ADDED}\n`,
    `${BEHIND}\n`,
    ...slowPaths.flatMap((path) => [
      `${slowLine(path)}\n`,
      markdownTable(slowColumns(path), path.steps.map((row) => cells(row).slice(0, slowColumns(path).length))),
    ]),
    `${historyLine(file)}\n`,
    markdownTable([...COLUMNS, "on the hot path"], onFastPath),
    `${ADDED}\n`,
    markdownTable(["mincore", ...COLUMNS.slice(1, 4)], mincore.map((row) => cells(row).slice(0, 4))),
    ...(source === "libc" ? [`${NO_COUNTER}\n`] : []),
  ].join("\n");
}

/** A line a row, with figures as they are; a whole follows its stages. */
export function renderMicroCsv(file: MicroFile): string {
  const line = (kind: string, variant: string, { name, nanoseconds, ticks, cumulative, isOnFastPath }: MicroRow) => [
    kind,
    name,
    ...figures(nanoseconds),
    ...figures(ticks),
    cumulative ?? "",
    String(isOnFastPath),
    variant,
  ];
  const path = ({ stages, whole: { variant, nanoseconds, sum } }: MicroPath) => [
    ...stages.map((row) => line("stage", variant, row)),
    ["whole", variant, ...figures(nanoseconds), "", "", "", sum, "", variant],
  ];
  const head = ["kind", "name", "ns", "ns_low", "ns_high", "ticks", "ticks_low", "ticks_high", "all_so_far_ns"];
  return csvTable([...head, "on_fast_path", "variant"], [
    ...path(file.defaultHeap),
    ...file.slowPaths.flatMap(({ name, steps, whole }) => [
      ...steps.map((step) => line("step", name, step)),
      ...(whole === undefined ? [] : [["whole", name, ...figures(whole), "", "", "", whole.median, "", name]]),
    ]),
    ...path(file),
    ...file.mincore.map((row) => line("mincore", "", row)),
  ]);
}

function headline({ defaultHeap, rounds }: MicroFile): string {
  return `malloc and free of ${wholeOf(defaultHeap)}; ${counted(rounds, "round")}`;
}

function historyLine(file: MicroFile): string {
  return `Before, with a header in front of each block: malloc and free of ${wholeOf(file)}.`;
}

function slowLine({ name, whole }: MicroSlowPath): string {
  const what = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  if (whole === undefined) return what;
  return `${what}: ${digits(whole.median)} ns (${digits(whole.low)}–${digits(whole.high)})`;
}

function slowColumns({ whole }: MicroSlowPath): readonly string[] {
  return ["step", ...COLUMNS.slice(1, whole === undefined ? 4 : 5)];
}

/** What the whole costs, and what the stages leave of it. */
function wholeOf({ whole: { nanoseconds: { median, low, high }, sum, rest, variant } }: MicroPath): string {
  return `${heapLabel(variant)} take ${digits(median)} ns (${digits(low)}–${digits(high)}); the stages add up to ${
    digits(sum)
  } ns, ` +
    `which leaves ${digits(rest)}`;
}

function figures({ median, low, high }: Interval): number[] {
  return [median, low, high];
}

function table(head: readonly string[], rows: readonly MicroRow[], palette: Palette): string {
  const cellsOf = (row: MicroRow) => {
    const emphasis = row.isOnFastPath || row.cumulative === undefined ? String : palette.dim;
    return cells(row).map((cell) => emphasis(cell));
  };
  return textTable(numbersOf(head), rows.map(cellsOf), palette);
}

/** A row's cells, in the order of {@link COLUMNS}. */
function cells({ name, nanoseconds: { median, low, high }, ticks, cumulative }: MicroRow): string[] {
  const sum = cumulative === undefined ? "" : digits(cumulative);
  return [name, digits(median), `${digits(low)}–${digits(high)}`, digits(ticks.median), sum];
}

/** Differences of small numbers: hundredths, and no more. */
function digits(value: number): string {
  return value.toFixed(Math.abs(value) < 100 ? 2 : 0);
}
