/**
 * The random numbers of the classics: the sizes that are asked for and the slots that are picked follow the distributions
 * that a division by the range gave them. Each is compared with what is expected, in 16 parts of its range, by chi-square.
 */
import { assert } from "@std/assert";
import { type Allocator, completeParameters, type Parameters, WORKLOADS } from "../../../src/workloads/mod.ts";
import { Xorshift32 } from "../../../src/workloads/synthetic/live_set.ts";

const PARTS = 16;
/** Beyond this 15 degrees of freedom are once in a million. The seeds are fixed, so it is the same in every run. */
const MOST_CHI_SQUARE = 56;

/** What was seen, and what was expected, by part of a range. */
class Histogram {
  readonly #seen = new Float64Array(PARTS);
  readonly #expected = new Float64Array(PARTS);

  /** @param position From 0 to below 1. */
  see(position: number): void {
    this.#seen[Math.floor(position * PARTS)]! += 1;
  }

  expect(position: number, share: number): void {
    this.#expected[Math.floor(position * PARTS)]! += share;
  }

  /** Each of `count` numbers is as likely, a `share` in all. */
  expectUniform(count: number, share: number, range = count): void {
    for (let each = 0; each < count; each++) this.expect(each / range, share / count);
  }

  check(what: string): void {
    const draws = this.#seen.reduce((sum, seen) => sum + seen);
    const expectedDraws = this.#expected.reduce((sum, expected) => sum + expected);
    let chiSquare = 0, mean = 0, expectedMean = 0;
    for (let part = 0; part < PARTS; part++) {
      const expected = this.#expected[part]! * draws / expectedDraws, seen = this.#seen[part]!;
      mean += part * seen / draws;
      expectedMean += part * expected / draws;
      if (expected === 0) assert(seen === 0, `${what}: part ${part} was never to be seen`);
      else chiSquare += (seen - expected) ** 2 / expected;
    }
    assert(chiSquare < MOST_CHI_SQUARE, `${what}: chi-square ${chiSquare} of ${draws} draws`);
    // The deviation of a part is at most half of the range.
    assert(Math.abs(mean - expectedMean) < 5 * PARTS / 2 / Math.sqrt(draws), `${what}: mean ${mean}, ${expectedMean}`);
  }
}

/** Runs units on blocks that are numbers, each another; says what is asked of it. */
function run(
  name: string,
  given: Parameters,
  units: number,
  onMalloc: (size: number) => void,
  onFree: (slot: number, live: number) => void = () => {},
): void {
  const workload = WORKLOADS.get(name)!;
  let slots = new Int32Array(), made = 0, live = 0;
  const allocator: Allocator<number> = {
    nothing: 0,
    slots: (count) => slots = new Int32Array(count),
    malloc: (size) => {
      live++;
      onMalloc(size);
      return ++made;
    },
    free: (pointer) => {
      onFree(slots.indexOf(pointer), live);
      live--;
    },
    write: () => {},
    read: () => 0,
  };
  const runner = workload.prepare(allocator, completeParameters(workload, given));
  runner.begin();
  for (let unit = 0; unit < units; unit++) runner.unit();
}

for (
  const [min, max, chunks] of [[8, 128, 1024], [2, 3, 777], [100, 100_000, 1000], [2, 1 << 20, 5000]] as const
) {
  Deno.test(`larson's sizes from ${min} to below ${max}, and its ${chunks} slots, are all as likely`, () => {
    const sizes = new Histogram(), picked = new Histogram();
    sizes.expectUniform(max - min, 1);
    picked.expectUniform(chunks, 1);
    run(
      "larson",
      { min, max, chunks, "larson-rounds": 20 },
      1,
      (size) => sizes.see((size - min) / (max - min)),
      (slot) => picked.see(slot / chunks),
    );
    sizes.check("sizes");
    picked.check("slots");
  });
}

Deno.test("numbers below any range to 2^20 are exact products: none is out of range, the ends are reached", () => {
  for (const range of [1, 2, 3, 1000, 1023, 1024, 1025, 65_535, 65_536, 65_537, 999_999, 1 << 20]) {
    const random = new Xorshift32(12_345), numbers = new Histogram();
    numbers.expectUniform(range, 1);
    for (let draw = 0; draw < 20_000; draw++) {
      const number = random.below(range);
      const exact = BigInt(random.state >>> 10) * BigInt(range) >> 22n;
      assert(number === Number(exact), `${number} below ${range}, not ${exact}`);
      numbers.see(number / range);
    }
    numbers.check(`below ${range}`);
  }
});

