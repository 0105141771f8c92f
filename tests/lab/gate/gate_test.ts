import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InvalidOptionError } from "../../../src/heap/mod.ts";
import { BASELINE_FOLDER } from "../../../src/lab/compare/baseline.ts";
import { gate } from "../../../src/lab/gate/gate.ts";
import { footprintOf } from "../../../src/lab/gate/footprint.ts";
import type { GatePlan, GateRule } from "../../../src/lab/gate/plan.ts";
import type { Threshold } from "../../../src/lab/gate/thresholds.ts";
import { completeParameters, type Parameters, WORKLOADS } from "../../../src/workloads/mod.ts";
import { compareFixture } from "../../report/compare_fixture.ts";

const never = new AbortController().signal;

function rule(threshold: Threshold, parameters: Parameters, variant = "slab-map"): GateRule {
  const workload = WORKLOADS.get(threshold.workload)!;
  const complete = completeParameters(workload, parameters);
  return { threshold, workload, sizes: [{ size: complete["size"] ?? 0, parameters: complete }], variant };
}

function plan(rules: GateRule[], quick = false): GatePlan {
  return { rules, rounds: 6, slotMilliseconds: 2, orderSeed: 1, quick };
}

const SMALL = { size: 128, cycles: 20_000 };

Deno.test("gate() counts the share of fast frees, the same every time, and decides it in the quick form too", async () => {
  const share = (name: string, bound: { least: number } | { most: number }): Threshold => ({
    name,
    kind: "fast-free-share",
    workload: "random-mixed",
    ...bound,
  });
  const rules = [
    rule(share("fast", { least: 0.95 }), SMALL),
    rule(share("none is fast", { most: 0 }), SMALL, "phase7-macro-bug"),
    rule(share("all are fast", { least: 1 }), SMALL, "phase7-macro-bug"),
  ];
  const { rows, verdict } = await gate(plan(rules), () => {}, never);
  assertEquals(rows.map(({ verdict }) => verdict), ["go", "go", "no-go"]);
  assertEquals(rows.map(({ name }) => name), ["fast", "none is fast", "all are fast"]);
  assertEquals([rows[1]?.measured, rows[1]?.low, rows[1]?.high], [0, 0, 0]);
  assertMatch(rows[1]!.because, /^counted: 0 of \d+ frees$/);
  assertEquals(verdict, "no-go");
  const again = await gate(plan(rules, true), () => {}, never);
  assertEquals(again.rows, rows);
});

Deno.test("gate() judges the footprint, and has no verdict where nothing is live", async () => {
  const most = (name: string, workload: string, value: number): Threshold =>
    ({ name, kind: "footprint", workload, most: value }) as Threshold;
  const rules = [
    rule(most("wide", "random-mixed", 100), SMALL),
    rule(most("too little", "random-mixed", 1), SMALL),
    rule(most("empty", "hot-pair", 100), { size: 128, cycles: 1000 }),
  ];
  const { rows, verdict } = await gate(plan(rules), () => {}, never);
  assertEquals(rows.map(({ verdict }) => verdict), ["go", "no-go", "undecided"]);
  assertEquals([rows[2]?.measured, rows[2]?.because], [null, "nothing is live at the end of a unit"]);
  assert(rows[0]!.measured! > 1, "a heap is never smaller than what is in it");
  assertEquals(verdict, "no-go");
});

Deno.test("footprintOf() counts the bytes that were asked for", async () => {
  const mixed = WORKLOADS.get("random-mixed")!;
  const parameters = completeParameters(mixed, { size: 1024, "working-set": 4096, cycles: 40_000 });
  const { liveBytes, residentBytes } = await footprintOf("slab-map", mixed, parameters);
  // Half of the slots are full, with 1 to 1024 bytes each.
  assertAlmostEquals(liveBytes / (4096 / 2 * 512.5), 1, 0.1);
  assert(residentBytes > liveBytes);
});

Deno.test("gate() times thresholds of one workload in one run, in which no slow machine can make them fail", async () => {
  const ratio = (name: string, least: number): Threshold =>
    ({ name, kind: "ratio", workload: "random-mixed", peer: "uint8array", least }) as Threshold;
  const rules = [
    rule(ratio("surely", 0.001), { ...SMALL, cycles: 5000 }),
    rule(ratio("never", 1e6), { ...SMALL, cycles: 5000 }),
    rule({ name: "net", kind: "net-ns", workload: "random-mixed", most: 1e6 }, { size: 16, cycles: 5000 }),
    // Of this size our heap is measured with the others.
    rule({ name: "slow", kind: "net-ns", workload: "random-mixed", most: 1e-6 }, { size: 16, cycles: 5000 }),
  ];
  const phases = new Set<string>();
  const { rows, verdict, quick } = await gate(plan(rules, true), ({ phase }) => phases.add(phase), never);
  assertEquals(rows.map(({ name, verdict }) => [name, verdict]), [
    ["surely", "go"],
    ["never", rows[1]!.verdict], // a no-go, unless V8 left the loop in slower code
    ["net", "go"],
    ["slow", "undecided"], // nanoseconds: a slow machine is not a reason to fail
  ]);
  assert(rows[1]!.verdict !== "go");
  assertEquals([verdict, quick], [rows[1]!.verdict, true]);
  assertEquals(rows.map(({ size }) => size), [128, 128, 16, 16]);
  assert([...phases].every((phase) => phase.startsWith("run 1 of 1, random-mixed: ")), [...phases].join());
  for (const { low, measured, high } of rows) assert(low! <= measured! && measured! <= high!);
});

