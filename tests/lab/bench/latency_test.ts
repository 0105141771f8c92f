import { assert, assertEquals } from "@std/assert";
import { withLatency } from "../../../src/lab/bench/latency.ts";
import { bench, type BenchPlan } from "../../../src/lab/bench/bench.ts";
import { completeParameters, unitKinds, type Workload, WORKLOADS } from "../../../src/workloads/mod.ts";

/** Small ones that between them allocate aligned blocks, large ones, and in an order of their own. */
const UNITS: readonly (readonly [workload: string, parameters: Record<string, number>])[] = [
  ["random-mixed", { "cycles": 2000, "working-set": 256 }],
  ["larson", { "chunks": 64, "larson-rounds": 20 }],
  ["slow-mix", { "cycles": 500 }],
];

Deno.test("withLatency() times the operations of a unit: as many, of the same kinds, in TypeScript and in C", async (t) => {
  for (const [name, given] of UNITS) {
    await t.step(name, async () => {
      const workload = WORKLOADS.get(name)!, parameters = completeParameters(workload, given);
      const kinds = unitKinds(workload, parameters);
      const plan: BenchPlan & { readonly workload: Workload } = {
        workload,
        sizes: [{ size: 128, parameters }],
        variants: ["slab-map"],
        peers: ["system"],
        rounds: 6,
        slotMilliseconds: 1,
        warmMilliseconds: 10,
        orderSeed: 7,
      };
      const { signal } = new AbortController(), interrupted = new AbortController();
      const before = await bench(plan, () => {}, signal);
      assert(before.results.every(({ latency }) => latency === undefined));
      const { results, failures } = await withLatency(before, plan, () => {}, signal);
      assertEquals(failures, undefined);
      assertEquals(results.map(({ latency }) => latency !== undefined), [true, true, false, false]);
      for (const { latency } of results.slice(0, 2)) {
        const { replays, operations } = latency!;
        assertEquals(operations[0]!.count, replays * kinds.length);
        for (const [number, names] of ["malloc small", "malloc large", "free small", "free large"].entries()) {
          const found = operations.find(({ operation, blocks }) => `${operation} ${blocks}` === names);
          assertEquals(found?.count ?? 0, replays * kinds.filter((kind) => kind === number).length, names);
        }
      }
      const kept = await withLatency(before, plan, () => interrupted.abort(), interrupted.signal);
      assertEquals(kept, { ...before, isInterrupted: true });
      assertEquals(results.map(({ samples }) => samples), before.results.map(({ samples }) => samples));
    });
  }
});
