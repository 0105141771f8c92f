import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { bucketMiddle, bucketOf, countOf, type Histogram, merged, percentile } from "../../src/measure/mod.ts";
import { LATENCY_MODE, openLatencyClock } from "../../src/os/mod.ts";

/** Every power of two up to the highest is a size that occurs, with what lies between. */
const ticks = () =>
  fc.tuple(fc.integer({ min: 0, max: 43 }), fc.double({ min: 0, max: 0.9999, noNaN: true })).map(([power, more]) =>
    Math.floor(2 ** power * (1 + more))
  );

function histogramOf(values: readonly number[]): Histogram {
  return merged(values.map((value) => [[bucketOf(value), 1]]));
}

// The library stays open until the process ends.
Deno.test("bucketOf() and the clock in C have one layout", { sanitizeResources: false }, async () => {
  const { bucket } = await openLatencyClock();
  for (const value of [0, 1, 63, 64, 65, 127, 128, 2 ** 44 - 1, 2 ** 44, 2 ** 50]) {
    assertEquals(bucketOf(value), bucket(BigInt(value)), `${value}`);
  }
  fc.assert(fc.property(ticks(), (value) => assertEquals(bucketOf(value), bucket(BigInt(value)))));
});

Deno.test(
  "the clock keeps each event of the latest replay, if it is asked to",
  { sanitizeResources: false },
  async () => {
    const clock = await openLatencyClock(), each = new Uint32Array(3);
    const replay = (mode: number, ...works: readonly (() => void)[]) => {
      clock.replay(mode);
      for (const work of works) {
        clock.begin();
        work();
        clock.end();
      }
      return [...each];
    };
    // Longer than what C's allocator ever keeps of freed blocks, whose pages are there already.
    const nothing = () => {}, touch = () => new Uint8Array(64 << 20).fill(1);
    clock.open(new Uint8Array(3));
    replay(LATENCY_MODE.TIMED, nothing, nothing, nothing);
    assertEquals([...each], [0, 0, 0]);
    assertThrows(() => clock.keepEach(new Uint32Array(2)), RangeError);
    clock.keepEach(each);
    const timed = replay(LATENCY_MODE.TIMED, nothing, nothing);
    assert(timed[0]! > 0 && timed[1]! > 0 && timed[2] === 0, `${timed}`);
    assertEquals(replay(LATENCY_MODE.OFF, nothing, nothing, nothing), timed);
    const faults = replay(LATENCY_MODE.FAULTS, nothing, touch);
    assert(faults[1]! > 0 && faults[2] === 0, `${faults}`);
    clock.open(new Uint8Array(3)); // from here on nobody asks
    assertEquals(replay(LATENCY_MODE.TIMED, nothing, nothing, nothing), faults);
  },
);

Deno.test("bucketMiddle() is within 1.6 % of all that is in its bucket, and exact below 64 ticks", () => {
  fc.assert(fc.property(ticks(), (value) => {
    const middle = bucketMiddle(bucketOf(value));
    assert(value < 64 ? middle === value : Math.abs(middle / value - 1) <= 0.016, `${value}: ${middle}`);
  }));
  const middles = Array.from({ length: 1280 }, (_, bucket) => bucketMiddle(bucket));
  assertEquals(middles, middles.toSorted((a, b) => a - b));
});

Deno.test("percentile() is the sorted operation of that rank, within its bucket; none where nothing is beyond", () => {
  const shares = [0.5, 0.9, 0.99, 0.999, 0.9999];
  fc.assert(
    fc.property(fc.array(ticks(), { minLength: 1, maxLength: 3000 }), fc.constantFrom(...shares), (all, share) => {
      const histogram = histogramOf(all), found = percentile(histogram, share);
      assertEquals(countOf(histogram), all.length);
      const isKnown = all.length >= Math.round(1 / (1 - share));
      assertEquals(found !== undefined, isKnown, `${all.length} operations, ${share}`);
      if (found === undefined) return;
      const exact = all.toSorted((a, b) => a - b)[Math.ceil(all.length * share - 1e-6) - 1]!;
      assertEquals(found, bucketMiddle(bucketOf(exact)));
    }),
  );
});

Deno.test("merged() has the operations of all", () => {
  fc.assert(fc.property(fc.array(fc.array(ticks())), (parts) => {
    assertEquals(merged(parts.map(histogramOf)), histogramOf(parts.flat()));
  }));
});
