import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InvalidOptionError } from "../../../src/heap/mod.ts";
import { assertSameWork, lastingName, loadBaseline } from "../../../src/lab/compare/baseline.ts";
import { heapContestant } from "../../../src/lab/contest/contestants.ts";
import { WORKLOADS } from "../../../src/workloads/mod.ts";
import { compareFixture } from "../../report/compare_fixture.ts";

Deno.test("what can be run again later is a revision, whatever it was called", async () => {
  const hash = "c90ee9d30a4d72a63327dead329e0d3c5768aa4a";
  const contestant = heapContestant("slab-map,refill=8", "HEAD,refill=8");
  assertEquals(await lastingName("HEAD,refill=8", { contestant, source: hash }), `${hash},slab-map,refill=8`);
});

Deno.test("a folder or a peer is not a baseline", async () => {
  const contestant = heapContestant("slab-map", "x");
  await assertRejects(() => lastingName("../x", { contestant, source: "/x" }), InvalidOptionError, "../x cannot be");
  await assertRejects(() => lastingName("system", { contestant }), InvalidOptionError, "system cannot be");
});

Deno.test("a baseline that is not there is an error", async () => {
  await assertRejects(() => loadBaseline("never-saved"), InvalidOptionError, 'there is no baseline "never-saved"');
});

Deno.test("a baseline is compared with the same work only: workload, size, threads and parameters", () => {
  const baseline = compareFixture().baseline!;
  const [row] = baseline.rows;
  const saved = { ...baseline, rows: [{ ...row!, parameters: { size: 128, cycles: 1000 } }] };
  const plan = (name: string, size: number, threads: number, cycles: number) => ({
    workload: { ...WORKLOADS.get("random-mixed")!, name },
    sizes: [{ size, parameters: { size, cycles } }],
    threads,
  });
  assertSameWork(saved, plan("random-mixed", 128, 1, 1000));
  assertSameWork(baseline, plan("random-mixed", 128, 1, 7)); // of an older version, which kept no parameters
  const others: [plan: ReturnType<typeof plan>, says: string][] = [
    [
      plan("larson", 128, 1, 1000),
      "the baseline last-week is not of larson 128 with 1 thread, but of random-mixed 128",
    ],
    [plan("random-mixed", 256, 1, 1000), "not of random-mixed 256"],
    [plan("random-mixed", 128, 2, 1000), "not of random-mixed 128 with 2 threads"],
    [plan("random-mixed", 128, 1, 500), "the baseline last-week is of cycles 1000, not 500"],
  ];
  for (const [other, says] of others) assertThrows(() => assertSameWork(saved, other), InvalidOptionError, says);
});
