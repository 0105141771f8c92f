/**
 * What `stress` found, for a terminal: a line for each variant with the operations that were run, or the seed and the
 * shortest operation list that fails. In Markdown and as CSV, a row for each variant.
 *
 * @module
 */
import type { Operation, StressFailure, StressFile, StressRun } from "./stress_schema.ts";
import { counted, withCommas, wrap } from "./format.ts";
import { csvTable, markdownTable } from "./rows.ts";
import { type Palette, PLAIN } from "./table.ts";

/** What goes to stdout. */
export function renderStress({ seed, build, runs }: StressFile, palette: Palette = PLAIN): string {
  return runs.map((run) =>
    run.failure === undefined ? passed(run, palette) : failed(run, run.failure, seed, build, palette)
  ).join("");
}

/** The same as Markdown: a table, and each failing list. */
export function renderStressMarkdown({ seed, build, runs, command }: StressFile): string {
  const names = operationNames(runs);
  const rows = runs.map(({ variant, programs, operations, counts, seconds, failure }) => [
    failure === undefined ? "ok" : "FAILED",
    variant,
    programs,
    operations,
    seconds.toFixed(1),
    ...names.map((name) => counts[name] ?? 0),
  ]);
  const failures = runs.flatMap(({ variant, failure }) =>
    failure === undefined ? [] : [`\n**${variant}**\n\n\`\`\`text\n${failureLines(failure).join("\n")}\n\`\`\`\n`]
  );
  const count = runs.filter(({ failure }) => failure !== undefined).length;
  const result = count === 0 ? "nothing failed" : `${count} of ${counted(runs.length, "variant")} FAILED`;
  return `**${result}; ${build} build, seed ${seed}**\n\n` +
    markdownTable(["result", "variant", "programs", "operations", "s", ...names], rows) +
    `${failures.join("")}\n\`${command.join(" ")}\`\n`;
}

/** A line a variant; the failing lists are in the JSON file alone. */
export function renderStressCsv({ seed, build, runs }: StressFile): string {
  const names = operationNames(runs);
  return csvTable(
    ["variant", "build", "seed", "programs", "operations", "seconds", "result", "message", ...names],
    runs.map(({ variant, programs, operations, counts, seconds, failure }) => [
      variant,
      build,
      seed,
      programs,
      operations,
      seconds,
      failure === undefined ? "ok" : "failed",
      failure?.message ?? "",
      ...names.map((name) => counts[name] ?? 0),
    ]),
  );
}

/** The operations that were counted, in the order in which they first appear. */
function operationNames(runs: readonly StressRun[]): string[] {
  return [...new Set(runs.flatMap(({ counts }) => Object.keys(counts)))];
}

function passed({ variant, programs, operations, counts, seconds }: StressRun, palette: Palette): string {
  // A no-break space keeps a count beside its name while the line is broken.
  const each = Object.entries(counts).map(([name, count]) => `${name}\u00a0${withCommas(count)}`).join(", ");
  const lines = (each === "" ? [] : wrap(each, 96)).map((line) => `  ${line.replaceAll("\u00a0", " ")}\n`).join("");
  return `${palette.green("ok")} ${palette.bold(variant)}: ${counted(operations, "operation")} in ` +
    `${counted(programs, "program")}, ${seconds.toFixed(1)} s\n${lines}`;
}

function failed(
  { variant, operations, programs, seconds }: StressRun,
  failure: StressFailure,
  seed: number,
  build: string,
  palette: Palette,
): string {
  return [
    `${palette.red("FAILED")} ${palette.bold(variant)}, ${build} build, --seed ${seed}: after ` +
    `${counted(operations, "operation")} in ${counted(programs, "program")}, ${seconds.toFixed(1)} s`,
    ...failureLines(failure).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

/** The message, and the shortest program that fails. */
function failureLines({ message, program, unshrunk }: StressFailure): string[] {
  const heap = program.maxBytes === undefined ? "" : `, on a heap of ${withCommas(program.maxBytes)} bytes at most`;
  const count = program.operations.length;
  return [
    ...message.split("\n"),
    `shortest list that fails (${count} of ${unshrunk} operations, program ${program.seed}${heap}):`,
    ...program.operations.map((operation) => `  ${operationText(operation)}`),
    "  then audit, free all, audit, collect, audit",
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
    default:
      return `${operation.op}()`;
  }
}
