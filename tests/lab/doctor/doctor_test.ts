import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { factsOf, peersFact } from "../../../src/lab/doctor/doctor.ts";
import { measureNoise, noiseOf } from "../../../src/lab/doctor/noise.ts";
import type { Environment } from "../../../src/measure/mod.ts";
import { NATIVE_LIBRARIES } from "../../../src/peers/native.ts";
import type { Noise } from "../../../src/model/mod.ts";

const LEAST: Environment = {
  date: "2025-01-02T03:04:05.678Z",
  deno: "2.9.6",
  v8: "15.0",
  os: "linux 6.1",
  arch: "x86_64",
  cpu: "A CPU",
  cores: 8,
  loadAverage: [0.1, 0.2, 0.3],
  revision: "0123456789ab",
  memoryBytes: 2 ** 34,
};

const NOISE: Noise = {
  variant: "slab-map",
  workload: "random-mixed",
  size: 128,
  slotMilliseconds: 25,
  ...noiseOf([0.99, 1, 1, 1, 1, 1, 1, 1, 1, 1.01]),
  tiers: ["turbofan"],
};

function warnings(environment: Partial<Environment>, noise: Partial<Noise> = {}): string[] {
  const facts = factsOf({ ...LEAST, nativeLibrary: "native", ...environment }, { ...NOISE, ...noise });
  return facts.filter(({ state }) => state === "warning").map(({ fact }) => fact);
}

Deno.test("factsOf() finds nothing wrong with a quiet machine, nor with one that says little", () => {
  const quiet: Partial<Environment> = {
    pageBytes: 4096,
    perf: "hardware counters",
    perfEventParanoid: 1,
    governor: "performance",
    boost: false,
    simultaneousThreads: true,
    transparentHugePages: "madvise",
    addressRandomisation: 2,
    clockSource: "tsc",
    invariantTsc: true,
    virtualMachine: false,
    memoryLimitBytes: 2 ** 30,
    corePressure: 0.01,
  };
  assertEquals(warnings(quiet, { stolen: 0 }), []);
  assertEquals(warnings({}), []);
});

Deno.test("factsOf() marks each thing that disturbs, and says what to do", () => {
  const cases: [string, Partial<Environment>, Partial<Noise>?][] = [
    ["cores", { cores: 1 }],
    ["container limits", { coreLimit: 1.5 }],
    ["governor", { governor: "powersave" }],
    ["huge pages", { transparentHugePages: "always" }],
    ["ASLR", { addressRandomisation: 0 }],
    ["clock", { clockSource: "hpet" }],
    ["clock", { clockSource: "tsc", invariantTsc: false }],
    ["load", { loadAverage: [7, 3, 1] }],
    ["core pressure", { corePressure: 0.2 }],
    ["stolen time", {}, { stolen: 0.03 }],
    ["Deno, V8", {}, { tiers: ["turbofan", "maglev"] }],
    ["native library", { nativeLibrary: "libc", nativeNote: "no C compiler" }],
    ["noise floor", {}, { floor: 0.2 }],
  ];
  for (const [fact, environment, noise] of cases) {
    assertEquals(warnings(environment, noise), [fact]);
    const found = factsOf({ ...LEAST, ...environment }, { ...NOISE, ...noise }).find((each) => each.fact === fact);
    assert(found?.advice !== undefined, fact);
  }
});

Deno.test("noiseOf() takes the end of the 99 % interval that is farther from 1, and says the level of fewer pairs", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 0.95 + index / 1000);
  const { pairs, ratio, level, floor, spread } = noiseOf(hundred);
  assertEquals([pairs, level], [100, 0.99]);
  assertEquals(ratio.low, hundred[36]); // ranks 37 and 64 of 100, from the binomial distribution
  assertEquals(ratio.high, hundred[63]);
  assert(Math.abs(floor - (1 / ratio.low - 1)) < 1e-9);
  assert(spread > 0.02 && spread < 0.03);
  assertEquals(noiseOf([1.1, 1.2]).level, 0.5);
  assertEquals(noiseOf([1]).floor, 0);
});

Deno.test("measureNoise() has pairs of slots of two processes", async () => {
  const phases = new Set<string>();
  const plan = { variant: "slab-map", seconds: 0.3 };
  const noise = await measureNoise(plan, ({ phase }) => phases.add(phase), new AbortController().signal);
  assert(noise.pairs >= 1 && noise.floor >= 0 && noise.ratio.low <= noise.ratio.high);
  assertEquals([...phases], ["warming up", "measuring"]);
  assertMatch(noise.tiers.join(), /^(turbofan|maglev|baseline|unknown|,)+$/);
});

Deno.test("measureNoise() ends when it is aborted", async () => {
  const plan = { variant: "slab-map", seconds: 60 };
  await assertRejects(() => measureNoise(plan, () => {}, AbortSignal.timeout(800)), DOMException);
});

Deno.test("peersFact() says which allocators are installed, which are not, and what brings those", () => {
  const [mimalloc, jemalloc] = NATIVE_LIBRARIES;
  const some = peersFact([mimalloc!, jemalloc!]);
  assertEquals([some.value, some.state], ["mimalloc, jemalloc", "ok"]);
  assertMatch(some.meaning, /; not here: tcmalloc, scudo, hardened, snmalloc, rpmalloc$/);
  assertEquals(some.advice, "apt-get install libtcmalloc-minimal4 libclang-rt-dev");
  const none = peersFact([]);
  assertEquals([none.value, none.state], ["none", "note"]);
  const all = peersFact(NATIVE_LIBRARIES);
  assertEquals([all.state, all.advice, all.meaning.includes("not here")], ["ok", undefined, false]);
});
