/**
 * What it costs a library in C to have its memory of a heap, `deno run -P bench/clients.ts [rounds] [client...]`: each
 * client, or each that is named, on the heap's functions, and on malloc as the library has it, in turn, in one process;
 * medians. `glue` is how many lines of the client's program name the allocator: those that it would not have on malloc. A
 * run of a client opens its library, does all of its work and frees everything; calls are those of one run, counted in
 * another heap, which counts.
 *
 * @module
 */

import { Heap } from "../mod.ts";
import { type Client, CLIENTS, isInstalled } from "./clients/mod.ts";

const rounds = Number(Deno.args[0] ?? 7), named = Deno.args.slice(1);
const chosen = CLIENTS.filter(({ name }) => named.length === 0 || named.includes(name));
if (!(Number.isInteger(rounds) && rounds > 0) || named.some((name) => chosen.every((client) => client.name !== name))) {
  console.error(
    "deno run -P bench/clients.ts [rounds] [client...]: how often each is timed on each side, from 1; clients:",
  );
  console.error(CLIENTS.map(({ name }) => name).join(" "));
  Deno.exit(3);
}

/** With so few calls, a difference is not theirs. */
const FEW = 100_000;

function timed(client: Client, allocator: Parameters<Client["run"]>[1]): number {
  const start = performance.now();
  client.run(client.amount, allocator);
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function glueOf({ file }: Client): Promise<number> {
  const source = await Deno.readTextFile(new URL(`clients/${file}`, import.meta.url));
  // The import and the parameter are there for the client that runs on both.
  return source.split("\n").filter((line) =>
    /\ballocator\b/.test(line) && !/^(import|function|const through)|through\(allocator/.test(line.trim())
  ).length + 1; // heap.nativeAllocator()
}

/** How often the library allocates and frees in a run. */
async function callsOf(client: Client): Promise<number> {
  using heap = await Heap.open({ variant: "slab-map,counters=1" });
  using allocator = heap.nativeAllocator();
  client.run(client.amount, allocator);
  const { mallocs, frees } = heap.counters()!;
  return mallocs + frees;
}

console.log("client    does                 glue    calls   ours ms   malloc ms   ours / malloc   ns a call more");
for (const client of chosen) {
  if (!isInstalled(client.library)) {
    console.log(`${client.name}: ${client.library} is not installed`);
    continue;
  }
  using heap = await Heap.open();
  using allocator = heap.nativeAllocator();
  const ours: number[] = [], system: number[] = [];
  for (let round = -1; round < rounds; round++) { // the first is the warm-up
    const times = round % 2 === 0
      ? [timed(client, allocator), timed(client, undefined)]
      : [timed(client, undefined), timed(client, allocator)].reverse();
    if (round < 0) continue;
    ours.push(times[0]!);
    system.push(times[1]!);
  }
  const calls = await callsOf(client), ratio = median(ours.map((time, index) => time / system[index]!));
  console.log([
    client.name.padEnd(9),
    `${client.amount.toLocaleString("en")} ${client.unit}`.padEnd(20),
    String(await glueOf(client)).padStart(4),
    calls.toLocaleString("en").padStart(10),
    median(ours).toFixed(0).padStart(7),
    median(system).toFixed(0).padStart(11),
    ratio.toFixed(2).padStart(15),
    (calls < FEW ? "–" : (1e6 * (median(ours) - median(system)) / calls).toFixed(0)).padStart(16),
  ].join(" "));
}
