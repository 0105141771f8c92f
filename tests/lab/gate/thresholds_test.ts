import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { gateJsonSchema } from "../../../bench/gates/schema.ts";
import { InvalidOptionError } from "../../../src/heap/mod.ts";
import { parseThresholds, type Threshold } from "../../../src/lab/gate/thresholds.ts";

const GATES = new URL("../../../bench/gates/", import.meta.url);
const RATIO = { name: "r", kind: "ratio", workload: "hot-pair", peer: "system", least: 1.5 } as const;
const FAST = { name: "f", kind: "fast-free-share", workload: "hot-pair", least: 0.95 } as const;
const LOST = { name: "l", kind: "regression", workload: "larson", against: "HEAD", most: 0.05 } as const;

Deno.test("parseThresholds() reads every gate of the project, and each names the schema beside it", async () => {
  const names = [];
  for await (const { name } of Deno.readDir(GATES)) {
    if (!name.endsWith(".json") || name === "gate.schema.json") continue;
    names.push(name);
    const text = await Deno.readTextFile(new URL(name, GATES));
    assert(parseThresholds(text, name).length > 0);
    assertEquals(JSON.parse(text).$schema, "gate.schema.json");
  }
  for (const name of ["performance.json", "threads.json"]) assert(names.includes(name), names.join());
});

Deno.test("gate.schema.json is what the schema in the code gives", async () => {
  const text = await Deno.readTextFile(new URL("gate.schema.json", GATES));
  assertEquals(
    JSON.parse(text),
    JSON.parse(JSON.stringify(gateJsonSchema())),
    "write it anew: deno run -P bench/gates/schema.ts | deno fmt --ext json - > bench/gates/gate.schema.json",
  );
});

Deno.test("parseThresholds() names the first field that is wrong", () => {
  const wrong: [thresholds: unknown, says: RegExp][] = [
    [[], /thresholds: .*length/],
    [[RATIO, { ...RATIO, least: "1.5" }], /thresholds\.1\.least: /],
    [[{ ...RATIO, least: 0 }], /thresholds\.0\.least: /],
    [[{ ...RATIO, most: 2 }], /thresholds\.0\.most: /],
    [[{ ...RATIO, kind: "rate" }], /thresholds\.0\.kind: .*"ratio"/],
    [[{ ...RATIO, peer: "nobody" }], /thresholds\.0\.peer: there is no peer "nobody": system, mimalloc/],
    [[{ ...RATIO, workload: "sorting" }], /thresholds\.0\.workload: .*"larson"/],
    [[{ ...RATIO, threads: 65 }], /thresholds\.0\.threads: /],
    [[{ ...FAST, threads: 2 }], /thresholds\.0\.threads: /],
    [[{ name: "s", kind: "scaling", workload: "larson", threads: 1, least: 1 }], /thresholds\.0\.threads: /],
    [[{ name: "s", kind: "sharing", workload: "larson", least: 1 }], /thresholds\.0\.threads: /],
    [[{ ...RATIO, variant: "nothing" }], /thresholds\.0\.variant: there is no variant "nothing"/],
    [[{ ...RATIO, sizes: [] }], /thresholds\.0\.sizes: /],
    [[{ ...RATIO, parameters: { colour: 1 } }], /thresholds\.0\.parameters\.colour: /],
    [[{ ...FAST, least: 1.5 }], /thresholds\.0\.least: /],
    [[{ ...FAST, most: 1 }], /thresholds\.0\.least: one of least and most is needed/],
    [[{ ...FAST, least: undefined }], /thresholds\.0\.least: one of least and most is needed/],
    [[{ ...LOST, baseline: "b" }], /thresholds\.0\.against: one of against and baseline is needed/],
  ];
  for (const [thresholds, says] of wrong) {
    const error = assertThrows(() => parseThresholds(JSON.stringify({ thresholds }), "x.json"), InvalidOptionError);
    assertMatch(error.message, /^x\.json is not a gate file: /);
    assertMatch(error.message, says);
  }
  assertMatch(assertThrows(() => parseThresholds("{", "x.json"), InvalidOptionError).message, /^x\.json is not JSON: /);
  assertMatch(
    assertThrows(() => parseThresholds("[]", "x.json"), InvalidOptionError).message,
    /^x\.json is not a gate/,
  );
});

Deno.test("parseThresholds() takes what is right", () => {
  const thresholds: Threshold[] = [
    { ...RATIO, variant: "slab-map,refill=32", sizes: [16, 128] },
    { ...FAST, parameters: { "working-set": 64 } },
    { ...RATIO, threads: 4 },
    { ...LOST, threads: 2 },
    { name: "s", kind: "scaling", workload: "larson", threads: 2, least: 1.7 },
    { name: "o", kind: "sharing", workload: "cache-thrash", threads: 2, least: 0.9 },
    LOST,
    { ...RATIO, peer: "./libmine.so" },
    { name: "n", kind: "net-ns", workload: "random-mixed", most: 5 },
    { name: "m", kind: "footprint", workload: "random-mixed", most: 2 },
  ];
  const named = thresholds.map((each, index) => ({ ...each, name: `${index}` }));
  assertEquals(parseThresholds(JSON.stringify({ thresholds: named }), "x.json"), named);
});
