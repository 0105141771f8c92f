/**
 * What being recorded costs a program: each runs with the recorder in it and without, in turns, for so many rounds. Times
 * are those of the processor, in the program and in the system for it, which other work disturbs least. Ratios and costs of an
 * event, of all processes of the program, are of the two runs of a round, and their medians.
 *
 *     deno run -P bench/recorder.ts
 *     deno run -P bench/recorder.ts --rounds 51
 *
 * The C twin of random-mixed does little else than malloc and free: it shows the worst case.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { peerContestant } from "../src/lab/contest/contestants.ts";
import { RECORDER } from "../src/lab/record/files.ts";
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

const { rounds = "21" } = parseArgs(Deno.args, { string: ["rounds"] });
const library = (await buildNative(RECORDER)).path;
const rows: string[][] = [];
for (const [name, [program = "", ...rest]] of Object.entries(PROGRAMS)) {
  const plain: number[] = [], recorded: number[] = [];
  let events = 0;
  for (let round = 0; round < Number(rounds); round++) {
    plain.push(await seconds(program, rest));
    const folder = await Deno.makeTempDir({ prefix: "hakmem-" });
    recorded.push(await seconds(program, rest, folder));
    if (round === 0) events = eventsIn(folder);
    await Deno.remove(folder, { recursive: true });
  }
  const { median: times, low, high } = estimate(ratios(recorded, plain));
  rows.push([
    name,
    events.toLocaleString("en-US"),
    estimate(plain).median.toFixed(3),
    estimate(recorded).median.toFixed(3),
    times.toFixed(2),
    `${low.toFixed(2)}–${high.toFixed(2)}`,
    (1e9 * estimate(differences(recorded, plain)).median / events).toFixed(0),
  ]);
}
const load = Deno.loadavg()[0]!.toFixed(1);
console.log(`${rounds} rounds, medians; load ${load} on ${navigator.hardwareConcurrency} cores\n`);
console.log(markdownTable(["program", "events", "CPU s", "recorded", "times", "95 %", "ns/event"], rows));

/** Runs a program, with the recorder in it if there is a folder; the time that bash says it took. */
async function seconds(program: string, rest: readonly string[], folder?: string): Promise<number> {
  const preload = folder === undefined ? "" : `LD_PRELOAD='${library}' HAKMEM_RECORDING='${folder}' `;
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
