/**
 * A replay as text: time and memory of each allocator on one trace, in one line of words, a table, and what the footprint
 * was over time. In the terminal and in Markdown; CSV has every sample, as that of `bench`.
 *
 * @module
 */
import { estimate, knownRatio, ratios } from "../measure/mod.ts";
import { bounds, nameOf, nanoseconds, times, wrap } from "./format.ts";
import { loopDifference, loopsLine, netRatiosOf, netRatioToSystem, unlikeLoops } from "./loops.ts";
import { processorOf } from "./processor.ts";
import { markdownTable } from "./rows.ts";
import type { Failure, Ratio, Result, ResultFile } from "./schema.ts";
import { sparkline } from "./sparkline.ts";
import { type Palette, PLAIN, textTable } from "./table.ts";

const MEGABYTE = 1e6;
const COLUMNS = 100;
const SPARK_COLUMNS = 60;

const TIME_COLUMNS = ["allocator", "ns/event", "95 %", "net ns", "x system", "95 %", "longest us"] as const;
/** Where the loops differ. */
const NET_COLUMNS = ["allocator", "ns/event", "95 %", "net ns", "net x", "95 %", "longest us"] as const;
/** Also for the page. */
export const MEMORY_COLUMNS = ["allocator", "peak MB", "peak / live", "mean MB", "page faults", "of"] as const;

/** What goes to stdout; at most 100 columns. */
export function renderReplay(file: ResultFile, palette: Palette = PLAIN): string {
  const { results, notes, failures = [] } = file;
  const emphasis = ({ runtime }: Result) =>
    runtime === "deno" ? palette.bold : runtime === "harness" ? palette.dim : String;
  const rows = (cells: (result: Result) => string[], shown: readonly Result[]) =>
    shown.map((result) => cells(result).map(emphasis(result)));
  const measured = results.filter(({ pageFaults }) => pageFaults !== undefined);
  const sections = [
    wrap(replayHeadline(file), COLUMNS).map(palette.bold),
    wrap(settingOf(file), COLUMNS),
    [textTable(timeColumns(results), [...rows(cellsOfTime(results), results), ...failures.map(failureCells)], palette)],
    unlikeLoops(results).flatMap((loops) => wrap(loopsLine(loops), COLUMNS)),
    [textTable(MEMORY_COLUMNS, rows(memoryCells, measured), palette)],
    footprintLines(results, palette),
    wrap(explanationOf(results), COLUMNS),
    notes.flatMap((note) => wrap(note, COLUMNS)),
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
    `${settingOf(file)}\n`,
    markdownTable(
      [...timeColumns(file.results), ...MEMORY_COLUMNS.slice(1)],
      [
        ...file.results.map((result) => [...cellsOfTime(file.results)(result), ...memoryCells(result).slice(1)]),
        ...failures.map(failureCells),
      ],
    ),
    `${explanationOf(file.results)}\n`,
    ...remarks.map((remark) => `- ${remark.replaceAll("\n", " ")}\n`),
    `${rounds.measured} rounds. ${
      processorOf(environment)
    }, ${cores} cores, ${os}; Deno ${deno}, V8 ${v8}; revision ${revision}, ${date}.\n`,
  ].join("\n");
}

/** The result in one line of words. */
export function replayHeadline({ results, trace, rounds }: ResultFile): string {
  const ours = results.find(({ runtime }) => runtime === "deno");
  const system = results.find(({ allocator }) => allocator === "system");
  const file = trace?.file ?? "the trace";
  const served = results.filter(({ verified }) => verified === true).length;
  const proof = `every event served and verified by ${served} allocator${served === 1 ? "" : "s"}`;
  if (ours === undefined) return `${file}: ${proof}`;
  if (system === undefined || ours === system) {
    return `${ours.allocator} replays ${file} in ${nanoseconds(ours.nsPerOp)} ns an event; ${proof}`;
  }
  const loops = unlikeLoops(results);
  const ratio = knownRatio(
    loops.length === 0 ? ratios(system.samples, ours.samples) : netRatiosOf(ours, system, results) ?? [],
  );
  const footprint = ours.peakFootprintBytes !== undefined && system.peakFootprintBytes
    ? `, in ${times(ours.peakFootprintBytes / system.peakFootprintBytes)} times its memory`
    : "";
  const how = loops.length === 0
    ? ""
    : `, in malloc and free alone, since the loops around them differ by ${loopDifference(loops)}`;
  const claim = ratio === undefined
    ? "; how fast against system is not known"
    : ` ${times(ratio.median)} times as fast as system (${bounds(ratio.low, ratio.high)}, ${rounds.measured} rounds)`;
  return `${ours.allocator} replays ${file}${claim}${how}${footprint}; ${proof}`;
}

