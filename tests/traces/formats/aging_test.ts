/** A recipe's events: always the same, and as its file says they are. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeTrace, EVENT, readTrace, summarise, type Trace, TraceError } from "../../../src/traces/mod.ts";
import { bytesOf } from "../helpers.ts";

const FILE = new URL("../../../bench/aging.trace", import.meta.url).pathname;
const SMALL = "hakmem aging: seed=7 megabytes=1 phases=18 events=4000 threads=3\n";

function made(recipe: string): Trace {
  return decodeTrace(bytesOf(recipe));
}

/** Sizes that were asked for in a phase, between two ends of threads. */
function sizesByPhase({ kinds, sizes, length }: Trace): number[][] {
  const phases: number[][] = [[]];
  for (let event = 0; event < length; event++) {
    if (kinds[event] === EVENT.MALLOC) phases.at(-1)!.push(sizes[event]!);
    else if (kinds[event] === EVENT.THREAD_END) phases.push([]);
  }
  return phases.filter(({ length }) => length > 0);
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

Deno.test("one recipe gives one trace, another seed another one", () => {
  assertEquals(made(SMALL), made(`# a comment\n${SMALL}`));
  assert(made(SMALL).sizes.some((size, event) => size !== made(SMALL.replace("=7", "=8")).sizes[event]));
});

Deno.test("sizes drift from phase to phase: their middle rises sixteenfold, and falls again", () => {
  const middles = sizesByPhase(readTrace(FILE)).map(median);
  assertEquals(middles.length, 32);
  const near = (middle: number, expected: number): boolean => middle > expected * 0.9 && middle < expected * 1.1;
  for (const [phase, expected] of [[0, 48], [1, 48], [8, 768], [15, 48], [24, 768]] as const) {
    assert(near(middles[phase]!, expected), `phase ${phase}: ${middles[phase]}`);
  }
  assert(middles[3]! > 1.5 * middles[2]!, "it rises step by step");
});

Deno.test("sizes are as likely in each doubling around the middle, by chi-square, but for one large block in 512", () => {
  const [first] = sizesByPhase(readTrace(FILE)), counts = [0, 0, 0, 0];
  const small = first!.filter((size) => size < 1024), large = first!.length - small.length;
  for (const size of small) counts[Math.min(3, Math.max(0, Math.floor(Math.log2(size / 12))))]!++;
  const expected = small.length / 4;
  // Sizes are rounded to whole bytes, which moves a part of one in 24 from one doubling to its neighbour.
  for (const count of counts) assert(Math.abs(count / expected - 1) < 0.06, `${counts}`);
  const spread = (large - first!.length / 512) ** 2 / (first!.length / 512);
  assert(spread < 24, `${large} large blocks of ${first!.length}: chi-square ${spread}`);
});

Deno.test("live bytes go up to what the recipe says and down to half of it, and the heap is not emptied", () => {
  const { live, peakLiveBytes, endLiveBytes } = summarise(readTrace(FILE), 2000);
  assert(peakLiveBytes > 31e6 && peakLiveBytes < 34e6, `${peakLiveBytes}`);
  assert(endLiveBytes > 10e6);
  const late = live.liveBytes.slice(live.liveBytes.length >> 1);
  assert(Math.min(...late) < 17e6 && Math.max(...late) > 31e6);
});

Deno.test("threads come and go, one a phase, and what they leave is freed by others", () => {
  const { threads, kinds, crossThreadFrees } = summarise(made(SMALL), 10);
  assertEquals([threads, kinds["thread end"]], [20, 18]);
  assert(crossThreadFrees > 0.5 && crossThreadFrees < 0.8);
  const alone = summarise(made(SMALL.replace("threads=3", "threads=1")), 10);
  assertEquals([alone.threads, alone.crossThreadFrees, alone.kinds["thread end"]], [1, 0, 0]);
});

Deno.test("most blocks die young, and some live for many phases", () => {
  const trace = made(SMALL), born = new Map<number, number>(), ages: number[] = [];
  for (let event = 0; event < trace.length; event++) {
    if (trace.kinds[event] === EVENT.MALLOC) born.set(trace.blocks[event]!, event);
    else if (trace.kinds[event] === EVENT.FREE) ages.push(event - born.get(trace.blocks[event]!)!);
  }
  const within = (events: number): number => ages.filter((age) => age <= events).length / ages.length;
  assert(within(4000) > 0.8, `${within(4000)}`);
  assert(within(12_000) < 0.995, `${within(12_000)}`);
});

Deno.test("a recipe that is not one is refused", () => {
  for (
    const [recipe, message] of [
      [SMALL.replace("seed=7", "seed=0"), "a recipe has seed, a whole number from 1 to 4294967295"],
      [SMALL.replace(" phases=18", ""), "a recipe has phases, a whole number from 2 to 1000"],
      [SMALL.replace("threads=3", "threads=3.5"), "a recipe has threads, a whole number from 1 to 64"],
      [SMALL.replace("threads", "thread"), "and no thread"],
      [`${SMALL.trim()} toString=1`, "and no toString"],
      ["hakmem aging:", "a recipe has seed, a whole number from 1 to 4294967295"],
    ] as const
  ) assertThrows(() => made(recipe), TraceError, message);
});
