import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { readChecked, ResultFileSchema } from "../../../src/model/mod.ts";
import { cli, headline, SHORT } from "../helpers.ts";
import { interrupted, terminalTest } from "../terminal.ts";

Deno.test("bench prints one line of words, the table and the bars to a pipe, without escape codes", async () => {
  const { code, stdout, stderr } = await cli(["bench", ...SHORT]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, headline("random-mixed.*size 128, 6 rounds\n"));
  for (const name of ["system", "ffi", "thi.ng", "assemblyscript", "uint8array", "none (deno)", "none (native)", "█"]) {
    assertStringIncludes(stdout, name);
  }
  assertEquals((stdout + stderr).includes("\x1b"), false);
  for (const line of stderr.split("\n")) assertMatch(line, /^(warning [A-Z]+: .*)?$/); // a pipe gets no progress
});

Deno.test("bench --json - gives a result file, and nothing else on stdout", async () => {
  const args = ["bench", "--workload", "hot-pair", ...SHORT, "--size", "16,4096", "--peer", "system", "--json", "-"];
  const { code, stdout, stderr } = await cli(args);
  assertEquals(code, 0, stderr);
  const { results, rounds, command, environment } = readChecked(ResultFileSchema, stdout);
  const who = results.filter(({ size }) => size === 16).map(({ allocator, runtime }) => `${allocator} ${runtime}`);
  assertEquals(who.toSorted(), ["none harness", "none harness", "slab-map deno", "system native"]);
  assertEquals([...new Set(results.map(({ size }) => size))], [16, 4096]);
  assertEquals([rounds.measured, rounds.wanted], [6, 6]);
  assertEquals(command.slice(-2), ["--json", "-"]);
  assertEquals(environment.deno, Deno.version.deno);
  for (const { opsPerSecond: { low, median, high }, samples, nsPerOp } of results) {
    assert(low <= median && median <= high);
    assertEquals(samples.length, 6);
    assert(Math.abs(1e9 / nsPerOp / median - 1) < 1e-9);
  }
});

Deno.test("bench --instructions counts native peers beside the times, or says what to install, and looks at our code", async () => {
  const args = ["bench", ...SHORT, "--peer", "system", "--instructions"];
  const json = await Deno.makeTempFile(), csv = await Deno.makeTempFile();
  try {
    const { code, stdout, stderr } = await cli([...args, "--json", json, "--csv", csv]);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /Our code in bytes/);
    const { results, notes } = readChecked(ResultFileSchema, await Deno.readTextFile(json));
    const counted = results.filter(({ instructions }) => instructions !== undefined);
    const note = notes.find((each) => each.startsWith("instructions are not counted: "));
    if (note === undefined) {
      assertEquals(counted.map(({ allocator, host }) => `${allocator} ${host}`), ["system native", "none native"]);
      assertMatch(stdout.replaceAll("\n", " "), /Per operation, counted by (perf|valgrind)/);
    } else {
      assertEquals(counted, []);
      assertMatch(note, /apt-get install valgrind$/);
    }
    assertMatch(await Deno.readTextFile(csv), /,loop_machine_bytes,malloc_bytecode_bytes,free_bytecode_bytes\n/);
  } finally {
    for (const file of [json, csv]) await Deno.remove(file);
  }
});

