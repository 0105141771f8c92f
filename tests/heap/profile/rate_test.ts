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

/** A rate whose clocks say what the test wants, and a program that allocates by blocks of 10,000 bytes. */
class Program {
  readonly every = 524_288;
  readonly rate: SampleRate;
  allocated = 0;
  estimated = 0;
  /** The coarsest and the last distance that samples were drawn with. */
  coarsest = 0;
  sampledEvery = 0;
  #now = performance.now();
  #worked = 1000;
  readonly #size = 10_000;

  constructor(seed: number) {
    this.rate = new SampleRate(new Int32Array(1), 0, this.every, seeded(seed), () => this.#worked);
  }

  /** Runs for so many samples, each of which takes `took` ms. At the default rate there is one in `working` ms, and `waiting`. */
  run(samples: number, took: number, working: number, waiting = 0): void {
    for (let count = 0; count < samples;) {
      this.allocated += this.#size;
      if (!this.rate.isDueFor(this.#size)) continue;
      this.estimated += this.#size * weightOf(this.#size, this.sampledEvery = this.rate.sampledEvery);
      this.coarsest = Math.max(this.coarsest, this.sampledEvery);
      const times = this.sampledEvery / this.every;
      this.#worked += working * times + took;
      this.#now += (working + waiting) * times + took;
      this.rate.look(this.#now);
      this.rate.spend(took);
      count++;
    }
  }
}

Deno.test("where samples take too much of the time they become rarer, each with its own weight, and dense again later", () => {
  const program = new Program(13), { every } = program;
  program.run(3_000, 0.02, 0.2); // a tenth of the time, and 60 ms
  const { coarsest } = program;
  assert(coarsest > every, "it adapts");
  assert(coarsest <= 128 * every, `and no further than it must: ${coarsest / every} times`);
  const share = 0.02 / (0.2 * coarsest / every);
  assert(share < 0.01, `a sample takes ${share} of the time`);
  assertAlmostEquals(program.estimated / program.allocated, 1, 0.15);
  program.run(1_000, 0.02, 50);
  assertEquals(program.sampledEvery, every);
});

Deno.test("samples that take long in a program that allocates slowly stay as dense as they were asked for", () => {
  const program = new Program(17);
  program.run(5_000, 0.2, 100); // a five-hundredth of the time
  assertEquals(program.coarsest, program.every);
});

Deno.test("the time for samples is that in which the program works, not that in which it waits", () => {
  const program = new Program(19);
  program.run(500, 0.1, 0.5, 1000);
  assert(program.coarsest >= 32 * program.every, `${program.coarsest / program.every} times`);
  assert(program.coarsest <= 1024 * program.every, `${program.coarsest / program.every} times`);
});
