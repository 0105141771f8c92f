/**
 * Are two speeds found where there are two, and only there? Simulated processes, as `noise.ts` has them.
 *
 * @module
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { quantile } from "simple-statistics";
import { bestCut, PERCENTAGE_POINTS } from "../../src/measure/bimodal.ts";
import { LEAST_PROCESSES, modesOf, Random } from "../../src/measure/mod.ts";
import { FITTED, type Noise, Normal, QUIET, Simulation } from "./noise.ts";

const PROCESSES: Noise = { ...QUIET, process: 0.015, row: 0.01, slot: 0.01 };
const SPIKES = { spikeChance: 0.2, spike: 0.4 };
const DRIFTING = { walk: 0.02, trend: Math.log(1.4) };
const ONE_SPEED: ReadonlyMap<string, Noise> = new Map([
  ["processes that differ", PROCESSES],
  ["spikes in 20 % of the slots", { ...PROCESSES, ...SPIKES }],
  ["a machine that drifts", { ...PROCESSES, ...DRIFTING }],
  ["all of that at once", { ...PROCESSES, ...SPIKES, ...DRIFTING }],
  ["noise fitted to real rounds", { ...FITTED, slowChance: 0 }],
]);
const COUNTS = [6, 10, 20, 40];

/** The percentage of comparisons of so many rounds in which B, and A with its control, have two speeds. */
function named(noise: Noise, rounds: number, experiments: number): [b: number, a: number] {
  const random = new Random(12);
  const found: [number, number] = [0, 0];
  for (let experiment = 0; experiment < experiments; experiment++) {
    const simulation = new Simulation(noise, random, 1, 40);
    simulation.runTo(rounds);
    const [a, b, control] = simulation.fastest[0]!.map((logs) => logs.map(Math.exp)) as [number[], number[], number[]];
    if (modesOf(b, a) !== undefined) found[0]++;
    if (modesOf([...a, ...control], [...b, ...b]) !== undefined) found[1]++;
  }
  return found.map((each) => 100 * each / experiments) as [number, number];
}

for (const [scenario, noise] of ONE_SPEED) {
  Deno.test(`at most 1 % of those with one speed are said to have two: ${scenario}`, () => {
    for (const rounds of COUNTS) {
      for (const share of named(noise, rounds, 1000)) assert(share <= 1, `${share} % of ${rounds} rounds`);
    }
  });
}

Deno.test("two speeds 15 % apart, or more, are found in 20 rounds of a machine at rest", () => {
  for (const factor of [1.15, 1.25, 1.45, 3]) {
    for (const spikes of [{}, SPIKES]) {
      const shares = named({ ...PROCESSES, ...spikes, slowChance: 0.4, slow: Math.log(factor) }, 20, 500);
      for (const share of shares) assert(share >= 90, `${share} % at ${factor}`);
    }
  }
});

Deno.test("two speeds 45 % apart are found in 20 rounds of the noise fitted to real ones", () => {
  for (const share of named({ ...FITTED, slowChance: 0.4, slow: Math.log(1.45) }, 20, 500)) {
    assert(share >= 90, `${share} %`);
  }
});

Deno.test("the percentage points are those of normal samples", () => {
  const normal = new Normal(new Random(13));
  for (const [count, ratio] of PERCENTAGE_POINTS) {
    const sample = () => Array.from({ length: count }, () => normal.next()).toSorted((a, b) => a - b);
    const simulated = quantile(Array.from({ length: 10_000 }, () => bestCut(sample()).ratio), 0.99);
    assertAlmostEquals(simulated, ratio, 0.15 * ratio, `of ${count}`); // 4 standard errors where there are 6
  }
});

Deno.test("both speeds are told, and how many processes had which, in whatever order", () => {
  const times = [14.5, 10.1, 9.9, 14.4, 10, 10.2, 14.6, 10, 9.9, 10.1];
  const { fast, slow, fastCount, slowCount } = modesOf(times)!;
  assertEquals([fastCount, slowCount], [7, 3]);
  assertAlmostEquals(fast, 10, 1e-9);
  assertAlmostEquals(slow, 14.5, 1e-9);
});

Deno.test("no claim: too few processes, equal ones, one that is alone, speeds that are close, a long tail", () => {
  assertEquals(modesOf(Array.from({ length: LEAST_PROCESSES - 1 }, (_, at) => at < 3 ? 10 : 20)), undefined);
  assertEquals(modesOf(Array(10).fill(10)), undefined);
  assertEquals(modesOf([10, 10.1, 9.9, 10, 10.1, 9.9, 10, 10.1, 20]), undefined);
  assertEquals(modesOf([10, 10.01, 9.99, 10, 10.01, 10.7, 10.71, 10.69, 10.7, 10.7]), undefined);
  assertEquals(modesOf([10, 10.01, 9.99, 10, 10.01, 10, 9.99, 10, 20, 30]), undefined);
});

Deno.test("two speeds without any noise are two speeds", () => {
  assertEquals(modesOf([10, 10, 20, 10, 20, 20]), { fast: 10, slow: 20, fastCount: 3, slowCount: 3 });
});

Deno.test("two speeds that others had at the same time are the machine's", () => {
  const times = [10, 10.1, 9.9, 10, 10.1, 15, 15.1, 14.9, 15, 15.1];
  assertEquals(modesOf(times, times.map((time) => 2 * time)), undefined);
  assertEquals(modesOf(times, times.map(() => 20))?.slowCount, 5);
});