Deno.test("bench --json, --csv and --markdown write files next to the text", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files = ["json", "csv", "markdown"].flatMap((name) => [`--${name}`, `${folder}/result.${name}`]);
    const { code, stdout, stderr } = await cli(["bench", "larson", "--quick", "--peer", "system", ...files]);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, headline("larson.* sizes 8 to below 128, 6 rounds\n"));
    assertStringIncludes(
      stdout,
      "larson: replace random blocks of a live set; an operation is one free+malloc pair; min 8, max 128,",
    );
    const { results } = readChecked(ResultFileSchema, await Deno.readTextFile(`${folder}/result.json`));
    assertEquals(results[0]?.parameters, { min: 8, max: 128, chunks: 1024, "larson-rounds": 20, seed: 12345 });
    const csv = await Deno.readTextFile(`${folder}/result.csv`);
    assertEquals(csv.trimEnd().split("\n").length, 1 + results.length * 6);
    const markdown = await Deno.readTextFile(`${folder}/result.markdown`);
    assertStringIncludes(markdown, "| size | allocator |");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("bench slow-mix has one row a contestant, and no --size", async () => {
  const args = ["bench", "slow-mix", "--quick", "--cycles", "2000", "--peer", "system"];
  const { code, stdout, stderr } = await cli([...args, "--json", "-"]);
  assertEquals(code, 0, stderr);
  const { results } = readChecked(ResultFileSchema, stdout);
  assertEquals([...new Set(results.map(({ size }) => size))], [262_141]);
  assertEquals(results.map(({ allocator }) => allocator), ["slab-map", "system", "none", "none"]);
  assertEquals(results[0]?.parameters, { "working-set": 256, cycles: 2000, seed: 12345 });
  const sized = await cli([...args, "--size", "128"]);
  assertMatch(sized.stderr, /--size means nothing to slow-mix, which has --working-set, --cycles, --seed/);
});

Deno.test("bench --variant measures several variants, and HAKMEM_VARIANT chooses the default", async () => {
  const args = ["bench", ...SHORT, "--peer", "ffi", "--json", "-"];
  const several = await cli([...args, "--variant", "slab-map,refill=32,phase7"]);
  assertEquals(several.code, 0, several.stderr);
  const ours = (json: string) =>
    readChecked(ResultFileSchema, json).results.filter(({ runtime }) => runtime === "deno");
  assertEquals(ours(several.stdout).map(({ allocator }) => allocator), ["slab-map,refill=32", "phase7"]);
  const chosen = await cli(args, { HAKMEM_VARIANT: "phase7" });
  assertEquals(ours(chosen.stdout).map(({ allocator }) => allocator), ["phase7"]);
});

