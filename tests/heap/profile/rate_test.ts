/** When blocks are sampled: as often as a Poisson process says, whatever the sizes; and less often where it would cost. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { SampleRate, weightOf } from "../../../src/heap/profile/rate.ts";
import { Xorshift32 } from "../../../src/workloads/synthetic/live_set.ts";

const EVERY = 4096;

function seeded(seed: number): () => number {
  let x = seed;
  return () => ((x = Math.imul(x, 1664525) + 1013904223 | 0) >>> 0) / 2 ** 32;
}

/** A rate, and whether it samples a block of so many bytes, counted as the hot path does, or as the slow path. */
function rateOf(every: number, seed: number) {
  const words = new Int32Array(1), rate = new SampleRate(words, 0, every, seeded(seed));
  return {
    rate,
    fast: (size: number): boolean => {
      words[0] = (words[0]! - size) | 0;
      return words[0] < 0 && rate.isDue();
    },
    slow: (size: number): boolean => rate.isDueFor(size),
  };
}

for (const size of [1, 100, 4096, 30_000]) {
  Deno.test(`blocks of ${size} bytes are sampled with the probability 1 - exp(-size / every), and weigh its reciprocal`, () => {
    const probability = 1 - Math.exp(-size / EVERY), blocks = 400_000, { fast, slow } = rateOf(EVERY, 7);
    for (const isDue of [fast, slow]) {
      let sampled = 0;
      for (let block = 0; block < blocks; block++) if (isDue(size)) sampled++;
      const sigma = Math.sqrt(blocks * probability * (1 - probability));
      assertAlmostEquals(sampled, blocks * probability, 4 * sigma + 1);
    }
    assertAlmostEquals(weightOf(size, EVERY), 1 / probability, 1e-9 / probability);
  });
}

Deno.test("the estimate of mixed sizes is unbiased, whatever was sampled before", () => {
  const random = new Xorshift32(3), { rate, fast, slow } = rateOf(EVERY, 5), asked = [0, 0, 0], found = [0, 0, 0];
  for (let block = 0; block < 1_000_000; block++) {
    const kind = random.below(3), size = [24, 700, 9000][kind]!;
    asked[kind]! += size;
    if ((kind === 2 ? slow : fast)(size)) found[kind]! += size * weightOf(size, rate.sampledEvery);
  }
  for (const kind of [0, 1, 2]) assertAlmostEquals(found[kind]! / asked[kind]!, 1, 0.05);
});

Deno.test("a distance over 2^30 bytes is counted to its end", () => {
  const every = 2 ** 34, { slow } = rateOf(every, 11), size = 2 ** 29, blocks = 40_000;
  let sampled = 0;
  for (let block = 0; block < blocks; block++) if (slow(size)) sampled++;
  const expected = blocks * (1 - Math.exp(-size / every));
  assertAlmostEquals(sampled, expected, 4 * Math.sqrt(expected));
});

Deno.test("where samples take too much of the time they become rarer, each with its own weight, and dense again later", () => {
  const every = 524_288, { rate, slow } = rateOf(every, 13);
  let now = performance.now(), allocated = 0, estimated = 0, coarsest = 0;
  const run = (samples: number, msFromOneToTheNext: number) => {
    for (let count = 0; count < samples;) {
      allocated += 10_000;
      if (!slow(10_000)) continue;
      estimated += 10_000 * weightOf(10_000, rate.sampledEvery);
      rate.spend(0.02, now += msFromOneToTheNext * rate.sampledEvery / every);
      coarsest = Math.max(coarsest, rate.every);
      count++;
    }
  };
  run(3_000, 0.2); // a tenth of the time, and 60 ms
  assert(coarsest > every, "it adapts");
  assert(coarsest <= 64 * every, `and no further than it must: ${coarsest / every} times`);
  const share = 0.02 / (0.2 * coarsest / every);
  assert(share < 0.02, `a sample takes ${share} of the time`);
  assertAlmostEquals(estimated / allocated, 1, 0.15);
  run(1_000, 50);
  assertEquals(rate.every, every);
});
