/**
 * The do-nothing loops of the two languages, workload by workload: what a twin costs in TypeScript and in C with an
 * allocator that does nothing. Where they are alike, a ratio of whole times is one of allocators.
 *
 *     deno run -P bench/twins.ts
 *     deno run -P bench/twins.ts --workload sh8bench,larson --rounds 9 --json twins.json
 *     deno run -P bench/twins.ts --trace ../shared/traces/bdd-nq7.rep.gz
 *
 * In each round a fresh process of each language warms up, and both run turns, one after the other; what is taken of a
 * process is its fastest turn. Shown are the medians of the rounds, and the median of the ratios within rounds. Three
 * rounds take half a minute. Where loops are more than 15 % apart, the row says why (`loopsDiffer`). It exits with 1 if that
 * is so in a workload where it need not be, and with 3 if it does not understand its options or cannot measure.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { median } from "simple-statistics";
import { Child } from "../src/lab/contest/child.ts";
import { type Contestant, enter } from "../src/lab/contest/contestants.ts";
import { warmUp } from "../src/lab/contest/warm_up.ts";
import type { Request } from "../src/lab/contestant/protocol.ts";
import { REPLAY_LOOPS_DIFFER, withHarness } from "../src/lab/replay/replay.ts";
import { loopFactor, LOOPS_WITHIN, ratios } from "../src/measure/mod.ts";
import { numbers, terminalTable, words } from "../src/report/tables/columns.ts";
import { readTrace } from "../src/traces/mod.ts";
import { completeParameters, WORKLOADS } from "../src/workloads/mod.ts";

const SLOTS = 8;
const SLOT_MILLISECONDS = 10;
/** Where they are apart, and that is known. */
const EXCEPTED = ["hot-pair", "replay"];
const USAGE = "usage: deno run -P bench/twins.ts [--workload A,B] [--trace FILE] [--rounds N] [--json FILE]";

/** Nanoseconds per operation of a loop in both languages, a number for each round. */
interface Twins {
  readonly name: string;
  readonly typescript: number[];
  readonly c: number[];
  readonly loopsDiffer?: string | undefined;
}

async function measure(request: Omit<Request, "units">, pair: readonly Contestant[], rounds: number) {
  const times = { typescript: [] as number[], c: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    await using processes = new AsyncDisposableStack();
    const goal = { slotMilliseconds: SLOT_MILLISECONDS };
    const each: { child: Child; units: number; fastest: number }[] = [];
    for (const { command } of pair) {
      const child = processes.use(await Child.start(command));
      each.push({ child, units: (await warmUp(child, request, goal)).units, fastest: Infinity });
    }
    for (let slot = 0; slot < SLOTS; slot++) {
      for (const one of each) {
        const { nanoseconds, operations } = await one.child.run({ ...request, units: one.units });
        one.fastest = Math.min(one.fastest, nanoseconds / operations);
      }
    }
    times.typescript.push(each[0]!.fastest);
    times.c.push(each[1]!.fastest);
  }
  return times;
}

async function twins(names: readonly string[], rounds: number): Promise<Twins[]> {
  const pair = (await enter([], [])).contestants.filter(({ runtime }) => runtime === "harness");
  const found: Twins[] = [];
  for (const name of names) {
    const workload = WORKLOADS.get(name)!;
    const request = { workload: name, parameters: completeParameters(workload, {}) };
    found.push({ name, loopsDiffer: workload.loopsDiffer, ...await measure(request, inOrder(pair), rounds) });
  }
  return found;
}

async function replayTwins(file: string, rounds: number): Promise<Twins> {
  return await withHarness({ trace: readTrace(file), threads: 1 }, 2, async (harness) => {
    const { contestants } = await enter([], [], harness);
    const request = { workload: "replay", parameters: {} };
    return {
      name: "replay",
      loopsDiffer: REPLAY_LOOPS_DIFFER,
      ...await measure(request, inOrder(contestants), rounds),
    };
  });
}

/** TypeScript, then C. */
function inOrder(pair: readonly Contestant[]): Contestant[] {
  if (pair.length !== 2) throw new Error("the loop in C is missing: is there a C compiler?");
  return pair.toSorted((a, b) => a.language.localeCompare(b.language));
}

function ratioOf({ typescript, c }: Twins): number {
  return median(ratios(typescript, c));
}

function isAlike(each: Twins): boolean {
  return loopFactor(each.typescript, each.c) <= 1 + LOOPS_WITHIN;
}

function nanoseconds(times: readonly number[]): string {
  return median(times).toPrecision(3);
}

const unknown: string[] = [];
const { workload, trace, rounds = "3", json } = parseArgs(Deno.args, {
  string: ["workload", "trace", "rounds", "json"],
  unknown: (word) => unknown.push(word) === 0,
});
const names = workload?.split(",") ?? [...WORKLOADS.keys()];
if (unknown.length > 0 || !/^[1-9]\d{0,2}$/.test(rounds) || !names.every((name) => WORKLOADS.has(name))) {
  console.error(`${USAGE}, N from 1 to 999, workloads: ${[...WORKLOADS.keys()].join(", ")}`);
  Deno.exit(3);
}
async function all(): Promise<Twins[]> {
  try {
    return trace === undefined ? await twins(names, Number(rounds)) : [await replayTwins(trace, Number(rounds))];
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(3);
  }
}
const found = await all();
console.log(terminalTable([
  words<Twins>("workload", ({ name }) => name),
  numbers<Twins>("TypeScript, ns", ({ typescript }) => nanoseconds(typescript)),
  numbers<Twins>("C, ns", ({ c }) => nanoseconds(c)),
  numbers<Twins>("ratio", (each) => ratioOf(each).toFixed(2)),
  words<Twins>("", (each) => isAlike(each) ? "" : each.loopsDiffer ?? "apart, and nothing says why"),
], found));
if (json !== undefined) Deno.writeTextFileSync(json, `${JSON.stringify(found, null, 2)}\n`);
if (!found.every((each) => isAlike(each) || EXCEPTED.includes(each.name))) Deno.exitCode = 1;
