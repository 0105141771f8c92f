import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Bar, judgeInterval, timedBar, type Timing, wholeVerdict } from "../../../src/lab/gate/verdict.ts";
import { estimate, Random } from "../../../src/measure/mod.ts";

const LEAST: Bar = { bound: "least", threshold: 1.5 };
const MOST: Bar = { bound: "most", threshold: 5 };
const BEST: Timing = { isRatio: true, isBusy: true, tiers: ["turbofan", "native"] };

function quickBar(bar: Bar, timing: Timing): Bar {
  return timedBar(bar, timing, true);
}

Deno.test("judgeInterval() decides where the whole interval is on one side, the threshold itself being right", () => {
  const cases: [low: number, high: number, bar: Bar, verdict: string][] = [
    [1.5, 1.6, LEAST, "go"],
    [1.49, 1.6, LEAST, "undecided"],
    [1.4, 1.5, LEAST, "undecided"],
    [1.4, 1.49, LEAST, "no-go"],
    [4, 5, MOST, "go"],
    [4, 5.1, MOST, "undecided"],
    [5, 6, MOST, "undecided"],
    [5.1, 6, MOST, "no-go"],
  ];
  for (const [low, high, bar, verdict] of cases) {
    assertEquals(judgeInterval({ low, high }, bar), verdict, `${low}–${high}`);
  }
});

Deno.test("judgeInterval() always decides what has no width", () => {
  fc.assert(fc.property(fc.double({ noNaN: true }), fc.constantFrom(LEAST, MOST), (value, bar) => {
    assert(judgeInterval({ low: value, high: value }, bar) !== "undecided");
  }));
});

Deno.test("timedBar() of the quick form lets fail only what is less than half, and never changes what is go", () => {
  const interval = fc.tuple(fc.double({ min: 0.01, max: 10, noNaN: true }), fc.double({ min: 1, max: 2, noNaN: true }));
  fc.assert(fc.property(interval, fc.constantFrom(LEAST, MOST), ([low, width], bar) => {
    const measured = { low, high: low * width };
    const usual = judgeInterval(measured, bar), quick = judgeInterval(measured, quickBar(bar, BEST));
    assertEquals(quick === "go", usual === "go");
    if (quick === "no-go") assertEquals(usual, "no-go");
    const isHalf = bar.bound === "least" ? measured.high < bar.threshold / 2 : measured.low > bar.threshold * 2;
    assertEquals(quick === "no-go", isHalf);
  }));
});

Deno.test("timedBar() of the quick form lets nothing fail that is not a ratio, or that V8 did not run in its best code", () => {
  const worst = { low: 0, high: 0 }, slowest = { low: 1e9, high: 1e9 };
  assertEquals(judgeInterval(worst, quickBar(LEAST, BEST)), "no-go");
  assertEquals(judgeInterval(worst, quickBar(LEAST, { ...BEST, tiers: ["turbofan", "maglev"] })), "undecided");
  assertEquals(judgeInterval(slowest, quickBar(MOST, { ...BEST, isRatio: false })), "undecided");
});

Deno.test("timedBar() of the quick form never lets noise alone fail: six rounds, each off by a factor of up to four either way", () => {
  const random = new Random(1);
  let usual = 0;
  for (let experiment = 0; experiment < 10_000; experiment++) {
    // Every slot of either side is slowed down: by a factor of up to two, one time in three of up to four.
    const disturbed = () => 1 + (random.below(3) === 0 ? 3 : 1) * random.below(1000) / 1000;
    const ratios = Array.from({ length: 6 }, () => 1.5 * disturbed() / disturbed());
    const { low, high } = estimate(ratios);
    if (judgeInterval({ low, high }, LEAST) === "no-go") usual++;
    assert(judgeInterval({ low, high }, quickBar(LEAST, BEST)) !== "no-go", ratios.join(" "));
  }
  assert(usual > 0, "the noise is too weak to show anything");
});

Deno.test("timedBar() of the full form changes nothing, but for nanoseconds on a busy machine", () => {
  for (const isRatio of [true, false]) {
    for (const isBusy of [true, false]) {
      const bar = timedBar(MOST, { isRatio, isBusy, tiers: ["maglev"] }, false);
      assertEquals(judgeInterval({ low: 5, high: 5 }, bar), "go");
      assertEquals(judgeInterval({ low: 6, high: 7 }, bar), !isRatio && isBusy ? "undecided" : "no-go");
    }
  }
});

Deno.test("wholeVerdict() is no-go for any no-go, else undecided for any that is", () => {
  assertEquals(wholeVerdict(["go", "undecided", "no-go"]), "no-go");
  assertEquals(wholeVerdict(["go", "undecided"]), "undecided");
  assertEquals(wholeVerdict(["go", "go"]), "go");
  assertEquals(wholeVerdict([]), "undecided");
});
