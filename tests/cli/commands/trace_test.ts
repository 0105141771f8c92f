/** `trace` and `replay`, as a user or a script runs them. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import * as v from "valibot";
import { readChecked, ResultFileSchema, TraceFileSchema } from "../../../src/model/mod.ts";
import { bytesOf, realTrace, SAMPLES } from "../../traces/helpers.ts";
import { assertNarrow } from "../../report/fits.ts";
import { cli, cliWithInput, mallocLabText, withFile } from "../helpers.ts";
import { interrupted, terminalTest } from "../terminal.ts";

Deno.test("trace info says what a trace is like, in 100 columns", async () => {
  await withFile(SAMPLES["android"]!, async (path) => {
    const { code, stdout, stderr } = await cli(["trace", "info", path]);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^sample.trace \(android\): 7 events of 2 threads, 4 blocks, 2.3 KB live at most\n/);
    assertStringIncludes(stdout, "malloc 1, calloc 1, aligned 1, realloc 2, free 2, thread end 1\n");
    for (const part of ["allocations by size", "by lifetime", "live bytes over 7 events", "threads\n", "█"]) {
      assertStringIncludes(stdout, part);
    }
    assertNarrow(stdout);
  });
});

Deno.test("- is stdin for whatever takes a trace, and trace alone says what it can do", async () => {
  const text = bytesOf(SAMPLES["android"]!);
  for (const input of [text, new Uint8Array(gzipSync(text))]) {
    const info = await cliWithInput(["trace", "info", "-"], input);
    assertMatch(info.stdout, /^stdin \(android\): 7 events/);
    const inspect = await cliWithInput(["inspect", "-"], input);
    assertMatch(inspect.stdout, /^stdin at event 4 of 7/);
  }
  const wrong = await cliWithInput(["trace", "info", "-"], bytesOf("7: malloc 0x1 8\n7: malloc 0x1 8\n"));
  assertEquals([wrong.code, wrong.stdout], [3, ""]);
  assertMatch(wrong.stderr, /^error: stdin: line 2: allocation gave 0x1, which is live already\n$/);
  const alone = await cli(["trace"]);
  assertEquals([alone.code, alone.stdout], [3, ""]);
  assertMatch(alone.stderr, /Commands:\n {2}info /);
});

Deno.test("trace info writes JSON, CSV and Markdown", async () => {
  await withFile(SAMPLES["malloclab"]!, async (path) => {
    const csv = `${path}.csv`, markdown = `${path}.md`;
    const { code, stdout } = await cli(["trace", "info", path, "--json", "-", "--csv", csv, "--markdown", markdown]);
    assertEquals(code, 0);
    const file = v.parse(TraceFileSchema, JSON.parse(stdout));
    assertEquals([file.format, file.events, file.blocks, file.endLiveBytes], ["malloclab", 8, 3, 0]);
    assertMatch(await Deno.readTextFile(csv), /^histogram,up_to,count,bytes\nsize,16,0,0\n/);
    assertMatch(
      await Deno.readTextFile(markdown),
      /^\*\*sample.trace \(malloclab\): .*\*\*\n\n.*\n\n.*\n\n8 events, too few for replay .*\n\n\| size to \|/,
    );
  });
});

Deno.test("traces that cannot be read exit with 3 and say where, and leave no file of results", async () => {
  const wrong: [text: string, says: RegExp][] = [
    ["nothing", /sample.trace: line 1: not a trace of a format that is known: android/],
    [`${SAMPLES["android"]}7: free 99\n`, /sample.trace: line 9: "99" is not an address/],
  ];
  for (const [text, says] of wrong) {
    await withFile(text, async (path) => {
      for (const args of [["trace", "info"], ["replay"]]) {
        const { code, stdout, stderr } = await cli([...args, path, "--json", `${path}.json`]);
        assertEquals([code, stdout], [3, ""]);
        assertMatch(stderr, says);
        assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
        assertEquals([...Deno.readDirSync(path.replace(/\/[^/]+$/, ""))].length, 1);
      }
    });
  }
});

Deno.test("replay prints time and memory in 100 columns, and writes a result file", async () => {
  await withFile(mallocLabText(300), async (path) => {
    const args = ["replay", path, "--quick", "--peer", "system", "--variant", "slab-map"];
    const json = `${path}.json`, markdown = `${path}.md`;
    const { code, stdout } = await cli([...args, "--json", json, "--markdown", markdown]);
    assertEquals(code, 0);
    assertMatch(
      stdout.replaceAll("\n", " "),
      /^sample.trace is too short to judge: it has 450 events, .*; least memory: .* MB /,
    );
    assertMatch(stdout.replaceAll("\n", " "), /every event served and verified by 2 allocators/);
    assertNarrow(stdout);
    const file = readChecked(ResultFileSchema, await Deno.readTextFile(json));
    assertEquals(file.trace?.events, 450);
    const measured = file.results.filter(({ runtime }) => runtime !== "harness");
    assertEquals(measured.map(({ allocator }) => allocator), ["slab-map", "system"]);
    for (const result of measured) {
      const { verified, events, peakFootprintBytes, averageFootprintBytes, peakLiveBytes, pageFaults, longestNs } =
        result;
      assertEquals([verified, events], [true, 450]);
      assert(result.coldSamples!.length >= 3, "first replays, as many as a slow machine has time for");
      assert([peakFootprintBytes, averageFootprintBytes, peakLiveBytes, pageFaults, longestNs].every((x) => x! >= 0));
    }
    assertMatch(
      await Deno.readTextFile(markdown),
      /^\*\*sample.trace is .*\*\*\n\n.*\n\n\| allocator \| cold ms \|/,
    );
    const page = await cli(["report", json, "-o", `${path}.html`]);
    assertEquals([page.code, page.stderr], [0, ""]);
    const html = await Deno.readTextFile(`${path}.html`);
    for (const part of ["sample.trace is too short", "Memory over the trace", "live bytes"]) {
      assertStringIncludes(html, part);
    }
  });
});

terminalTest("replay ends with 3 and leaves nothing when it is interrupted", async () => {
  await withFile(mallocLabText(3000), async (path) => {
    const json = `${path}.json`;
    const args = ["replay", path, "--rounds", "1000", "--peer", "system", "--json", json];
    const { code, stdout, stderr, isRestored } = await interrupted(args);
    assertEquals([code, stdout, stderr, isRestored], [3, "", "interrupted: there is nothing to show\n", true]);
    assertEquals([...Deno.readDirSync(path.replace(/\/[^/]+$/, ""))].length, 1);
  });
});

const REAL = realTrace();

Deno.test({
  name: `the real trace is served and verified${REAL === undefined ? ": skipped, systemui.zip is not there" : ""}`,
  ignore: REAL === undefined,
  fn: async () => {
    const { code, stdout } = await cli(["replay", REAL!, "--quick", "--peer", "system", "--json", "-"]);
    assertEquals(code, 0);
    const { results, trace } = readChecked(ResultFileSchema, stdout);
    assertEquals([trace?.events, trace?.threads], [786_097, 393]);
    const verified = results.filter((result) => result.verified).map(({ allocator }) => allocator);
    assertEquals(verified, ["slab-map", "system"]);
    assertEquals(results.every(({ events }) => events === 786_097), true);
  },
});
