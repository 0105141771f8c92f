/**
 * `history` for people: what changed throughput in one line, a row for each change, the curve, and what was compared.
 *
 * @module
 */
import { nameColumn } from "./tables/bars.ts";
import { type Column, markdownOf, numbers, terminalTable, words } from "./tables/columns.ts";
import { answerLines } from "./doubts.ts";
import {
  change,
  changeWithBounds,
  counted,
  levelText,
  settingOf,
  shortRevisions,
  threadCount,
  wrap,
} from "./tables/format.ts";
import { intervalLines } from "./tables/interval_lines.ts";
import type { HistoryChange, HistoryCommit, HistoryComparison, HistoryFile, HistoryRow } from "../model/mod.ts";
import { type Palette, PLAIN } from "./tables/palette.ts";
import { processorOf } from "./processor.ts";
import { csvTable } from "./tables/rows.ts";

/** Letters of a subject in a line that has more to say. */
const LONGEST_SUBJECT = 60;
const HASH_DIGITS = 9;

/** A change with all that is said of it. */
export interface DescribedChange {
  readonly change: HistoryChange;
  readonly from: HistoryCommit;
  readonly to: HistoryCommit;
  /** Commits that may have made it. */
  readonly candidates: readonly HistoryCommit[];
  readonly rows: readonly HistoryRow[];
}

/** The changes, with their commits. */
export function describedChanges({ changes, commits, comparisons }: HistoryFile): DescribedChange[] {
  return changes.map((change) => {
    const { from, to, comparison } = change;
    const next = commits.findIndex(({ source }, at) => at > from && source !== commits[from]!.source);
    const changing = commits.filter(({ source }, at) => at >= next && at <= to && source !== commits[at - 1]?.source);
    return {
      change,
      from: commits[from]!,
      to: commits[to]!,
      candidates: change.certainty === "commit" ? [commits[to]!] : changing,
      rows: comparisons[comparison]!.rows,
    };
  });
}

/** A commit by its short hash. */
export function shortHash({ hash }: Pick<HistoryCommit, "hash">): string {
  return hash.slice(0, HASH_DIGITS);
}

/** The day on which its author made it. */
export function dayOf({ date }: Pick<HistoryCommit, "date">): string {
  return date.slice(0, 10);
}

/** Its hash and what it says, cut. */
export function namedCommit(commit: HistoryCommit): string {
  const { subject } = commit;
  const short = subject.length <= LONGEST_SUBJECT ? subject : `${subject.slice(0, LONGEST_SUBJECT - 1)}…`;
  return `${shortHash(commit)} "${short}"`;
}

/** A row's size, and its threads if there are several. */
export function settingText({ size, threads }: Pick<HistoryRow, "size" | "threads">): string {
  return threads === 1 ? `size ${size}` : `size ${size}, ${threadCount(threads)}`;
}

/** How much throughput changed, in all rows together: from the lowest bound to the highest if there are several. */
export function rowsText(rows: readonly Pick<HistoryRow, "ratio" | "low" | "high">[]): string {
  if (rows.length === 1) return changeWithBounds(rows[0]!);
  const least = Math.min(...rows.map(({ low }) => low)), most = Math.max(...rows.map(({ high }) => high));
  return `${change(least)} to ${change(most)}`;
}

/** The result in a line of words. */
export function historyHeadline(file: HistoryFile): string {
  const { commits, comparisons, interrupted, verdict } = file;
  const all = describedChanges(file);
  const worst = all.find(({ change }) => change.verdict === verdict) ?? all[0];
  const others = othersText(all.filter((each) => each !== worst));
  const stopped = interrupted === true
    ? `NOT FINAL, interrupted after ${counted(comparisons.length, "comparison")}; the same command goes on: `
    : "";
  if (worst !== undefined) {
    return `${stopped}${changeText(worst)}; throughput ${rowsText(worst.rows)} ${what(file)}${others}`;
  }
  const [first, last] = [commits[0]!, commits.at(-1)!];
  if (interrupted === true) {
    const ends = comparisons.findLast(({ purpose }) => purpose === "ends");
    const range = `${shortHash(first)} to ${shortHash(last)}`;
    return ends === undefined
      ? `${stopped}nothing is known yet of ${range}`
      : `${stopped}throughput ${rowsText(ends.rows)} from ${range} ${what(file)}, and not yet since when`;
  }
  const whole = comparisons.findLast(({ purpose }) => purpose === "ends");
  if (whole === undefined) {
    return `equivalent: nothing that is measured differs between ${shortHash(first)} and ${shortHash(last)}`;
  }
  return `equivalent: ${shortHash(commits[whole.b]!)} is as fast as ${shortHash(commits[whole.a]!)}; throughput ${
    rowsText(whole.rows)
  } ${what(file)}`;
}