Deno.test("gate() judges threads: a ratio of equals, what more of them bring, and what sharing a heap costs", async () => {
  const workload = "cache-thrash" as const, threads = 2;
  const rules = [
    rule({ name: "ratio", kind: "ratio", workload, peer: "ffi", threads, least: 1e-6 }, { size: 8 }),
    rule({ name: "alone", kind: "ratio", workload, peer: "ffi", least: 1e-6 }, { size: 8 }),
    rule({ name: "scaling", kind: "scaling", workload, threads, least: 1e-6 }, { size: 8 }),
    rule({ name: "sharing", kind: "sharing", workload, threads, least: 1e-6 }, { size: 8 }),
    rule({ name: "net", kind: "net-ns", workload, threads, most: 1e9 }, { size: 8 }),
    rule({ name: "far", kind: "scaling", workload, threads, least: 1e6 }, { size: 8 }),
  ];
  const { rows } = await gate(plan(rules, true), () => {}, never);
  if (navigator.hardwareConcurrency < threads) return;
  assertEquals(rows.map(({ name, threads = 1, against, verdict }) => [name, threads, against, verdict === "go"]), [
    ["ratio", 2, "ffi", true],
    ["alone", 1, "ffi", true],
    ["scaling", 2, "1 thread", true],
    ["sharing", 2, "own heaps", true],
    ["net", 2, undefined, true],
    ["far", 2, "1 thread", false],
  ]);
  assert(rows[0]!.measured !== rows[1]!.measured);
  assertEquals(rows[2]!.measured, rows[5]!.measured);
});

Deno.test("gate() decides nothing of more threads than there are cores", async () => {
  const workload = "cache-thrash" as const, threads = navigator.hardwareConcurrency + 1;
  const rules = [rule({ name: "scaling", kind: "scaling", workload, threads, least: 1e6 }, { size: 8, cycles: 10 })];
  const { rows } = await gate(plan(rules), () => {}, never);
  assertEquals([rows[0]?.verdict, rows[0]?.measured], ["undecided", null]);
  assertMatch(rows[0]!.because, new RegExp(`^${threads} threads need as many cores, and there are ${threads - 1}$`));
});

Deno.test("gate() refuses a contestant that does not exist before it measures anything", async () => {
  const lost: Threshold = {
    name: "l",
    kind: "regression",
    workload: "larson",
    against: "no-such-revision",
    most: 0.05,
  };
  await assertRejects(
    () => gate(plan([rule(lost, {})]), () => {}, never),
    InvalidOptionError,
    "no-such-revision",
  );
  const saved: Threshold = {
    name: "l",
    kind: "regression",
    workload: "larson",
    baseline: "no-such-baseline",
    most: 0.05,
  };
  await assertRejects(() => gate(plan([rule(saved, {})]), () => {}, never), InvalidOptionError, "no-such-baseline");
});

Deno.test("gate() refuses a baseline of other work before it measures anything, as compare does", async () => {
  const name = `test-${crypto.randomUUID()}`, path = `${BASELINE_FOLDER}/${name}.json`;
  await Deno.mkdir(BASELINE_FOLDER, { recursive: true });
  await Deno.writeTextFile(path, JSON.stringify({ ...compareFixture().baseline!, name }));
  try {
    const of = (workload: string, threads: number): Threshold => {
      return { name: "l", kind: "regression", workload, baseline: name, most: 0.05, threads };
    };
    const others: [threshold: Threshold, parameters: Parameters, says: string][] = [
      [of("larson", 1), {}, `the baseline ${name} is not of larson 0 with 1 thread, but of random-mixed 128`],
      [of("random-mixed", 2), { size: 128 }, "not of random-mixed 128 with 2 threads"],
    ];
    for (const [threshold, parameters, says] of others) {
      await assertRejects(
        () => gate(plan([rule(threshold, parameters)]), () => {}, never),
        InvalidOptionError,
        says,
      );
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("gate() that is stopped in a comparison gives no verdict", async () => {
  const controller = new AbortController();
  const stop = ({ phase, done }: { phase: string; done: number }) => {
    if (phase.endsWith("comparing") && done === 4) controller.abort(new Error("stopped"));
  };
  const threshold: Threshold = { name: "c", kind: "regression", workload: "hot-pair", against: "box", most: 0.05 };
  const rules = [rule(threshold, { size: 16, cycles: 20_000 })];
  await assertRejects(() => gate(plan(rules, true), stop, controller.signal), Error, "stopped");
});
