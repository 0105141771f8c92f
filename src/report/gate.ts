/**
 * `gate` for people: go or no-go in one line, then a row for each threshold at each size.
 *
 * @module
 */
import { type Column, csvOf, markdownOf, numbers, terminalTable, words } from "./tables/columns.ts";
import { answerLines } from "./doubts.ts";
import { counted, settingOf, times, wrap } from "./tables/format.ts";
import type { GateFile, GateRow, GateVerdict } from "../model/gate.ts";
import { type Palette, PLAIN } from "./tables/palette.ts";

/** The table's columns, in the terminal and in Markdown. */
const COLUMNS: readonly Column<GateRow>[] = [
  words("verdict", ({ verdict }) => WORDS[verdict], ({ verdict }, { green, red, dim }) => {
    return { "go": green, "no-go": red, "undecided": dim }[verdict];
  }),
  words("threshold", ({ name }) => name),
  numbers("size", ({ size }) => String(size)),
  numbers("threads", ({ threads = 1 }) => String(threads)),
  numbers("measured", (row) => row.measured === null ? "" : figure(row, row.measured)),
  numbers("interval", intervalOf),
  numbers("asked for", askedFor),
];
/** Of Markdown alone: the terminal has the reasons below its table. A row that holds needs none. */
const BECAUSE = words<GateRow>("because", ({ verdict, because }) => verdict === "go" ? "" : because);
/** Columns by which a row is known. */
const KEYS = 4;

/** How verdicts are called out. */
const WORDS: Readonly<Record<GateVerdict, string>> = { "go": "GO", "no-go": "NO-GO", "undecided": "UNDECIDED" };

/** The result in a line of words. */
export function gateHeadline({ rows, verdict }: Pick<GateFile, "rows" | "verdict">): string {
  const thresholds = [...Map.groupBy(rows, ({ name }) => name).values()].map((each) =>
    each.map(({ verdict }) => verdict)
  );
  const of = (wanted: GateVerdict) => rows.filter((row) => row.verdict === wanted);
  const held = thresholds.filter((verdicts) => verdicts.every((each) => each === "go")).length;
  const failed = thresholds.filter((verdicts) => verdicts.includes("no-go")).length;
  const undecided = thresholds.length - held - failed;
  const all = counted(thresholds.length, "threshold");
  if (verdict === "go") return `${WORDS.go}: ${held} of ${all} ${held === 1 ? "holds" : "hold"}`;
  const others = verdict === "no-go" && undecided > 0 ? `, ${undecided} undecided` : "";
  const [first] = of(verdict);
  const which = first === undefined
    ? ""
    : `; the first: ${first.name} at ${settingOf({ size: first.size, threads: first.threads ?? 1 })}, ${
      foundText(first)
    }`;
  const count = verdict === "no-go" ? failed : undecided;
  const what = verdict === "no-go" ? (count === 1 ? "fails" : "fail") : count === 1 ? "is undecided" : "are undecided";
  return `${WORDS[verdict]}: ${count} of ${all} ${what}${others}${which}`;
}

/** The whole report. */
export function renderGate(file: GateFile, palette: Palette = PLAIN): string {
  const rows = file.rows.map((row, index) => file.rows[index - 1]?.name === row.name ? { ...row, name: "" } : row);
  const lines = (text: string) => wrap(text, palette.columns);
  const remarks = [...reasons(file.rows), ...file.notes, ...(file.quick ? [QUICK_REMARK] : [])];
  const sections = [
    answerLines(gateHeadline(file), file, palette),
    [terminalTable(COLUMNS, rows, palette, KEYS)],
    remarks.flatMap(lines),
  ];
  return `${sections.filter((section) => section.length > 0).map((section) => section.join("\n")).join("\n\n")}\n`;
}

/** The same as Markdown. */
export function renderGateMarkdown(file: GateFile): string {
  const { cpu, deno, os, date, revision } = file.environment;
  const remarks = [...file.notes, ...(file.quick ? [QUICK_REMARK] : [])].map((remark) => `- ${remark}\n`).join("");
  const columns = file.rows.every(({ verdict }) => verdict === "go") ? COLUMNS : [...COLUMNS, BECAUSE];
  return `**${gateHeadline(file)}**\n\n` +
    markdownOf(columns, file.rows) +
    (remarks === "" ? "" : `\n${remarks}`) +
    `\n\`${file.command.join(" ")}\`, ${cpu}, ${os}, Deno ${deno}, revision ${revision}, ${date}\n`;
}

/** A line a row, with figures as they are. */
export function renderGateCsv({ rows }: GateFile): string {
  const head = [
    "name",
    "kind",
    "workload",
    "size",
    "threads",
    "variant",
    "against",
    "measured",
    "low",
    "high",
    "bound",
    "threshold",
    "unit",
    "verdict",
    "because",
  ] as const;
  return csvOf(head, rows.map((row) => ({ threads: 1, ...row })));
}

const QUICK_REMARK =
  "The quick form: noise alone is never the reason for a no-go. Without --quick the rest is decided.";

/** Why rows are undecided, each reason once. */
function reasons(rows: readonly GateRow[]): string[] {
  const groups = Map.groupBy(rows.filter(({ verdict }) => verdict === "undecided"), ({ because }) => because);
  return [...groups].map(([because, { length }]) => `${length} undecided: ${because}`);
}

function intervalOf({ unit, low, high }: GateRow): string {
  if (low === null || high === null || low === high) return "";
  return `${number({ unit }, low)}${unit === "share" ? " to " : "–"}${number({ unit }, high)}`; // a share may be < 0
}

/** What was found and what was asked for, or why nothing was found. */
export function foundText(row: GateRow): string {
  if (row.measured === null) return row.because;
  return `${figure(row, row.measured)}, ${askedFor(row)}`;
}

function askedFor(row: GateRow): string {
  return `at ${row.bound} ${figure(row, row.threshold)}`;
}

function figure(row: GateRow, value: number): string {
  return `${number(row, value)}${{ times: " x", ns: " ns", share: " %" }[row.unit]}`;
}

function number({ unit }: Pick<GateRow, "unit">, value: number): string {
  return unit === "share" ? (100 * value).toFixed(1) : times(value);
}
