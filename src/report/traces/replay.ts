/**
 * A replay as text: time and memory of each allocator on one trace, in one line of words, a table, and what the footprint
 * was over time. In the terminal and in Markdown; CSV has every sample, as that of `bench`.
 *
 * @module
 */
import { answerLines } from "../doubts.ts";
import { footprintLines, megabytes, MEMORY_COLUMNS, memoryCells, ratioLines } from "./footprint.ts";
import { bounds, counted, nameOf, nanoseconds, percent, ranText, times, wrap } from "../tables/format.ts";
import { loopsLine, netRatioToSystem, unlikeLoops } from "../bench/loops.ts";
import { processorOf } from "../processor.ts";
import { fastestOf, replayHeadline, type ReplaySeconds, replaySeconds, tooShort } from "./replay_answer.ts";
import { latencyLines, latencyMarkdown } from "../bench/latency.ts";
import { markdownTable } from "../tables/rows.ts";
import type { Failure, Ratio, Result, ResultFile } from "../../model/results.ts";
import { type Palette, PLAIN } from "../tables/palette.ts";
import { numbersOf, type TextColumn, textTable } from "../tables/text_table.ts";

/** The ratio is that of net times where the loops differ. */
const TIME_COLUMNS = (ratio: string) =>
  ["allocator", "cold ms", "95 %", "warm ms", "ns/event", ratio, "95 %", "longest us"] as const;

