import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  loadWarning,
  noiseWarning,
  stealWarning,
  threadsWarning,
  tierWarning,
  unstableWarning,
} from "../../src/measure/mod.ts";

Deno.test("warnings carry a code, what was seen, and advice", () => {
  const warnings = [
    loadWarning(3, 2),
    stealWarning(5, 100),
    tierWarning("slab-map at 128", ["turbofan", "maglev"]),
    threadsWarning(4, 2),
    noiseWarning("system", new Map([["128", { median: 100, low: 80, high: 120 }]])),
    unstableWarning("system", ["128 with 4 threads"]),
  ];
  assertEquals(warnings.map((warning) => warning?.code), ["LOAD", "STEAL", "TIER", "THREADS", "NOISE", "UNSTABLE"]);
  for (const warning of warnings) assert(warning !== undefined && warning.advice !== "" && warning.message !== "");
  assertStringIncludes(warnings[2]?.message ?? "", "1 of 2 slots of slab-map at 128 ran in maglev code");
});

Deno.test("warnings are silent when nothing is wrong", () => {
  assertEquals(loadWarning(0.2, 2), undefined);
  assertEquals(stealWarning(0, 1000), undefined);
  assertEquals(stealWarning(0, 0), undefined);
  assertEquals(threadsWarning(2, 2), undefined);
  assertEquals(tierWarning("slab-map", ["turbofan", "turbofan"]), undefined);
  assertEquals(tierWarning("system", ["native"]), undefined);
  assertEquals(noiseWarning("system", new Map([["128", { median: 100, low: 99, high: 101 }]])), undefined);
  assertEquals(unstableWarning("system", []), undefined);
});
