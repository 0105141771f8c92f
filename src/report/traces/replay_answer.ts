/**
 * The answer of a replay: which allocator is the fastest for this program, and which takes the least memory, in one line of
 * words.
 *
 *     tcmalloc 2.10 is fastest: 80.1 ms (79.3–81.0), system 116 ms (114–117), of 255 ms that the program ran; least
 *     memory: system 11.7 MB
 *
 * Times are of the first replay of a process, as the program ran once, without the loop around malloc and free; of
 * files that have no such times, of replay after replay. An allocator that cannot be told from the fastest is named
 * with it. A trace that is too short has no fastest allocator.
 *
 * @module
 */
import { differences, type Estimate, estimate, knownRatio } from "../../measure/mod.ts";
import { bounds, bytesText, counted, milliseconds, nameOf, nanoseconds, withCommas } from "../tables/format.ts";
import { netRatiosOf } from "../bench/loops.ts";
import type { Result, ResultFile } from "../../model/results.ts";

/** Fewer events, or less time in malloc and free, say nothing of an allocator. */
const LEAST_EVENTS = 10_000;
const LEAST_SECONDS = 0.001;

/** Seconds that a contestant spends in malloc and free in one replay; undefined if it did not replay so. */
export interface ReplaySeconds {
  readonly cold: Estimate | undefined;
  readonly warm: Estimate;
}

/** Both times of a result, without the loop of its language. */
export function replaySeconds(result: Result, results: readonly Result[]): ReplaySeconds {
  const isCold = results.every(({ coldSamples }) => coldSamples !== undefined);
  const inSeconds = (all: readonly Result[]): Estimate => {
    const loop = all.find(({ runtime, host }) => runtime === "harness" && host === result.host);
    const { samples, events = 0 } = all.find((each) => isSame(each, result))!;
    const net = loop === undefined ? samples : differences(samples, loop.samples);
    const { median, low, high } = estimate(net.map((each) => Math.max(0, each) * events / 1e9));
    return { median, low, high };
  };
  return { cold: isCold ? inSeconds(results.map(cold)) : undefined, warm: inSeconds(results) };
}

/** Why no replay of a trace can have a verdict, which is known before any is measured; undefined if one can. */
export function tooFew(events: number): string | undefined {
  if (events >= LEAST_EVENTS) return undefined;
  return `${counted(events, "event")}, too few for replay to say which allocator is fastest: that takes at least ` +
    `${withCommas(LEAST_EVENTS)}, and ${1000 * LEAST_SECONDS} ms in malloc and free`;
}

/** Why nothing can be said about which is the fastest; undefined if something can. */
export function tooShort(results: readonly Result[]): string | undefined {
  const contestants = contestantsOf(results), natives = contestants.filter(isNative), { events = 0 } = results[0] ?? {};
  // Ours and those in JavaScript are compiled while they replay for the first time, which is not of the trace.
  const longest = Math.max(0, ...(natives.length > 0 ? natives : contestants).map((each) => secondsOf(each, results)));
  if (events >= LEAST_EVENTS && longest >= LEAST_SECONDS) return undefined;
  return `it has ${counted(events, "event")}, and takes ${milliseconds(longest)} in malloc and free; a verdict takes ` +
    `at least ${withCommas(LEAST_EVENTS)} events and ${1000 * LEAST_SECONDS} ms`;
}

/** The line, without its end. */
export function replayHeadline(file: ResultFile): string {
  const { results, trace } = file, name = trace?.file ?? "the trace";
  if (contestantsOf(results).length === 0) return `${name}: nobody could replay it`;
  const short = tooShort(results);
  const ran = trace?.ran === undefined ? "" : `, of ${milliseconds(trace.ran.wallSeconds)} that the program ran`;
  const speed = short === undefined ? `${fastestText(results)}${ran}` : `${name} is too short to judge: ${short}`;
  return [speed, ...leanestText(results)].join("; ");
}

/** The fastest, and all that cannot be told from it; empty if the trace is too short. */
export function fastestOf(results: readonly Result[]): readonly Result[] {
  return tooShort(results) === undefined ? leadersOf(contestantsOf(results), results) : [];
}

