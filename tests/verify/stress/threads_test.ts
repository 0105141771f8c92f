import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InvalidOptionError } from "../../../src/heap/mod.ts";
import { SCENARIOS } from "../../../src/verify/stress/scenarios.ts";
import { stressThreads } from "../../../src/verify/stress/threads.ts";
import type { StressRun } from "../../../src/model/mod.ts";

const PLAN = {
  variants: ["slab-map"],
  build: "release" as const,
  scenarios: ["mix"],
  threads: 2,
  seed: 1,
  seconds: 10,
};
const { signal } = new AbortController();

/** What a run with a process of its own says, which ends when something is found. */
async function runWith(child: string): Promise<StressRun> {
  const entry = new URL(`./children/${child}.ts`, import.meta.url);
  const plan = { ...PLAN, variants: ["slab-map,capacity=4,refill=1"], seconds: 60 };
  const { runs } = await stressThreads(plan, () => {}, signal, { silence: 6_000, hang: 500 }, entry);
  return runs[0]!;
}

Deno.test("stressThreads() runs every scenario, and counts what the Workers did", async () => {
  const scenarios = Object.keys(SCENARIOS);
  const { threads, runs } = await stressThreads({ ...PLAN, scenarios, seconds: 3 }, () => {}, signal);
  assertEquals([threads, runs.map((run) => run.failure)], [2, [undefined, undefined, undefined]]);
  for (const [index, { counts, operations, threads }] of runs.entries()) {
    assertEquals(threads?.scenario, scenarios[index]);
    assertEquals(Object.values(counts).reduce((sum, count) => sum + count, 0), operations);
    assert(operations > 0 && threads!.handedOver > 0 && threads!.workers >= 2);
    assert(threads!.peakLiveBytes > 0 && threads!.peakFootprintBytes > 0 && threads!.threadSlots >= 2);
    assert(threads!.inDoubt <= threads!.terminated && threads!.lost <= 2 * threads!.inDoubt);
  }
  const [mix, succession, pair] = runs.map(({ threads }) => threads!);
  assert(mix!.terminated > 0 && succession!.terminated > 0, "Workers end in the middle");
  assert(pair!.workers >= 2 && pair!.terminated <= pair!.workers);
  assertEquals(runs[2]!.counts["realloc"], 0);
});

Deno.test("stressThreads() runs debug builds", async () => {
  const { build, runs: [run] } = await stressThreads({ ...PLAN, build: "debug", seconds: 2 }, () => {}, signal);
  assertEquals([build, run!.failure], ["debug", undefined]);
  assert(run!.operations > 0 && run!.threads!.handedOver > 0 && run!.threads!.terminated > 0);
});

Deno.test("stressThreads() finds that the heap's lock is not waited for", async () => {
  const { failure } = await runWith("lockless");
  assert(failure !== undefined && "last" in failure);
  assert(failure.last.every(({ operations }) => operations.length > 0));
});

Deno.test("stressThreads() says which Worker hangs, and in what, also when it has the lock", async () => {
  const { failure } = await runWith("stuck");
  assert(failure !== undefined && "last" in failure);
  assertMatch(failure.message, /^Worker [01]: it hangs/);
  const [first] = failure.last;
  assertEquals(failure.message.startsWith(`Worker ${first!.worker}:`), true, "its operations come first");
  assertMatch(first!.operations.at(-1)!, / \.\.\.$/);
});

Deno.test("stressThreads() reports a process that dies", async () => {
  assertMatch((await runWith("dies")).failure?.message ?? "", /died: SIGKILL/);
});

Deno.test("stressThreads() passes on what the heap says of a variant, and ends with what ran when it is aborted", async () => {
  const plan = { ...PLAN, variants: ["slab-map,colour=red"] };
  await assertRejects(() => stressThreads(plan, () => {}, signal), InvalidOptionError, "colour");
  const controller = new AbortController();
  let ticks = 0;
  const tick = () => {
    if (++ticks === 12) controller.abort();
  };
  const { runs } = await stressThreads({ ...PLAN, variants: ["slab-map", "box"] }, tick, controller.signal);
  assertEquals(runs.map(({ variant, failure }) => [variant, failure]), [["slab-map", undefined]]);
  assert(runs[0]!.threads!.workers >= 2, "what it said last");
});
