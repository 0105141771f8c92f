/**
 * `explain` for people, in the terminal: the answer in one line, a row for each flag, what is left, and what to do.
 *
 * @module
 */
import { type Column, numbers, terminalTable, words } from "./tables/columns.ts";
import { answerLines } from "./doubts.ts";
import type { ExplainFile, ExplainFlag } from "../model/explain.ts";
import { change, changeWithBounds, counted, percent, wrap } from "./tables/format.ts";
import { csvTable } from "./tables/rows.ts";
import { type Palette, PLAIN } from "./tables/palette.ts";

const COLUMNS: readonly Column<ExplainFlag>[] = [
  words("flag", ({ flag }) => flag),
  words("A", ({ a }) => String(a)),
  words("B", ({ b }) => String(b)),
  numbers("throughput", ({ ratio }) => change(ratio)),
  numbers("99 %", ({ low, high }) => `${change(low).replace(" %", "")} to ${change(high)}`),
  numbers("runs/free", ({ reachedPerMillionFrees }) => (reachedPerMillionFrees / 1e6).toFixed(3)),
  words("finding", ({ finding }) => finding, ({ finding }, { bold, dim }) => {
    return { confirmed: bold, rejected: dim, undecided: String }[finding];
  }),
];

/** The result in a line of words. */
export function explainHeadline({ a, b, total, delta, flags, counters, warnings }: ExplainFile): string {
  const confirmed = flags.filter(({ finding }) => finding === "confirmed");
  const isSettled = total.low > 1 + delta || total.high < 1 / (1 + delta);
  const whole = `${b} against ${a}: throughput ${changeWithBounds(total)}`;
  if (confirmed.length === 0) {
    const disturbed = disturbance({ warnings });
    if (disturbed !== undefined) return `${whole}; nothing is decided: ${disturbed}`;
    return `${whole}; ${isSettled ? "no single flag is sure to make the difference" : "no flag is sure to matter"}`;
  }
  const moves = Math.abs(fastShare(counters.b) - fastShare(counters.a)) >= PATH_SHARE;
  const reason = (flag: ExplainFlag) => reasonOf(flag, moves);
  return `${whole}, because of ${confirmed.map(reason).join(", ")}`;
}

/** What is said of rounds that were disturbed too often to decide anything; undefined if they were not. */
function disturbance({ warnings }: Pick<ExplainFile, "warnings">): string | undefined {
  const disturbed = warnings.find(({ code }) => code === "DISTURBED");
  return disturbed && (disturbed.brief ?? disturbed.message);
}

/** A flag that sends so many of all frees another way matters, whatever that costs on this machine: counts are exact. */
export const PATH_SHARE = 0.01;

/** The share of frees that the hot path ends. */
export function fastShare(rows: ExplainFile["counters"]["a"]): number {
  const sum = (name: "frees" | "fastFrees") => rows.reduce((total, { counts }) => total + counts[name], 0);
  return sum("frees") === 0 ? 0 : sum("fastFrees") / sum("frees");
}

/** A flag in the headline: what it changes, and where it sends frees another way, how many. */
function reasonOf({ flag, b, ratio, fastFrees }: ExplainFlag, moves: boolean): string {
  const moved = moves && fastFrees !== undefined && Math.abs(fastFrees.b - fastFrees.a) >= PATH_SHARE;
  const fast = moved ? `, fast frees ${(100 * fastFrees.a).toFixed(0)} → ${(100 * fastFrees.b).toFixed(0)} %` : "";
  return `${flag}=${b} (${change(ratio)}${fast})`;
}

/** The whole report. */
export function renderExplain(file: ExplainFile, palette: Palette = PLAIN): string {
  const lines = (text: string) => wrap(text, palette.columns);
  const measured = `${counted(file.rounds, "round")} of ${file.workload}; a change counts beyond ` +
    `${percent(file.delta)}. Not explained: ${changeWithBounds(file.unexplained)}.`;
  const sections = [
    answerLines(explainHeadline(file), file, palette),
    [terminalTable(COLUMNS, file.flags, palette)],
    [
      ...lines(measured),
      ...file.flags.flatMap(({ flag, finding, because }) => hanging(`${flag} is ${finding}: ${because}.`, palette)),
      ...pairTexts(file).flatMap(lines),
      ...lines(recommendation(file)),
      ...file.notes.flatMap(lines),
    ],
  ];
  return `${sections.map((section) => section.join("\n")).join("\n\n")}\n`;
}

/** A row a flag: for other programs. */
export function renderExplainCsv({ flags }: ExplainFile): string {
  return csvTable(
    ["flag", "a", "b", "ratio", "low", "high", "reached_per_million_frees", "finding"],
    flags.map((flag) => [
      ...[flag.flag, flag.a, flag.b, flag.ratio, flag.low, flag.high, flag.reachedPerMillionFrees, flag.finding],
    ]),
  );
}

/** What to do. */
export function recommendation({ a, b, fix, total, delta, warnings }: ExplainFile): string {
  if (fix !== undefined) {
    const parts = fix.flags.map((flag) => flag).join(", ");
    const how =
      { equivalent: "is as fast as", improvement: "is faster than", regression: "is still slower than" }[fix.verdict] ??
        "may still be slower than";
    return `To do: give ${b} the ${parts} of ${a}. That build, ${fix.variant}, ${how} ${a}: ${changeWithBounds(fix)}.`;
  }
  if (disturbance({ warnings }) !== undefined) return "To do: stop other work, and run explain again.";
  return total.high < 1 / (1 + delta)
    ? `To do: nothing less than all of ${a}'s flags brings ${b} back.`
    : `To do: nothing; ${b} was not shown to be slower than ${a}.`;
}

function pairTexts({ pairs }: ExplainFile): string[] {
  return pairs.map((pair) =>
    `${pair.flags.join(" and ")} together do ${changeWithBounds(pair)} beyond what each does alone.`
  );
}

function hanging(text: string, { columns }: Palette): string[] {
  return wrap(text, columns - 4).map((line, index) => index === 0 ? `  ${line}` : `    ${line}`);
}
