import { assertEquals } from "@std/assert";
import { stepsOf } from "../../../bench/steps.ts";

Deno.test("stepsOf() finds what stands out from its neighbours, at the ends, too, and no slope", () => {
  const flat = [10, 11, 10, 9, 10, 10, 11, 10];
  assertEquals(stepsOf(flat, 1.5), []);
  for (const at of [0, 3, flat.length - 1]) {
    assertEquals(stepsOf(flat.with(at, 30), 1.5), [{ index: at, times: 3 }], `at ${at}`);
  }
  assertEquals(stepsOf(flat.with(3, 30), 3), []);
  assertEquals(stepsOf([1, 2, 4, 8, 16, 32, 64, 128].map((value) => 200 + value), 1.5), []);
  assertEquals(stepsOf([10, 10, 10, 10, 20, 20, 20, 20], 1.5), [], "a level that is left for a higher one");
  assertEquals(stepsOf([10, 10, 10, 10, 40, 40, 40, 40], 1.5).map(({ index }) => index), [4], "one much higher");
  assertEquals([stepsOf([], 2), stepsOf([5], 2)], [[], []]);
});
