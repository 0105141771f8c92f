/**
 * A gigabyte of small blocks, and back: what an operation costs along the live bytes, in our heap and in a C program with
 * libc's malloc, `native/grow.c`, which is the same but for the language. Blocks are freed in the order from last to first.
 * The way is cut into parts; shown are the nanoseconds an operation of each, the least of the rounds, so what disturbed
 * one of them is not in it. A *step* is a part that takes more than 1.5 times the median of its three neighbours on each
 * side: work that is done all at once, or a level that is left for one twice as high.
 *
 *     deno run -P bench/grow.ts
 *     deno run -P bench/grow.ts --megabytes 256 --points 32 --rounds 2 --variant slab-map,magazines=0
 *     deno run -P bench/grow.ts --json grow.json
 *
 * Each process goes up and down twice: the first time its pages are new, the second time it has what its allocator kept.
 * Three rounds of a gibibyte take half a minute. It exits with 1 if the two did not do the same work, with
 * 3 if it does not understand its options.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { median } from "simple-statistics";
import { DEFAULT_VARIANT, Heap } from "../src/heap/mod.ts";
import { NATIVE_FLAGS } from "../src/lab/contest/contestants.ts";
import { stepsOf } from "./steps.ts";
import { buildNative, commandOutput } from "../src/os/mod.ts";
import { heapLabel } from "../src/report/tables/label.ts";
import { sparkline } from "../src/report/tables/sparkline.ts";

const PASSES = 2;
const FACTOR = 1.5;
/** As in the C twin. */
const MEAN = 80;
const WARM_UPS = 20;
const WARM_BLOCKS = 100_000;
const WAYS = ["up, new pages", "down", "up again", "down again"];
const USAGE =
  "usage: deno run -P bench/grow.ts [--megabytes N] [--points N] [--rounds N] [--variant NAME] [--json FILE]";
const unknown: string[] = [];
const { megabytes = "1074", points: asked = "64", rounds = "3", variant = DEFAULT_VARIANT, json, child } = parseArgs(
  Deno.args,
  {
    string: ["megabytes", "points", "rounds", "variant", "json", "child"],
    unknown: (word) => unknown.push(word) === 0,
  },
);
const bytes = Number(megabytes) * 1e6, points = Number(asked), count = Math.floor(bytes / MEAN);

/** What a process prints: a line for the checksum and one for each way. */
async function grow(): Promise<string> {
  using heap = await Heap.open({ variant });
  const { malloc, free, u8 } = heap, blocks = new Float64Array(count + WARM_BLOCKS).fill(1), state = new Int32Array(2);
  const up = (from: number, to: number): void => {
    let x = state[0]! | 0, checksum = state[1]! | 0;
    for (let index = from | 0, end = to | 0; index < end; index++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      const size = 16 + (x >>> 25), ptr = malloc(size);
      if (ptr === 0) throw new Error(`malloc(${size}) gave NULL`);
      u8[ptr] = x;
      blocks[index] = ptr;
      checksum = Math.imul(checksum ^ size, 31);
    }
    state[0] = x;
    state[1] = checksum;
  };
  const down = (from: number, to: number): void => {
    for (let index = (to | 0) - 1, end = from | 0; index >= end; index--) free(blocks[index]!);
  };
  const at = (point: number): number => Math.floor(count * point / points);
  const timed = (way: (from: number, to: number) => void, point: number): number => {
    const start = performance.now();
    way(at(point), at(point + 1));
    return Math.round((performance.now() - start) * 1e6);
  };
  const lines: string[] = [];
  for (let pass = 0; pass < PASSES; pass++) {
    state[0] = 12_345;
    for (let warm = 0; warm < WARM_UPS; warm++) {
      up(0, WARM_BLOCKS);
      down(0, WARM_BLOCKS);
    }
    state[1] = 0;
    const order = [...Array(points).keys()], upward = order.map((point) => timed(up, point));
    const downward = order.toReversed().map((point) => timed(down, point)).toReversed();
    lines.push((state[1]! >>> 0).toString(16).padStart(8, "0"), upward.join(" "), downward.join(" "));
  }
  return lines.join("\n");
}

