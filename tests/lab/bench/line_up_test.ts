import { assertEquals } from "@std/assert";
import { enter } from "../../../src/lab/contest/contestants.ts";
import { lineUp, type LineUpPlan } from "../../../src/lab/bench/line_up.ts";
import { WORKLOADS } from "../../../src/workloads/mod.ts";

const ENTRY = await enter(["slab-map"], ["ffi", "uint8array", "thi.ng"]);

/** Who takes part, by the names of their processes, without what needs a compiler. */
function namesOf(workload: string, plan: Omit<LineUpPlan, "workload">): { names: string[]; notes: string[] } {
  const { starts, notes } = lineUp({ workload: WORKLOADS.get(workload)!, ...plan }, ENTRY);
  const inDeno = starts.filter(({ contestant }) => contestant.language === "deno" && contestant.runtime !== "harness");
  return {
    names: inDeno.map(({ contestant }) => contestant.command.label),
    notes: notes.filter((note) => !ENTRY.notes.includes(note)),
  };
}

Deno.test("lineUp() has everybody with every number of threads where no block crosses", () => {
  const { names, notes } = namesOf("random-mixed", { threads: [1, 2] });
  assertEquals(names, [
    ...["hakmem", "ffi", "thi.ng", "uint8array"],
    ...["hakmem with 2 threads", "ffi with 2 threads", "thi.ng with 2 threads", "uint8array with 2 threads"],
  ]);
  assertEquals(notes, []);
});

Deno.test("lineUp() leaves out who cannot free another thread's blocks, and says so", () => {
  const { names, notes } = namesOf("larson", { threads: [1, 2, 4] });
  assertEquals(names.filter((name) => /thi.ng|uint8array/.test(name)), ["thi.ng", "uint8array"]);
  assertEquals(notes, [
    "thi.ng, uint8array are left out with 2, 4 threads: in larson a thread frees what another one allocated, which they " +
    "cannot",
  ]);
  assertEquals(namesOf("larson", {}).notes, []);
});

Deno.test("lineUp() adds our heap with one for each thread, where there are several", () => {
  const { names } = namesOf("cache-thrash", { threads: [1, 2], ownHeaps: true });
  assertEquals(names.filter((name) => name.startsWith("hakmem")), [
    "hakmem",
    "hakmem with 2 threads",
    "hakmem, own heaps with 2 threads",
  ]);
});
