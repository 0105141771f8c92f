/** The programs of `stress --scenario damage`, and what runs them: it finds a block that is given out twice. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Heap } from "../../../src/heap/mod.ts";
import { stress } from "../../../src/verify/stress/stress.ts";
import { damageProgram, runDamaged } from "../../../src/verify/stress/damage.ts";
import { RESERVE_BYTES } from "../../../src/verify/stress/program.ts";
import type { Operation, StressProgram } from "../../../src/model/mod.ts";
import { OracleError } from "../../../src/verify/oracle.ts";

const make = (block: number): Operation => ({ op: "malloc", block, size: 100 });

Deno.test("damageProgram() makes the same program from the same seed, with state and freed blocks overwritten", () => {
  assertEquals(damageProgram(3), damageProgram(3));
  const programs = Array.from({ length: 40 }, (_, index) => damageProgram(index + 1));
  const names = programs.flatMap(({ operations }) => operations.map(({ op }) => op));
  assert(names.includes("damage") && names.includes("scribble"));
  for (const { operations } of programs) assert(operations.some(({ op }) => op === "damage" || op === "scribble"));
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
  const plan = { variants: ["slab-map"], build: "release", seed: 5, seconds: 3, scenario: "damage" } as const;
  const { runs: [run] } = await stress(plan, () => {}, new AbortController().signal);
  assertEquals(run?.failure, undefined);
  assert(run!.counts["damage"]! > 0 && run!.programs > 0);
});
