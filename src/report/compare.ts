/**
 * `compare` for people: the answer in one line, then a row for each size.
 *
 * @module
 */
import { median } from "simple-statistics";
import type { CompareFile, CompareRow } from "./compare_schema.ts";
import { doubts } from "./doubts.ts";
import { bounds, change, counted, nanoseconds, threadCount, wrap } from "./format.ts";
import { areDisturbed, EQUIVALENT_WITHIN } from "../measure/mod.ts";
import { type Palette, PLAIN } from "./palette.ts";
import { processorDifferences, processorOf } from "./processor.ts";
import { csvTable, markdownTable } from "./rows.ts";
import { textTable } from "./text_table.ts";

/** The table's columns, in the terminal and in Markdown. */
const COLUMNS = [
  "size",
  "A ns/op",
  "B ns/op",
  "B / A",
  "interval",
  "A / A",
  "counts from",
  "rounds",
  "verdict",
] as const;

/** The result in a line of words. */
export function compareHeadline(
  { a, b, rows, verdict, rounds }: Pick<CompareFile, "a" | "b" | "rows" | "verdict" | "rounds">,
): string {
  const { disturbed = 0 } = rounds, measured = rounds.measured + rounds.discarded;
  const workload = rows[0]?.workload ?? "";
  const sizes = rows.length === 1 ? `size ${rows[0]!.size}` : `${rows.length} sizes`;
  const ratios = rows.map(({ ratio }) => ratio);
  const range = rows.length === 1
    ? `${change(rows[0]!.ratio)} (${change(rows[0]!.low)} to ${change(rows[0]!.high)})`
    : `${change(Math.min(...ratios))} to ${change(Math.max(...ratios))}`;
  const within = Math.min(EQUIVALENT_WITHIN, Math.max(...rows.map(({ delta }) => delta)));
  const inconclusive = rows.filter((row) => row.verdict === "inconclusive").length;
  const why = areDisturbed(disturbed, measured)
    ? `, since other work disturbed ${disturbed} of ${measured} rounds`
    : ` at ${inconclusive} of ${rows.length}`;
  const words = {
    regression: `REGRESSION: ${b} is slower than ${a}`,
    improvement: `improvement: ${b} is faster than ${a}`,
    equivalent: `equivalent: ${b} is as fast as ${a}, within ${change(1 + within).slice(1)}`,
    inconclusive: `inconclusive${why}: ${b} against ${a}`,
  }[verdict];
  const threads = rows[0]?.threads ?? 1;
  const crew = threads === 1 ? "" : ` with ${threadCount(threads)}`;
  return `${words}; throughput ${range} in ${workload}${crew}, ${sizes}`;
}

/** The whole report. */
export function renderCompare(file: CompareFile, palette: Palette = PLAIN): string {
  const { level, rounds, rows } = file;
  const paint = {
    regression: palette.red,
    improvement: palette.green,
    equivalent: String,
    inconclusive: palette.dim,
  };
  const columns = COLUMNS.map((head) => ({ head, isNumeric: head !== "verdict" }));
  const table = rows.map((row) => [...cells(row).slice(0, -1), paint[row.verdict](row.verdict)]);
  const lines = (text: string) => wrap(text, palette.columns);
  const sections = [
    [...lines(compareHeadline(file)).map(palette.bold), ...doubts(file).flatMap(lines)],
    [textTable(columns, table, palette)],
    [
      ...lines(footnote(rounds.measured, level)),
      ...baselineText(file).flatMap(lines),
      ...file.notes.flatMap(lines),
    ],
  ];
  return `${sections.map((section) => section.join("\n")).join("\n\n")}\n`;
}

/** What the columns mean. */
function footnote(measured: number, level: number): string {
  return `${counted(measured, "round")} of fresh processes; intervals hold ${
    100 * level
  } % for all rows together. A / A is the ` +
    `same contestant against itself: a difference counts beyond it, and beyond 2 %; equivalent is within it, and within 5 %.`;
}

/** The same as Markdown. */
export function renderCompareMarkdown(file: CompareFile): string {
  const { deno, os, date, revision } = file.environment;
  return `**${compareHeadline(file)}**\n\n${markdownTable(COLUMNS, file.rows.map(cells))}` +
    `\n\`${file.command.join(" ")}\`, ${
      processorOf(file.environment)
    }, ${os}, Deno ${deno}, revision ${revision}, ${date}\n`;
}

/** Every round, a line each: for other programs. */
export function renderCompareCsv({ rows }: CompareFile): string {
  return csvTable(
    ["workload", "size", "threads", "round", "a_ns_per_op", "b_ns_per_op", "control_ns_per_op"],
    rows.flatMap(({ workload, size, threads, samples: { a, b, control } }) =>
      a.map((sample, round) => [workload, size, threads, round + 1, sample, b[round]!, control[round]!])
    ),
  );
}

function cells({ size, ratio, low, high, control, delta, rounds, samples, verdict }: CompareRow): string[] {
  return [
    String(size),
    nanoseconds(median(samples.a)),
    nanoseconds(median(samples.b)),
    ratio.toFixed(3),
    bounds(low, high, three),
    bounds(control.low, control.high, three),
    `${(100 * delta).toFixed(1)} %`,
    String(rounds),
    verdict,
  ];
}

function baselineText({ baseline, environment, rows }: CompareFile): string[] {
  if (baseline === undefined) return [];
  const then = rows.flatMap(({ size, threads }) => {
    const row = baseline.rows.find((each) => each.size === size && (each.threads ?? 1) === threads);
    return row === undefined ? [] : [`${size}: ${nanoseconds(row.nsPerOp)} ns`];
  });
  const changed = [
    ...processorDifferences(baseline.environment, environment),
    ...(["deno", "v8", "os", "cores"] as const).filter((name) => baseline.environment[name] !== environment[name]),
  ].map((name) => `${name} was ${baseline.environment[name]}, is ${environment[name]}`);
  const text =
    `Baseline ${baseline.name}: ${baseline.contestant} of ${baseline.date.slice(0, 10)}, run again beside B.` +
    (then.length === 0 ? "" : ` Stored then (only to look at): ${then.join(", ")}.`) +
    (changed.length === 0 ? "" : ` The stored figures are of another environment: ${changed.join("; ")}.`);
  return [text];
}

function three(value: number): string {
  return value.toFixed(3);
}
