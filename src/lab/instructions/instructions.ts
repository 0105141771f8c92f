/**
 * `bench --instructions`: counts beside the times, which no noise touches. For native peers, these are the instructions
 * and cache misses of an operation; for our heap, how long the code is that V8 made of the hot loop, and the bytecode
 * that it made it of.
 *
 * What is counted is a whole process, twice: it runs some units of the workload, and then as many and more. The
 * difference is what the additional units took, when the program has started, its allocator is warm, and its slots are
 * full: neither of that is in it. (callgrind could be told to count one function alone, but that would have the
 * beginning and the end of a turn in it, and perf could not do the same.) The do-nothing allocator's, counted likewise,
 * are taken off for net counts, as for times.
 *
 * With one thread only: valgrind runs one thread at a time, and a thread that waits for another counts its waiting.
 *
 * @module
 */
import type { Result } from "../../model/mod.ts";
import type { Workload } from "../../workloads/mod.ts";
import type { BenchPlan, BenchRun, Progress } from "../bench/bench.ts";
import { ContestantError, deadlineFor } from "../contest/child.ts";
import { type Contestant, contestantOf, enter } from "../contest/contestants.ts";
import { identityOf } from "../contest/identity.ts";
import { formatRequest, parseTurn, READY } from "../contestant/protocol.ts";
import { jitEvidence } from "../explain/jit/jit.ts";
import { bytecodeOf } from "../inspect/bytecode.ts";
import { type Counter, type Counts, findCounter } from "./counter.ts";
import { PRELOAD } from "../../os/mod.ts";

type Instructions = NonNullable<Result["instructions"]>;

/** Operations of the shorter run: the allocator is warm then. */
const WARM_OPERATIONS = 100_000;
/** How many times as long as elsewhere an operation may take; valgrind takes some microseconds for one. */
const SLOWDOWN = 10;

/** Adds counts to a run. If it is interrupted, the run keeps what was counted. */
export async function withInstructions(
  run: BenchRun,
  plan: BenchPlan & { readonly workload: Workload },
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<BenchRun> {
  if (run.isInterrupted) return run;
  const notes = [...run.notes], results = [...run.results];
  const counted = results.filter(({ host, threads }) => host === "native" && threads === 1);
  const counter = counted.length === 0 ? undefined : await findCounter();
  const ours = firstOfEach(
    results.filter(({ runtime, threads, heaps }) => runtime === "deno" && threads === 1 && heaps !== "own"),
  );
  const total = (typeof counter === "object" ? counted.length : 0) + ours.length;
  let done = 0;
  const add = async (of: readonly Result[], count: (result: Result) => Promise<Partial<Result>>) => {
    for (const result of of) {
      const label = result.label ?? result.allocator;
      report({ phase: "counting instructions", done: done++, total, label });
      try {
        results[results.indexOf(result)] = { ...result, ...await count(result) };
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ContestantError)) throw error;
        notes.push(`not counted: ${error.message}`);
      }
    }
  };
  try {
    await add(ours, (result) => codeOf(result, plan, signal));
    if (counter === undefined) {
      notes.push("instructions are counted for native peers with one thread, and this run has none");
    } else if (typeof counter === "string") notes.push(`instructions are not counted: ${counter}`);
    else {
      const { contestants } = await enter([], plan.peers);
      await add(counted, async (result) => ({
        instructions: await instructionsOf(counter, contestantOf(contestants, result), result, signal),
      }));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return { ...run, results: withNet(results), notes, isInterrupted: true };
  }
  return { ...run, results: withNet(results), notes };
}

/** The code does not depend on the size, so one of each variant is looked at. */
function firstOfEach(results: readonly Result[]): Result[] {
  return [...Map.groupBy(results, ({ allocator }) => allocator).values()].map(([first]) => first!);
}

async function codeOf(
  { allocator, parameters }: Result,
  { workload }: { readonly workload: Workload },
  signal: AbortSignal,
): Promise<Pick<Result, "code">> {
  const { loop, tier, codeBytes } = await jitEvidence(allocator, workload, parameters, signal);
  const bytecode = await bytecodeOf(allocator);
  return { code: { loop, tier, ...(codeBytes === undefined ? {} : { machineBytes: codeBytes }), bytecode } };
}

