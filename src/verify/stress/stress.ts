/**
 * `stress`: random programs against the oracle, variant by variant, each in a process of its own. A process that dies or
 * falls silent has failed as much as one that throws: its program is made again from its seed, and shrunk by replays in
 * fresh processes. Everything has a limit in time, so the command ends whatever the heap does.
 *
 * @module
 */
import { Heap, InvalidOptionError } from "../../heap/mod.ts";
import type { StressFailure, StressFile, StressProgram, StressRun, StressThreadsFailure } from "../../model/mod.ts";
import { heapLabel } from "../../report/mod.ts";
import { type Build, heapOptions } from "../../lab/inspect/flags.ts";
import { shrink } from "../shrink.ts";
import { programOf, type StressRequest, type StressSums } from "./child.ts";
import { type Processes, runChild, type StressLimits } from "./process.ts";
import { renumber } from "./program.ts";

/** What to run. */
export interface StressPlan {
  readonly variants: readonly string[];
  readonly build: Build;
  readonly seed: number;
  /** In all; each variant gets its share. */
  readonly seconds: number;
  /** Programs with damage in between (`damage.ts`). */
  readonly scenario?: "damage";
}

/** How far a run is. */
export interface StressProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly label: string;
}

const CHILD = new URL("./child.ts", import.meta.url);

const LIMITS: StressLimits = { silence: 4_000, retry: 1_000, shrinking: 10_000 };

/**
 * Runs a plan.
 *
 * @param entry What the processes run.
 * @returns what ran; if it is aborted, what ran until then.
 * @throws InvalidOptionError if a variant or the build does not exist.
 */
export async function stress(
  plan: StressPlan,
  report: (progress: StressProgress) => void,
  signal: AbortSignal,
  limits: StressLimits = LIMITS,
  entry: URL = CHILD,
): Promise<Omit<StressFile, "schema" | "command">> {
  const { variants, build, seed, scenario } = plan;
  for (const variant of variants) await assertOpens(variant, build);
  const milliseconds = plan.seconds * 1000 / variants.length;
  const runs: StressRun[] = [];
  for (const [index, variant] of variants.entries()) {
    const start = performance.now();
    const tick = (label: string) => {
      const done = index * milliseconds + Math.min(milliseconds, performance.now() - start);
      report({ phase: "stress", done, total: variants.length * milliseconds, label });
    };
    tick(heapLabel(variant));
    const processes: Processes = { entry, signal, tick };
    runs.push(
      await stressVariant(
        { variant, build, seed, milliseconds, ...(scenario === undefined ? {} : { scenario }) },
        limits,
        processes,
      ),
    );
    if (signal.aborted) break;
  }
  return { build, seed, runs };
}

/** Runs programs that failed once, as a file of `stress` has them; no further ones once it is aborted. */
export async function replayStress(
  failures: readonly { readonly variant: string; readonly program: StressProgram }[],
  build: Build,
  signal: AbortSignal,
): Promise<StressRun[]> {
  const runs: StressRun[] = [];
  for (const { variant, program } of failures) {
    await assertOpens(variant, build);
    const start = performance.now();
    const { failure, sums, death } = await runChild({ variant, build, program }, LIMITS.silence, {
      entry: CHILD,
      signal,
    });
    const found = failure ?? (death === undefined ? undefined : failureOf(death, program));
    runs.push(runOf(variant, start, sums, found));
    if (signal.aborted) break;
  }
  return runs;
}

/** A heap that opens in a broken build and one that throws are both for the programs to find; a wrong option is not. */
async function assertOpens(variant: string, build: Build): Promise<void> {
  try {
    (await Heap.open({ ...heapOptions(variant, build), log: () => {} })).close();
  } catch (error) {
    if (error instanceof InvalidOptionError) throw error;
  }
}

async function stressVariant(
  request: Extract<StressRequest, { seed: number }>,
  limits: StressLimits,
  processes: Processes,
): Promise<StressRun> {
  const start = performance.now();
  const { variant, build } = request;
  const { failure, sums, death, seed } = await runChild(request, limits.silence, processes);
  if (failure !== undefined || death === undefined) return runOf(variant, start, sums, failure);
  if (seed === undefined) return runOf(variant, start, sums, failureOf(death, { seed: request.seed, operations: [] }));
  const program = programOf(request, seed);
  const operations = await shrink(program.operations, {
    deadline: performance.now() + limits.shrinking,
    fails: async (operations) => {
      const replayed = await runChild({ variant, build, program: { ...program, operations } }, limits.retry, processes);
      return replayed.death !== undefined;
    },
  });
  const shrunk = { ...failureOf(death, { ...program, operations }), unshrunk: program.operations.length };
  return runOf(variant, start, sums, shrunk);
}

function failureOf(message: string, program: StressProgram): StressFailure {
  return { message, program, unshrunk: program.operations.length };
}

function runOf(variant: string, start: number, sums: StressSums, failure: StressRun["failure"]): StressRun {
  const seconds = Math.round(performance.now() - start) / 1000;
  return { variant, ...sums, seconds, ...(failure === undefined ? {} : { failure: renumbered(failure) }) };
}

function renumbered(failure: StressFailure | StressThreadsFailure): StressFailure | StressThreadsFailure {
  if (!("program" in failure)) return failure;
  const { program } = failure;
  return { ...failure, program: { ...program, operations: renumber(program.operations) } };
}
