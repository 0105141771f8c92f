/**
 * `trace info --by stack` as text: who allocates, the stacks with the most of a value first. Each has its numbers in a
 * line, and its calls, the innermost first, below them: so it fits any terminal.
 *
 * @module
 */
import { bytesText, counted, percent, withCommas, wrap } from "../tables/format.ts";
import { csvTable, markdownTable } from "../tables/rows.ts";
import { answer, type Palette, PLAIN } from "../tables/palette.ts";
import { type TextRow, textTable } from "../tables/text_table.ts";
import { shortNameOf } from "../../profile/mod.ts";
import type { StacksFile } from "../../model/trace.ts";

type Row = StacksFile["stacks"][0];
type Value = StacksFile["value"];

/** The values, with what their columns and their totals are called. */
const VALUES: readonly { value: Value; head: string; isBytes: boolean; of: string }[] = [
  { value: "allocated", head: "allocated", isBytes: true, of: "asked for" },
  { value: "blocks", head: "blocks", isBytes: false, of: "blocks" },
  { value: "peak", head: "at the peak", isBytes: true, of: "live at the peak" },
  { value: "temporary", head: "temporary", isBytes: false, of: "temporary blocks" },
  { value: "left", head: "left live", isBytes: true, of: "never freed" },
];

const MOST_LINES = 2; // of calls, for a stack
const MOST_NAME = 60; // of a function: C++ has longer ones

/** Where the system starts a program or a thread: outermost calls that say nothing. */
const ROOTS = /^(_start|__libc_start_main.*|__libc_start_call_main|clone3?|__clone3?|start_thread)$/;

/** What goes to stdout. @param top how many stacks, at most */
export function renderStacks(file: StacksFile, top: number, palette: Palette = PLAIN): string {
  const shown = shownOf(file, top), heads = ["share", ...VALUES.map(({ head }) => head)];
  const rows: TextRow[] = shown.flatMap((row, at) => [
    ...(at === 0 ? [] : [{ remark: "" }]),
    cellsOf(file, row).map(palette.bold),
    { remark: callsText(row.frames, MOST_LINES * (palette.columns - 4)) },
  ]);
  const sections = [
    answer(stacksHeadline(file), palette),
    ...file.remarks.map((remark) => wrap(`note: ${remark}`, palette.columns)),
    [textTable(heads.map((head) => ({ head, isNumeric: true })), rows, palette)],
    wrap(restText(file, shown), palette.columns),
  ];
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** The same as Markdown. */
export function renderStacksMarkdown(file: StacksFile, top: number): string {
  const shown = shownOf(file, top), heads = ["share", ...VALUES.map(({ head }) => head), "calls"];
  const rows = shown.map((row) => [...cellsOf(file, row), callsText(row.frames, Infinity)]);
  const remarks = file.remarks.map((remark) => `Note: ${remark}.\n\n`).join("");
  return `**${stacksHeadline(file)}**\n\n${remarks}${markdownTable(heads, rows)}\n${restText(file, shown)}\n`;
}

/** A line for each stack, its calls from the outermost on. */
export function renderStacksCsv({ stacks }: StacksFile): string {
  const head = [...VALUES.map(({ value }) => value), "stack"];
  return csvTable(
    head,
    stacks.map((row) => [
      ...VALUES.map(({ value }) => Math.round(row[value])),
      row.frames.toReversed().map(callText).join(";"),
    ]),
  );
}

/** The whole in one line of words. */
export function stacksHeadline(file: StacksFile): string {
  const { whole, stacks, sampleBytes, value } = file;
  const { isBytes, of } = VALUES.find((each) => each.value === value)!;
  const total = isBytes ? `${bytesText(whole[value])} ${of}` : `${withCommas(whole[value])} ${of}`;
  const estimate = sampleBytes === undefined ? "" : `; estimates from a sample for each ${bytesText(sampleBytes)}`;
  return `${file.file} (${file.format}): ${total}, by ${counted(stacks.length, "stack")}${estimate}`;
}

function shownOf({ stacks, value }: StacksFile, top: number): readonly Row[] {
  return stacks.filter((row) => row[value] > 0).slice(0, top);
}

function cellsOf(file: StacksFile, row: Row): string[] {
  const share = row[file.value] / sumOf(file.stacks, file.value);
  return [
    percent(share),
    ...VALUES.map(({ value, isBytes }) =>
      isBytes ? bytesText(Math.round(row[value])) : withCommas(Math.round(row[value]))
    ),
  ];
}

function restText(file: StacksFile, shown: readonly Row[]): string {
  const { stacks, value } = file, all = sumOf(stacks, value);
  const others = stacks.filter((row) => row[value] > 0).length - shown.length;
  const temporary = `temporary: ${TEMPORARY}`;
  if (all === 0) return `the value "${value}" of every stack is 0; ${temporary}`;
  const rest = 100 * (1 - sumOf(shown, value) / all);
  const left = others === 0 ? "" : `${counted(others, "more stack")} with ${rest.toFixed(1)} % (--top); `;
  return left + temporary;
}

const TEMPORARY = "freed before the same thread allocated anything else";

function sumOf(rows: readonly Row[], value: Value): number {
  return rows.reduce((sum, row) => sum + row[value], 0);
}

/** Calls from the innermost on, as many as there is room for, and how many more there are. */
function callsText(frames: Row["frames"], room: number): string {
  if (frames.length === 0) return "(no stack)";
  const last = frames.findLastIndex((frame) => !ROOTS.test(frame.function));
  const calls = frames.slice(0, last < 0 ? 1 : last + 1).map(callText);
  let text = calls[0]!, shown = 1;
  for (; shown < calls.length; shown++) {
    const next = `${text} < ${calls[shown]}`;
    if (next.length + MORE_LENGTH > room) break;
    text = next;
  }
  return shown === calls.length ? text : `${text} < ${calls.length - shown} more`;
}

const MORE_LENGTH = " < 128 more".length;

function callText({ function: name, file, line, module, offset }: Row["frames"][0]): string {
  if (name === "") return `${baseOf(module) || "(unknown)"}+0x${offset}`;
  const plain = shortNameOf(name), short = plain.length > MOST_NAME ? `${plain.slice(0, MOST_NAME - 1)}…` : plain;
  return file === "" ? short : `${short} (${baseOf(file)}${line > 0 ? `:${line}` : ""})`;
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