/** Counts two runs of a contestant, and takes the shorter off the longer. */
async function instructionsOf(
  counter: Counter,
  contestant: Contestant,
  result: Result,
  signal: AbortSignal,
): Promise<Instructions> {
  const unitsOf = (operations: number) => Math.ceil(operations / result.operations);
  const warm = unitsOf(WARM_OPERATIONS), more = unitsOf(counter.operations);
  const run = (units: number) => runCounted(counter, contestant, result, units, signal);
  // Under valgrind nothing disturbs; for perf two at a time would share the machine's caches.
  const [short, long] = counter.name === "perf"
    ? [await run(warm), await run(warm + more)]
    : await bothOf(run(warm), run(warm + more));
  const operations = long.operations - short.operations;
  return {
    tool: counter.name,
    operations,
    perOperation: eachOf(long.counts, short.counts, (longer, shorter) => Math.max(0, longer - shorter) / operations),
  };
}

/** Both results, or the first failure when both have ended: no process is left behind. */
async function bothOf<Value>(...both: readonly [Promise<Value>, Promise<Value>]): Promise<[Value, Value]> {
  await Promise.allSettled(both);
  return await Promise.all(both);
}

/** What a process did, and what was counted meanwhile. */
interface CountedRun {
  readonly operations: number;
  readonly counts: Counts;
}

/** Runs so many units in a process of their own. */
async function runCounted(
  { name, command, parse }: Counter,
  { command: { label, path, args, env, serves } }: Contestant,
  { workload, parameters, checksum, operations }: Result,
  units: number,
  signal: AbortSignal,
): Promise<CountedRun> {
  signal.throwIfAborted();
  const file = await Deno.makeTempFile({ prefix: "hakmem-counts-" });
  try {
    const [tool, toolArgs] = command(path, args, file);
    const deadline = AbortSignal.timeout(deadlineFor(SLOWDOWN * units * operations));
    const child = new Deno.Command(tool, {
      args: toolArgs,
      env: { LC_ALL: "C", [PRELOAD]: "", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.any([signal, deadline]),
    }).spawn();
    const request = new Blob([`${formatRequest({ workload, units, parameters })}\n`]);
    const written = request.stream().pipeTo(child.stdin).catch(() => {}); // it may have died, which is seen next
    const output = await child.output();
    await written;
    signal.throwIfAborted();
    const [ready = "", answer = ""] = new TextDecoder().decode(output.stdout).split("\n");
    const counts = parse(await Deno.readTextFile(file));
    if (!ready.startsWith(READY) || answer === "" || counts === undefined) {
      throw new ContestantError(label, `does not run under ${name}`, new TextDecoder().decode(output.stderr));
    }
    if (serves !== undefined) identityOf(ready.split(" ").slice(1), serves);
    const turn = parseTurn(answer, units);
    if (turn.checksum !== checksum) throw new ContestantError(label, `does other work under ${name}`);
    return { operations: turn.operations, counts };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ContestantError) throw error;
    throw new ContestantError(label, `failed under ${name}: ${error instanceof Error ? error.message : error}`);
  } finally {
    await Deno.remove(file);
  }
}

/** Each count of two, where both have it. */
function eachOf(a: Counts, b: Counts, of: (a: number, b: number) => number): Counts {
  const both = (name: "l1Misses" | "lastLevelMisses") => {
    const [first, second] = [a[name], b[name]];
    return first === undefined || second === undefined ? {} : { [name]: of(first, second) };
  };
  return { instructions: of(a.instructions, b.instructions), ...both("l1Misses"), ...both("lastLevelMisses") };
}

/** With what is left when the do-nothing allocator's of the same size are taken off. */
function withNet(results: readonly Result[]): Result[] {
  return results.map((result): Result => {
    const { instructions, size, runtime } = result;
    const none = results.find((each) =>
      each.runtime === "harness" && each.size === size && each.instructions !== undefined
    );
    if (instructions === undefined || none === undefined || runtime === "harness") return result;
    const net = eachOf(instructions.perOperation, none.instructions!.perOperation, (own, loop) => own - loop);
    return { ...result, instructions: { ...instructions, net } };
  });
}
