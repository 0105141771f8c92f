/**
 * A replay as text: time and memory of each allocator on one trace, in one line of words, a table, and what the footprint
 * was over time. In the terminal and in Markdown; CSV has every sample, as that of `bench`.
 *
 * @module
 */
import { estimate, ratios } from "../measure/mod.ts";
import { bounds, nameOf, nanoseconds, times } from "./format.ts";
import { markdownTable } from "./rows.ts";
import type { Result, ResultFile } from "./schema.ts";
import { sparkline } from "./sparkline.ts";
import { type Palette, PLAIN, textTable } from "./table.ts";

const MEGABYTE = 1e6;
const SPARK_COLUMNS = 60;

const COLUMNS = [
  "allocator",
  "ns/event",
  "95 %",
  "net ns",
  "x system",
  "95 %",
  "peak MB",
  "/ live",
  "mean MB",
  "faults",
  "longest us",
] as const;

/** What goes to stdout; at most 100 columns. */
export function renderReplay(file: ResultFile, palette: Palette = PLAIN): string {
  const { results, notes } = file;
  const emphasis = ({ runtime }: Result) =>
    runtime === "deno" ? palette.bold : runtime === "harness" ? palette.dim : String;
  const rows = results.map((result) => cells(result).map(emphasis(result)));
  const sections = [
    [palette.bold(replayHeadline(file)), settingOf(file)],
    [textTable(COLUMNS, rows, palette)],
    footprintLines(results, palette),
    [EXPLANATION],
    notes,
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** The same as Markdown. */
export function renderReplayMarkdown(file: ResultFile): string {
  const { environment: { cpu, cores, os, deno, v8, revision, date }, rounds, notes, warnings } = file;
  const remarks = [...notes, ...warnings.map(({ code, message, advice }) => `${code}: ${message}; ${advice}`)];
  return [
    `**${replayHeadline(file)}**\n`,
    `${settingOf(file)}\n`,
    markdownTable(COLUMNS, file.results.map(cells)),
    `${EXPLANATION.replaceAll("\n", " ")}\n`,
    ...remarks.map((remark) => `- ${remark.replaceAll("\n", " ")}\n`),
    `${rounds.measured} rounds. ${cpu}, ${cores} cores, ${os}; Deno ${deno}, V8 ${v8}; revision ${revision}, ${date}.\n`,
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
  const { median, low, high } = estimate(ratios(system.samples, ours.samples));
  const footprint = ours.peakFootprintBytes !== undefined && system.peakFootprintBytes !== undefined
    ? `, in ${times(ours.peakFootprintBytes / system.peakFootprintBytes)} times its memory`
    : "";
  return `${ours.allocator} replays ${file} ${times(median)} times as fast as system (${bounds(low, high)}, ` +
    `${rounds.measured} rounds)${footprint}; ${proof}`;
}

function settingOf({ trace, results }: ResultFile): string {
  const live = results.find(({ peakLiveBytes }) => peakLiveBytes !== undefined)?.peakLiveBytes;
  if (trace === undefined || live === undefined) return "";
  const { format, events, threads, blocks, crossThreadFrees } = trace;
  return `${format}: ${events.toLocaleString("en-US")} events, ${blocks.toLocaleString("en-US")} blocks, ` +
    `${threads} threads; ${(100 * crossThreadFrees).toFixed(1)} % of frees by another thread; ` +
    `${megabytes(live)} MB live at most`;
}

const EXPLANATION =
  `Time: replay after replay, all events by one thread in the trace's order. Memory and page faults: the
first replay of a process. Longest: of each event the shortest time of three, and the longest of those.`;

/** A result's cells, in the order of the columns. */
function cells(result: Result): string[] {
  const { nsPerOp, netNsPerOp, samples, ratioToSystem, runtime, peakFootprintBytes, peakLiveBytes } = result;
  const { low, high } = estimate(samples);
  const isHarness = runtime === "harness";
  return [
    nameOf(result),
    nanoseconds(nsPerOp),
    bounds(low, high, nanoseconds),
    isHarness ? "" : nanoseconds(netNsPerOp),
    ratioToSystem === undefined ? "" : times(ratioToSystem.ratio),
    ratioToSystem === undefined || result.allocator === "system" ? "" : bounds(ratioToSystem.low, ratioToSystem.high),
    peakFootprintBytes === undefined ? "" : megabytes(peakFootprintBytes),
    peakFootprintBytes === undefined || peakLiveBytes === undefined ? "" : times(peakFootprintBytes / peakLiveBytes),
    result.averageFootprintBytes === undefined ? "" : megabytes(result.averageFootprintBytes),
    result.pageFaults === undefined ? "" : String(result.pageFaults),
    result.longestNs === undefined ? "" : (result.longestNs / 1000).toFixed(1),
  ];
}

/** The footprint over time, a line an allocator under one of the live bytes, all on one scale. */
function footprintLines(results: readonly Result[], palette: Palette): string[] {
  const shown = results.flatMap((result) =>
    result.footprint === undefined ? [] : [{ name: nameOf(result), result, footprint: result.footprint }]
  );
  const first = shown[0];
  if (first === undefined) return [];
  const most = Math.max(...shown.map(({ footprint }) => Math.max(...footprint.footprintBytes)));
  const nameColumns = Math.max(...shown.map(({ name }) => name.length), "live bytes".length);
  const line = (name: string, values: readonly number[]) =>
    `  ${name.padEnd(nameColumns)} ${sparkline(values, SPARK_COLUMNS, most)} ${megabytes(values.at(-1) ?? 0)}`;
  return [
    `memory over the trace, MB in the end; the highest is ${megabytes(most)} MB`,
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
