/**
 * The file of `record`, `hakmem.record/1`, and its text: what was recorded in one line, a row a process, and sizes and
 * lifetimes of the program itself. At most 100 columns wide, unless a name is longer.
 *
 * @module
 */
import Table from "cli-table3";
import * as v from "valibot";
import { boundOf, type Histogram } from "../traces/summary.ts";
import { byteCount, counted, withCommas, wrap } from "./format.ts";
import { csvTable, markdownTable } from "./rows.ts";
import { LINES, type Palette, PLAIN } from "./table.ts";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Counts by powers of two: element `n` counts values from 2^(n-1), exclusive, to 2^n; element 0 those up to 1. */
const HistogramSchema = v.array(Count);

const ProcessSchema = v.object({
  /** The recording. */
  file: v.string(),
  /** Of the recording. */
  fileBytes: Count,
  pid: Count,
  /** The name of the executable. */
  program: v.string(),
  /** Whether it is a fork that became no program of its own: its parent's blocks are not in its recording. */
  forked: v.boolean(),
  /** The system's error number, if recording stopped before the process did; else 0. */
  stopped: Count,
  /** Calls that were not recorded, because a signal had interrupted the recorder. */
  lost: Count,
  /** Frees and reallocs of blocks whose allocation was not seen; the frees are left out. */
  unknownBlocks: Count,
  /** Blocks whose free was not seen, though their addresses were given out again. */
  unseenFrees: Count,
  /** Whether there were more events than a trace may have; those are left out. */
  cut: v.boolean(),

  /** Calls that did something. */
  events: Count,
  mallocs: Count,
  callocs: Count,
  aligned: Count,
  reallocs: Count,
  frees: Count,
  threadEnds: Count,
  threads: Count,
  /** Asked for by all allocations and reallocs. */
  bytes: Count,
  peakLiveBytes: Count,
  peakLiveBlocks: Count,
  endLiveBytes: Count,
  endLiveBlocks: Count,
  crossThreadFrees: Count,
  /** Of allocations and reallocs, in bytes. */
  sizes: HistogramSchema,
  /** Of freed blocks, in events from allocation to free. */
  lifetimes: HistogramSchema,
});

const RecordFileSchema = v.object({
  schema: v.literal("hakmem.record/1"),
  command: v.array(v.string()),
  /** How the program ended: its exit code or the signal that killed it. */
  exitCode: v.exactOptional(v.number()),
  signal: v.exactOptional(v.string()),
  /** How long it ran, with the recorder in it. */
  seconds: v.number(),
  /** The program first. */
  processes: v.pipe(v.array(ProcessSchema), v.minLength(1)),
  /** Programs that were replaced by another one in their process (exec), and whose recordings were not kept. */
  replaced: Count,
});

export type RecordedProcess = v.InferOutput<typeof ProcessSchema>;
export type RecordFile = v.InferOutput<typeof RecordFileSchema>;
/** How a program ended. */
export type Outcome = Pick<RecordFile, "exitCode" | "signal" | "seconds">;

/**
 * Reads a file of `record`.
 *
 * @throws v.ValiError if it is not one; the message names the first field that is wrong.
 */
export function parseRecordFile(text: string): RecordFile {
  return v.parse(RecordFileSchema, JSON.parse(text));
}

const COLUMNS = 100;
const MOST_ROWS = 12; // in a terminal: a build starts thousands of processes

const HEAD = ["program", "pid", "events", "threads", "asked for", "peak live", "left live", "freed elsewhere"];

