/** bench/lists.ts: our heap and both kinds of list do the same work, warm and with emptied caches. */
import { assertEquals, assertMatch } from "@std/assert";

const SCRIPT = new URL("../../../bench/lists.ts", import.meta.url).pathname;

async function lists(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "-q", SCRIPT, ...args] });
  const { code, stdout, stderr } = await command.output(), decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("lists measures a trace and a workload with our heap and with each kind of list, which lose no block", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const trace = `${folder}/a.trace`; // a longer name is broken where figures are wide, as of a busy machine
    await Deno.writeTextFile(trace, "hakmem aging: seed=1 megabytes=1 phases=2 events=4000 threads=1\n");
    const { code, stdout, stderr } = await lists("--rounds", "1", "--seconds", "0.1", trace, "larson");
    assertEquals([code, stderr], [0, ""]);
    const rows = stdout.trim().split("\n").slice(2).map((line) => line.trim().split(/ {2,}/));
    assertEquals(rows[0], ["work", "caches", "hakmem", "links", "array"]);
    const works = ["a.trace", "larson"];
    const expected = works.flatMap((work) => ["warm", "emptied"].map((caches) => [work, caches]));
    assertEquals(rows.slice(1).map((row) => row.slice(0, 2)), expected);
    for (const cell of rows.slice(1).flatMap((row) => row.slice(2))) {
      assertMatch(cell, /^\d+\.\d\d \(\d+\.\d\d–\d+\.\d\d\)$/);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("lists says what it cannot read, and how it is used, and exits with 3", async () => {
  const wrong = [["/no/such.trace"], [], ["--round", "3", "larson"], ["--rounds", "0", "larson"]];
  for (const [index, args] of wrong.entries()) {
    const { code, stderr } = await lists(...args);
    assertEquals(code, 3);
    assertMatch(stderr, index === 0 ? /No such file/ : /^usage: /);
  }
});
