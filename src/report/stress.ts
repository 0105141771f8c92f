/**
 * What `stress` found, for a terminal: a line for each variant with the operations that were run, or the seed and the
 * shortest operation list that fails. In Markdown and as CSV, a row for each variant. With threads, the same for each
 * scenario of a variant; where one fails, the last operations of each Worker instead of a list.
 *
 * @module
 */
import { heapLabel } from "./tables/label.ts";
import type {
  Operation,
  StressFailure,
  StressFile,
  StressRun,
  StressThreads,
  StressThreadsFailure,
} from "../model/stress.ts";
import { counted, times, withCommas, wrap } from "./tables/format.ts";
import { csvTable, markdownTable } from "./tables/rows.ts";
import { type Palette, PLAIN, sentence } from "./tables/palette.ts";

/** Workers whose last operations are shown; the one that found what is wrong is the first. */
const SHOWN_WORKERS = 8;

/** What goes to stdout. */
export function renderStress({ seed, build, runs }: StressFile, palette: Palette = PLAIN): string {
  return runs.map((run) =>
    run.failure === undefined ? passed(run, palette) : failed(run, run.failure, seed, build, palette)
  ).join("");
}

/** The same as Markdown: a table, and each failing list. */
export function renderStressMarkdown({ seed, build, runs, command, threads }: StressFile): string {
  const names = operationNames(runs), facts = threads === undefined ? [] : THREAD_FACTS;
  const rows = runs.map((run) => [
    run.failure === undefined ? "ok" : "FAILED",
    heapLabel(run.variant),
    run.programs,
    run.operations,
    run.seconds.toFixed(1),
    ...names.map((name) => run.counts[name] ?? 0),
    ...facts.map((fact) => run.threads?.[fact] ?? ""),
  ]);
  const failures = runs.flatMap(({ variant, failure }) =>
    failure === undefined
      ? []
      : [`\n**${heapLabel(variant)}**\n\n\`\`\`text\n${failureLines(failure).join("\n")}\n\`\`\`\n`]
  );
  const count = runs.filter(({ failure }) => failure !== undefined).length;
  const noun = threads === undefined ? "variant" : "run";
  const result = count === 0 ? "nothing failed" : `${count} of ${counted(runs.length, noun)} FAILED`;
  return `**${result}; ${build} build, seed ${seed}${threads === undefined ? "" : `, ${threads} threads`}**\n\n` +
    markdownTable(["result", "allocator", "programs", "operations", "s", ...names, ...facts], rows) +
    `${failures.join("")}\n\`${command.join(" ")}\`\n`;
}

/** A line a variant; the failing lists are in the JSON file alone. */
export function renderStressCsv({ seed, build, runs, threads }: StressFile): string {
  const names = operationNames(runs), facts = threads === undefined ? [] : THREAD_FACTS;
  return csvTable(
    ["variant", "build", "seed", "programs", "operations", "seconds", "result", "message", ...names, ...facts],
    runs.map(({ variant, programs, operations, counts, seconds, failure, threads }) => [
      variant,
      build,
      seed,
      programs,
      operations,
      seconds,
      failure === undefined ? "ok" : "failed",
      failure?.message ?? "",
      ...names.map((name) => counts[name] ?? 0),
      ...facts.map((fact) => threads?.[fact] ?? ""),
    ]),
  );
}

/** The additional columns of runs with several threads. */
const THREAD_FACTS = [
  "scenario",
  "workers",
  "terminated",
  "inDoubt",
  "lost",
  "handedOver",
  "threadSlots",
  "peakFootprintBytes",
  "peakLiveBytes",
] as const;

/** The operations that were counted, in the order in which they first appear. */
function operationNames(runs: readonly StressRun[]): string[] {
  return [...new Set(runs.flatMap(({ counts }) => Object.keys(counts)))];
}

function passed(run: StressRun, palette: Palette): string {
  const { counts, threads } = run;
  // A no-break space keeps a count beside its name while the line is broken.
  const done = Object.entries(counts).filter(([, count]) => count > 0);
  const each = done.map(([name, count]) => `${name}\u00a0${withCommas(count)}`).join(", ");
  const lines = [each, threads === undefined ? "" : threadsText(threads)]
    .flatMap((text) => text === "" ? [] : wrap(text, palette.columns - 4))
    .map((line) => `  ${line.replaceAll("\u00a0", " ")}\n`).join("");
  return `${titled("ok", palette.green, run, `: ${workOf(run)}`, palette)}\n${lines}`;
}

