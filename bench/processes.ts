/**
 * Does our heap run at one speed, whichever process it is? V8 decides anew in each how to compile the same source. Thirty
 * fresh processes of each row below; what is taken of a process is its fastest slot, and beside it that of the do-nothing
 * loop in C at the same time, by which a machine that has two speeds itself is told from a contestant that has. The last
 * row has run another size first, on which its speed must not depend.
 *
 *     deno run -P bench/processes.ts
 *     deno run -P bench/processes.ts --processes 10 --row larson
 *     deno run -P bench/processes.ts --row "random-mixed 1024 after 128"
 *     deno run -P bench/processes.ts --peer mimalloc
 *     deno run -P bench/processes.ts --trace ../shared/traces/systemui.zip
 *
 * Thirty take half a minute a row. It exits with 1 if the slowest process of a row is more than 15 % behind the fastest,
 * though the loop in C was steady meanwhile; where that was not, it says that nothing follows.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { median } from "simple-statistics";
import { Child } from "../src/lab/contest/child.ts";
import { type Contestant, enter } from "../src/lab/contest/contestants.ts";
import { replayHarness } from "../src/lab/replay/replay.ts";
import { warmUp } from "../src/lab/contest/warm_up.ts";
import { bimodalWarning, modesOf } from "../src/measure/mod.ts";
import { readTrace } from "../src/traces/mod.ts";
import { replayWords } from "../src/traces/replay_words.ts";
import { completeParameters, type Parameters, WORKLOADS } from "../src/workloads/mod.ts";

const SLOTS = 8;
const SLOT_MILLISECONDS = 15;
const WITHIN = 1.15;

/** What a process does, in order; the last is measured. */
interface Row {
  readonly name: string;
  readonly steps: readonly { readonly workload: string; readonly parameters: Parameters }[];
}

function step(workload: string, given: Parameters = {}): Row["steps"][number] {
  return { workload, parameters: completeParameters(WORKLOADS.get(workload)!, given) };
}

/** Of a workload's name, with or without a size, and what size the process runs before. */
function rowOf(name: string): Row {
  const [, workload = "", size, before] = /^(\S+)(?: (\d+)(?: after (\d+))?)?$/.exec(name) ?? [];
  if (!WORKLOADS.has(workload)) throw new Error(`"${name}" is not a row: "larson", or "random-mixed 128 after 16"`);
  const steps = [before, size].filter((each) => each !== undefined).map((each) =>
    step(workload, { size: Number(each) })
  );
  return { name, steps: steps.length === 0 ? [step(workload)] : steps };
}

const ROWS: readonly string[] = ["larson", "sh8bench", "random-mixed 128", "random-mixed 128 after 16"];

/** Nanoseconds per operation of a fresh process's fastest slot. */
async function fastestOf({ command }: Contestant, { steps }: Row): Promise<number> {
  await using child = await Child.start(command);
  let fastest = Infinity;
  for (const each of steps) {
    const { units } = await warmUp(child, each, { slotMilliseconds: SLOT_MILLISECONDS });
    fastest = Infinity;
    for (let slot = 0; slot < SLOTS; slot++) {
      const { nanoseconds, operations } = await child.run({ ...each, units });
      fastest = Math.min(fastest, nanoseconds / operations);
    }
  }
  return fastest;
}

/** Measures a row and tells of it; false if some of its processes are slow and the machine is not to blame. */
async function measure(row: Row, contestants: readonly Contestant[], processes: number): Promise<boolean> {
  const measured = contestants.find(({ runtime }) => runtime !== "harness")!;
  const loop = contestants.find(({ runtime, language }) => runtime === "harness" && language === "native");
  const times: number[] = [], others: number[] = [];
  for (let process = 0; process < processes; process++) {
    times.push(await fastestOf(measured, row));
    if (loop !== undefined) others.push(await fastestOf(loop, row));
  }
  const fast = Math.min(...times), slow = Math.max(...times);
  const late = times.filter((time) => time > WITHIN * fast).length;
  const isSteady = others.length === 0 || Math.max(...others) <= WITHIN * Math.min(...others);
  console.log(
    `${row.name}: ${fast.toFixed(2)} to ${slow.toFixed(2)} ns, median ${median(times).toFixed(2)}; ` +
      `${late} of ${processes} processes more than 15 % behind the fastest`,
  );
  if (others.length > 0) {
    console.log(
      `  the do-nothing loop in C meanwhile: ${Math.min(...others).toFixed(2)} to ${Math.max(...others).toFixed(2)} ns`,
    );
  }
  const warning = bimodalWarning("it", modesOf(times, loop === undefined ? undefined : others));
  if (warning !== undefined) console.log(`  ${warning.code}: ${warning.message}`);
  if (!isSteady) console.log("  so the machine was not quiet: nothing follows from that");
  return late === 0 || !isSteady;
}

const options = parseArgs(Deno.args, { string: ["processes", "row", "trace", "peer"] });
const { processes = "30", row: only, trace, peer } = options;
const [variants, peers] = peer === undefined ? [["slab-map"], []] : [[], [peer]];
let isWell = true;
if (trace === undefined) {
  const { contestants } = await enter(variants, peers);
  for (const name of only === undefined ? ROWS : [only]) {
    isWell = await measure(rowOf(name), contestants, Number(processes)) && isWell;
  }
} else {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, new Uint8Array(replayWords(readTrace(trace), 1).buffer));
    const { contestants } = await enter(variants, peers, replayHarness(path));
    isWell = await measure(
      { name: trace, steps: [{ workload: "replay", parameters: {} }] },
      contestants,
      Number(processes),
    );
  } finally {
    await Deno.remove(path);
  }
}
Deno.exitCode = isWell ? 0 : 1;