/** The text; colours from `palette`. */
export function renderRecord(file: RecordFile, palette: Palette = PLAIN): string {
  const [program, ...others] = file.processes;
  const shown = [program!, ...others.toSorted((a, b) => b.events - a.events)].slice(0, MOST_ROWS);
  const hidden = file.processes.length - shown.length;
  const table = new Table({
    head: HEAD.map((name) => palette.bold(name)),
    colAligns: ["left", "right", "right", "right", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
    chars: LINES,
  });
  table.push(...shown.map(cells));
  const remarks = [
    ...describe(program!),
    ...(hidden === 0 ? [] : [
      `The table has the ${MOST_ROWS} with the most events of ${file.processes.length} processes; --csv and --json have all.`,
    ]),
    ...notesOf(file),
  ];
  return [
    ...wrap(recordHeadline(file), COLUMNS).map(palette.bold),
    "",
    ...table.toString().split("\n").map((line) => line.trimEnd()),
    "",
    ...remarks.flatMap((remark) => wrap(remark, COLUMNS)),
    "",
  ].join("\n");
}

/** The same as Markdown, with a row for every process. */
export function renderRecordMarkdown(file: RecordFile): string {
  const remarks = [...describe(file.processes[0]!), ...notesOf(file)].map((remark) => `- ${remark}\n`);
  return `**${recordHeadline(file)}**\n\n${markdownTable(HEAD, file.processes.map(cells))}\n${remarks.join("")}`;
}

/** A row a process, with all that is a number. */
export function renderRecordCsv({ processes }: RecordFile): string {
  const names = Object.entries(processes[0]!).filter(([, value]) => !Array.isArray(value)).map(([name]) => name);
  return csvTable(
    names,
    processes.map((process) => names.map((name) => String(process[name as keyof RecordedProcess]))),
  );
}

/** What was recorded, where it is, and how the program ended. */
export function recordHeadline({ processes, exitCode, signal, seconds }: RecordFile): string {
  const { program, events, file, fileBytes } = processes[0]!;
  const others = processes.length - 1;
  const where = others === 0
    ? ""
    : `; ${others === 1 ? "another process" : `${others} other processes`} in ${file}.PID`;
  const end = signal === undefined ? `exit code ${exitCode}` : `killed by ${signal}`;
  return `recorded ${counted(events, "event")} of ${program} in ${file} (${byteCount(fileBytes)})${where}; ` +
    `${end} after ${seconds.toFixed(2)} s`;
}

function cells(process: RecordedProcess): string[] {
  return [
    process.program,
    String(process.pid),
    withCommas(process.events),
    withCommas(process.threads),
    byteCount(process.bytes),
    byteCount(process.peakLiveBytes),
    byteCount(process.endLiveBytes),
    withCommas(process.crossThreadFrees),
  ];
}

function describe(process: RecordedProcess): string[] {
  const { mallocs, callocs, aligned, reallocs, frees, sizes, lifetimes, endLiveBlocks } = process;
  const allocations = mallocs + callocs + aligned;
  const kinds = Object.entries({ malloc: mallocs, calloc: callocs, aligned, realloc: reallocs, free: frees })
    .filter(([, count]) => count > 0).map(([name, count]) => `${name} ${withCommas(count)}`);
  const sizeText = allocations === 0 ? [] : [`Sizes in bytes: ${quantiles(sizes)}.`];
  const lifetimeText = frees === 0 ? [] : [`Lifetimes in events: ${quantiles(lifetimes)}.`];
  const kept = endLiveBlocks === 0 ? "All blocks were freed." : `Never freed: ${counted(endLiveBlocks, "block")}.`;
  return [
    `${process.program}: ${kinds.join(", ")}; at most ${counted(process.peakLiveBlocks, "block")} live.`,
    ...sizeText,
    ...lifetimeText,
    kept,
  ];
}

function quantiles(histogram: Histogram): string {
  const [half = 0, most = 0, all = 0] = [0.5, 0.9, 1].map((share) => boundOf(histogram, share));
  return `half are at most ${withCommas(half)}, 90 % at most ${withCommas(most)}, all at most ${withCommas(all)}`;
}

/** What is not as it should be, or may surprise. */
function notesOf({ processes, replaced }: RecordFile): string[] {
  const notes = processes.flatMap((process) => {
    const name = `${process.program} (${process.pid})`;
    return [
      ...(process.stopped === 0 ? [] : [`${name}: recording stopped before its end: ${stopReason(process.stopped)}.`]),
      ...(process.cut
        ? [`${name}: what came after ${counted(process.events, "event")} is left out: no trace has more.`]
        : []),
      ...(process.lost === 0
        ? []
        : [`${name}: ${counted(process.lost, "call")} of signal handlers could not be recorded.`]),
      ...(process.unseenFrees === 0
        ? []
        : [`${name}: ${counted(process.unseenFrees, "free")} was not seen, and is made up.`]),
    ];
  });
  const unknown = processes.reduce((sum, { unknownBlocks }) => sum + unknownBlocks, 0);
  if (unknown > 0) notes.push(`Left out: ${counted(unknown, "free")} of blocks from before a fork.`);
  if (replaced > 0) notes.push(`Left out: ${counted(replaced, "program")} that became another one (exec).`);
  return notes;
}

const STOP_REASONS: Readonly<Record<number, string>> = {
  2: "the folder of the recording is gone",
  13: "it may no longer write to the recording",
  27: "the recording is as long as a file may be (ulimit -f)",
  28: "the disk is full",
};

function stopReason(errno: number): string {
  return STOP_REASONS[errno] ?? `the system's error ${errno}`;
}
