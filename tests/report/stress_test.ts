import { assertEquals, assertThrows } from "@std/assert";
import { FileValueError, readChecked, type StressFile, StressFileSchema } from "../../src/model/mod.ts";
import { renderStressCsv, renderStressMarkdown } from "../../src/report/stress.ts";
import { PLAIN, renderJson, renderStress } from "../../src/report/mod.ts";

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

const THREADS: StressFile = {
  ...FILE,
  threads: 10,
  runs: [
    {
      variant: "slab-map",
      programs: 2,
      operations: 30_000,
      counts: { malloc: 20_000, collect: 0, free: 10_000 },
      seconds: 5.04,
      threads: {
        scenario: "mix",
        handedOver: 9_000,
        workers: 1_200,
        terminated: 1_000,
        inDoubt: 600,
        lost: 401,
        threadSlots: 15,
        peakFootprintBytes: 60_000_000,
        peakLiveBytes: 48_000_000,
      },
    },
    {
      variant: "box",
      programs: 1,
      operations: 9,
      counts: { malloc: 9 },
      seconds: 0.5,
      threads: {
        scenario: "producer-consumer",
        handedOver: 0,
        workers: 10,
        terminated: 0,
        inDoubt: 0,
        lost: 0,
        threadSlots: 11,
        peakFootprintBytes: 0,
        peakLiveBytes: 0,
      },
      failure: {
        message: "Worker 7: OracleError: something else wrote into 2097152: byte 1 of 16; there are others, and more",
        last: [7, 0, 1, 2, 3, 4, 5, 6, 8].map((worker) => ({
          worker,
          operations: [
            ...["malloc(10) = 2097152", "realloc(2097152, 300) = 3000000", "alignedAlloc(64, 70) = 2100000"],
            ...["calloc(3, 4) = 2200000", "collect()", "free(2097152) ..."],
          ],
        })),
      },
    },
  ],
};

Deno.test("with threads there is a row for each scenario, and what each Worker did last", async (t) => {
  await t.assertSnapshot(renderStress(THREADS));
  assertEquals(
    renderStress(THREADS, { ...PLAIN, isTerminal: true }).split("\n").every((line) => line.length <= 100),
    true,
  );
  await t.assertSnapshot(renderStressMarkdown(THREADS));
  await t.assertSnapshot(renderStressCsv(THREADS));
  assertEquals(readChecked(StressFileSchema, renderJson(THREADS)), THREADS);
});

Deno.test("readChecked() reads what was written, and refuses anything else", () => {
  assertEquals(readChecked(StressFileSchema, renderJson(FILE)), FILE);
  assertThrows(() => readChecked(StressFileSchema, "{}"), FileValueError, "schema");
  assertThrows(() => readChecked(StressFileSchema, renderJson({ ...FILE, seed: "x" })), FileValueError, "seed");
});