/** What the first line does not name: changes, and ranges that may have one. */
function othersText(others: readonly DescribedChange[]): string {
  const unknown = others.filter(({ change }) => change.certainty === "undecided").length;
  const known = others.length - unknown;
  return (known === 0 ? "" : `, and ${counted(known, "other change")}`) +
    (unknown === 0 ? "" : `; ${counted(unknown, "range")} undecided`);
}

/** Who did what: `REGRESSION: 1234567 "…" is slower than the commit before it`. */
export function changeText({ change: { verdict, certainty }, from, to, candidates }: DescribedChange): string {
  if (certainty === "undecided") {
    return `inconclusive: whether ${shortHash(to)} is as fast as ${shortHash(from)}`;
  }
  const prefix = verdict === "regression" ? "REGRESSION" : verdict;
  const how = verdict === "regression" ? "slower" : "faster";
  const all = counted(candidates.length, "commit");
  if (certainty === "commit") return `${prefix}: ${namedCommit(to)} is ${how} than the commit before it`;
  if (certainty === "gradual") {
    return `${prefix}: ${all} up to ${namedCommit(to)} are ${how} together, and none of them for sure alone`;
  }
  const range = candidates.length === 1
    ? `probably ${namedCommit(candidates[0]!)}`
    : `one or more of ${all} from ${shortHash(candidates[0]!)} to ${shortHash(to)}`;
  return `${prefix}: ${range} ${candidates.length === 1 ? "is" : "are"} ${how}`;
}

function what({ workload, comparisons, trace }: HistoryFile): string {
  if (trace !== undefined) return `in the replay of ${trace.file}`;
  const rows = comparisons[0]?.rows ?? [];
  return `in ${workload}, ${rows.length === 1 ? settingText(rows[0]!) : counted(rows.length, "size")}`;
}

/** A comparison in one line, for those who watch. */
export function comparisonLine({ a, b, found: { verdict, rows }, kept }: {
  readonly a: HistoryCommit;
  readonly b: HistoryCommit;
  readonly found: Pick<HistoryComparison, "verdict" | "rows">;
  readonly kept: boolean;
}): string {
  return `${shortHash(b)} against ${shortHash(a)}: ${verdict}, ${rowsText(rows)}${kept ? " (kept)" : ""}`;
}

/** How a terminal emphasises what has a verdict. */
const PAINTS: Readonly<Record<HistoryFile["verdict"], (palette: Palette) => (text: string) => string>> = {
  regression: ({ red }) => red,
  improvement: ({ green }) => green,
  equivalent: () => String,
  inconclusive: ({ dim }) => dim,
};

interface ChangeLine extends DescribedChange {
  readonly row: HistoryRow;
}

const COLUMNS: readonly Column<ChangeLine>[] = [
  words("verdict", ({ row }) => row.verdict, ({ row }, palette) => PAINTS[row.verdict](palette)),
  words(
    "commit",
    ({ candidates: [first], to }) =>
      first === undefined || first === to ? shortHash(to) : `${shortHash(first)}..${shortHash(to)}`,
  ),
  words("date", ({ to }) => dayOf(to)),
  words("subject", ({ change: { certainty }, candidates, to }) => {
    if (certainty === "commit") return to.subject;
    return `${candidates.length === 1 ? candidates[0]!.subject : counted(candidates.length, "commit")} (${
      CERTAINTY[certainty]
    })`;
  }),
  numbers(
    "size",
    ({ row }) => row.workload === "replay" ? "all" : settingOf(row),
  ),
  numbers("throughput", ({ row }) => change(row.ratio)),
  numbers("interval", ({ row: { low, high } }) => `${change(low).replace(" %", "")} to ${change(high)}`),
];

/** Columns by which a row is known. */
const KEYS = 2;

/** How sure it is, in words. */
const CERTAINTY: Readonly<Record<HistoryChange["certainty"], string>> = {
  commit: "sure",
  range: "not told apart",
  gradual: "little by little",
  undecided: "not known",
};

function linesOf(file: HistoryFile): ChangeLine[] {
  return describedChanges(file).flatMap((each) => each.rows.map((row) => ({ ...each, row })));
}

/** The whole report. */
export function renderHistory(file: HistoryFile, palette: Palette = PLAIN): string {
  const lines = (text: string) => wrap(text, palette.columns);
  const changes = linesOf(file);
  const sections = [
    answerLines(historyHeadline(file), file, palette),
    changes.length === 0 ? [] : [terminalTable(COLUMNS, changes, palette, KEYS)],
    curveLines(file, palette),
    remarks(file).flatMap(lines),
  ];
  return `${sections.filter((section) => section.length > 0).map((section) => section.join("\n")).join("\n\n")}\n`;
}