/** By way: nanoseconds an operation at each point, the least of the rounds; and what the work was. */
class Curves {
  readonly ways: number[][] = WAYS.map(() => Array(points).fill(Infinity));
  readonly checksums = new Set<string>();

  constructor(readonly name: string) {}

  add(output: string): void {
    const lines = output.trim().split("\n");
    for (let pass = 0; pass < PASSES; pass++) {
      this.checksums.add(lines[3 * pass]!);
      for (const way of [0, 1]) {
        const least = this.ways[2 * pass + way]!;
        lines[3 * pass + 1 + way]!.trim().split(/\s+/).forEach((nanoseconds, point) => {
          least[point] = Math.min(least[point]!, Number(nanoseconds) / (count / points));
        });
      }
    }
  }
}

/** A part's live bytes, where it ends. */
function placeOf(point: number): string {
  return `${Math.round((point + 1) * bytes / points / 1e6)} MB`;
}

async function measure(): Promise<boolean> {
  const ours = new Curves(heapLabel(variant)), system = new Curves("system (C)");
  const sources = [new URL("../native/grow.c", import.meta.url)];
  const { path } = await buildNative({ name: "grow", sources, kind: "executable", flags: NATIVE_FLAGS });
  const script = new URL(import.meta.url).pathname;
  for (let round = 0; round < Number(rounds); round++) {
    ours.add(await output(Deno.execPath(), ["run", "-P", script, "--child=1", ...Deno.args]));
    system.add(await output(path, [String(count * MEAN), String(points), String(PASSES)]));
  }
  const all = [ours, system], name = Math.max(...all.map(({ name }) => name.length));
  console.log(
    `${count.toLocaleString("en-US")} blocks of 16 to 143 bytes, ${megabytes} MB, in ${points} parts; ns an operation`,
  );
  for (const [way, title] of WAYS.entries()) {
    const top = Math.max(...all.flatMap(({ ways }) => ways[way]!));
    console.log(`\n${title}; the whole height is ${top.toFixed(1)} ns`);
    for (const { name: label, ways } of all) {
      const curve = ways[way]!, steps = stepsOf(curve, FACTOR);
      console.log(
        `  ${label.padEnd(name)} ${sparkline(curve, Math.min(points, 64), top)} median ${median(curve).toFixed(1)}, ` +
          `most ${Math.max(...curve).toFixed(1)}`,
      );
      for (const { index, times } of steps) {
        console.log(
          `    a step at ${placeOf(index)}: ${curve[index]!.toFixed(1)} ns, ${times.toFixed(1)} times its neighbours`,
        );
      }
    }
  }
  if (json !== undefined) {
    const curves = all.map(({ name, ways }) => ({
      name,
      ways: ways.map((nsPerOp, way) => ({ way: WAYS[way], nsPerOp })),
    }));
    Deno.writeTextFileSync(json, `${JSON.stringify({ bytes, points, rounds: Number(rounds), curves }, null, 2)}\n`);
  }
  const checksums = new Set([...ours.checksums, ...system.checksums]);
  if (checksums.size === 1) return true;
  console.error(`the two did not do the same work: checksums ${[...checksums].join(", ")}`);
  return false;
}

async function output(command: string, args: readonly string[]): Promise<string> {
  const text = await commandOutput(command, [...args]);
  if (text === undefined) throw new Error(`${command} failed`);
  return text;
}

const isUsable = unknown.length === 0 && [megabytes, asked, rounds].every((text) => /^[1-9]\d{0,4}$/.test(text));
if (!isUsable) {
  console.error(`${USAGE}, numbers from 1 to 99999`);
  Deno.exitCode = 3;
} else if (child === undefined) Deno.exitCode = await measure() ? 0 : 1;
else console.log(await grow());
