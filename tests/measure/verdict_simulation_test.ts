/**
 * Are the verdicts honest? Simulated comparisons, looked at as `compare` looks at them, of contestants of which it is
 * known how fast they are.
 *
 * Of equals, A and B are exchangeable in each round: whatever the noise of processes and slots, d is symmetric around 0,
 * and the signed rank's level is exact at each look. That B must also be beyond what the control reaches makes false
 * verdicts far rarer. The last tests show that the simulation does find them where a lab is careless.
 *
 * @module
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { quantile } from "simple-statistics";
import {
  bonferroni,
  COMPARE_LEVEL,
  isSettled,
  judge,
  leastRounds,
  LOOKS,
  overall,
  type PairedRounds,
  Random,
  signedRankBelow,
  signedRankInterval,
  type Verdict,
  walshRank,
} from "../../src/measure/mod.ts";
import { FITTED, type Noise, QUIET, realRounds, record, Redrawn, Simulation } from "./noise.ts";

const MOST_ROUNDS = Math.max(...LOOKS);
const SIZES = [1, 4];

/** A comparison of which so many rounds are asked for; it gives them row by row. */
interface Experiment {
  runTo(rounds: number): readonly PairedRounds[];
}

/** Begins a comparison of so many rows. */
type Begin = (rows: number) => Experiment;

const REAL = realRounds();
const DRIFT = Math.log(1.4);
const PROCESSES: Noise = { ...QUIET, process: 0.015, row: 0.01, slot: 0.01 };
const TIERS = { slowChance: 0.05, slow: Math.LN2 };
const SPIKES = { spikeChance: 0.2, spike: 0.4 };
const DRIFTING = { walk: 0.02, trend: DRIFT };

const SCENARIOS: ReadonlyMap<string, Noise> = new Map([
  ["processes that differ", PROCESSES],
  ["5 % of processes in code that takes twice as long", { ...PROCESSES, ...TIERS }],
  ["spikes in 20 % of the slots", { ...PROCESSES, ...SPIKES }],
  ["a machine that drifts by 2 % a slot and 40 % in all", { ...PROCESSES, ...DRIFTING }],
  ["all of that at once", { ...PROCESSES, ...TIERS, ...SPIKES, ...DRIFTING }],
  ["noise fitted to real rounds", FITTED],
]);
const REDRAWN = "real rounds, drawn again";

/** Comparisons in one scenario, with a B that is slower by `slowdown`. */
function comparisons(scenario: string, seed: number, slowdown: number = 0): Begin {
  const random = new Random(seed), noise = SCENARIOS.get(scenario), slower = Math.log1p(slowdown);
  if (noise === undefined) return (rows) => new Redrawn(REAL, random, rows, slower);
  return (rows) => new Simulation(noise, random, rows, MOST_ROUNDS, slower);
}

/** The verdicts on the rows of one comparison. */
function verdicts(experiment: Experiment): Verdict[] {
  for (const look of LOOKS) {
    const rows = experiment.runTo(look);
    const judged = rows.map((row) => judge(row, bonferroni(rows.length)));
    if (isSettled(judged) || look === MOST_ROUNDS) return judged.map(({ verdict }) => verdict);
  }
  return [];
}

/** The percentage of so many comparisons for which something holds. */
function percentage(experiments: number, holds: (experiment: number) => boolean): number {
  let held = 0;
  for (let experiment = 0; experiment < experiments; experiment++) if (holds(experiment)) held++;
  return 100 * held / experiments;
}

function isDifference(verdict: Verdict): boolean {
  return verdict === "regression" || verdict === "improvement";
}

Deno.test("the fitted noise makes equals differ at least as much as they did in the real rounds", () => {
  const distances = (experiment: Experiment) =>
    experiment.runTo(2000).flatMap(({ differences, control }) => [...differences, ...control].map(Math.abs));
  const real = distances(new Redrawn(REAL, new Random(8), 4));
  const fitted = distances(new Simulation(FITTED, new Random(8), 4, MOST_ROUNDS, 0, 1));
  for (const share of [0.5, 0.8, 0.9, 0.95, 0.99]) {
    const least = quantile(real, share);
    assert(quantile(fitted, share) >= least, `less at ${share}`);
    assert(quantile(fitted, share) <= 2 * least, `far more at ${share}`);
  }
});

for (const scenario of [...SCENARIOS.keys(), REDRAWN]) {
  // Every scenario had none.
  Deno.test(`at most 1 % of 10,000 comparisons of equals end in a false verdict: ${scenario}`, () => {
    const begin = comparisons(scenario, 1);
    const rowsOf = (experiment: number) => SIZES[experiment % SIZES.length]!;
    const wrong = percentage(10_000, (experiment) => verdicts(begin(rowsOf(experiment))).some(isDifference));
    assert(wrong <= 1, `${wrong} %`);
  });

  // At most 0.4 %. Where the control alone bounded what is equivalent, slow code made it 27 % with one size.
  Deno.test(`who lost 5 or 10 % is called equivalent in at most 1 % of comparisons: ${scenario}`, () => {
    for (const slowdown of [0.05, 0.1]) {
      for (const rows of SIZES) {
        const begin = comparisons(scenario, 2, slowdown);
        const wrong = percentage(500, () => verdicts(begin(rows)).includes("equivalent"));
        assert(wrong <= 1, `${wrong} % at ${slowdown} in ${rows} rows`);
      }
    }
  });
}

