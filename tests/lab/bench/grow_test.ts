/** bench/grow.ts: both programs do the same work, and each part of each way has its time. */
import { assert, assertEquals } from "@std/assert";
import { compilesWithoutWarning } from "../../os/run_child.ts";

Deno.test("grow goes up and down twice in both languages, with one stream of sizes", async () => {
  const script = new URL("../../../bench/grow.ts", import.meta.url).pathname, json = await Deno.makeTempFile();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script, "--megabytes", "8", "--points", "16", "--rounds", "1", "--json", json],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr)); // 1 if their checksums differ
    assertEquals(new TextDecoder().decode(stdout).match(/^ {2}(hakmem|system \(C\)) +\S* median /gm)?.length, 8);
    const { curves } = JSON.parse(await Deno.readTextFile(json)) as {
      curves: { name: string; ways: { way: string; nsPerOp: number[] }[] }[];
    };
    assertEquals(curves.map(({ name }) => name), ["hakmem", "system (C)"]);
    for (const { ways } of curves) {
      assertEquals(ways.map(({ way }) => way), ["up, new pages", "down", "up again", "down again"]);
      for (const { nsPerOp } of ways) {
        assertEquals(nsPerOp.length, 16);
        assert(nsPerOp.every((nanoseconds) => nanoseconds > 0 && Number.isFinite(nanoseconds)));
      }
    }
  } finally {
    await Deno.remove(json);
  }
});

Deno.test("its C twin compiles without a warning", async (t) => {
  await compilesWithoutWarning(t, ["-O2"], [new URL("../../../native/grow.c", import.meta.url).pathname]);
});

Deno.test("grow says how it is used if it does not understand its options, and exits with 3", async () => {
  const script = new URL("../../../bench/grow.ts", import.meta.url).pathname;
  for (const args of [["--megabytes", "x"], ["--points", "0"], ["--round", "3"]]) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", script, ...args] }).output();
    assertEquals([code, /^usage: /m.test(new TextDecoder().decode(stderr))], [3, true], args.join(" "));
  }
});
