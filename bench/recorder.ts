/**
 * What being recorded costs a program: each runs with the recorder in it and without, in turns, for so many rounds. Times
 * are those of the processor, in the program and in the system for it, which other work disturbs least. Ratios and costs of an
 * event, of all processes of the program, are of the two runs of a round, and their medians.
 *
 *     deno run -P bench/recorder.ts
 *     deno run -P bench/recorder.ts --rounds 51
 *     deno run -P bench/recorder.ts --stacks
 *     deno run -P bench/recorder.ts --stacks --rounds 10 --program sqlite3
 *     deno run -P bench/recorder.ts --stacks --rounds 10 --program gcc --with auto,fp
 *
 * With `--stacks` each is also recorded with stacks, in each way in which they are found, and with a sample of them. A
 * program of a loop that calls through ten functions shows what one stack costs, where all functions keep frame pointers
 * and where none does.
 *
 * `--program` and `--with` choose by a part of a name; several are separated by commas.
 *
 * The C twin of random-mixed does little else than malloc and free: it shows the worst case.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { peerContestant } from "../src/lab/contest/contestants.ts";
import { RECORDER, STACK_RECORDER } from "../src/lab/record/files.ts";
import { differences, estimate, ratios } from "../src/measure/mod.ts";
import { buildNative, commandOutput } from "../src/os/mod.ts";
import { PEERS } from "../src/peers/mod.ts";
import { markdownTable } from "../src/report/tables/rows.ts";
import { readTrace, summarise } from "../src/traces/mod.ts";

const QUERY = `create table t(a, b);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 300000) insert into t select x, x * 7 % 13 from c;
select b, count(*), avg(a) from t group by b order by 2;`;
const SCRIPT = "import json\nfor i in range(40): json.loads(json.dumps([{str(j): [j, j * 0.5]} for j in range(3000)]))";
const SOURCE = decodeURIComponent(new URL("../native/recorder.c", import.meta.url).pathname);
const FIND_PYTHON = "import sys; print(sys.executable)"; // what is called python3 may be a script that starts it
const PYTHON = (await commandOutput("python3", ["-c", FIND_PYTHON]))?.trim() ?? "python3";
const RANDOM_MIXED = "run random-mixed units=40 size=128 working-set=8192 cycles=100000 seed=12345\n";
const { command: workloads } = await peerContestant(PEERS.find(({ name }) => name === "system")!);

/** What runs, by its name; the last word of each is its stdin. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  "gcc -O2 -c": ["gcc", "-O2", "-c", SOURCE, "-o", "/dev/null", ""],
  "sqlite3": ["sqlite3", ":memory:", QUERY],
  "python3 json": [PYTHON, "-c", SCRIPT, ""],
  "random-mixed": [workloads.path, ...workloads.args, RANDOM_MIXED],
};

const { rounds = "21", program: chosen = "", with: chosenWays = "" } = parseArgs(Deno.args, {
  string: ["rounds", "program", "with"],
});
const isAmong = (names: string, name: string) => names.split(",").some((part) => name.includes(part));
const hasStacks = Deno.args.includes("--stacks");
const library = (await buildNative(RECORDER)).path, withStacks = (await buildNative(STACK_RECORDER)).path;

/** Ways to record, by their name: what is preloaded, and the variables that tell it what to do. */
const WAYS: Readonly<Record<string, readonly [library: string, variables: string]>> = {
  "no stacks": [library, ""],
  ...(!hasStacks ? {} : {
    "stacks, auto": [withStacks, "HAKMEM_RECORDING_STACKS=auto"],
    "stacks, fp": [withStacks, "HAKMEM_RECORDING_STACKS=fp"],
    "stacks, unwind": [withStacks, "HAKMEM_RECORDING_STACKS=unwind"],
    "sample 524288": [withStacks, "HAKMEM_RECORDING_STACKS=auto HAKMEM_RECORDING_SAMPLE=524288"],
  }),
};

/** Ten functions that call one another, and malloc, and free: four hundred thousand times. */
const CHAIN_OF_CALLS = new URL("./chain_of_calls.c", import.meta.url);

async function chain(name: string, flag: string): Promise<string[]> {
  const flags = [flag, "-fno-optimize-sibling-calls", "-fno-builtin"];
  const { path } = await buildNative({ name, sources: [CHAIN_OF_CALLS], kind: "executable", flags });
  return [path, "400000", ""]; // long enough to be timed in milliseconds
}

/** The C twin would take minutes of the unwinder: the loop takes its place. */
const programs = hasStacks
  ? [
    ...Object.entries(PROGRAMS).filter(([name]) => name !== "random-mixed"),
    ["10 calls, frame pointers", await chain("calls-fp", "-fno-omit-frame-pointer")] as const,
    ["10 calls, none", await chain("calls", "-fomit-frame-pointer")] as const,
  ]
  : Object.entries(PROGRAMS);
const rows: string[][] = [];
for (const [name, [program = "", ...rest]] of programs.filter(([name]) => isAmong(chosen, name))) {
  const plain: number[] = [];
  const ways = Object.keys(WAYS).filter((way) => isAmong(chosenWays, way));
  const recorded = new Map(ways.map((way) => [way, [] as number[]]));
  let events = 0;
  for (let round = 0; round < Number(rounds); round++) {
    plain.push(await seconds(program, rest));
    for (const [way, times] of recorded) {
      const folder = await Deno.makeTempDir({ prefix: "hakmem-" });
      times.push(await seconds(program, rest, folder, way));
      if (events === 0) events = eventsIn(folder);
      await Deno.remove(folder, { recursive: true });
    }
  }
  for (const [way, all] of recorded) {
    const { median: times, low, high } = estimate(ratios(all, plain));
    rows.push([
      name,
      ...(hasStacks ? [way] : []),
      events.toLocaleString("en-US"),
      estimate(plain).median.toFixed(3),
      estimate(all).median.toFixed(3),
      times.toFixed(2),
      `${low.toFixed(2)}–${high.toFixed(2)}`,
      (1e9 * estimate(differences(all, plain)).median / events).toFixed(0),
    ]);
  }
}
const load = Deno.loadavg()[0]!.toFixed(1);
console.log(`${rounds} rounds, medians; load ${load} on ${navigator.hardwareConcurrency} cores\n`);
console.log(
  markdownTable(
    ["program", ...(hasStacks ? ["with"] : []), "events", "CPU s", "recorded", "times", "95 %", "ns/event"],
    rows,
  ),
);

/** Runs a program, with the recorder in it if there is a folder; the time that bash says it took. */
async function seconds(program: string, rest: readonly string[], folder?: string, way = "no stacks"): Promise<number> {
  const [recorder, variables] = WAYS[way]!;
  const preload = folder === undefined ? "" : `LD_PRELOAD='${recorder}' HAKMEM_RECORDING='${folder}' ${variables} `;
  const child = new Deno.Command("bash", {
    args: ["-c", `TIMEFORMAT='%U %S'; time ${preload}"$@"`, "bash", program, ...rest.slice(0, -1)],
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(rest.at(-1))).catch(() => {}); // it may not want to read
  await writer.close().catch(() => {});
  const { success, stderr } = await child.output();
  const said = new TextDecoder().decode(stderr).trim();
  if (!success) throw new Error(`${program} failed: ${said}`);
  const [user, system] = said.split("\n").at(-1)!.split(" ").map(Number);
  return user! + system!;
}

function eventsIn(folder: string): number {
  let events = 0;
  for (const { name } of Deno.readDirSync(folder)) events += summarise(readTrace(`${folder}/${name}`), 0).events;
  return events;
}
