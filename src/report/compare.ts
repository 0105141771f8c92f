/**
 * `compare` for people: the answer in one line, then a row for each size.
 *
 * @module
 */
import { type Column, markdownOf, numbers, terminalTable, words } from "./tables/columns.ts";
import { median } from "simple-statistics";
import type { CompareFile, CompareRow } from "../model/compare.ts";
import { answerLines } from "./doubts.ts";
import {
  bounds,
  change,
  changeWithBounds,
  counted,
  levelText,
  nanoseconds,
  percent,
  shortRevisions,
  threadCount,
  wrap,
} from "./tables/format.ts";
import { areDisturbed, deltaOf, EQUIVALENT_WITHIN, LOOKS, type Verdict, verdictOf } from "../measure/mod.ts";
import { type Palette, PLAIN } from "./tables/palette.ts";
import type { Ratio } from "../model/results.ts";
import { processorDifferences, processorOf } from "./processor.ts";
import { csvTable } from "./tables/rows.ts";

/** The table's columns. A row of a replay has all sizes. */
const COLUMNS: readonly Column<CompareRow>[] = [
  numbers("size", ({ workload, size }) => workload === "replay" ? "all" : String(size)),
  numbers("A ns/op", ({ samples }) => nanoseconds(median(samples.a))),
  numbers("B ns/op", ({ samples }) => nanoseconds(median(samples.b))),
  numbers("B / A", ({ ratio }) => three(ratio)),
  numbers("interval", ({ low, high }) => bounds(low, high, three)),
  numbers("A / A", ({ control: { low, high } }) => bounds(low, high, three)),
  numbers("counts from", ({ delta }) => percent(delta)),
  numbers("rounds", ({ rounds }) => String(rounds)),
  words("verdict", ({ verdict }) => verdict, ({ verdict }, { red, green, dim }) => {
    return { regression: red, improvement: green, equivalent: String, inconclusive: dim }[verdict];
  }),
];

/** The result in a line of words. Ranges are of intervals: from the lowest bound to the highest. */
export function compareHeadline(
  { a, b, rows, rounds, interrupted, trace }: Pick<
    CompareFile,
    "a" | "b" | "rows" | "rounds" | "interrupted" | "trace"
  >,
): string {
  const { disturbed = 0 } = rounds, measured = rounds.measured + rounds.discarded;
  const { workload, threads } = rows[0]!;
  const sizes = rows.length === 1 ? `size ${rows[0]!.size}` : `${rows.length} sizes`;
  const what = trace === undefined ? workload : `the replay of ${trace.file}`;
  const crew = threads === 1 ? "" : ` with ${threadCount(threads)}`;
  const range = rows.length === 1 ? changeWithBounds(rows[0]!) : rangeOf(rows);
  const where = `; throughput ${range} in ${what}${crew}${trace === undefined ? `, ${sizes}` : ""}`;
  if (interrupted === true) {
    return `NOT FINAL, interrupted after ${measured} rounds: ${b} against ${a}${where}`;
  }
  if (areDisturbed(disturbed, measured)) {
    return `inconclusive, since other work disturbed ${disturbed} of ${measured} rounds: ${b} against ${a}${where}`;
  }
  const groups = GROUPS.flatMap(({ verdict, first, next }) => {
    const those = rows.filter((row) => row.verdict === verdict);
    return those.length === 0 ? [] : [{ verdict, first, next, those }];
  });
  const clauses = groups.map(({ verdict, first, next, those }, index) => {
    const isAll = those.length === rows.length;
    const at = isAll ? "" : ` at ${those.map(({ size }) => size).join(", ")} (${rangeOf(those)})`;
    const prefix = verdict === "regression" ? "REGRESSION: " : isAll ? `${verdict}: ` : "";
    const words = index === 0 ? `${prefix}${b} ${first} ${a}` : next;
    const within = verdict === "equivalent" ? `, within ${change(1 + withinOf(those)).slice(1)}` : "";
    return `${words}${within}${at}${verdict === "inconclusive" ? `: ${moreRounds(those)}` : ""}`;
  });
  return `${clauses.join(", ")}${where}`;
}

/** What is said of rows of a verdict, in the order in which it is said: of the first at length. */
const GROUPS: readonly { readonly verdict: Verdict; readonly first: string; readonly next: string }[] = [
  { verdict: "regression", first: "is slower than", next: "slower" },
  { verdict: "improvement", first: "is faster than", next: "faster" },
  { verdict: "equivalent", first: "is as fast as", next: "as fast" },
  { verdict: "inconclusive", first: "against", next: "undecided" },
];

function withinOf(rows: readonly CompareRow[]): number {
  return Math.min(EQUIVALENT_WITHIN, Math.max(...rows.map(({ delta }) => delta)));
}

/** From the lowest bound of the rows' intervals to the highest. */
function rangeOf(rows: readonly CompareRow[]): string {
  return `${change(Math.min(...rows.map(({ low }) => low)))} to ${change(Math.max(...rows.map(({ high }) => high)))}`;
}

/** How many rounds rows that are undecided would need, and what to do about it. */
function moreRounds(rows: readonly CompareRow[]): string {
  const needed = Math.max(...rows.map(roundsNeeded));
  if (!Number.isFinite(needed)) return `not even ${MOST_ROUNDS} rounds would tell`;
  return `about ${needed} rounds would tell, ${
    needed <= LOOKS.at(-1)! ? "so leave out --quick" : "or a quieter machine"
  }`;
}

/**
 * How many rounds would decide a row, if what was measured is right: intervals get narrower by the root of their number,
 * that of the control too.
 */
function roundsNeeded({ ratio, low, high, control, rounds }: CompareRow): number {
  const at = (of: Ratio, times: number) => ({
    value: Math.log(of.ratio),
    low: Math.log(of.ratio) + Math.log(of.low / of.ratio) / Math.sqrt(times),
    high: Math.log(of.ratio) + Math.log(of.high / of.ratio) / Math.sqrt(times),
  });
  for (let more = rounds + 1; more <= MOST_ROUNDS; more++) {
    const delta = deltaOf(at(control, more / rounds));
    if (verdictOf(at({ ratio, low, high }, more / rounds), delta) !== "inconclusive") return Math.ceil(more / 10) * 10;
  }
  return Infinity;
}

const MOST_ROUNDS = 1000;

/** The whole report. */
export function renderCompare(file: CompareFile, palette: Palette = PLAIN): string {
  const { level, rounds, rows } = file;
  const lines = (text: string) => wrap(text, palette.columns);
  const sections = [
    answerLines(compareHeadline(file), file, palette),
    [terminalTable(COLUMNS, rows, palette)],
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
    levelText(level)
  } for all rows together. A / A is the ` +
    `same contestant against itself: a difference counts beyond it, and beyond 2 %; equivalent is within it, and within 5 %.`;
}

/** The same as Markdown. */
export function renderCompareMarkdown(file: CompareFile): string {
  const { deno, os, date, revision } = file.environment;
  return `**${compareHeadline(file)}**\n\n${markdownOf(COLUMNS, file.rows)}` +
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
    `Baseline ${baseline.name}: ${shortRevisions(baseline.contestant)} of ${
      baseline.date.slice(0, 10)
    }, run again beside B.` +
    (then.length === 0 ? "" : ` Stored then (only to look at): ${then.join(", ")}.`) +
    (changed.length === 0 ? "" : ` The stored figures are of another environment: ${changed.join("; ")}.`);
  return [text];
}

function three(value: number): string {
  return value.toFixed(3);
}
