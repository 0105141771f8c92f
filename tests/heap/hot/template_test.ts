/**
 * The template of the hot path, and what is generated from it: both do the same, for every variant and for flags that no
 * variant has, whatever is in the heap's words. The default's module is what the template gives.
 */

import { assertEquals, assertThrows } from "@std/assert";
import { constantsOf } from "../../../src/heap/hot/constants.ts";
import { generate } from "../../../src/heap/hot/generate.ts";
import { loadHotPath } from "../../../src/heap/hot/loader.ts";
import { type Compile, compiled } from "../../../src/heap/hot/parts.ts";
import { defaultFile, hotPathSource } from "../../../src/heap/hot/source.ts";
import { template } from "../../../src/heap/hot/template.ts";
import { parseVariant, VARIANTS } from "../../../src/heap/mod.ts";
import { MAX_CLASSES } from "../../../src/heap/state/layout.ts";
import { newBoxLog } from "../../../src/heap/core/box_log.ts";
import { Xorshift32 } from "../../../src/workloads/synthetic/live_set.ts";

const OTHERS = [
  "slab-map,counters=1",
  "slab-map,profile=1",
  "slab-map,guard=1",
  "slab-map,profile=1,guard=1",
  "slab-map,profile=1,links=0",
  "phase7,profile=1,counters=1",
  "slab-map,interior=0",
  "slab-map,again=0",
  "slab-map,links=0",
  "slab-map,push=box,integrity=4,track=1",
  "phase7,links=0,counters=1",
  "phase7-1.2,counters=1",
  "box,integrity=2",
  "box,integrity=3,track=1",
  "box,integrity=4,track=1,counters=1",
];

const WORDS = 1 << 20, CLASSES = 16, HEADS = 256, ROOMS = 512, INVERSES = 768, SLAB_MAP = 1024, FIRST = 1 << 17;
const FIRST_BLOCK = 1 << 21, SLABS = 4, CALLS = 2_000;

/** What two thousand calls do to a small heap some of whose words are damaged: what they return, call, throw and leave. */
function behaviour(compile: Compile, seed: number): string {
  const random = new Xorshift32(seed), words = new Int32Array(WORDS), u8 = new Uint8Array(words.buffer, FIRST * 4);
  const said: unknown[] = [], trace = newBoxLog(), counts = new Float64Array(32);
  for (let size = 0; size < 128; size++) words[size] = 1 + (size & (CLASSES - 1));
  for (let sizeClass = 1; sizeClass <= CLASSES; sizeClass++) {
    words[INVERSES + sizeClass] = Math.floor(2 ** 32 / (sizeClass * 16));
    words[ROOMS + sizeClass] = random.below(8);
  }
  for (let slab = 0; slab < SLABS; slab++) words[SLAB_MAP + (FIRST_BLOCK >> 16) + slab] = random.below(CLASSES + 1);
  const somewhere = () => FIRST_BLOCK + random.below(SLABS << 12) * 16;
  const { malloc, free } = compiled(compile, {
    words,
    u8,
    heads: HEADS,
    rooms: ROOMS,
    tag: 0,
    bias: 0,
    largest: 1024,
    refill: (turnedAway) => {
      said.push("refill", turnedAway);
      words[HEADS + (turnedAway & (MAX_CLASSES - 1))] = 0;
      return somewhere();
    },
    mallocSlow: (size) => (said.push("mallocSlow", String(size)), somewhere()),
    freeSlow: (ptr) => void said.push("freeSlow", String(ptr)),
    isMapped: (ptr) => (said.push("isMapped", ptr), (ptr & 32) === 0),
    reject: (...fault) => {
      said.push("reject", ...fault);
      throw new Error("rejected");
    },
    counts,
    trace,
    slabMap: SLAB_MAP,
    inverses: INVERSES,
    front: FIRST * 4,
  });
  const taken: unknown[] = [0, -1, 1.5, NaN, 2 ** 31, 3n, "x", undefined];
  for (let call = 0; call < CALLS; call++) {
    try {
      const pick = random.below(10);
      if (pick < 4) taken.push(malloc(random.below(8) === 0 ? 3n as never : random.below(1200)));
      else if (pick < 8) free(taken[random.below(taken.length)] as number);
      else if (pick === 8) free(somewhere());
      else words[FIRST + (somewhere() >> 2)] = somewhere();
      if (random.below(20) === 0) u8[somewhere() - 1] = 0xa0 | random.below(16);
    } catch (error) {
      said.push(String(error));
    }
  }
  let sum = 0;
  for (const word of words) sum = (Math.imul(sum, 31) + word) | 0;
  return JSON.stringify([said, taken.map(String), sum, [...counts], [...trace]]);
}

for (const variant of [...Object.keys(VARIANTS), ...OTHERS]) {
  Deno.test(`the hot path of ${variant} does what the template does`, async () => {
    const { flags } = parseVariant(variant);
    const generated = await loadHotPath(flags), asItStands = template(constantsOf(flags));
    for (const seed of [1, 77, 4242]) assertEquals(behaviour(generated, seed), behaviour(asItStands, seed));
  });
}

Deno.test("default.ts is what the template gives: else run deno task hot", async () => {
  assertEquals(await Deno.readTextFile(new URL("../../../src/heap/hot/default.ts", import.meta.url)), defaultFile());
});

Deno.test("a hot path has nothing of other flags' in it", () => {
  const sources = [...Object.keys(VARIANTS), ...OTHERS].map((variant) => hotPathSource(parseVariant(variant).flags));
  for (const source of sources) {
    assertEquals(/\b[A-Z]{3}[A-Z_]*\b|\bif \((?:true|false)\)/.exec(source)?.[0], undefined);
  }
  const [slabMap, phase7] = ["slab-map", "phase7"].map((variant) => hotPathSource(parseVariant(variant).flags));
  assertEquals(/headerClass|boxCheck|counts\[/.exec(slabMap!), null);
  assertEquals(/inverse =|boxCheck|counts\[/.exec(phase7!), null);
});

Deno.test("a sampled or guarded block takes malloc no slow call that it has not anyhow", () => {
  const callsOf = (variant: string) =>
    hotPathSource(parseVariant(variant).flags).match(/\b(?:refill|\w+Slow)\(/g)?.toSorted();
  const calls = callsOf("slab-map");
  assertEquals(calls, ["freeSlow(", "mallocSlow(", "refill("]);
  for (const flags of ["profile=1", "guard=1", "profile=1,guard=1"]) assertEquals(callsOf(`slab-map,${flags}`), calls);
});

Deno.test("the generator refuses what it cannot decide", () => {
  const { HEADER: _, ...constants } = constantsOf(VARIANTS["slab-map"]!);
  const refuses = (line: string, why: string) =>
    assertThrows(
      () => generate(`  const compile: Compile = (a) => {\n    ${line}\n  };\n`, { HEADER: false, ...constants }),
      Error,
      why,
    );
  refuses("if (HEADER || a) return 1;", 'cannot decide "if (false || a) return 1;"');
  refuses("return HEADER ? 1 : 2;", "cannot decide");
  refuses("if (HEADER) {", "does not end");
  refuses("if (HEADER) {\n    } else if (a) {\n    }", 'cannot decide "} else if (a) {"');
  assertThrows(() => generate("const compile = () => {};", { HEADER: false, ...constants }), Error, "no line");
});