/** What goes to stdout. */
export function renderReplay(file: ResultFile, palette: Palette = PLAIN): string {
  const { results, notes, failures = [] } = file;
  const fastest = fastestOf(results);
  const emphasis = (result: Result) =>
    fastest.includes(result) ? palette.bold : result.runtime === "harness" ? palette.dim : String;
  const rows = (cells: (result: Result) => string[], shown: readonly Result[]) =>
    shown.map((result) => cells(result).map(emphasis(result)));
  const measured = results.filter(({ pageFaults }) => pageFaults !== undefined);
  const lines = (text: string) => wrap(text, palette.columns);
  const timeRows = [...rows(cellsOfTime(results), results), ...failures.map(failureCells)];
  const sections = [
    answerLines(replayHeadline(file), file, palette),
    lines(replayedText(file)),
    [textTable(numbersOf(timeColumns(results)), timeRows, palette)],
    unlikeLoops(results).flatMap((loops) => lines(loopsLine(loops))),
    [textTable(numbersOf(MEMORY_COLUMNS), rows(memoryCells, measured), palette)],
    footprintLines(results, palette),
    ratioLines(results, palette),
    ...latencyLines(results, palette),
    lines(explanationOf(results)),
    notes.flatMap(lines),
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** The same as Markdown. */
export function renderReplayMarkdown(file: ResultFile): string {
  const { environment, rounds, notes, warnings, failures = [] } = file;
  const { cores, os, deno, v8, revision, date } = environment;
  const remarks = [
    ...unlikeLoops(file.results).map(loopsLine),
    ...notes,
    ...warnings.map(({ code, message, advice }) => `${code}: ${message}; ${advice}`),
  ];
  return [
    `**${replayHeadline(file)}**\n`,
    `${replayedText(file)}\n`,
    markdownTable(
      [...timeColumns(file.results), ...MEMORY_COLUMNS.slice(1)],
      [
        ...file.results.map((result) => [...cellsOfTime(file.results)(result), ...memoryCells(result).slice(1)]),
        ...failures.map(failureCells),
      ],
    ),
    ...latencyMarkdown(file.results),
    `${explanationOf(file.results)}\n`,
    ...remarks.map((remark) => `- ${remark.replaceAll("\n", " ")}\n`),
    `${counted(rounds.measured, "round")}. ${processorOf(environment)}, ${
      counted(cores, "core")
    }, ${os}; Deno ${deno}, V8 ${v8}; revision ${revision}, ${date}.\n`,
  ].join("\n");
}

/** What was replayed, and that all of it was. */
export function replayedText({ trace, results }: ResultFile): string {
  const served = results.filter(({ verified }) => verified === true).length;
  const live = results.find(({ peakLiveBytes }) => peakLiveBytes !== undefined)?.peakLiveBytes;
  if (trace === undefined || live === undefined) return "";
  const { file, format, events, threads, blocks, crossThreadFrees, ran } = trace;
  return `${file} (${format}): ${counted(events, "event")}, ${counted(blocks, "block")}, ` +
    `${counted(threads, "thread")}; ${percent(crossThreadFrees)} of frees by another thread; ` +
    `${megabytes(live)} MB live at most; every event served and verified by ${counted(served, "allocator")}` +
    (ran === undefined ? "" : `; ${ranText(ran)}`);
}

const TIMES =
  "Cold: milliseconds in malloc and free, without the loop around them, in the first replay of a process; it " +
  "is what counts for a program that runs once. Warm, and all to the right: replay after replay, ns/event with the loop. " +
  "What it takes to load a library is not in them, and the program's own time is with the recorder in it.";

/** What the figures are. */
export function explanationOf(results: readonly Result[]): string {
  const threads = results[0]?.threads ?? 1;
  const memory = "Memory and page faults are those of the first replay of a process.";
  if (threads > 1) {
    return `${TIMES} By ${threads} threads, among which the trace's are dealt: each keeps its order, and so do the ` +
      `events of each block. ${memory}`;
  }
  return `${TIMES} All events by one thread in the trace's order. ${memory} Longest: the longest event, each as short as ` +
    "it was in three replays.";
}

/** The times of each allocator, and who has none. */
export function timeTable(
  { results, failures = [] }: ResultFile,
): { columns: readonly TextColumn[]; rows: string[][] } {
  const rows = [...results.map(cellsOfTime(results)), ...failures.map(failureCells)];
  return { columns: numbersOf(timeColumns(results)), rows };
}

function timeColumns(results: readonly Result[]): readonly string[] {
  return TIME_COLUMNS(unlikeLoops(results).length === 0 ? "x system" : "net x");
}

/** In the order of the columns. */
function cellsOfTime(results: readonly Result[]): (result: Result) => string[] {
  const isNet = unlikeLoops(results).length > 0, isShort = tooShort(results) !== undefined;
  return (result) => {
    const seconds = replaySeconds(result, results);
    if (result.ratioToSystem === undefined) return timeCells(result, seconds, undefined);
    if (isShort) return timeCells(result, seconds, "too short");
    if (!isNet) return timeCells(result, seconds, result.ratioToSystem);
    const net = netRatioToSystem(result, results);
    return timeCells(result, seconds, net === undefined ? "not known" : { ...net, ratio: net.median });
  };
}

function timeCells(result: Result, { cold, warm }: ReplaySeconds, ratio: Ratio | string | undefined): string[] {
  const { nsPerOp, runtime, longestNs } = result, isLoop = runtime === "harness";
  const inMs = (seconds: number) => nanoseconds(1000 * seconds);
  return [
    nameOf(result),
    isLoop || cold === undefined ? "" : inMs(cold.median),
    isLoop || cold === undefined ? "" : bounds(cold.low, cold.high, inMs),
    isLoop ? "" : inMs(warm.median),
    nanoseconds(nsPerOp),
    typeof ratio === "object" ? times(ratio.ratio) : ratio ?? "",
    typeof ratio !== "object" || result.allocator === "system" ? "" : bounds(ratio.low, ratio.high),
    longestNs === undefined ? "" : (longestNs / 1000).toFixed(1),
  ];
}

/** In the time column, since it is a time that is missing; what happened is among the notes. */
function failureCells({ allocator, message }: Failure): string[] {
  return [allocator, message.endsWith(" gave NULL") ? "out of memory" : "failed", "", "", "", "", "", ""];
}
