import { assert, assertEquals, assertMatch } from "@std/assert";
import { bench, type BenchRun } from "../../../src/lab/bench/bench.ts";
import { findCounter } from "../../../src/lab/instructions/counter.ts";
import { withInstructions } from "../../../src/lab/instructions/instructions.ts";
import { completeParameters, WORKLOADS } from "../../../src/workloads/mod.ts";

const counter = await findCounter();
const missing = typeof counter === "string" ? `: skipped, ${counter}` : "";
const workload = WORKLOADS.get("random-mixed")!;
const PLAN = {
  workload,
  sizes: [{ size: 64, parameters: completeParameters(workload, { size: 64, cycles: 2000 }) }],
  variants: ["slab-map"],
  peers: ["system"],
  rounds: 1,
  slotMilliseconds: 1,
  warmMilliseconds: 0,
  orderSeed: 1,
};
const { signal } = new AbortController();

async function counted(run: BenchRun) {
  const phases = new Set<string>();
  const { results, notes } = await withInstructions(run, PLAN, ({ phase }) => phases.add(phase), signal);
  const of = (name: string, host: string) =>
    results.find(({ allocator, host: own }) => allocator === name && own === host)!;
  assertEquals([...phases], ["counting instructions"]);
  return { notes, results, system: of("system", "native"), none: of("none", "native"), ours: of("slab-map", "deno") };
}

Deno.test({
  name: `instructions are counted of native contestants, net of the loop, and the same each time${missing}`,
  ignore: missing !== "",
  fn: async () => {
    const run = await bench(PLAN, () => {}, signal);
    const first = await counted(run), second = await counted(run);
    assertEquals(first.notes, run.notes);
    const { perOperation: system, net, operations, tool } = first.system.instructions!;
    const { perOperation: none, net: noneNet } = first.none.instructions!;
    assert(operations >= 200_000, `${operations} operations were counted`);
    assert(none.instructions > 5 && system.instructions > none.instructions + 10, JSON.stringify([system, none]));
    assertEquals([net?.instructions, noneNet], [system.instructions - none.instructions, undefined]);
    const again = second.system.instructions!.perOperation.instructions;
    const tolerance = tool === "valgrind" ? 0.001 : 0.05;
    assert(Math.abs(again / system.instructions - 1) < tolerance, `${again} after ${system.instructions}`);
    const { code } = first.ours;
    assertMatch(code!.loop, /Chunk/);
    assertEquals(code!.bytecode.map(({ function: name }) => name), ["malloc", "free"]);
    assert(code!.machineBytes === undefined || code!.machineBytes > 200, JSON.stringify(code));
    assertEquals(first.results.filter(({ instructions }) => instructions !== undefined).length, 2);
  },
});

Deno.test("a run that has no native contestant with one thread says that there is nothing to count", async () => {
  const run = await bench({ ...PLAN, peers: [] }, () => {}, signal);
  const results = run.results.filter(({ host }) => host !== "native");
  const { notes } = await withInstructions({ ...run, results }, PLAN, () => {}, signal);
  assertMatch(notes.at(-1)!, /^instructions are counted for native peers with one thread, and this run has none$/);
});

Deno.test({
  name: `an allocator that cannot run under the tool, and one that does other work, are noted${missing}`,
  ignore: missing !== "",
  fn: async () => {
    const run = await bench(PLAN, () => {}, signal);
    const results = run.results.filter(({ host }) => host === "native")
      .map((result) => result.allocator === "system" ? { ...result, checksum: "00000000" } : result);
    const { notes, results: after } = await withInstructions({ ...run, results }, PLAN, () => {}, signal);
    assertMatch(notes.at(-1)!, /^not counted: contestant system does other work under (valgrind|perf)$/);
    assertEquals(after.map(({ instructions }) => instructions === undefined), [true, false]);
  },
});

Deno.test({
  name: `a run that is stopped while it counts keeps what it has${missing}`,
  ignore: missing !== "",
  fn: async () => {
    const run = await bench(PLAN, () => {}, signal);
    const controller = new AbortController();
    const stopped = await withInstructions(run, PLAN, ({ done }) => {
      if (done === 1) controller.abort(); // our code is known, the peers are next
    }, controller.signal);
    assertEquals(stopped.isInterrupted, true);
    assertEquals(
      stopped.results.map(({ code }) => code !== undefined),
      run.results.map(({ runtime }) => runtime === "deno"),
    );
  },
});