/** How often a B that is slower by so much is found: with one size and with four. The comments say what was measured. */
const POWER: readonly (readonly [scenario: string, slowdown: number, atLeast: number])[] = [
  ["processes that differ", 0.05, 99], // 100.0 and 100.0
  ["noise fitted to real rounds", 0.1, 95], // 100.0 and 100.0
  ["noise fitted to real rounds", 0.05, 95], // 100.0 and 100.0
  [REDRAWN, 0.1, 99], // 100.0 and 100.0
  [REDRAWN, 0.05, 98], // 99.6 and 100.0; 89.1 and 98.3 with two looks, at 20 and 40 rounds
];

for (const [scenario, slowdown, atLeast] of POWER) {
  Deno.test(`a loss of ${100 * slowdown} % is found in ${atLeast} % of comparisons: ${scenario}`, () => {
    for (const rows of SIZES) {
      const begin = comparisons(scenario, 3, slowdown);
      const found = percentage(1000, () => overall(verdicts(begin(rows))) === "regression");
      assert(found >= atLeast, `${found} % in ${rows} rows`);
    }
  });
}

Deno.test("a gain of 10 % is found in 95 % of comparisons, with one size and with four", () => {
  for (const rows of SIZES) {
    const begin = comparisons(REDRAWN, 3, -0.1);
    const found = percentage(1000, () => overall(verdicts(begin(rows))) === "improvement"); // 100.0 and 100.0
    assert(found >= 95, `${found} % in ${rows} rows`);
  }
});

Deno.test("a loss of 0.5 % is a regression in at most 1 % of comparisons", () => {
  for (const scenario of [...SCENARIOS.keys(), REDRAWN]) {
    for (const rows of SIZES) {
      const begin = comparisons(scenario, 4, 0.005);
      const called = percentage(500, () => verdicts(begin(rows)).includes("regression")); // none
      assert(called <= 1, `${called} % in ${rows} rows: ${scenario}`);
    }
  }
});

for (const trend of [DRIFT, -DRIFT]) {
  Deno.test(`a machine that gets 40 % ${trend < 0 ? "faster" : "slower"} makes no difference between equals`, () => {
    const random = new Random(5);
    for (let experiment = 0; experiment < 200; experiment++) {
      for (const rows of SIZES) {
        const simulation = new Simulation({ ...QUIET, trend }, random, rows, MOST_ROUNDS);
        assertEquals(new Set(verdicts(simulation)), new Set(["equivalent"]));
      }
    }
  });
}

Deno.test("the same drift makes equals differ if one is measured after the other", () => {
  const rounds = LOOKS[0]!, row = { differences: [], control: [] };
  const timesOf = (block: number, round: number) =>
    [0, 1].map((slot) => DRIFT * (2 * (block * rounds + round) + slot) / (6 * rounds));
  for (let round = 0; round < rounds; round++) {
    record([timesOf(0, round), timesOf(2, round), timesOf(1, round)], row); // A, its control, B
  }
  assertEquals(judge(row, COMPARE_LEVEL).verdict, "regression");
});

Deno.test("looking after each round until the interval leaves 0 makes equals differ in over 3 % of comparisons", () => {
  const begin = comparisons("noise fitted to real rounds", 6);
  const wrong = percentage(1000, () => {
    const [row] = begin(1).runTo(MOST_ROUNDS), differences = row?.differences ?? [];
    return differences.some((_difference, last) =>
      last + 1 >= leastRounds(COMPARE_LEVEL) && misses(differences, last + 1)
    );
  });
  assert(wrong > 3, `${wrong} %`); // 8.1 %
});

Deno.test("an interval misses 0 as often as its level says, whatever the noise", () => {
  const [rounds] = LOOKS as [number];
  const expected = 200 * signedRankBelow(rounds, walshRank(rounds, COMPARE_LEVEL)); // 0.95 %
  for (const scenario of [...SCENARIOS.keys(), REDRAWN]) {
    const begin = comparisons(scenario, 7);
    const missed = percentage(10_000, () => misses(begin(1).runTo(rounds)[0]?.differences ?? [], rounds));
    assertAlmostEquals(missed, expected, 0.35, scenario); // 3.6 standard deviations
  }
});

function misses(differences: readonly number[], rounds: number): boolean {
  const { low, high } = signedRankInterval(differences.slice(0, rounds), COMPARE_LEVEL);
  return low > 0 || high < 0;
}
