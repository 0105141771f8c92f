/**
 * Blocks above the size classes, and blocks that grow: what they cost in our heap and in a C program with a native
 * allocator, `native/large.c`, which is the same but for the language.
 *
 * - pair: malloc and free of one block, again and again
 * - rotation: 64 live blocks of a size are replaced, one after the other
 * - grow: from 8 bytes to 4 MiB by realloc, so many bytes at a time or to twice the size, and free
 *
 *     deno run -P bench/large.ts
 *     deno run -P bench/large.ts --peer system,./libmine.so --rounds 9 --json large.json
 *
 * Each process does all of it, each work in passes, of which it gives the median; those of the first 200 ms, or
 * --warm-up, are not counted: V8 has compiled all of it then. Shown is the median of the rounds, a process each, and how
 * many times as fast as each native allocator our heap is, with the least and the most of the rounds. Five rounds take a
 * minute. It exits with 3 if it does not understand
 * its options.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { median } from "simple-statistics";
import { DEFAULT_VARIANT, Heap } from "../src/heap/mod.ts";
import { NATIVE_FLAGS } from "../src/lab/contest/contestants.ts";
import { buildNative } from "../src/os/mod.ts";
import { findPeers, type FoundPeer, PeerError } from "../src/peers/find.ts";
import { heapLabel } from "../src/report/tables/label.ts";
import { numbers, terminalTable, words } from "../src/report/tables/columns.ts";

const LARGE = [40_000, 65_536, 262_144, 1_048_576, 4_194_304];
const STEPS = ["8", "100", "1000", "double"];
/** As the C twin has them. */
const PAIRS = 20_000;
const LEAST = 8;
const MOST = 4 << 20;
const BLOCKS = 64;
const USAGE = "usage: deno run -P bench/large.ts [--peer A,B] [--rounds N] [--passes N] [--warm-up MS] " +
  "[--variant NAME] [--json FILE]";
const unknown: string[] = [];
const options = parseArgs(Deno.args, {
  string: ["peer", "rounds", "passes", "warm-up", "variant", "json", "child"],
  unknown: (word) => unknown.push(word) === 0,
});
const warmUp = options["warm-up"] ?? "200";
const { peer = "system,mimalloc", rounds = "5", passes = "7", variant = DEFAULT_VARIANT, json, child } = options;
const WORK = [
  ...LARGE.map((size) => `pair:${size}`),
  ...LARGE.map((size) => `rotation:${size}`),
  ...STEPS.map((step) => `grow:${step}`),
];

/** What a process prints: a line for each work, as the C twin. */
async function large(): Promise<string> {
  using heap = await Heap.open({ variant });
  const { malloc, free, realloc, u8 } = { ...heap, u8: heap.u8, realloc: heap.realloc.bind(heap) };
  const put = (ptr: number, at: number): number => {
    if (ptr === 0) throw new Error("there is no memory");
    u8[ptr + at] = 1;
    return ptr;
  };
  const pair = (size: number): void => {
    for (let i = 0; i < PAIRS; i++) free(put(malloc(size), 0));
  };
  const rotation = (blocks: Float64Array, size: number): void => {
    for (let i = 0, at = 0; i < PAIRS; i++, at = at + 1 === blocks.length ? 0 : at + 1) {
      free(blocks[at]!);
      blocks[at] = put(malloc(size), 0);
    }
  };
  const grow = (step: number): void => {
    let ptr = put(malloc(LEAST), 0);
    for (let size = LEAST; size < MOST;) {
      size = step === 0 ? size * 2 : size + step;
      ptr = put(realloc(ptr, size), size - 1);
    }
    free(ptr);
  };
  return WORK.map((work) => {
    const [kind, text] = work.split(":") as [string, string], size = Number(text) || 0;
    const blocks = kind === "rotation" ? Float64Array.from({ length: BLOCKS }, () => put(malloc(size), 0)) : undefined;
    const found: number[] = [];
    for (const begun = performance.now(); found.length < Number(passes);) {
      const start = performance.now();
      if (blocks !== undefined) rotation(blocks, size);
      else if (kind === "pair") pair(size);
      else grow(size);
      if (start - begun >= Number(warmUp)) {
        found.push((performance.now() - start) * 1e6 / (kind === "grow" ? 1 : PAIRS));
      }
    }
    blocks?.forEach(free);
    return `${work} ${median(found).toFixed(1)}`;
  }).join("\n");
}

/** The times of one allocator: for each work, a number for each round. */
class Times {
  readonly #rounds: Map<string, number>[] = [];

  constructor(readonly name: string) {}

  add(output: string): void {
    const lines = output.trim().split("\n").map((line) => line.split(" ") as [string, string]);
    this.#rounds.push(new Map(lines.map(([work, time]) => [work, Number(time)])));
  }

  of(work: string): number[] {
    return this.#rounds.map((round) => round.get(work)!);
  }
}

async function run(command: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, env }).output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** `3.4 (3.1–3.9)`: how many times as fast the first is, round by round. */
function ratio(ours: readonly number[], theirs: readonly number[]): string {
  const all = ours.map((time, round) => theirs[round]! / time), digits = median(all) < 10 ? 2 : 1;
  return `${median(all).toFixed(digits)} (${Math.min(...all).toFixed(digits)}–${Math.max(...all).toFixed(digits)})`;
}

async function measure(peers: readonly FoundPeer[]): Promise<void> {
  const sources = [new URL("../native/large.c", import.meta.url)];
  const { path } = await buildNative({ name: "large", sources, kind: "executable", flags: NATIVE_FLAGS });
  const ours = new Times(heapLabel(variant)),
    natives = peers.map((each) => ({ peer: each, times: new Times(each.name) }));
  const script = new URL(import.meta.url).pathname;
  for (let round = 0; round < Number(rounds); round++) {
    ours.add(await run(Deno.execPath(), ["run", "-P", script, "--child=1", ...Deno.args]));
    for (const { peer: { library }, times } of natives) {
      const env: Record<string, string> = library === undefined ? {} : { LD_PRELOAD: library };
      times.add(await run(path, [String(BLOCKS), warmUp, passes, ...WORK], env));
    }
  }
  const all = [ours, ...natives.map(({ times }) => times)];
  const shown = (work: string, time: number): string => (work.startsWith("grow") ? time / 1000 : time).toFixed(1);
  const columns = [
    words<string>("work", (work) => work),
    words<string>("unit", (work) => work.startsWith("grow") ? "µs" : "ns"),
    ...all.map((times) => numbers<string>(times.name, (work) => shown(work, median(times.of(work))))),
    ...natives.map(({ times }) => numbers<string>(`× ${times.name}`, (work) => ratio(ours.of(work), times.of(work)))),
  ];
  console.log(terminalTable(columns, WORK));
  if (json !== undefined) {
    const results = all.map((times) => ({
      name: times.name,
      nanoseconds: Object.fromEntries(WORK.map((work) => [work, times.of(work)])),
    }));
    Deno.writeTextFileSync(json, `${JSON.stringify({ rounds: Number(rounds), results }, null, 2)}\n`);
  }
}

const isUsable = unknown.length === 0 && [rounds, passes].every((text) => /^[1-9]\d{0,2}$/.test(text)) &&
  /^\d{1,4}$/.test(warmUp);
try {
  if (!isUsable) throw new PeerError(`${USAGE}, N from 1 to 999, MS from 0 to 9999`);
  if (child !== undefined) console.log(await large());
  else await measure(findPeers(peer.split(",")));
} catch (error) {
  if (!(error instanceof PeerError)) throw error;
  console.error(error.message);
  Deno.exitCode = 3;
}
