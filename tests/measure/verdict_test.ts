import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { median, quantileRankSorted } from "simple-statistics";
import {
  bonferroni,
  deltaOf,
  isSettled,
  judge,
  leastRounds,
  overall,
  signedRankBelow,
  signedRankInterval,
  type Verdict,
  verdictOf,
  walshRank,
} from "../../src/measure/mod.ts";

Deno.test("ranks of the Walsh averages are those of the published tables", () => {
  // Hollander, Wolfe & Chicken (2014), table A.4, and measurement practice: 4 of 55, 38 of 210, 221 of 820 at 99 %.
  assertEquals([10, 20, 40].map((count) => walshRank(count, 0.99)), [4, 38, 221]);
  assertEquals([6, 10, 20].map((count) => walshRank(count, 0.95)), [1, 9, 53]);
  assertEquals(walshRank(7, 0.99), 0);
  assertEquals(leastRounds(0.99), 8);
  assertEquals(leastRounds(0.95), 6);
});

Deno.test("the distribution of the signed rank is symmetric, and that of all sign patterns", () => {
  for (const count of [1, 2, 5, 9]) {
    const largest = count * (count + 1) / 2;
    for (let rank = 0; rank <= largest + 1; rank++) {
      let below = 0;
      for (let signs = 0; signs < 2 ** count; signs++) {
        let sum = 0;
        for (let item = 0; item < count; item++) if (signs & (1 << item)) sum += item + 1;
        if (sum < rank) below++;
      }
      assertAlmostEquals(signedRankBelow(count, rank), below / 2 ** count, 1e-12);
      assertAlmostEquals(signedRankBelow(count, rank), 1 - signedRankBelow(count, largest - rank + 1), 1e-12);
    }
  }
});

const DIFFERENCES = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 10, maxLength: 40 });

Deno.test("an interval holds its estimate, moves with its data, and turns with its sign", () => {
  fc.assert(fc.property(DIFFERENCES, fc.double({ min: -3, max: 3, noNaN: true }), (differences, shift) => {
    const { value, low, high } = signedRankInterval(differences, 0.99);
    assertEquals(low <= value && value <= high, true);
    const moved = signedRankInterval(differences.map((difference) => difference + shift), 0.99);
    assertAlmostEquals(moved.value, value + shift, 1e-9);
    assertAlmostEquals(moved.low, low + shift, 1e-9);
    const turned = signedRankInterval(differences.map((difference) => -difference), 0.99);
    assertAlmostEquals(turned.low, -high, 1e-12);
    assertAlmostEquals(turned.value, -value, 1e-12);
    const wider = signedRankInterval(differences, 0.995);
    assertEquals(wider.low <= low && wider.high >= high, true);
  }));
});

Deno.test("the estimate is the median of all pairs' means", () => {
  fc.assert(fc.property(DIFFERENCES, (differences) => {
    const means = differences.flatMap((a, i) => differences.slice(i).map((b) => (a + b) / 2));
    const { value, low, high } = signedRankInterval(differences, 0.99);
    assertAlmostEquals(value, median(means), 1e-12);
    const sorted = means.toSorted((a, b) => a - b);
    const rank = walshRank(differences.length, 0.99);
    assertEquals([low, high], [sorted[rank - 1], sorted[sorted.length - rank]]);
    assertEquals(quantileRankSorted(sorted, low) <= quantileRankSorted(sorted, high), true);
  }));
});

Deno.test("too few differences have no interval", () => {
  assertThrows(() => signedRankInterval([0, 0, 0, 0, 0, 0, 0], 0.99), RangeError, "7 differences");
});

Deno.test("the verdict is where the whole interval lies", () => {
  const at = (low: number, high: number) => verdictOf({ value: (low + high) / 2, low, high }, 0.02);
  assertEquals(at(0.021, 0.03), "regression");
  assertEquals(at(-0.03, -0.021), "improvement");
  assertEquals(at(-0.02, 0.02), "equivalent");
  assertEquals(at(0.01, 0.03), "inconclusive");
  assertEquals(at(-0.03, 0.03), "inconclusive");
});

Deno.test("delta is 2 %, or as far as the control reaches", () => {
  assertAlmostEquals(deltaOf({ value: 0, low: -0.001, high: 0.001 }), Math.log(1.02), 1e-12);
  assertEquals(deltaOf({ value: 0, low: -0.05, high: 0.001 }), 0.05);
  assertEquals(deltaOf({ value: 0.02, low: 0.01, high: 0.03 }), 0.03);
});

Deno.test("the whole is as bad as its worst row", () => {
  assertEquals(overall(["improvement", "equivalent", "regression", "inconclusive"]), "regression");
  assertEquals(overall(["improvement", "inconclusive"]), "inconclusive");
  assertEquals(overall(["improvement", "equivalent"]), "improvement");
  assertEquals(overall(["equivalent"]), "equivalent");
  assertEquals(overall([]), "inconclusive");
});

Deno.test("rows share a level", () => {
  assertAlmostEquals(bonferroni(1), 0.99, 1e-12);
  assertAlmostEquals(bonferroni(4), 0.9975, 1e-12);
});

Deno.test("a difference is judged against the control of its rounds", () => {
  const differences = Array.from({ length: 20 }, (_, round) => 0.05 + (round % 5 - 2) * 0.002);
  const quiet = Array.from({ length: 20 }, (_, round) => (round % 5 - 2) * 0.002);
  assertEquals(judge({ differences, control: quiet }, 0.99).verdict, "regression");
  assertEquals(judge({ differences, control: differences.map((each) => each * 2) }, 0.99).verdict, "inconclusive");
});

Deno.test("who may differ by 5 % is not called equivalent, however far the control reaches", () => {
  const within = (high: number) => verdictOf({ value: 0, low: -0.01, high }, 0.4);
  assertEquals(within(Math.log(1.049)), "equivalent");
  assertEquals(within(Math.log(1.051)), "inconclusive");
  assertEquals(verdictOf({ value: -0.05, low: -0.06, high: -0.04 }, 0.4), "inconclusive");
  assertEquals(verdictOf({ value: 0.5, low: 0.39, high: 0.6 }, 0.4), "inconclusive");
  assertEquals(verdictOf({ value: 0.5, low: 0.41, high: 0.6 }, 0.4), "regression");
});

Deno.test("a comparison is settled when no row is inconclusive", () => {
  const settled = (...verdicts: Verdict[]) => isSettled(verdicts.map((verdict) => ({ verdict })));
  assertEquals(settled("equivalent", "regression", "improvement"), true);
  assertEquals(settled("equivalent", "inconclusive", "regression"), false);
});

Deno.test("the interval of Hollander and Wolfe's data on depression is the published one", () => {
  // Table 3.1 (Salsburg 1970): Hamilton scores of nine patients before and after a tranquilliser; 96.1 %: -0.786, -0.010.
  const before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
  const after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
  const { value, low, high } = signedRankInterval(after.map((score, patient) => score - before[patient]!), 0.96);
  assertAlmostEquals(value, -0.46, 1e-9);
  assertAlmostEquals(low, -0.786, 1e-9);
  assertAlmostEquals(high, -0.01, 1e-9);
});
