/**
 * What `stress` found, for a terminal: a line for each variant with the operations that were run, or the seed and the
 * shortest operation list that fails.
 *
 * @module
 */
import type { Operation, StressFailure, StressFile, StressRun } from "./stress_schema.ts";
import { wrap } from "./format.ts";
import { type Palette, PLAIN } from "./table.ts";

/** What goes to stdout. */
export function renderStress({ seed, build, runs }: StressFile, palette: Palette = PLAIN): string {
  return runs.map((run) =>
    run.failure === undefined ? passed(run, palette) : failed(run, run.failure, seed, build, palette)
  ).join("");
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
  { message, program, unshrunk }: StressFailure,
  seed: number,
  build: string,
  palette: Palette,
): string {
  const heap = program.maxBytes === undefined ? "" : `, on a heap of ${withCommas(program.maxBytes)} bytes at most`;
  const count = program.operations.length;
  return [
    `${palette.red("FAILED")} ${palette.bold(variant)}, ${build} build, --seed ${seed}: after ` +
    `${counted(operations, "operation")} in ${counted(programs, "program")}, ${seconds.toFixed(1)} s`,
    `  ${message.replaceAll("\n", "\n  ")}`,
    `  shortest list that fails (${count} of ${unshrunk} operations, program ${program.seed}${heap}):`,
    ...program.operations.map((operation) => `    ${operationText(operation)}`),
    "    then audit, free all, audit, collect, audit",
    "",
  ].join("\n");
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

function counted(count: number, noun: string): string {
  return `${withCommas(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function withCommas(count: number): string {
  return count.toLocaleString("en-US");
}
