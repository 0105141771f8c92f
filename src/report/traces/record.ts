/**
 * `record` as text: what was recorded in one line, a row a process, and sizes and
 * lifetimes of the program itself.
 *
 * @module
 */
import { type Column, markdownOf, numbers, terminalTable, words } from "../tables/columns.ts";
import { bytesText, counted, percent, withCommas, wrap } from "../tables/format.ts";
import { csvTable } from "../tables/rows.ts";
import { answer, type Palette, PLAIN } from "../tables/palette.ts";
import { tooFew } from "./replay_answer.ts";
import { shortBytes } from "./trace.ts";
import type { Histogram, MissingProcess, RecordedProcess, RecordFile } from "../../model/record.ts";

const MOST_ROWS = 12; // in a terminal: a build starts thousands of processes
const MOST_NAME_COLUMNS = 14;

const COLUMNS: readonly Column<RecordedProcess>[] = [
  words("program", ({ program }) => program),
  numbers("pid", ({ pid }) => String(pid)),
  numbers("events", ({ events }) => withCommas(events)),
  numbers("threads", ({ threads }) => withCommas(threads)),
  numbers("asked for", ({ allocatedBytes }) => bytesText(allocatedBytes)),
  numbers("peak live", ({ peakLiveBytes }) => bytesText(peakLiveBytes)),
  numbers("left live", ({ endLiveBytes }) => bytesText(endLiveBytes)),
  numbers("cross-thread", ({ crossThreadFrees }) => percent(crossThreadFrees)),
];

/** The text; colours from `palette`. */
export function renderRecord(file: RecordFile, palette: Palette = PLAIN): string {
  const program = programOf(file), others = file.processes.filter((each) => each !== program);
  const shown = [...program === undefined ? [] : [program], ...others.toSorted((a, b) => b.events - a.events)]
    .slice(0, MOST_ROWS);
  const hidden = file.processes.length - shown.length;
  const remarks = [
    ...describe(shown[0]!),
    ...(hidden === 0 ? [] : [
      `The table has the ${MOST_ROWS} with the most events of ${file.processes.length} processes; --csv and --json have all.`,
    ]),
    ...notesOf(file),
  ];
  return [
    ...answer(recordHeadline(file), palette),
    "",
    terminalTable(COLUMNS, shown.map((each) => ({ ...each, program: shortened(each.program) })), palette),
    "",
    ...remarks.flatMap((remark) => wrap(remark, palette.columns)),
    "",
  ].join("\n");
}

/** The same as Markdown, with a row for every process. */
export function renderRecordMarkdown(file: RecordFile): string {
  const remarks = [...describe(programOf(file) ?? file.processes[0]!), ...notesOf(file)].map((remark) =>
    `- ${remark}\n`
  );
  return `**${recordHeadline(file)}**\n\n${markdownOf(COLUMNS, file.processes)}\n${remarks.join("")}`;
}

/** A row a process, with all but the histograms. */
export function renderRecordCsv({ processes }: RecordFile): string {
  const rows = processes.map((process) => {
    const { kinds, ran, wasCalling = false, sizes: _sizes, lifetimes: _lifetimes, ...others } = process;
    const { stretches, lostSignal = false, stacks, lostStacks = 0, ...rest } = others;
    return {
      ...rest,
      ...kinds,
      wasCalling,
      stretches: stretches ?? "",
      lostSignal,
      stacks: stacks?.by ?? "",
      sampleBytes: stacks?.sampleBytes ?? "",
      lostStacks,
      wallSeconds: ran?.wallSeconds ?? "",
      processorSeconds: ran?.processorSeconds ?? "",
    };
  });
  return csvTable(Object.keys(rows[0]!), rows.map((row) => Object.values(row).map(String)));
}

/** What was recorded, where it is, and how the program ended. */
export function recordHeadline(file: RecordFile): string {
  const { processes, exitCode, signal, seconds } = file, own = programOf(file);
  const end = signal === undefined ? `exit code ${exitCode}` : `killed by ${signal}`;
  return `recorded ${own === undefined ? othersText(file) : ownText(own, processes.length - 1)}; ` +
    `${end} after ${seconds.toFixed(2)} s`;
}

/** The program's own process, if anything was recorded of it. */
function programOf({ processes, pid }: RecordFile): RecordedProcess | undefined {
  return pid === undefined ? processes[0] : processes.find((each) => each.pid === pid);
}

function ownText({ program, events, file, fileBytes }: RecordedProcess, others: number): string {
  const where = others === 0
    ? ""
    : `; ${others === 1 ? "another process" : `${others} other processes`} in ${file}.PID`;
  return `${counted(events, "event")} of ${program} in ${file} (${bytesText(fileBytes)})${where}`;
}

/** Of a program that asked for nothing itself, or could not be recorded. */
function othersText({ processes, program = "" }: RecordFile): string {
  const events = processes.reduce((sum, each) => sum + each.events, 0);
  const [first, second] = processes;
  const where = second === undefined ? first!.file : `${first!.file.replace(/\d+$/, "")}PID`;
  const who = second === undefined ? "a process" : `${processes.length} processes`;
  return `${counted(events, "event")} of ${who} that ${
    program.slice(program.lastIndexOf("/") + 1)
  } started in ${where}, ` +
    "and nothing of itself";
}

