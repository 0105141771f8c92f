/** bench/large.ts: both languages do each work, and each has its time. */
import { assert, assertEquals } from "@std/assert";
import { compilesWithoutWarning } from "../../os/run_child.ts";

const SCRIPT = new URL("../../../bench/large.ts", import.meta.url).pathname;

Deno.test("large times pairs, rotations and growing in our heap and in C", async () => {
  const json = await Deno.makeTempFile();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", SCRIPT, "--peer=system", "--rounds=1", "--passes=1", "--warm-up=0", "--json", json],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertEquals(new TextDecoder().decode(stdout).match(/^ (pair|rotation|grow):\w+ /gm)?.length, 14);
    const { results } = JSON.parse(await Deno.readTextFile(json)) as {
      results: { name: string; nanoseconds: Record<string, number[]> }[];
    };
    assertEquals(results.map(({ name }) => name), ["hakmem", "system"]);
    for (const { nanoseconds } of results) {
      assertEquals(Object.keys(nanoseconds).length, 14);
      assert(Object.values(nanoseconds).every(([time, ...more]) => more.length === 0 && time! > 0));
    }
  } finally {
    await Deno.remove(json);
  }
});

Deno.test("the C twin of large compiles without a warning", async (t) => {
  await compilesWithoutWarning(t, ["-O2"], [new URL("../../../native/large.c", import.meta.url).pathname]);
});

Deno.test("large says how it is used if it does not understand its options, and exits with 3", async () => {
  for (const args of [["--passes", "x"], ["--rounds", "0"], ["--round", "3"], ["--warm-up", "-1"], ["--peer", "no"]]) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", SCRIPT, ...args] }).output();
    assertEquals([code, /^(usage: |there is no peer)/m.test(new TextDecoder().decode(stderr))], [3, true], `${args}`);
  }
});
