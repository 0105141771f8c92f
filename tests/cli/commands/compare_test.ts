import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CompareFileSchema, ExplainFileSchema, readChecked } from "../../../src/model/mod.ts";
import { compareHeadline } from "../../../src/report/mod.ts";
import { CAN_PRELOAD, compile } from "../../peers/libraries.ts";
import { cli } from "../helpers.ts";
import { assertFits } from "../../report/fits.ts";
import { interrupted, terminalTest } from "../terminal.ts";

/** An allocator that costs many times what the system's does: a process of it starts in no time. */
const SLOW = `
  #include <stddef.h>
  extern void *__libc_malloc(size_t size);
  static volatile unsigned sink;
  void *malloc(size_t size) {
    for (int i = 0; i < 400; i++) sink++;
    return __libc_malloc(size);
  }
  extern void __libc_free(void *pointer);
  void free(void *pointer) { __libc_free(pointer); }
`;

async function verdictTest(): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const slow = await compile(folder, "libslow.so", SLOW);
    assert(slow !== undefined);
    const args = ["compare", "system", slow, "--quick", "--size", "128"];
    const outputs = ["--json", `${folder}/c.json`, "--csv", `${folder}/c.csv`, "--markdown", `${folder}/c.md`];
    outputs.push("--html", `${folder}/c.html`);
    const { code, stdout, stderr } = await cli([...args, ...outputs]);
    const file = readChecked(CompareFileSchema, await Deno.readTextFile(`${folder}/c.json`));
    assertEquals([file.a, file.b, file.rows.length], ["system", slow, 1]);
    assertEquals(code, { regression: 1, inconclusive: 2, improvement: 0, equivalent: 0 }[file.verdict], stderr);
    const [row] = file.rows;
    assertEquals(row?.samples.a.length, 20);
    // On any machine it costs several times what the system's does, and that is seen, though no verdict where it is disturbed.
    const isDisturbed = file.warnings.some(({ code }) => code === "DISTURBED");
    assertEquals(file.verdict, isDisturbed ? "inconclusive" : "regression");
    assert(row!.ratio < 0.6 && row!.high < 0.8, JSON.stringify(row));
    const headline = isDisturbed
      ? /^inconclusive, since other work disturbed \d+ of \d+\srounds:/
      : /^REGRESSION: \S+libslow.so is slower than system;\sthroughput -\d\d\.\d % /;
    assertMatch(stdout, headline);
    assertEquals((await Deno.readTextFile(`${folder}/c.csv`)).trim().split("\n").length, 21);
    assertStringIncludes(await Deno.readTextFile(`${folder}/c.md`), "| 128 |");
    assertMatch(await Deno.readTextFile(`${folder}/c.html`), /^<!doctype html>[^]*libslow.so/i);
    assertEquals((stdout + stderr).includes("\x1b"), false);
    assertFits(stdout, compareHeadline(file));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: `compare gives its verdict as text, as JSON and as exit code${
    CAN_PRELOAD ? "" : " (skipped: nothing to preload)"
  }`,
  ignore: !CAN_PRELOAD,
  fn: verdictTest,
});

Deno.test("explain finds that no free is fast where headers are never written, from counts and measurements", async () => {
  const args = ["explain", "phase7-1.2", "phase7-macro-bug", "--quick", "--size", "128", "--cycles", "500"];
  const { code, stdout, stderr } = await cli([...args, "--json", "-"]);
  assertEquals(code, 0, stderr);
  const { flags, counters, jit, stages, build, total, unexplained, warnings } = readChecked(ExplainFileSchema, stdout);
  const isDisturbed = warnings.some(({ code }) => code === "DISTURBED"); // then nothing is sure
  assertEquals(flags.map(({ flag, a, b, finding }) => [flag, a, b, finding]), [
    ["writeHeader", "alloc", "never", isDisturbed ? "undecided" : "confirmed"],
  ]);
  assertEquals(flags[0]?.fastFrees, { a: 1, b: 0 });
  const because = isDisturbed ? "disturbed too often" : "fast frees go from 100.00 % to 0.00 % by it alone";
  assertStringIncludes(flags[0]!.because, because);
  assertEquals(counters.b[0]?.counts.fastFrees, 0);
  assertEquals(unexplained, { ratio: 1, low: 1, high: 1 });
  assert(total.low <= total.high);
  assertEquals(jit.map(({ variant, loop }) => [variant, loop]), [
    ["phase7-1.2", "mixedChunk"],
    ["phase7-macro-bug", "mixedChunk"],
  ]);
  assert(stages.some(({ stage, a, b }) => stage === "header write" && a > 0.9 && b === 0));
  assertEquals(build.filter(({ a, b }) => a !== b).map(({ flag }) => flag), ["writeHeader"]);
});

for (
  const [args, message] of [
    [["compare"], "compare needs two contestants"],
    [["compare", "slab-map"], "compare needs two contestants"],
    [["compare", "slab-map", "slabmap"], '"slabmap" is not a contestant'],
    [["compare", "slab-map", "system,refill=2"], "has no flags"],
    [["compare", "slab-map", "--baseline", "no-such"], 'there is no baseline "no-such"'],
    [["compare", "slab-map", "--baseline", "../x"], "a baseline's name has letters"],
    [["compare", "slab-map", "system", "--save-baseline", "x"], "system cannot be a baseline"],
    [["compare", "slab-map", "slab-map", "--save-baseline", "../x"], "a baseline's name has letters"],
    [["compare", "slab-map", "box", "--size", "100"], "size"],
    [["explain", "slab-map", "slab-map"], "there is nothing to explain"],
    [["explain", "slab-map", "nope"], 'no variant "nope"'],
    [["explain", "slab-map"], "missing required argument"],
    [["explain", "phase7", "box", "--json", "/no/such/folder/x.json"], "its folder must exist"],
  ] as const
) {
  Deno.test(`${args.join(" ")} is an error that says why`, async () => {
    const { code, stdout, stderr } = await cli(args);
    assertEquals([code, stdout], [3, ""]);
    assertStringIncludes(stderr, message);
  });
}

terminalTest("compare that is interrupted says so, leaves no file, and exits with 3", async () => {
  const path = await Deno.makeTempFile();
  await Deno.remove(path);
  const { code, stdout, stderr, isRestored } = await interrupted(["compare", "slab-map", "box", "--json", path]);
  assertEquals([code, stdout, isRestored], [3, "", true]);
  assertStringIncludes(stderr, "interrupted");
  assertEquals(await Deno.stat(path).then(() => true, () => false), false);
});
