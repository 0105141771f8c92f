/**
 * How numbers and names are written, the same in every report.
 *
 * @module
 */
import { labelOf } from "./label.ts";
import type { Ratio, Result } from "../../model/results.ts";

/** Millions of operations a second: three digits that count. */
export function mops(opsPerSecond: number): string {
  return digits(opsPerSecond / 1e6);
}

/** Nanoseconds: three digits that count. */
export function nanoseconds(value: number): string {
  return digits(value);
}

/** Seconds as milliseconds: `0.21 ms`, `80.1 ms`, `1200 ms`. */
export function milliseconds(seconds: number): string {
  return `${digits(1000 * seconds)} ms`;
}

/** How long a program ran, by the clock and on processors. */
export function ranText(ran: { readonly wallSeconds: number; readonly processorSeconds?: number }): string {
  const { wallSeconds, processorSeconds } = ran;
  const processor = processorSeconds === undefined ? "" : `, ${milliseconds(processorSeconds)} on processors`;
  return `the program ran ${milliseconds(wallSeconds)}${processor}`;
}

/** How many times: 0.003, 1.36, 45, 1200. */
export function times(ratio: number): string {
  return digits(ratio);
}

/** Bytes in the unit in which they are at least 1: `17 B`, `10.4 MB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const unit = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return unit === 0 ? `${bytes} B` : `${(bytes / 1000 ** unit).toFixed(1)} ${units[unit]}`;
}

/** The bounds of an interval: `1.31–1.40`, `-0.30 to 1.40`. */
export function bounds(low: number, high: number, format: (value: number) => string = digits): string {
  return `${format(low)}${low < 0 ? " to " : "–"}${format(high)}`;
}

/** A ratio with its interval: `1.36 (1.31–1.40)`. */
export function ratioWithBounds({ ratio, low, high }: Ratio): string {
  return `${times(ratio)} (${bounds(low, high)})`;
}

/** A share in per cent: `95.0 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A level of confidence: `99 %`, `98.4 %`. */
export function levelText(level: number): string {
  return `${Number((100 * level).toPrecision(3))} %`;
}

/** A function as V8 calls it; not all have a name. */
export function functionName(name: string): string {
  return name === "" ? "(anonymous)" : name;
}

/** A ratio as a change: `-7.0 %`, `+120 %`. */
export function change(ratio: number): string {
  const percent = 100 * (ratio - 1), size = Math.abs(percent);
  return `${percent < 0 ? "-" : "+"}${size >= 100 ? size.toFixed(0) : size.toFixed(1)} %`;
}

/** The same with its interval: `-7.0 % (-8.1 % to -6.2 %)`. */
export function changeWithBounds({ ratio, low, high }: Ratio): string {
  return `${change(ratio)} (${change(low)} to ${change(high)})`;
}

/** A contestant's name: its label. Files of older versions have none, or label our heap by its variant alone. */
export function nameOf(result: Pick<Result, "allocator" | "label" | "runtime" | "host" | "heaps">): string {
  const { allocator, label, runtime } = result;
  const isOfOldFile = runtime === "deno" && label?.replace(/, own heaps$/, "") === allocator;
  return label === undefined || isOfOldFile ? labelOf(result) : label;
}

/** Whether it is ours with a heap for each thread: a yardstick of what sharing one costs, and no contestant. */
export function hasOwnHeaps({ runtime, heaps }: Pick<Result, "runtime" | "heaps">): boolean {
  return runtime === "deno" && heaps === "own";
}

/** Of each native peer what served its malloc: `mimalloc 2.0.9 (/usr/lib/x86_64-linux-gnu/libmimalloc.so.2)`. */
export function librariesOf(results: readonly Result[]): string[] {
  const lines = results.flatMap(({ allocator, label = allocator, library, libraryVersion = "" }) => {
    if (library === undefined) return [];
    const name = label.includes(libraryVersion) ? label : `${label} ${libraryVersion}`;
    return [`${name} (${library})`];
  });
  return [...new Set(lines)];
}

/** The parameters as words, without the size where each row has its own. */
export function parametersOf(results: readonly Result[]): string {
  const parameters = results[0]?.parameters ?? {};
  return Object.entries(parameters).filter(([name]) => name !== "size").map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

/** What results are compared at: a size, and a number of threads. */
export type Setting = Pick<Result, "size" | "threads">;

/** A setting in words: `128`, `128 with 2 threads`. */
export function settingOf({ size, threads }: Setting): string {
  return threads === 1 ? String(size) : `${size} with ${threads} threads`;
}

/**
 * The results of each setting, in the order in which they were measured, and what to call it. A replay has all sizes at
 * once, so it is called by its threads, or not at all.
 */
export function bySetting(results: readonly Result[]): { heading: string; results: Result[] }[] {
  const hasThreads = isThreaded(results), hasSizes = !isReplay(results);
  return [...Map.groupBy(results, settingOf).values()].map((group) => {
    const { size, threads } = group[0]!;
    const words = [...(hasSizes ? [`size ${size}`] : []), ...(hasThreads ? [threadCount(threads)] : [])];
    return { heading: words.join(", "), results: group };
  });
}

/** Whether results are those of a replay: they have no size of their own. */
export function isReplay(results: readonly Pick<Result, "workload">[]): boolean {
  return results[0]?.workload === "replay";
}

/** A number of threads in words. */
export function threadCount(threads: number): string {
  return threads === 1 ? "1 thread" : `${threads} threads`;
}

/** The sizes of results, in the order in which they were measured. */
export function sizesOf(results: readonly Setting[]): number[] {
  return [...new Set(results.map(({ size }) => size))];
}

/** A number and what it counts: `1 frame`, `1,024 frames`. */
export function counted(count: number, noun: string): string {
  return `${withCommas(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A whole number with a comma every three digits. */
export function withCommas(count: number): string {
  return count.toLocaleString("en-US");
}

/** The numbers of threads, likewise. */
export function threadsOf(results: readonly Setting[]): number[] {
  return [...new Set(results.map(({ threads }) => threads))];
}

/** Whether any result is of several threads. */
export function isThreaded(results: readonly Setting[]): boolean {
  return results.some(({ threads }) => threads > 1);
}

/**
 * Breaks a text at its spaces into lines of at most `columns`, but not between a number and its unit; longer words too,
 * after a slash or comma if possible.
 */
export function wrap(text: string, columns: number): string[] {
  const lines = [""];
  for (const word of text.split(BREAKS).flatMap((word) => pieces(word, columns))) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}

/** Spaces, but not those between a number and its unit. */
const BREAKS = / (?!%)(?!(?<=\d )(?:ns|us|ms|s|B|[KMG]i?B)(?!\w))/;

function pieces(word: string, columns: number): string[] {
  if (word.length <= columns) return [word];
  if (word.includes(" ")) return word.split(" ").flatMap((part) => pieces(part, columns)); // a number with its unit
  const end = Math.max(word.lastIndexOf("/", columns - 1), word.lastIndexOf(",", columns - 1)) + 1;
  const length = end > columns / 2 ? end : columns;
  return [word.slice(0, length), ...pieces(word.slice(length), columns)];
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return String(Number(value.toPrecision(3)));
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 0.1 || size === 0) return value.toFixed(2);
  return size < 0.0005 ? value.toExponential(0) : value.toFixed(3);
}

/** A name with its revisions as people write them, by the first 12 digits. */
export function shortRevisions(name: string): string {
  return name.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{28}\b/g, "$1");
}
