/** bench/twins.ts: each workload, and a replay, has the times of its do-nothing loop in both languages. */
import { assert, assertEquals, assertMatch } from "@std/assert";

const SCRIPT = new URL("../../../bench/twins.ts", import.meta.url).pathname;

async function twins(...args: string[]) {
  const output = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "-q", SCRIPT, ...args] }).output();
  return { code: output.code, stderr: new TextDecoder().decode(output.stderr) };
}

async function timesOf(...args: string[]) {
  const json = await Deno.makeTempFile();
  try {
    const { code, stderr } = await twins("--json", json, ...args);
    assert(code === 0 || code === 1, stderr); // whether loops are alike is not this test's matter
    return JSON.parse(await Deno.readTextFile(json)) as { name: string; typescript: number[]; c: number[] }[];
  } finally {
    await Deno.remove(json);
  }
}

Deno.test("twins times the loops of workloads in both languages, a number a round", async () => {
  const found = await timesOf("--workload=hot-pair,cache-thrash", "--rounds=2");
  assertEquals(found.map(({ name }) => name), ["hot-pair", "cache-thrash"]);
  for (const { typescript, c } of found) {
    assertEquals([typescript.length, c.length], [2, 2]);
    assert([...typescript, ...c].every((time) => time > 0));
  }
});

Deno.test("twins times the loops of a replay", async () => {
  const trace = await Deno.makeTempFile({ suffix: ".trace" });
  try {
    await Deno.writeTextFile(trace, "hakmem aging: seed=1 megabytes=1 phases=2 events=4000 threads=1\n");
    const [found, ...more] = await timesOf("--trace", trace, "--rounds=1");
    assertEquals([found!.name, found!.typescript.length, found!.c.length, more.length], ["replay", 1, 1, 0]);
  } finally {
    await Deno.remove(trace);
  }
});

Deno.test("twins says how it is used if it does not understand its options, and in a line what it cannot read", async () => {
  for (const args of [["--rounds", "0"], ["--round", "3"], ["--workload", "larsen"], ["larson"]]) {
    const { code, stderr } = await twins(...args);
    assertEquals([code, stderr.startsWith("usage: ")], [3, true], `${args}`);
  }
  const { code, stderr } = await twins("--trace", "/no/such.trace");
  assertEquals(code, 3);
  assertMatch(stderr, /^\/no\/such\.trace: No such file[^\n]*\n$/);
});
