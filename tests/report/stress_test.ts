import { assertEquals, assertThrows } from "@std/assert";
import { renderStressCsv, renderStressMarkdown } from "../../src/report/stress.ts";
import { parseStressFile, renderJson, renderStress, type StressFile } from "../../src/report/mod.ts";

const FILE: StressFile = {
  schema: "hakmem.stress/1",
  command: ["deno", "run", "-P", "cli.ts", "stress"],
  build: "release",
  seed: 42,
  runs: [
    { variant: "slab-map", programs: 12, operations: 34_567, counts: { malloc: 20_000, free: 14_567 }, seconds: 5.04 },
    {
      variant: "phase7",
      programs: 1,
      operations: 9,
      counts: { malloc: 9 },
      seconds: 0.5,
      failure: {
        message: "OracleError: 1048592 was given out twice",
        unshrunk: 400,
        program: {
          seed: 99,
          maxBytes: 3_145_728,
          operations: [
            { op: "malloc", block: 1, size: 1 },
            { op: "calloc", block: 2, count: 3, size: 4 },
            { op: "alignedAlloc", block: 3, alignment: 64, size: 5 },
            { op: "realloc", block: 3, size: 6 },
            { op: "free", block: 1 },
            { op: "collect" },
            { op: "audit" },
          ],
        },
      },
    },
  ],
};

Deno.test("renderStress() gives a line for what passed, and a program for what failed", async (t) => {
  await t.assertSnapshot(renderStress(FILE));
});

Deno.test("renderStressMarkdown() has a row for every variant and the failing list, renderStressCsv() a line", async (t) => {
  await t.assertSnapshot(renderStressMarkdown(FILE));
  assertEquals(
    renderStressMarkdown({ ...FILE, runs: FILE.runs.slice(0, 1) }).split("\n")[0],
    "**nothing failed; release build, seed 42**",
  );
  await t.assertSnapshot(renderStressCsv(FILE));
});

Deno.test("parseStressFile() reads what was written, and refuses anything else", () => {
  assertEquals(parseStressFile(renderJson(FILE)), FILE);
  assertThrows(() => parseStressFile("{}"), Error, "schema");
  assertThrows(() => parseStressFile(renderJson({ ...FILE, seed: "x" })), Error);
});