Deno.test("bench --expect prints expected against measured, and where the interval lies", async () => {
  const folder = await Deno.makeTempDir(), file = `${folder}/results.json`;
  const args = ["bench", ...SHORT, "--peer", "system", "--json", file];
  // Where other work disturbs so short a run, what is left without the loops may be nothing, or have no bound: it says so.
  const ask = async (expected: string, verdict: string) => {
    for (let tries = 1;; tries++) {
      const run = await cli([...args, "--expect", expected]);
      const [expectation] = readChecked(ResultFileSchema, await Deno.readTextFile(file)).expectations;
      if (expectation?.verdict === verdict || tries === 5) return { ...run, expectation };
      assertMatch(
        run.stdout.replaceAll("\n", " "),
        /which is not known: the loops differ|the interval contains what was expected/,
      );
    }
  };
  try {
    const high = await ask("+99900%", "below");
    assertEquals(high.code, 1, `an expectation that is missed fails, as in CI it should: ${high.stdout}${high.stderr}`);
    assertMatch(high.stdout, /expected 1000 times system, measured .*: the whole interval is below what was expected/);
    const { code, expectation } = await ask("0.0001x", "above");
    assertEquals(code, 0);
    assertEquals([expectation?.allocator, expectation?.expected, expectation?.verdict], ["slab-map", 0.0001, "above"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("bench leaves the native peers out and says so in one line when there is no compiler", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await cli(["bench", ...SHORT], { PATH: folder, HAKMEM_CACHE: `${folder}/cache` });
    assertEquals(code, 0, stderr);
    const lines = stdout.split("\n").filter((line) => line.includes("native peers are left out"));
    assertEquals(lines.length, 1);
    assertMatch(lines[0] ?? "", /\(system,( mimalloc,)? none\): no C compiler/);
    assertMatch(stdout, headline("random-mixed"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("bench works when the cache cannot be written to, and its processes compile once for all", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/cc`, `#!/bin/sh\necho "$*" >>${folder}/calls\nexec /usr/bin/cc "$@"\n`);
    await Deno.chmod(`${folder}/cc`, 0o755);
    const { code, stdout, stderr } = await cli(["bench", ...SHORT, "--peer", "assemblyscript"], {
      HAKMEM_CACHE: "/dev/null/x",
      PATH: `${folder}:${Deno.env.get("PATH")}`,
    });
    assertEquals(code, 0, stderr);
    assertMatch(stdout, headline("random-mixed"));
    assertMatch(stdout, /\/dev\/null\/x/);
    const libraries = (await Deno.readTextFile(`${folder}/calls`)).split("\n").filter((call) => call.includes("/vm.c"));
    // Here, and by those that start at the same time; otherwise by each of the three in each of seven rounds.
    assert(libraries.length >= 2 && libraries.length <= 4, libraries.join("\n"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

terminalTest("bench says how much was measured when it is interrupted, and exits with 3", async () => {
  const args = ["bench", ...SHORT, "--rounds", "1000", "--peer", "system"];
  const { code, stdout, stderr, isRestored } = await interrupted(args, /measuring .* [1-9]\d* %/);
  assertEquals([code, isRestored], [3, true]);
  assertMatch(stderr, /^interrupted: \d+ of 1000 rounds measured; /);
  const measured = Number(/interrupted: (\d+)/.exec(stderr)?.[1]);
  assertGreater(measured, 0);
  assertMatch(stdout, new RegExp(`size 128, ${measured} round`));
});

Deno.test("bench --threads measures each number of threads, names who cannot, and tells what each thread did", async () => {
  const args = ["bench", "larson", "--quick", "--threads", "2,1,2", "--peer", "system,uint8array"];
  const { code, stdout, stderr } = await cli([...args, "--json", "-"]);
  assertEquals(code, 0, stderr);
  const { results, notes } = readChecked(ResultFileSchema, stdout);
  const who = (count: number) =>
    results.filter(({ threads }) => threads === count).map(({ allocator, heaps = "" }) =>
      `${allocator} ${heaps}`.trim()
    );
  assertEquals(who(1), ["slab-map", "system", "uint8array", "none", "none"]);
  assertEquals(who(2), ["slab-map shared", "system shared", "none shared", "none shared"]);
  assertMatch(notes.join("\n"), /uint8array are left out with 2 threads: in larson a thread frees what another one/);
  for (const { threads, threadOpsPerSecond, fairness, scaling, samples } of results) {
    assertEquals(samples.length, 6);
    assertEquals([threadOpsPerSecond?.length, fairness === undefined], threads === 1 ? [undefined, true] : [2, false]);
    assertEquals(scaling === undefined, threads === 1);
  }
});

Deno.test("bench --threads --own-heaps prints what sharing a heap costs, and warns of more threads than cores", async () => {
  const threads = String(Math.max(2, Math.min(64, navigator.hardwareConcurrency + 1)));
  const args = ["bench", "cache-scratch", "--quick", "--cycles", "50", "--threads", threads, "--own-heaps"];
  const { code, stdout, stderr } = await cli([...args, "--peer", "system"]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, headline(`cache-scratch with ${threads} threads`));
  assertMatch(stdout, new RegExp(`\n size 8, ${threads} threads\n hakmem  .*\n hakmem, own heaps  .*\n system  `));
  assertMatch(
    stdout,
    new RegExp(`\nhakmem at 8 with ${threads} threads: one heap for all is [\\d.]+ \\(.*\\) times`),
  );
  for (const line of stdout.split("\n").slice(1)) if (line.startsWith(" ")) assert(line.length <= 100, line); // of tables
  if (Number(threads) > navigator.hardwareConcurrency) {
    assertMatch(stderr, /^warning THREADS: \d+ threads had \d+ core/m);
  }
});
