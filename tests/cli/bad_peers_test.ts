/** A peer that was asked for and hangs, or lies, ends in a line that names it and exit code 3, whatever the command. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readChecked, ResultFileSchema } from "../../src/model/mod.ts";
import { CAN_PRELOAD, compile, hanging, LIARS } from "../peers/libraries.ts";
import { cli, headline, mallocLabText, SHORT, withFile } from "./helpers.ts";

const SKIPPED = CAN_PRELOAD ? "" : " (skipped: needs Linux and a C compiler)";

Deno.test({
  name: `a peer that hangs or lies is named by every command, and the exit code is 3${SKIPPED}`,
  ignore: !CAN_PRELOAD,
  fn: async (t) => {
    await withFile(mallocLabText(40), async (trace) => {
      const folder = trace.slice(0, trace.lastIndexOf("/"));
      const stuck = (await compile(folder, "libstuck.so", hanging(3000)))!;
      const twice = (await compile(folder, "libtwice.so", LIARS["twice"]!.source))!;
      const gate = `${folder}/gate.json`, json = `${folder}/bench.json`;
      const threshold = {
        name: "beats it",
        kind: "ratio",
        workload: "hot-pair",
        sizes: [16],
        peer: stuck,
        least: 0.01,
      };
      await Deno.writeTextFile(gate, JSON.stringify({ thresholds: [threshold] }));
      const late = /contestant libstuck\.so took more than 10 s to answer/,
        lies = /libtwice\.so .*the same block twice/;
      // All at once: what takes long is to wait for the one that hangs.
      const runs: [args: string[], says: RegExp][] = [
        [["bench", "hot-pair", ...SHORT, "--peer", `system,${stuck},${twice}`, "--json", json], late],
        [["bench", "hot-pair", ...SHORT, "--peer", twice, "--json", `${folder}/none.json`], lies],
        [["compare", "system", stuck, "--quick", "--size", "16"], late],
        [["compare", twice, "system", "--quick", "--size", "16"], lies],
        [["replay", trace, "--quick", "--peer", `system,${stuck}`], late],
        [["gate", gate, "--quick"], late],
        [["doctor", "--witness", "--workload", "hot-pair", "--peer", stuck], late],
      ];
      const outcomes = await Promise.all(runs.map(([args]) => cli(args)));
      for (const [index, [args, says]] of runs.entries()) {
        await t.step(args.join(" ").replaceAll(`${folder}/`, ""), () => {
          const { code, stdout, stderr } = outcomes[index]!;
          assertMatch(stdout.replace(/\s+/g, " ") + stderr, says);
          assertMatch(stderr, /^error: .*lib(stuck|twice)\.so/m);
          assertEquals(stderr.includes("    at "), false, `a stack is not a message: ${stderr}`);
          assertEquals(code, 3);
        });
      }
      await t.step("the headline is of those that were measured, and the file says who failed", async () => {
        const { results, failures } = readChecked(ResultFileSchema, await Deno.readTextFile(json));
        const [first] = outcomes[0]!.stdout.split("\n");
        assertMatch(first!, headline("hot-pair"));
        assertEquals([first!.includes(" as system "), first!.includes("lib")], [true, false], first);
        assertEquals(failures?.map(({ allocator }) => allocator), ["libstuck.so", "libtwice.so"]);
        assertEquals(results.some(({ allocator }) => allocator.startsWith("lib")), false);
        assertStringIncludes(outcomes[0]!.stderr, "error: asked for, but not measured: ");
      });
      await t.step("nothing is measured where nobody is left to compare with", async () => {
        assertEquals([outcomes[1]!.stdout, outcomes[5]!.stdout], ["", ""]);
        assertEquals((await Array.fromAsync(Deno.readDir(folder))).some(({ name }) => name === "none.json"), false);
      });
    });
  },
});
