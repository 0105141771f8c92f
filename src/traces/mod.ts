/**
 * Traces of real programs: the table of formats, and how a file becomes a trace, or a summary without one. Adding a
 * format: its file in `formats/`, one line below.
 *
 * @module
 */
import { aging } from "./formats/aging.ts";
import { android } from "./formats/android.ts";
import { chrome } from "./formats/chrome.ts";
import { TraceColumns } from "./columns.ts";
import { Content, type ReadProgress } from "./files/content.ts";
import type { TraceFormat } from "./formats/format.ts";
import { heaptrack } from "./formats/heaptrack.ts";
import { formatHead } from "./text/lines.ts";
import { logalloc } from "./formats/logalloc.ts";
import { ltrace } from "./formats/ltrace.ts";
import { lttng } from "./formats/lttng.ts";
import { mallocBench } from "./formats/malloc_bench.ts";
import { malloclab } from "./formats/malloclab.ts";
import { memleak } from "./formats/memleak.ts";
import { mtrace } from "./formats/mtrace.ts";
import { rawRecording } from "./recording/raw/recording.ts";
import { recording } from "./recording/recording.ts";
import { type StackTotals, StackTotalsSink } from "./stack_totals.ts";
import { strangerIn } from "./files/strangers.ts";
import { Summary, type TraceSummary } from "./summary.ts";
import { type EventSink, type Trace, TraceError } from "./trace.ts";
import { valgrind } from "./formats/valgrind.ts";
import { weeAlloc } from "./formats/wee_alloc.ts";

export { type HistogramRow, samplePoints, summarise, type ThreadSummary, type TraceSummary } from "./summary.ts";
export { anonymisedTrace } from "./edit/anonymise.ts";
export { type CutTrace, cutTrace } from "./edit/cut.ts";
export { eventAt, type Place } from "./place.ts";
export { encodeTrace, writerFor, WRITERS } from "./writing/mod.ts";
export type { TraceWriter } from "./writing/writer.ts";
export { STACK_VALUES, type StackTotal, type StackTotals, type StackValue } from "./stack_totals.ts";
export {
  EVENT,
  EVENT_NAMES,
  NO_BLOCK,
  type RanFor,
  type StackFacts,
  STACKS_BY,
  type Trace,
  TraceError,
  type TraceModule,
  type TraceStacks,
} from "./trace.ts";

/** Every format that can be read. */
export const FORMATS: readonly TraceFormat[] = [
  android,
  malloclab,
  weeAlloc,
  heaptrack,
  valgrind,
  mtrace,
  logalloc,
  lttng,
  memleak,
  ltrace,
  mallocBench,
  chrome,
  recording,
  rawRecording,
  aging,
];

/**
 * Decodes a trace, compressed or not. The format is found by the content.
 *
 * @throws TraceError if it is not a trace, or damaged; the message says where.
 */
export function decodeTrace(bytes: Uint8Array<ArrayBuffer>): Trace {
  return decode(Content.of(bytes), new TraceColumns());
}

/** Where a trace is read from stdin: what stands for its path. */
const STDIN = "-";

/** What people call a trace that is read from a path. */
export function traceName(path: string): string {
  return path === STDIN ? "stdin" : path.split("/").at(-1) ?? path;
}

/**
 * Reads a trace from a file or a pipe; `-` is stdin.
 *
 * @param report Is told how far a text is read.
 * @throws TraceError if it cannot be read, is not a trace, or is damaged; the message names the file.
 */
export function readTrace(path: string, report?: ReadProgress): Trace {
  return read(path, new TraceColumns(), report);
}

/**
 * Reads a file, and summarises what is in it on the way: the events are not kept, so memory is taken by live blocks alone.
 *
 * @param samples least points of the curve of live bytes, if there are as many events
 * @throws TraceError as {@linkcode readTrace}
 */
export function readSummary(path: string, samples: number, report?: ReadProgress): TraceSummary {
  return read(path, new Summary(samples), report);
}

/**
 * Reads a file, and sums up what each of its stacks allocated.
 *
 * @throws TraceError as {@linkcode readTrace}
 */
export function readStackTotals(path: string): StackTotals {
  return read(path, new StackTotalsSink());
}

function read<Result>(path: string, sink: EventSink<Result>, report?: ReadProgress): Result {
  try {
    if (path === STDIN) return decode(Content.from(Deno.stdin, undefined, report), sink);
    using file = Deno.openSync(path);
    const { isFile, size } = file.statSync();
    return decode(Content.from(file, isFile ? size : undefined, report), sink);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TraceError(`${path === STDIN ? "stdin" : path}: ${reason}`, { cause: error });
  }
}

function decode<Result>(content: Content, sink: EventSink<Result>): Result {
  const head = new TextDecoder("latin1").decode(content.head());
  if (head === "" && content.isCut) throw new TraceError("the file is cut off before anything in it can be read");
  const format = FORMATS.find(({ recognises }) => recognises(head) || recognises(formatHead(head)));
  if (format === undefined) throw new TraceError(strangerIn(head) ?? unknownFormat());
  return format.decode(content, sink);
}

function unknownFormat(): string {
  const known = FORMATS.map(({ name, description }) => `${name} (${description})`).join(", ");
  return `line 1: not a trace of a format that is known: ${known}`;
}
