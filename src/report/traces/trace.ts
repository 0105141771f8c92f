/**
 * `trace info` as text: what a trace is like in one line of words, its events, its
 * sizes and lifetimes as histograms, live bytes over time as a chart, and its busiest threads.
 *
 * @module
 */
import { type Column, markdownOf, numbers, terminalTable, words } from "../tables/columns.ts";
import { bytesText, counted, percent, ranText, withCommas, wrap } from "../tables/format.ts";
import { csvTable, markdownTable } from "../tables/rows.ts";
import { areaChart } from "../tables/sparkline.ts";
import { answer, type Palette, PLAIN } from "../tables/palette.ts";
import { tooFew } from "./replay_answer.ts";
import type { TraceFile } from "../../model/trace.ts";

const MOST_BAR_COLUMNS = 36;
const FIGURE_COLUMNS = 34; // before a bar
const CHART_ROWS = 8;
const SHOWN_THREADS = 10;

/** What goes to stdout. */
export function renderTrace(file: TraceFile, palette: Palette = PLAIN): string {
  const { live, threadTable } = file;
  const busiest = threadTable.toSorted((a, b) => b.events - a.events).slice(0, SHOWN_THREADS);
  const title = busiest.length < threadTable.length
    ? `the ${busiest.length} busiest of ${threadTable.length} threads`
    : "threads";
  const lines = (text: string) => wrap(text, palette.columns);
  const sections = [
    answer(traceHeadline(file), palette),
    ...file.remarks.map((remark) => lines(`note: ${remark}`)),
    lines(kindsOf(file)),
    lines(livesOf(file)),
    ...shortOf(file).map(lines),
    [palette.bold("allocations by size, to bytes"), ...histogramLines(file.sizes, palette)],
    [
      ...lines("freed blocks by lifetime, to bytes that the program allocated meanwhile").map(palette.bold),
      ...histogramLines(file.lifetimes, palette),
    ],
    [palette.bold(`live bytes over ${counted(file.events, "event")}`), ...chartLines(live.liveBytes, palette)],
    [palette.bold(title), terminalTable(THREAD_COLUMNS, busiest, palette)],
  ];
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** The same as Markdown, with all threads. */
export function renderTraceMarkdown(file: TraceFile): string {
  return [
    `**${traceHeadline(file)}**\n`,
    ...file.remarks.map((remark) => `Note: ${remark}.\n`),
    `${kindsOf(file)}\n`,
    `${livesOf(file)}\n`,
    ...shortOf(file).map((text) => `${text}.\n`),
    markdownTable(["size to", "allocations", "bytes"], histogramCells(file.sizes)),
    markdownTable(["lifetime to", "blocks", "bytes"], histogramCells(file.lifetimes)),
    markdownOf(THREAD_COLUMNS, file.threadTable),
  ].join("\n");
}

/** A line for each row of the histograms. */
export function renderTraceCsv({ sizes, lifetimes }: TraceFile): string {
  const lines = (kind: string, rows: TraceFile["sizes"]) =>
    rows.map(({ upTo, count, bytes }) => [kind, upTo, count, bytes]);
  return csvTable(["histogram", "up_to", "count", "bytes"], [...lines("size", sizes), ...lines("lifetime", lifetimes)]);
}

/** The trace in one line of words. */
export function traceHeadline({ file, format, events, threads, blocks, peakLiveBytes, ran }: TraceFile): string {
  return `${file} (${format}): ${counted(events, "event")} of ${counted(threads, "thread")}, ` +
    `${counted(blocks, "block")}, ${bytesText(peakLiveBytes)} live at most${
      ran === undefined ? "" : `; ${ranText(ran)}`
    }`;
}

function kindsOf({ kinds, failedCalls }: TraceFile): string {
  const parts = Object.entries(kinds).filter(([, count]) => count > 0).map(([name, count]) =>
    `${name} ${withCommas(count)}`
  );
  return [...parts, ...(failedCalls === 0 ? [] : [`calls that failed ${withCommas(failedCalls)}`])].join(", ");
}

function livesOf(file: TraceFile): string {
  const { allocatedBytes, largestBytes, peakLiveBlocks, peakEvent, endLiveBytes, endLiveBlocks, crossThreadFrees } =
    file;
  return `${bytesText(allocatedBytes)} asked for, ${bytesText(largestBytes)} the largest block; at most ` +
    `${counted(peakLiveBlocks, "block")} live, the most bytes after event ${withCommas(peakEvent)}; never freed: ` +
    `${counted(endLiveBlocks, "block")}, ${bytesText(endLiveBytes)}; ${percent(crossThreadFrees)} of frees by ` +
    "a thread that did not allocate the block";
}

/** What a replay of it could not say. */
function shortOf({ events }: TraceFile): string[] {
  const why = tooFew(events);
  return why === undefined ? [] : [why];
}

function histogramLines(rows: TraceFile["sizes"], palette: Palette): string[] {
  const most = Math.max(1, ...rows.map(({ count }) => count));
  const barColumns = Math.min(MOST_BAR_COLUMNS, palette.columns - FIGURE_COLUMNS);
  return rows.map(({ upTo, count, bytes }) => {
    const drawn = "█".repeat(Math.ceil(count / most * barColumns));
    const figures = `${shortBytes(upTo).padStart(9)} ${withCommas(count).padStart(11)} ${
      bytesText(bytes).padStart(10)
    }`;
    return `${figures}  ${palette.green(drawn)}`.trimEnd();
  });
}

function histogramCells(rows: TraceFile["sizes"]): (string | number)[][] {
  return rows.map(({ upTo, count, bytes }) => [shortBytes(upTo), count, bytes]);
}

/** An area, with the scale on its left. */
function chartLines(values: readonly number[], palette: Palette): string[] {
  const highest = Math.max(0, ...values);
  const lines = areaChart(values, palette.columns - 12, CHART_ROWS, highest);
  return lines.map((line, row) => {
    const label = row === 0 ? bytesText(highest) : row === lines.length - 1 ? "0" : "";
    return `${label.padStart(10)} ${palette.green(line)}`.trimEnd();
  });
}

const THREAD_COLUMNS: readonly Column<TraceFile["threadTable"][0]>[] = [
  words("thread", ({ name }) => String(name)),
  numbers("events", ({ events }) => withCommas(events)),
  numbers("allocations", ({ allocations }) => withCommas(allocations)),
  numbers("bytes", ({ allocatedBytes }) => bytesText(allocatedBytes)),
  numbers("frees", ({ frees }) => withCommas(frees)),
  numbers("of others' blocks", ({ foreignFrees }) => withCommas(foreignFrees)),
];

/** A power of two in the unit that shortens it: `256`, `4 KiB`. */
export function shortBytes(bytes: number): string {
  const units = ["", " KiB", " MiB", " GiB", " TiB"];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${bytes / 1024 ** unit}${units[unit]}`;
}