for (const [min, max] of [[8, 1000], [2, 3], [3, 1 << 14]] as const) {
  Deno.test(`sh6bench's largest sizes are as likely, from ${min} to below ${max}`, () => {
    const sizes = new Histogram(), range = max - min, last = 63;
    for (let largest = 1; largest <= range; largest++) {
      sizes.expect(Math.floor(largest * last * last / 4096) / range, 1 / range);
    }
    let made = 0;
    run("sh6bench", { min, max, "working-set": 64, cycles: 64 * 5000 }, 1, (size) => {
      if (made++ % 64 === last) sizes.see((size - min) / range);
    });
    sizes.check("largest sizes");
  });

  Deno.test(`sh8bench's sizes from ${min} to below ${max} are small three times in four`, () => {
    const sizes = new Histogram(), range = max - min, small = Math.floor(range / 8) + 1;
    sizes.expectUniform(range, 1 / 4);
    sizes.expectUniform(small, 3 / 4, range);
    let made = 0;
    run("sh8bench", { min, max, "working-set": 128, cycles: 64 * 1000 }, 1, (size) => {
      if (made++ >= 128) sizes.see((size - min) / range);
    });
    sizes.check("sizes");
  });

  Deno.test(`xmalloc-test's sizes from ${min} to below ${max} are all as likely`, () => {
    const sizes = new Histogram(), range = max - min;
    sizes.expectUniform(range, 1);
    run("xmalloc-test", { min, max, cycles: 50_000 }, 1, (size) => sizes.see((size - min) / range));
    sizes.check("sizes");
  });
}

Deno.test("mstress's sizes are powers of two, all as likely, and one in 64 is sixteen times as large", () => {
  const sizes = new Histogram(), powers = 12;
  for (let power = 0; power < 8; power++) {
    sizes.expect(power / powers, 63 / 64 / 8);
    sizes.expect((power + 4) / powers, 1 / 64 / 8);
  }
  run("mstress", { cycles: 500_000 }, 1, (size) => sizes.see(Math.log2(size / 8) / powers));
  sizes.check("sizes");
});

Deno.test("rptest's sizes fall along a line in half of its bursts, and exponentially in the others", () => {
  const parts = 16, line: number[] = [], exponential: number[] = [];
  for (let part = 0; part < parts; part++) {
    line.push((2 * (parts - part) - 1) / parts ** 2);
    const halvings = [0, 1, 2, 3, 4, 5, 6, 7];
    const shareOf = (halved: number) => Math.max(0, Math.min(1, parts / 2 ** halved - part)) * 2 ** halved / parts;
    exponential.push(halvings.reduce((sum, halved) => sum + shareOf(halved), 0) / halvings.length);
  }
  const seen = new Float64Array(parts), bursts = 20_000, min = 8, max = 16_000;
  run("rptest", { min, max, cycles: 100 * bursts }, 1, (size) => {
    const part = Math.floor((size - min) / (max - min) * parts);
    seen[part]! += 1;
  });
  const draws = seen.reduce((sum, each) => sum + each);
  for (let part = 0; part < parts; part++) {
    const expected = (line[part]! + exponential[part]!) / 2, share = seen[part]! / draws;
    // The sizes of a burst are of one kind, so the kinds are drawn as often as there are bursts, of up to twice the length.
    const deviation = Math.abs(line[part]! - exponential[part]!) / Math.sqrt(bursts) + Math.sqrt(expected / draws);
    assert(Math.abs(share - expected) < 5 * deviation, `part ${part}: ${share} of the sizes, not ${expected}`);
  }
});

Deno.test("rptest frees any of its live blocks as likely", () => {
  const picked = new Histogram();
  run("rptest", { cycles: 200_000 }, 1, () => {}, (slot, live) => {
    if (live < 256) return;
    picked.see(slot / live);
    picked.expectUniform(live, 1);
  });
  picked.check("slots");
});
