/** bench/shares.ts: every sample belongs to a part, and what is the heap's is told from what is the replay's. */
import { assert, assertEquals, assertMatch } from "@std/assert";

Deno.test("shares has all of a replay's time, by parts that add up to all of it, and the counts beside them", async () => {
  const script = new URL("../../../bench/shares.ts", import.meta.url).pathname;
  const trace = await Deno.makeTempFile({ suffix: ".trace" });
  try {
    await Deno.writeTextFile(trace, "hakmem aging: seed=1 megabytes=1 phases=2 events=4000 threads=1\n");
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script, "--seconds", "0.3", trace],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const rows = new TextDecoder().decode(stdout).trim().split("\n").slice(2).map((line) =>
      line.split("|").slice(1, -1).map((cell) => cell.trim())
    );
    const figures = new Map(rows.map(([name, value]) => [name!, Number(value!.replaceAll(",", ""))]));
    const shares = [...figures.values()].slice(0, [...figures.keys()].indexOf("all, ns an event"));
    assert(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 100) < 0.05 * shares.length, `${shares}`);
    for (const part of ["push: free", "the replay: loop, writing and verifying blocks"]) {
      assert(figures.get(part)! > 0, `V8 saw nothing of ${part}: was it compiled before it was looked at?`);
    }
    const counted = (name: string): number => figures.get(`${name}, of a million events`)!;
    assert(counted("mallocs") > 450_000 && counted("mallocs") < 550_000);
    // What the trace leaves live is freed when it begins anew.
    assert(Math.abs(counted("mallocs") - counted("frees")) < 50_000);
    assert(counted("fastFrees") <= counted("frees"));
  } finally {
    await Deno.remove(trace);
  }
});

Deno.test("shares says in a line what it cannot read, and exits with 3", async () => {
  const script = new URL("../../../bench/shares.ts", import.meta.url).pathname;
  const args = ["run", "-A", "-q", script, "/no/such.trace"];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assertEquals(code, 3);
  assertMatch(new TextDecoder().decode(stderr), /^\/no\/such\.trace: No such file[^\n]*\n$/);
});
