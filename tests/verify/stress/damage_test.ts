/** The programs of `stress --scenario damage`, and what runs them: it finds a block that is given out twice. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { samplesAt } from "../../../src/heap/inspect/mod.ts";
import { Heap } from "../../../src/heap/mod.ts";
import { stress } from "../../../src/verify/stress/stress.ts";
import { damageProgram, runDamaged } from "../../../src/verify/stress/damage.ts";
import { RESERVE_BYTES } from "../../../src/verify/stress/program.ts";
import type { Operation, StressProgram } from "../../../src/model/mod.ts";
import { OracleError } from "../../../src/verify/oracle.ts";

const make = (block: number): Operation => ({ op: "malloc", block, size: 100 });

Deno.test("damageProgram() makes the same program from the same seed, with state and freed blocks overwritten", () => {
  const make = (seed: number, variant = "slab-map") => damageProgram(seed, variant, "release");
  assertEquals(make(3), make(3));
  const programs = Array.from({ length: 40 }, (_, index) => make(index + 1));
  const names = programs.flatMap(({ operations }) => operations.map(({ op }) => op));
  assert(names.includes("damage") && names.includes("scribble"));
  for (const { operations } of programs) assert(operations.some(({ op }) => op === "damage" || op === "scribble"));
  // Of a heap that has more tables, those too.
  const farthest = (variant: string) =>
    Array.from({ length: 40 }, (_, index) => make(index + 1, variant)).flatMap(({ operations }) => operations)
      .reduce((most, operation) => Math.max(most, operation.op === "damage" ? operation.word : 0), 0);
  const [plain, profiled, guarded] = ["slab-map", "slab-map,profile=1", "slab-map,guard=1"].map(farthest);
  assert(plain! < samplesAt(RESERVE_BYTES));
  for (const word of [profiled!, guarded!]) assert(word > samplesAt(RESERVE_BYTES));
});

Deno.test("runDamaged() finds a live block that is given out again: a link to it was forged", async () => {
  const heap = await Heap.open({ reserveBytes: RESERVE_BYTES });
  const value = [1, 2, 3].map(() => heap.malloc(100))[2]!; // where the third block of each such program is
  heap.close();
  const operations: Operation[] = [
    ...[1, 2, 3].map(make),
    ...[1, 2].map((block): Operation => ({ op: "free", block })),
    { op: "scribble", block: 2, word: 0, value },
    ...[4, 5].map(make),
  ];
  const program: StressProgram = { seed: 1, scenario: "damage", operations };
  await assertRejects(() => runDamaged("slab-map", "release", program, () => {}), OracleError, "given out twice");
  await runDamaged("slab-map", "release", { ...program, operations: operations.toSpliced(5, 1) }, () => {});
});

Deno.test("an error before anything was damaged is one that the heap must not throw", async () => {
  const program: StressProgram = { seed: 1, scenario: "damage", operations: [{ op: "malloc", block: 1, size: -1 }] };
  await assertRejects(() => runDamaged("slab-map", "release", program, () => {}), Error, "whole number");
});

Deno.test("stress with the scenario damage counts what it has overwritten, and nothing fails", async () => {
  const variants = ["slab-map", "slab-map,guard=1", "slab-map,profile=1"];
  const plan = { variants, build: "release", seed: 5, seconds: 9, scenario: "damage" } as const;
  const { runs } = await stress(plan, () => {}, new AbortController().signal);
  for (const { failure, counts, programs } of runs) {
    assertEquals(failure, undefined);
    assert(counts["damage"]! > 0 && programs > 0);
  }
});