function fastestText(results: readonly Result[]): string {
  const contestants = contestantsOf(results), leaders = leadersOf(contestants, results);
  const timeOf = (result: Result) => {
    const { median, low, high } = timeOfOne(result, results);
    return `${milliseconds(median)} (${bounds(low, high, (seconds) => nanoseconds(1000 * seconds))})`;
  };
  const withTime = (result: Result) => `${nameOf(result)} ${timeOf(result)}`;
  const isAlone = leaders.length === 1;
  const claim = isAlone
    ? `${nameOf(leaders[0]!)} is fastest: ${timeOf(leaders[0]!)}`
    : `${listed(leaders.map(withTime))} ${
      leaders.length === contestants.length ? "are too close to tell apart" : "are fastest, too close to tell apart"
    }`;
  // A program in C can take a native one alone.
  const natives = leaders.some(isNative) ? [] : leadersOf(contestants.filter(isNative), results);
  const native = natives.length === 0 ? [] : [`among native ones ${natives.map(withTime).join(", ")}`];
  const shown = [...leaders, ...natives];
  const system = contestants.find(({ allocator }) => allocator === "system");
  const slowest = contestants.filter(isNative).toSorted((a, b) => secondsOf(b, results) - secondsOf(a, results))[0];
  const other = [system, slowest].find((each) => each !== undefined && !shown.includes(each));
  return [claim, ...native, ...(other === undefined ? [] : [withTime(other)])].join(isAlone ? ", " : "; ");
}

function leanestText(results: readonly Result[]): string[] {
  const known = contestantsOf(results).filter(({ peakFootprintBytes }) => peakFootprintBytes !== undefined)
    .toSorted((a, b) => a.peakFootprintBytes! - b.peakFootprintBytes!);
  const withMemory = (result: Result) => `${nameOf(result)} ${bytesText(result.peakFootprintBytes!)}`;
  const [first] = known, native = known.find(isNative);
  if (first === undefined) return [];
  const rest = native === undefined || native === first ? "" : `, among native ones ${withMemory(native)}`;
  return [`least memory: ${withMemory(first)}${rest}`];
}

/** The fastest first, then those that no interval tells from it. */
function leadersOf(contestants: readonly Result[], results: readonly Result[]): Result[] {
  const ranked = contestants.toSorted((a, b) => secondsOf(a, results) - secondsOf(b, results));
  const [first, ...others] = ranked;
  if (first === undefined) return [];
  const samples = hasCold(results) ? results.map(cold) : results;
  const of = (result: Result) => samples.find((each) => isSame(each, result))!;
  return [
    first,
    ...others.filter((other) => {
      const ratio = knownRatio(netRatiosOf(of(first), of(other), samples) ?? []);
      return ratio === undefined ? isClose(first, other, results) : ratio.low <= 1;
    }),
  ];
}

/** Where the fastest takes next to no time no ratio is known, but intervals that do not meet tell two apart. */
function isClose(one: Result, other: Result, results: readonly Result[]): boolean {
  return timeOfOne(one, results).high >= timeOfOne(other, results).low;
}

/** The time by which a contestant is judged. */
function timeOfOne(result: Result, results: readonly Result[]): Estimate {
  const { cold, warm } = replaySeconds(result, results);
  return cold ?? warm;
}

function secondsOf(result: Result, results: readonly Result[]): number {
  return timeOfOne(result, results).median;
}

function contestantsOf(results: readonly Result[]): Result[] {
  return results.filter(({ runtime }) => runtime !== "harness");
}

function hasCold(results: readonly Result[]): boolean {
  return results.every(({ coldSamples }) => coldSamples !== undefined);
}

/** A result whose samples are of first replays. */
function cold(result: Result): Result {
  return { ...result, samples: result.coldSamples ?? [] };
}

function isNative({ runtime }: Result): boolean {
  return runtime === "native";
}

function isSame(one: Result, other: Result): boolean {
  return one.allocator === other.allocator && one.runtime === other.runtime && one.host === other.host;
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