function shortened(name: string): string {
  return name.length <= MOST_NAME_COLUMNS ? name : `${name.slice(0, MOST_NAME_COLUMNS - 1)}…`;
}

/** The program itself in some sentences. */
function describe(
  { program, file, events, kinds, sizes, lifetimes, peakLiveBlocks, endLiveBlocks }: RecordedProcess,
): string[] {
  const counts = Object.entries(kinds).filter(([, count]) => count > 0).map(([name, count]) =>
    `${name} ${withCommas(count)}`
  );
  const short = tooFew(events);
  return [
    `${program}: ${counts.join(", ")}; at most ${counted(peakLiveBlocks, "block")} live, ` +
    `${withCommas(endLiveBlocks)} never freed. More: trace info ${file}.`,
    ...(sizes.length === 0 ? [] : [`Sizes in bytes: ${quantiles(sizes)}.`]),
    ...(lifetimes.length === 0 ? [] : [`Lifetimes in bytes asked for meanwhile: ${quantiles(lifetimes)}.`]),
    ...(short === undefined ? [] : [`${program} made ${short}.`]),
  ];
}

function quantiles(histogram: Histogram): string {
  const [half, most, all] = [0.5, 0.9, 1].map((share) => shortBytes(boundOf(histogram, share)));
  return `half up to ${half}, 90 % up to ${most}, all up to ${all}`;
}

/** The least bound that at least this share of what was counted does not exceed. */
function boundOf(histogram: Histogram, share: number): number {
  const total = histogram.reduce((sum, { count }) => sum + count, 0);
  let seen = 0;
  return histogram.find(({ count }) => (seen += count) >= share * total)?.upTo ?? 0;
}

/** What is not as it should be, or may surprise. */
function notesOf({ processes, replaced, missing = [], kept, notes: others = [] }: RecordFile): string[] {
  const notes = processes.flatMap((process) => {
    const { stopped, cut, events, running, lost, unseenFrees, wasCalling = false } = process;
    const { stretches, lostSignal = false, stacks, lostStacks = 0 } = process;
    const all: [applies: boolean, text: string][] = [
      [stopped !== 0, `recording stopped before its end: ${STOP_REASONS[stopped] ?? `the system's error ${stopped}`}`],
      [cut, `what came after ${counted(events, "event")} is left out: no trace has more`],
      [stretches !== undefined, `it was recorded only while resumed, ${counted(stretches ?? 0, "time")}`],
      [lostSignal, "in the end it handled SIGUSR2 itself: from then on, nothing paused or resumed recording"],
      [stacks !== undefined, `who called: trace info ${process.file} --by stack, trace flame ${process.file}`],
      [
        lostStacks > 0,
        `${
          counted(lostStacks, "allocation")
        } without a stack: too many different ones, or too little room for the unwinder`,
      ],
      [running, "it was still running; what it did later is not recorded"],
      [lost > 0, `${counted(lost, "call")} of signal handlers could not be recorded`],
      [
        wasCalling && !running,
        "it ended in a system call of the recorder; if a sandbox killed it for that (seccomp), --no-grow makes none",
      ],
      [
        unseenFrees > 0,
        `${counted(unseenFrees, "free")} without a call of free, of addresses that were given out again`,
      ],
    ];
    return all.filter(([applies]) => applies).map(([, text]) => `${process.program} (${process.pid}): ${text}.`);
  });
  const unknown = processes.reduce((sum, { unknownBlocks }) => sum + unknownBlocks, 0);
  if (unknown > 0) {
    notes.push(`Left out: ${counted(unknown, "free")} of blocks that were not recorded, from before a fork mostly.`);
  }
  notes.push(...missingNotes(missing));
  if (kept !== undefined) notes.push(`What the recorder wrote is kept in ${kept}: its files are traces themselves.`);
  notes.push(...others.map((note) => `${note}.`));
  if (replaced > 0) notes.push(`Left out: ${counted(replaced, "program")} that became another one (exec).`);
  return notes;
}

/** A line for each program and reason. */
function missingNotes(missing: readonly MissingProcess[]): string[] {
  const groups = [
    ...Map.groupBy(missing, ({ program, pid, reason }) => `${pid === undefined}${program}\n${reason}`).values(),
  ];
  const lines = groups.map((group) => {
    const { program, pid, reason } = group[0]!, count = group.reduce((sum, each) => sum + each.count, 0);
    const who = pid === undefined ? `${counted(count, "fork")} of ${program}` : program;
    const which = pid === undefined ? "" : count === 1 ? ` (${pid})` : ` (${count} processes)`;
    return `Not recorded: ${who}${which}: ${reason}.`;
  });
  const hidden = lines.length - MOST_ROWS;
  return hidden <= 0 ? lines : [...lines.slice(0, MOST_ROWS), `Not recorded: ${hidden} more; --json has all.`];
}

/** By the system's error number. */
const STOP_REASONS: Readonly<Record<number, string>> = {
  2: "the folder of the recording is gone, or out of its sight",
  12: "the system has no address space left for it",
  13: "it may no longer write to the recording",
  24: "it has as many files open as it may (ulimit -n)",
  27: "the recording is as long as a file may be (ulimit -f)",
  28: "the disk is full",
  116: "something else made the recorder's file shorter, and what it cut off is missing",
  105: "the room that it had in its sandbox is used up",
};