const MOST_CURVE_COLUMNS = 48;

/** The curve: a line for each commit that was compared, the oldest first. */
function curveLines({ curve, commits, changes, workload }: HistoryFile, palette: Palette): string[] {
  const names = nameColumn(curve.map(({ commit }) => shortHash(commits[commit]!)));
  return (curve[0]?.rows ?? []).flatMap((setting, at) => {
    const rows = curve.map(({ rows }) => rows[at]!);
    const figures = rows.map((row, index) => index === 0 ? "the first" : changeWithBounds(row));
    const widest = Math.max(...figures.map(({ length }) => length));
    const columns = Math.max(10, Math.min(MOST_CURVE_COLUMNS, palette.columns - names.columns - widest - 3));
    const drawn = intervalLines(rows.map(({ ratio, low, high }) => ({ value: ratio, low, high })), columns, 1);
    const of = workload === "replay" ? "" : `, ${settingText(setting)}`;
    return [
      `throughput against ${shortHash(commits[curve[0]!.commit]!)}${of}`,
      ...drawn.map((line, index) => {
        const commit = curve[index]!.commit, found = changes.find(({ to }) => to === commit);
        const { start } = names.lineOf(shortHash(commits[commit]!), palette.columns);
        return PAINTS[found?.verdict ?? "equivalent"](palette)(`${start}  ${line.padEnd(columns)} ${figures[index]}`);
      }),
    ];
  });
}

/** What was compared, how sure it is, and what was left out. */
export function remarks(file: HistoryFile): string[] {
  const { commits, comparisons, notes, state, changes } = file;
  const [first, last] = [commits[0]!, commits.at(-1)!];
  const states = commits.filter(({ source }, at) => at > 0 && source !== commits[at - 1]!.source).length;
  const kept = comparisons.filter(({ kept }) => kept).length;
  const level = comparisons[0]?.level ?? 0;
  const ofThese = kept === 0
    ? ""
    : `, ${kept === comparisons.length ? "all" : kept} of them kept from an earlier run in ${state}`;
  const skipped = Map.groupBy(commits.filter((commit) => commit.skipped !== undefined), ({ skipped }) => skipped!);
  const merges = changes.filter(({ certainty, to }) => certainty === "commit" && commits[to]!.parents > 1);
  return [
    `${counted(commits.length - 1, "commit")} after ${shortHash(first)} of ${dayOf(first)} up to ${
      shortHash(last)
    } of ` +
    `${dayOf(last)}; ${states} of them ${states === 1 ? "changes" : "change"} what is measured. ` +
    `${counted(comparisons.length, "comparison")}${ofThese}${
      comparisons.length === 0 ? "." : `; the intervals of each hold ${levelText(level)}, as those of compare do.`
    }`,
    ...merges.map(({ to }) =>
      `${shortHash(commits[to]!)} is a merge: history --since ${shortHash(commits[to]!)}^1 --until ` +
      `${shortHash(commits[to]!)}^2 looks into its branch.`
    ),
    ...[...skipped].map(([reason, those]) =>
      `${counted(those.length, "commit")} left out (${those.map(shortHash).join(", ")}): ${shortRevisions(reason)}.`
    ),
    ...notes,
  ];
}

/** The same as Markdown. */
export function renderHistoryMarkdown(file: HistoryFile): string {
  const { command, environment } = file;
  const changes = linesOf(file);
  const table = changes.length === 0 ? "" : `${markdownOf(COLUMNS, changes)}\n`;
  return `**${historyHeadline(file)}**\n\n${table}${remarks(file).map((remark) => `- ${remark}\n`).join("")}` +
    `\n\`${command.join(" ")}\`, ${
      processorOf(environment)
    }, ${environment.os}, Deno ${environment.deno}, ${environment.date}\n`;
}

/** Every comparison, a line for each size. */
export function renderHistoryCsv({ comparisons, commits }: HistoryFile): string {
  return csvTable(
    ["a", "b", "b_date", "b_subject", "purpose", "workload", "size", "threads", "ratio", "low", "high", "verdict"],
    comparisons.flatMap(({ a, b, purpose, rows }) =>
      rows.map(({ workload, size, threads, ratio, low, high, verdict }) => [
        commits[a]!.hash,
        commits[b]!.hash,
        commits[b]!.date,
        commits[b]!.subject,
        purpose,
        workload,
        size,
        threads,
        ratio,
        low,
        high,
        verdict,
      ])
    ),
  );
}
