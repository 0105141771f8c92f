import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  bimodalWarning,
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
    noiseWarning([{ who: "system", at: new Map([["128", { median: 100, low: 80, high: 120 }]]) }]),
    unstableWarning("system", ["128 with 4 threads"]),
  ];
  assertEquals(warnings.map((warning) => warning?.code), ["LOAD", "STEAL", "TIER", "THREADS", "NOISE", "UNSTABLE"]);
  for (const warning of warnings) assert(warning !== undefined && warning.advice !== "" && warning.message !== "");
  assertStringIncludes(warnings[2]?.message ?? "", "1 of 2 turns of slab-map at 128 ran in maglev code");
});

Deno.test("warnings are silent when nothing is wrong", () => {
  assertEquals(loadWarning(0.2, 2), undefined);
  assertEquals(stealWarning(0, 1000), undefined);
  assertEquals(stealWarning(0, 0), undefined);
  assertEquals(threadsWarning(2, 2), undefined);
  assertEquals(tierWarning("slab-map", ["turbofan", "turbofan"]), undefined);
  assertEquals(tierWarning("system", ["native"]), undefined);
  assertEquals(
    noiseWarning([{ who: "system", at: new Map([["128", { median: 100, low: 99, high: 101 }]]) }]),
    undefined,
  );
  assertEquals(unstableWarning("system", []), undefined);
});

Deno.test("warnings name no setting where there is one only, and no option that there is not", () => {
  const noise = noiseWarning([{ who: "system", at: new Map([["", { median: 100, low: 80, high: 120 }]]) }]);
  assertEquals(noise?.message, "95 % intervals are up to 40 % of the median wide: system (40 %)");
  const tier = tierWarning("slab-map", ["maglev"]);
  assertEquals(tier?.message, "1 of 1 turns of slab-map ran in maglev code");
  assertEquals(tier?.advice, "run again: V8 decides anew in each process");
  assertEquals(tierWarning("slab-map", ["maglev"], "--cycles")?.advice.endsWith("; or raise --cycles"), true);
  assertEquals(unstableWarning("system", [""])?.message.startsWith("system was still"), true);
  assertEquals(unstableWarning("system", [""])?.advice, "run again");
  assertEquals(unstableWarning("system", ["128"], "--cycles")?.advice, "run again, or raise --cycles");
});

Deno.test("wide intervals are one warning, whosever they are, with the width of each", () => {
  const narrow = { median: 100, low: 99, high: 101 }, wide = { median: 100, low: 90, high: 105 };
  const wider = { median: 100, low: 80, high: 120 };
  const warning = noiseWarning([
    { who: "hakmem", at: new Map([["128", wide], ["256", narrow], ["512", wider]]) },
    { who: "ffi", at: new Map([["128", narrow], ["256", narrow], ["512", narrow]]) },
    { who: "system", at: new Map([["128", narrow], ["256", wide]]) },
  ]);
  assertEquals(
    warning?.message,
    "95 % intervals are up to 40 % of the median wide: hakmem at 128 (15 %), 512 (40 %), system at 256 (15 %)",
  );
  assertEquals(warning?.brief, "intervals up to 40 % wide");
});

Deno.test("two speeds are both told, with how many processes had which", () => {
  const warning = bimodalWarning("slab-map at 128", { fast: 10, slow: 14.5, fastCount: 6, slowCount: 4 });
  assertEquals(warning?.code, "BIMODAL");
  assertEquals(
    warning?.message,
    "slab-map at 128 runs at one of two speeds for the life of a process: 10.0 ns/op in 6 of 10, 14.5 ns/op in 4",
  );
  assertEquals(bimodalWarning("slab-map", undefined), undefined);
});
