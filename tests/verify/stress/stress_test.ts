import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InvalidOptionError } from "../../../src/heap/mod.ts";
import { stress } from "../../../src/verify/stress/stress.ts";
import { renumber, runProgram, stressProgram } from "../../../src/verify/stress/program.ts";
import type { Operation } from "../../../src/model/mod.ts";
import { OracleError } from "../../../src/verify/oracle.ts";

const LIMITS = { silence: 500, retry: 500, shrinking: 4_000 };

Deno.test("stressProgram() makes the same program from the same seed, with every operation in some", () => {
  assertEquals(stressProgram(11), stressProgram(11));
  const programs = Array.from({ length: 40 }, (_, index) => stressProgram(index + 1));
  const names = new Set(programs.flatMap(({ operations }) => operations.map(({ op }) => op)));
  assertEquals([...names].toSorted(), ["alignedAlloc", "audit", "calloc", "collect", "free", "malloc", "realloc"]);
  assert(
    programs.some(({ maxBytes }) => maxBytes !== undefined) && programs.some((each) => each.maxBytes === undefined),
  );
});

Deno.test("renumber() numbers the blocks from 1 and changes nothing else", () => {
  assertEquals(
    renumber([{ op: "malloc", block: 7, size: 1 }, { op: "audit" }, { op: "malloc", block: 5, size: 2 }, {
      op: "free",
      block: 7,
    }]),
    [{ op: "malloc", block: 1, size: 1 }, { op: "audit" }, { op: "malloc", block: 2, size: 2 }, {
      op: "free",
      block: 1,
    }],
  );
});

Deno.test("runProgram() skips operations whose block is not there: every sub-list is a program", async () => {
  const { operations } = stressProgram(3);
  const sub = operations.filter((_, index) => index % 3 !== 0);
  await runProgram("slab-map", "release", { seed: 3, operations: sub });
  await runProgram("slab-map", "release", { seed: 3, operations: operations.filter(({ op }) => op === "free") });
});

Deno.test("runProgram() throws what the oracle says, and tells which operation it was", async () => {
  const operations: Operation[] = [{ op: "malloc", block: 1, size: 8 }, { op: "free", block: 1 }, { op: "audit" }];
  let reached = -1;
  const watch = (index: number) => {
    reached = index;
    if (index === 1) throw new OracleError("enough");
  };
  const program = { seed: 1, operations };
  await assertRejects(() => runProgram("slab-map", "release", program, watch), OracleError, "enough");
  assertEquals(reached, 1);
});

for (const [child, says] of [["hangs", /hangs: an operation does not end/], ["dies", /died: SIGKILL/]] as const) {
  Deno.test(`stress() reports a process that ${child}, and shrinks its program in fresh ones`, async () => {
    const plan = { variants: ["slab-map"], build: "release", seed: 1, seconds: 1 } as const;
    const entry = new URL(`./children/${child}.ts`, import.meta.url);
    const { runs } = await stress(plan, () => {}, new AbortController().signal, LIMITS, entry);
    const failure = runs[0]?.failure;
    assertMatch(failure?.message ?? "", says);
    assert(failure !== undefined && "program" in failure);
    const { operations } = failure.program;
    assert(operations.length < stressProgram(4).operations.length);
    assert(operations.some(({ op }) => op === "free"));
  });
}

Deno.test("stress() passes on what the heap says of its options, and ends with what ran when it is aborted", async () => {
  const { signal } = new AbortController();
  const plan = { variants: ["slab-map,colour=red"], build: "release", seed: 1, seconds: 1 } as const;
  await assertRejects(() => stress(plan, () => {}, signal), InvalidOptionError, "colour");
  const controller = new AbortController();
  let ticks = 0;
  const { runs } = await stress(
    { ...plan, variants: ["slab-map", "phase7"], seconds: 600 },
    () => {
      if (++ticks === 20) controller.abort();
    },
    controller.signal,
  );
  assertEquals(runs.map(({ variant, failure }) => [variant, failure]), [["slab-map", undefined]]);
  assert(runs[0]!.operations > 0 && runs[0]!.programs > 0);
  assertEquals(Object.values(runs[0]!.counts).reduce((sum, count) => sum + count, 0), runs[0]!.operations);
});
