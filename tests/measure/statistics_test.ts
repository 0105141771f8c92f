import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { binomialDistribution, medianSorted, quantileSorted } from "simple-statistics";
import { coverage, differences, estimate, intervalRank, LEVEL, ratios } from "../../src/measure/mod.ts";

Deno.test("intervalRank() gives the published ranks of the 95 % interval of a median", () => {
  // Conover, "Practical Nonparametric Statistics", table of the sign test at p = 1/2, two-sided 0.05.
  const published = new Map([[6, 1], [7, 1], [8, 1], [9, 2], [10, 2], [12, 3], [15, 4], [20, 6], [25, 8], [40, 14]]);
  for (const [count, rank] of published) assertEquals(intervalRank(count), rank, `${count} samples`);
});

Deno.test("intervalRank() gives 0 when there are too few samples for the level", () => {
  for (let count = 0; count < 6; count++) assertEquals(intervalRank(count), 0);
  assertEquals(intervalRank(6), 1);
});

Deno.test("coverage() agrees with the binomial distribution of simple-statistics", () => {
  for (const count of [6, 10, 20, 30]) {
    const probabilities = binomialDistribution(count, 0.5) ?? [];
    for (let rank = 1; rank <= count / 2; rank++) {
      const below = probabilities.slice(0, rank).reduce((sum, p) => sum + p, 0);
      assertAlmostEquals(coverage(count, rank), 1 - 2 * below, 1e-3); // that one stops near 1 - epsilon
    }
  }
  assertAlmostEquals(coverage(10, 2), 1 - 22 / 1024, 1e-12);
  assertAlmostEquals(coverage(6, 1), 1 - 2 / 64, 1e-12);
});

Deno.test("estimate() spans minimum to maximum when there are 6 samples", () => {
  assertEquals(estimate([5, 1, 4, 2, 6, 3]), { median: 3.5, low: 1, high: 6 });
});

Deno.test("estimate() takes the second and the ninth of 10 samples", () => {
  const samples = [9, 3, 7, 1, 10, 5, 2, 8, 6, 4];
  const sorted = samples.toSorted((a, b) => a - b);
  assertEquals(estimate(samples), { median: medianSorted(sorted), low: 2, high: 9 });
  assertEquals(estimate(samples).median, quantileSorted(sorted, 0.5));
});

Deno.test("estimate() falls back to minimum and maximum when a run was cut short", () => {
  assertEquals(estimate([2]), { median: 2, low: 2, high: 2 });
  assertEquals(estimate([3, 1, 2]), { median: 2, low: 1, high: 3 });
  assertThrows(() => estimate([]), RangeError, "at least one sample");
});

Deno.test("estimate() holds the true median as often as its level says", () => {
  let x = 42;
  const uniform = () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
  const trials = 4000;
  let held = 0;
  for (let trial = 0; trial < trials; trial++) {
    const { low, high } = estimate(Array.from({ length: 10 }, uniform));
    if (low <= 0.5 && 0.5 <= high) held++;
  }
  assert(held / trials >= LEVEL, `held ${held} of ${trials}`);
  assertAlmostEquals(held / trials, coverage(10, 2), 0.01);
});

Deno.test("ratios() and differences() pair samples by their round", () => {
  assertEquals(ratios([6, 8], [2, 4]), [3, 2]);
  assertEquals(differences([6, 8], [2, 4]), [4, 4]);
  assertThrows(() => ratios([1], [1, 2]), RangeError, "cannot be paired");
});
