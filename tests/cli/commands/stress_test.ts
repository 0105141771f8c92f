import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readChecked, StressFileSchema } from "../../../src/model/mod.ts";
import { renderStress } from "../../../src/report/mod.ts";
import { ALL_BUGS, assertFound, plant, type Planted } from "../../planted.ts";
import { cli, command, type Outcome, outcome } from "../helpers.ts";
import { interrupted, terminalTest } from "../terminal.ts";

/** Runs the command of a copy of the project. */
async function cliOf({ folder }: Planted, args: readonly string[]): Promise<Outcome> {
  return outcome(await command(args, {}, ["-P"], "null", folder).output());
}

Deno.test("stress runs every variant for its share of the time, and says what it did in short lines for each", async () => {
  const { code, stdout, stderr } = await cli([
    "stress",
    "--seconds",
    "2",
    "--seed",
    "1",
    "--variant",
    "slab-map,refill=1,phase7",
  ]);
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.trimEnd().split("\n");
  assertMatch(lines[0] ?? "", /^ok hakmem \(slab-map,refill=1\): [\d,]+ operations in [\d,]+ programs?, .* s$/);
  assertMatch(lines[1] ?? "", /^ {2}malloc [\d,]+, /);
  assertEquals(lines.filter((line) => line.startsWith("ok hakmem (phase7): ")).length, 1);
  assertEquals(lines.every((line) => line.length <= 100), true);
  for (const name of ["calloc", "alignedAlloc", "realloc", "free", "collect", "audit"]) {
    assertMatch(stdout, new RegExp(`${name} [\\d,]+`));
  }
});

Deno.test("stress --json writes what was run", async () => {
  const { code, stdout } = await cli(["stress", "--seconds", "1", "--seed", "1", "--json", "-"]);
  assertEquals(code, 0);
  const { seed, build, runs } = readChecked(StressFileSchema, stdout);
  assertEquals([seed, build, runs.map(({ variant }) => variant)], [1, "release", ["slab-map"]]);
  const [run] = runs;
  assertEquals(Object.values(run?.counts ?? {}).reduce((sum, count) => sum + count, 0), run?.operations);
});

Deno.test("stress --build debug runs a debug build, or passes on that there is none", async () => {
  const { code, stdout, stderr } = await cli(["stress", "--seconds", "1", "--seed", "1", "--build", "debug"]);
  if (code === 3) {
    assertEquals(stdout, "");
    assertStringIncludes(stderr, "build");
    assertEquals(stderr.includes("    at "), false, stderr);
  } else {
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^ok hakmem: /);
  }
});

terminalTest(
  "stress prints its counts when it is interrupted, exits with 3, and leaves the terminal as it was",
  async () => {
    const args = ["stress", "--seconds", "60", "--seed", "1", "--variant", "slab-map,phase7"];
    const { code, stdout, stderr, isRestored } = await interrupted(args, /[2-9] %/);
    assertEquals([code, stderr, isRestored], [3, "interrupted: nothing had failed\n", true]);
    assertMatch(stdout, /^ok hakmem: [1-9][\d,]* operations in [\d,]+ programs?, [\d.]+ s\n {2}malloc [1-9]/);
    assertEquals(stdout.includes("phase7"), false, "it was not begun");
  },
);

Deno.test("what ran is one line when nothing had run yet", () => {
  const run = { variant: "slab-map", programs: 0, operations: 0, counts: {}, seconds: 0.2 };
  const text = renderStress({ schema: "hakmem.stress/1", command: [], build: "release", seed: 1, runs: [run] });
  assertEquals(text, "ok hakmem: 0 operations in 0 programs, 0.2 s\n");
});

Deno.test("stress --threads has Workers share a heap, says what became of them, by scenario", async () => {
  const options = ["--threads", "2", "--seconds", "1", "--seed", "1", "--scenario", "producer-consumer"];
  const { code, stdout, stderr } = await cli(["stress", ...options]);
  assertEquals([code, stderr], [0, ""], stdout);
  const lines = stdout.trimEnd().split("\n");
  assertMatch(lines[0] ?? "", /^ok hakmem, producer-consumer: [\d,]+ operations in 1 heap, [\d.]+ s$/);
  assertMatch(lines[1] ?? "", /^ {2}malloc [\d,]+, free [\d,]+$/);
  assertMatch(lines[2] ?? "", /^ {2}\d+ Workers?, \d+ ended in the middle; \d+ blocks in doubt, 0 lost; /);
  assertEquals(lines.every((line) => line.length <= 100), true);
});

Deno.test("stress --threads finds what is built in, and says what each Worker did last", async () => {
  using planted = await plant("link-twice");
  const json = await Deno.makeTempFile();
  const options = ["--threads", "2", "--scenario", "mix", "--json", json];
  const { code, stdout, stderr } = await cliOf(planted, ["stress", ...options]);
  assertEquals([code, stderr], [1, ""]);
  assertMatch(stdout, /^FAILED hakmem, mix, release build, --seed \d+: after [\d,]+ operations/);
  assertFound("link-twice", stdout);
  assertMatch(stdout, /\n {2}the last operations of each, the latest last:\n {4}Worker [01]: /);
  const { threads, runs } = readChecked(StressFileSchema, await Deno.readTextFile(json));
  assertEquals([threads, runs.length, runs[0]?.threads?.scenario], [2, 1, "mix"]);
  assert(runs[0]?.failure !== undefined && "last" in runs[0].failure);
  const replayed = await cli(["stress", "--replay", json]);
  assertEquals([replayed.code, replayed.stdout], [3, ""]);
  assertStringIncludes(replayed.stderr, "run it again");
  await Deno.remove(json);
});

for (const [bug, variant] of ALL_BUGS) {
  Deno.test(`stress finds the bug ${bug} in ${variant}`, async (t) => {
    using planted = await plant(bug);
    for (const build of ["release", "debug"]) {
      await t.step(`${build}: found, cut down to a few operations, and replayed`, async () => {
        const json = `${planted.folder}${build}.json`;
        const args = ["stress", "--variant", variant, "--build", build, "--seed", "1", "--json", json];
        const { code, stdout, stderr } = await cliOf(planted, args);
        assertEquals([code, stderr], [1, ""]);
        const head = `^FAILED .*, ${build} build, --seed 1: after [\\d,]+ operations? in [\\d,]+ programs?`;
        assertMatch(stdout, new RegExp(head));
        const { runs } = readChecked(StressFileSchema, await Deno.readTextFile(json));
        const failure = runs[0]?.failure;
        assert(failure !== undefined && "program" in failure);
        assertFound(bug, failure.message);
        const { operations } = failure.program;
        // None at all for a bug that shows in an empty heap: its lists were filled when it was opened.
        assert(operations.length <= 10, `${operations.length} operations`);
        assertStringIncludes(stdout, `(${operations.length} of ${failure.unshrunk} operations`);
        const replayed = await cliOf(planted, ["stress", "--replay", json]);
        assertEquals([replayed.code, replayed.stderr], [1, ""]);
        assertStringIncludes(replayed.stdout, failure.message.split("\n")[0] ?? "");
      });
    }
  });
}
