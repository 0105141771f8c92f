/**
 * The entry of a process that runs programs of `stress`: a heap that is broken may kill it or never answer, and the
 * command goes on. It reads one request, a line of JSON, from stdin, and says what it does in lines of JSON on stdout,
 * often enough that silence means it hangs. A program that fails with an error is shrunk right here.
 *
 * @module
 */
import { Random } from "../../measure/mod.ts";
import type { Operation, StressFailure, StressProgram, StressThreads, StressThreadsFailure } from "../../model/mod.ts";
import type { Build } from "../../lab/inspect/flags.ts";
import { shrink } from "../shrink.ts";
import { damageProgram, runDamaged } from "./damage.ts";
import { runProgram, stressProgram, type Watch } from "./program.ts";

/** What to do: programs from a seed for a time, or this one program. */
export type StressRequest =
  & { readonly variant: string; readonly build: Build; readonly scenario?: "damage" }
  & ({ readonly seed: number; readonly milliseconds: number } | { readonly program: StressProgram });

/** What a process says. */
export type StressMessage =
  /** A program starts; the sums are of those before it. */
  | { readonly kind: "program"; readonly seed: number; readonly sums: StressSums }
  /** It is at work; the sums are of what it has done so far, if it counts that. */
  | { readonly kind: "alive"; readonly sums?: StressSums }
  /** A program fails; said again for each shorter one that does. */
  | { readonly kind: "failed"; readonly failure: StressFailure | StressThreadsFailure; readonly sums: StressSums }
  /** It has done what was asked. */
  | { readonly kind: "done"; readonly sums: StressSums };

/** What was run. */
export interface StressSums {
  readonly programs: number;
  readonly operations: number;
  /** Operations by name. */
  readonly counts: Readonly<Record<string, number>>;
  /** Of a run with several threads. */
  readonly threads?: StressThreads;
}

/** Makes the program of a seed. */
export function programOf(
  { scenario, variant, build }: Pick<StressRequest, "scenario" | "variant" | "build">,
  seed: number,
): StressProgram {
  return scenario === "damage" ? damageProgram(seed, variant, build) : stressProgram(seed);
}

const ALIVE_MILLISECONDS = 100;
const SHRINK_MILLISECONDS = 6_000;

const encoder = new TextEncoder();

/** Writes a message to stdout. */
export function say(message: StressMessage): void {
  let rest = encoder.encode(`${JSON.stringify(message)}\n`);
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
}

/** Says that the process is alive, but not more often than anyone needs to know. */
function heartbeat(): Watch {
  let last = performance.now();
  return () => {
    const now = performance.now();
    if (now - last < ALIVE_MILLISECONDS) return;
    last = now;
    say({ kind: "alive" });
  };
}

async function serve(request: StressRequest): Promise<void> {
  const beat = heartbeat();
  const isFixed = "program" in request;
  const random = new Random(isFixed ? 1 : request.seed);
  const end = performance.now() + (isFixed ? 0 : request.milliseconds);
  const counts: Record<Operation["op"], number> = {
    malloc: 0,
    calloc: 0,
    alignedAlloc: 0,
    realloc: 0,
    free: 0,
    collect: 0,
    audit: 0,
    damage: 0,
    scribble: 0,
  };
  let operations = 0, programs = 0;
  do {
    const program = isFixed ? request.program : programOf(request, 1 + random.below(2 ** 32 - 1));
    say({ kind: "program", seed: program.seed, sums: { programs, operations, counts } });
    let reached = 0;
    const watch: Watch = (index) => {
      reached = index;
      beat(index);
    };
    const message = await messageOf(request, program, watch);
    for (const { op } of program.operations.slice(0, reached)) counts[op]++;
    operations += reached;
    programs++;
    const sums = { programs, operations, counts };
    if (message === undefined) continue;
    const unshrunk = program.operations.length;
    const tell = (shorter: StressProgram, why: string) =>
      say({ kind: "failed", failure: { message: why, program: shorter, unshrunk }, sums });
    tell(program, message);
    // What came after the operation that failed did not help; that one itself may have.
    const upTo = { ...program, operations: program.operations.slice(0, reached + 1) };
    if (!isFixed) await shrinkProgram(request, upTo, beat, tell);
    break;
  } while (performance.now() < end);
  say({ kind: "done", sums: { programs, operations, counts } });
}

async function shrinkProgram(
  request: StressRequest,
  program: StressProgram,
  beat: Watch,
  tell: (shorter: StressProgram, message: string) => void,
): Promise<void> {
  await shrink(program.operations, {
    deadline: performance.now() + SHRINK_MILLISECONDS,
    simpler: simplerForms,
    fails: async (operations) => {
      const candidate = { ...program, operations };
      const message = await messageOf(request, candidate, beat);
      if (message !== undefined) tell(candidate, message);
      return message !== undefined;
    },
  });
}

/** The same operation with sizes that say less. */
export function simplerForms(operation: Operation): Operation[] {
  if (operation.op === "calloc" || operation.op === "alignedAlloc") {
    const { block, size } = operation;
    const plain = { op: "malloc", block, size: operation.op === "calloc" ? size * operation.count : size } as const;
    return [...simplerForms(plain), plain];
  }
  if (operation.op !== "malloc" && operation.op !== "realloc") return [];
  return [1, 100, 1000, 40_000].filter((size) => size < operation.size).map((size) => ({ ...operation, size }));
}

/** Why a program fails; nothing if it does not. */
async function messageOf(
  { variant, build }: StressRequest,
  program: StressProgram,
  watch: Watch,
): Promise<string | undefined> {
  try {
    const run = program.scenario === "damage" ? runDamaged : runProgram;
    await run(variant, build, program, watch);
    return undefined;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

/** Reads the request of this process, and ends when it is served. */
export async function answer<Request>(serve: (request: Request) => Promise<void>): Promise<never> {
  Deno.addSignalListener("SIGINT", () => {}); // Ctrl-C is the command's, which ends this process
  const text = await new Response(Deno.stdin.readable).text();
  await serve(JSON.parse(text) as Request);
  Deno.exit(0);
}

if (import.meta.main) await answer(serve);