/** A run's first line, or several of them; how it ended and the allocator's name are emphasised. */
function titled(
  end: string,
  paint: (text: string) => string,
  { variant, threads }: StressRun,
  rest: string,
  palette: Palette,
): string {
  const name = heapLabel(variant);
  const text = `${end} ${name}${threads === undefined ? "" : `, ${threads.scenario}`}${rest}`;
  return sentence(text, palette).join("\n").replace(end, paint).replace(name, palette.bold);
}

function workOf({ operations, programs, seconds, threads }: StressRun): string {
  const noun = threads === undefined ? "program" : "heap";
  return `${counted(operations, "operation")} in ${counted(programs, noun)}, ${seconds.toFixed(1)} s`;
}

function threadsText(threads: StressThreads): string {
  const { workers, terminated, handedOver, inDoubt, lost, threadSlots, peakFootprintBytes, peakLiveBytes } = threads;
  const footprint = peakLiveBytes === 0 ? "" : `, ${times(peakFootprintBytes / peakLiveBytes)} of what was live`;
  return [
    `${counted(workers, "Worker")}, ${withCommas(terminated)} ended in the middle`,
    `${counted(inDoubt, "block")} in doubt, ${withCommas(lost)} lost`,
    `${withCommas(handedOver)} operations on blocks of others`,
    `${withCommas(threadSlots)} thread ${threadSlots === 1 ? "entry" : "entries"}`,
    `footprint ${(peakFootprintBytes / 1e6).toFixed(1)} MB at most${footprint}`,
  ].join("; ").replaceAll(/(?<=[\d,.]) /g, "\u00a0");
}

function failed(
  run: StressRun,
  failure: StressFailure | StressThreadsFailure,
  seed: number,
  build: string,
  palette: Palette,
): string {
  return [
    titled("FAILED", palette.red, run, `, ${build} build, --seed ${seed}: after ${workOf(run)}`, palette),
    ...failureLines(failure, palette.isTerminal ? palette.columns - 4 : Infinity).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

/** The message, and the shortest program that fails, or what Workers did last. */
function failureLines(failure: StressFailure | StressThreadsFailure, columns = Infinity): string[] {
  if ("last" in failure) return lastLines(failure, Math.min(columns, 96));
  const { message, program, unshrunk } = failure;
  const heap = program.maxBytes === undefined ? "" : `, on a heap of ${withCommas(program.maxBytes)} bytes at most`;
  const count = program.operations.length;
  return [
    ...message.split("\n").flatMap((line) => wrap(line, columns)),
    ...wrap(
      `shortest list that fails (${count} of ${unshrunk} operations, program ${program.seed}${heap}):`,
      columns,
    ),
    ...program.operations.map((operation) => `  ${operationText(operation)}`),
    program.scenario === undefined ? "  then audit, free all, audit, collect, audit" : "  then every other call",
  ];
}

function lastLines({ message, last }: StressThreadsFailure, columns: number): string[] {
  const shown = last.slice(0, SHOWN_WORKERS).flatMap(({ worker, operations }) =>
    wrap(`Worker ${worker}: ${operations.map((each) => each.replaceAll(" ", "\u00a0")).join("; ")}`, columns - 4)
      .map((line, index) => `${index === 0 ? "  " : "    "}${line.replaceAll("\u00a0", " ")}`)
  );
  const rest = last.length - SHOWN_WORKERS;
  return [
    ...message.split("\n").flatMap((line) => wrap(line, columns)),
    ...(last.length === 0 ? [] : ["the last operations of each, the latest last:"]),
    ...shown,
    ...(rest > 0 ? [`  and of ${counted(rest, "other")}, which --json writes`] : []),
  ];
}

/** An operation as a line of a program. */
function operationText(operation: Operation): string {
  switch (operation.op) {
    case "malloc":
      return `b${operation.block} = malloc(${operation.size})`;
    case "calloc":
      return `b${operation.block} = calloc(${operation.count}, ${operation.size})`;
    case "alignedAlloc":
      return `b${operation.block} = alignedAlloc(${operation.alignment}, ${operation.size})`;
    case "realloc":
      return `b${operation.block} = realloc(b${operation.block}, ${operation.size})`;
    case "free":
      return `free(b${operation.block})`;
    case "damage":
      return `state[${operation.word}] = ${operation.value}`;
    case "scribble":
      return `b${operation.block}[${operation.word}] = ${operation.value}, though it is free`;
    default:
      return `${operation.op}()`;
  }
}
