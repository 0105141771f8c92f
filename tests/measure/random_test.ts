import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { freshSeed, Random } from "../../src/measure/mod.ts";

Deno.test("Random.shuffled() repeats its orders when the seed is the same", () => {
  const orders = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 5 }, () => random.shuffled(["a", "b", "c", "d"]).join(""));
  };
  assertEquals(orders(7), orders(7));
  assertNotEquals(orders(7), orders(8));
});

Deno.test("Random.shuffled() puts each item in each place about equally often", () => {
  const random = new Random(99);
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = random.shuffled([0, 1, 2]).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 6);
  for (const count of counts.values()) assert(count > 850 && count < 1150, `an order came ${count} times of 6000`);
});

Deno.test("Random refuses 0 as a seed", () => {
  assertThrows(() => new Random(0), RangeError, "not a seed");
  assertNotEquals(freshSeed(), 0);
});
