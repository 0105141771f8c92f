import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { knownRatio, loopFactor, netRatios, Random } from "../../src/measure/mod.ts";

const SIX = [0, 1, 2, 3, 4, 5];

Deno.test("netRatios() takes the loop away from each round before it divides", () => {
  // The machine is slower from round to round; loops of 4 and 6, net times of 5 and 10.
  const speeds = SIX.map((round) => 1 + round / 10);
  const at = (time: number) => speeds.map((speed) => speed * time);
  const found = netRatios({ samples: at(9), loop: at(4) }, { samples: at(16), loop: at(6) });
  for (const ratio of found) assertAlmostEquals(ratio, 2);
  assertAlmostEquals(knownRatio(found)!.median, 2);
});

Deno.test("knownRatio() knows nothing where a net time cannot be told from 0, of either side", () => {
  const noise = [-0.2, 0.3, -0.1, 0.2, -0.3, 0.1];
  const nothing = { samples: noise.map((each) => 5 + each), loop: SIX.map(() => 5) };
  const something = { samples: SIX.map(() => 8), loop: SIX.map(() => 5) };
  assertEquals(knownRatio(netRatios(nothing, something)), undefined);
  assertEquals(knownRatio(netRatios(something, nothing)), undefined);
  assertEquals(knownRatio([]), undefined);
});

Deno.test("the interval of a net ratio holds the truth in 95 % of simulated runs", () => {
  const random = new Random(5), uniform = () => random.below(2 ** 20) / 2 ** 20 - 0.5;
  const measure = (time: number, machine: readonly number[]) =>
    machine.map((each) => time * each * (1 + 0.04 * uniform()));
  let held = 0, known = 0;
  for (let run = 0; run < 2000; run++) {
    const machine = Array.from({ length: 10 }, () => 1 + 0.3 * uniform());
    const ours = { samples: measure(7, machine), loop: measure(4, machine) };
    const theirs = { samples: measure(12, machine), loop: measure(6, machine) };
    const ratio = knownRatio(netRatios(ours, theirs));
    if (ratio === undefined) continue;
    known++;
    if (ratio.low <= 2 && 2 <= ratio.high) held++;
  }
  assert(known > 1990 && held / known > 0.95, `${held} of ${known}`);
});

Deno.test("loopFactor() is the same whichever loop is the slower", () => {
  assertAlmostEquals(loopFactor([4, 4, 4], [6, 6, 6]), 1.5);
  assertAlmostEquals(loopFactor([6, 6, 6], [4, 4, 4]), 1.5);
});