function settingOf({ trace, results }: ResultFile): string {
  const live = results.find(({ peakLiveBytes }) => peakLiveBytes !== undefined)?.peakLiveBytes;
  if (trace === undefined || live === undefined) return "";
  const { format, events, threads, blocks, crossThreadFrees } = trace;
  return `${format}: ${events.toLocaleString("en-US")} events, ${blocks.toLocaleString("en-US")} blocks, ` +
    `${threads} threads; ${(100 * crossThreadFrees).toFixed(1)} % of frees by another thread; ` +
    `${megabytes(live)} MB live at most`;
}

/** What the figures are. */
function explanationOf(results: readonly Result[]): string {
  const threads = results[0]?.threads ?? 1;
  const memory = "Memory and page faults are those of the first replay of a process.";
  if (threads > 1) {
    return `Time is of replay after replay by ${threads} threads, among which the trace's are dealt: each keeps its order, ` +
      `and so do the events of each block. ${memory}`;
  }
  return `Time is of replay after replay, all events by one thread in the trace's order. ${memory} Longest: the longest ` +
    "event, each as short as it was in three replays.";
}

function timeColumns(results: readonly Result[]): readonly string[] {
  return unlikeLoops(results).length === 0 ? TIME_COLUMNS : NET_COLUMNS;
}

/** In the order of the columns. */
function cellsOfTime(results: readonly Result[]): (result: Result) => string[] {
  const isNet = unlikeLoops(results).length > 0;
  return (result) => {
    if (!isNet || result.ratioToSystem === undefined) return timeCells(result, result.ratioToSystem);
    const net = netRatioToSystem(result, results);
    return timeCells(result, net === undefined ? "not known" : { ...net, ratio: net.median });
  };
}

function timeCells(result: Result, ratio: Ratio | "not known" | undefined): string[] {
  const { nsPerOp, netNsPerOp, samples, runtime, longestNs } = result;
  const { low, high } = estimate(samples);
  return [
    nameOf(result),
    nanoseconds(nsPerOp),
    bounds(low, high, nanoseconds),
    runtime === "harness" ? "" : nanoseconds(netNsPerOp),
    typeof ratio === "object" ? times(ratio.ratio) : ratio ?? "",
    typeof ratio !== "object" || result.allocator === "system" ? "" : bounds(ratio.low, ratio.high),
    longestNs === undefined ? "" : (longestNs / 1000).toFixed(1),
  ];
}

/** In the time column, since it is a time that is missing; what happened is among the notes. */
function failureCells({ allocator, message }: Failure): string[] {
  return [allocator, message.endsWith(" gave NULL") ? "out of memory" : "failed", "", "", "", "", ""];
}

/** In the order of {@link MEMORY_COLUMNS}. */
export function memoryCells(result: Result): string[] {
  const { peakFootprintBytes, averageFootprintBytes, peakLiveBytes, pageFaults, footprintOf } = result;
  const isKnown = peakFootprintBytes !== undefined && averageFootprintBytes !== undefined;
  return [
    nameOf(result),
    isKnown ? megabytes(peakFootprintBytes) : "not known",
    isKnown && peakLiveBytes ? times(peakFootprintBytes / peakLiveBytes) : "",
    isKnown ? megabytes(averageFootprintBytes) : "",
    pageFaults === undefined ? "" : String(pageFaults),
    footprintOf === undefined ? "" : FOOTPRINT_OF[footprintOf],
  ];
}

const FOOTPRINT_OF = { mapping: "its mapping", process: "the process" } as const;

/** The footprint over time, a line an allocator under one of the live bytes, all on one scale, that of the highest. */
function footprintLines(results: readonly Result[], palette: Palette): string[] {
  const shown = results.flatMap((result) =>
    result.footprint === undefined ? [] : [{ name: nameOf(result), result, footprint: result.footprint }]
  );
  const first = shown[0];
  if (first === undefined) return [];
  const top = Math.max(
    ...first.footprint.liveBytes,
    ...shown.flatMap(({ footprint }) => footprint.footprintBytes),
  );
  const nameColumns = Math.max(...shown.map(({ name }) => name.length), "live bytes".length);
  const line = (name: string, values: readonly number[]) =>
    `  ${name.padEnd(nameColumns)} ${sparkline(values, SPARK_COLUMNS, top)} ${megabytes(values.at(-1) ?? 0)}`;
  return [
    `memory over the trace, MB in the end; the whole height is ${megabytes(top)} MB`,
    palette.dim(line("live bytes", first.footprint.liveBytes)),
    ...shown.map(({ name, result, footprint }) => {
      const text = line(name, footprint.footprintBytes);
      return result.runtime === "deno" ? palette.green(text) : text;
    }),
  ];
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}
