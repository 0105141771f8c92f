/** `inspect`, as a user or a script runs it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import * as v from "valibot";
import { InspectFileSchema, type ResultFile } from "../../../src/model/mod.ts";
import { renderJson } from "../../../src/report/mod.ts";
import { fixture } from "../../report/fixture.ts";
import { SAMPLES } from "../../traces/helpers.ts";
import { assertNarrow } from "../../report/fits.ts";
import { cli, mallocLabText, withFile } from "../helpers.ts";

/** What replay would write of a trace of so many events: the footprint of one of the allocators. */
function replayFile(events: number): ResultFile {
  const file = fixture();
  const footprint = { events: [1, events], liveBytes: [512, 0], footprintBytes: [4096, 8192] };
  return {
    ...file,
    trace: { file: "sample.trace", format: "malloclab", events, threads: 1, blocks: 3, crossThreadFrees: 0 },
    results: file.results.slice(0, 6).map((result) =>
      result.allocator === "system" ? { ...result, footprint, pageFaults: 0 } : result
    ),
  };
}

Deno.test("inspect says in 100 columns what the heap is like where most is live, and writes every table", async () => {
  await withFile(mallocLabText(3000), async (path) => {
    const files = ["json", "csv", "md"].map((name) => `${path}.${name}`) as [string, string, string];
    const [json, csv, markdown] = files;
    const args = ["inspect", path, "--frames", "5", "--json", json, "--csv", csv, "--markdown", markdown];
    const { code, stdout, stderr } = await cli(args);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^sample.trace at event 3,000 of 4,500: 7.\d MB live in \d.\d MB, \d+.\d % fragmentation\n/);
    for (const part of ["heap map", "▁ to █ slab", "in memory ", "size classes that waste the most", " MiB  █"]) {
      assertStringIncludes(stdout, part);
    }
    assertNarrow(stdout);
    const file = v.parse(InspectFileSchema, JSON.parse(await Deno.readTextFile(json)));
    assertEquals([file.event, file.trace.events, file.variant], [3000, 4500, "slab-map"]);
    assertEquals(file.frames.map(({ event }) => event), [900, 1800, 2700, 3000, 3600, 4500]);
    const lines = (await Deno.readTextFile(csv)).trimEnd().split("\n");
    assertMatch(lines[0]!, /^size_class,stride,slabs,blocks,live_blocks,/);
    assertEquals(lines.length, 1 + file.snapshot.classes.length);
    assertMatch(await Deno.readTextFile(markdown), /^\*\*sample.trace at .*\*\*\n\n.*\n\n\| class \|/);
  });
});

Deno.test("inspect looks at an event, or after a part of the trace, in the variant that is asked for", async () => {
  await withFile(SAMPLES["android"]!, async (path) => {
    for (const [at, event] of [["3", 3], ["50%", 4], ["0", 0], ["100%", 7]] as const) {
      const { code, stdout } = await cli(["inspect", path, "--at", at, "--variant", "phase7", "--json", "-"]);
      assertEquals(code, 0);
      const file = v.parse(InspectFileSchema, JSON.parse(stdout));
      assertEquals([file.event, file.variant], [event, "phase7"]);
      const live = [0, 1024, 1160, 2184][event];
      if (live !== undefined) assertEquals(file.frames.find((frame) => frame.event === event)?.askedBytes, live);
    }
  });
});

Deno.test("inspect has nothing to show of damaged traces and of events that are not there: exit code 3", async () => {
  const wrong: [text: string, args: string[], says: RegExp][] = [
    ["nothing", [], /sample.trace: line 1: not a trace of a format that is known: android/],
    [`${SAMPLES["android"]}7: free 99\n`, [], /sample.trace: line 9: "99" is not an address/],
    [SAMPLES["android"]!, ["--at", "8"], /sample.trace has no event 8: its events are 1 to 7/],
    [SAMPLES["android"]!, ["--at", "101%"], /--at 101% is not allowed: the number of an event, or a part/],
    [SAMPLES["android"]!, ["--at", "-1"], /--at -1 is not allowed/],
    [SAMPLES["android"]!, ["--variant", "e9"], /e9/],
    [SAMPLES["android"]!, ["--replay", "deno.json"], /--replay deno.json is not what replay writes with --json/],
  ];
  for (const [text, args, says] of wrong) {
    await withFile(text, async (path) => {
      const { code, stdout, stderr } = await cli(["inspect", path, ...args, "--json", `${path}.json`]);
      assertEquals([code, stdout], [3, ""]);
      assertMatch(stderr, says);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
      assertEquals([...Deno.readDirSync(path.replace(/\/[^/]+$/, ""))].length, 1);
    });
  }
});

Deno.test("inspect --html writes one page that loads nothing and runs nothing; --replay has others' memory in it", async () => {
  await withFile(SAMPLES["malloclab"]!, async (path) => {
    const replayed = `${path}.replay.json`, page = `${path}.html`;
    await Deno.writeTextFile(replayed, renderJson(replayFile(8)));
    const { code, stderr } = await cli(["inspect", path, "--html", page, "--replay", replayed]);
    assertEquals([code, stderr], [0, ""]);
    const html = await Deno.readTextFile(page);
    assertEquals(html.match(/<script|src=|url\(|https?:\/\/(?!www\.w3\.org)/g), null);
    assertStringIncludes(html, "in memory, system");
    assert(!html.includes("in memory, none"), "the do-nothing allocator has no footprint");
    assertEquals(html.match(/<input type="radio"/g)?.length, 8);
    assertEquals(html.match(/ checked/g)?.length, 1);

    const again = await cli(["inspect", path, "--json", `${path}.json`]);
    assertEquals(again.code, 0);
    const parts = await cli(["report", `${path}.json`, replayed, "-o", page, "--json", "-"]);
    assertEquals(parts.code, 0, parts.stderr);
    assert(JSON.parse(parts.stdout).parts[0].sections.includes("Heap map"));

    const other = `${path}.other`;
    await Deno.writeTextFile(other, SAMPLES["android"]!);
    const wrong = await cli(["inspect", other, "--replay", replayed]);
    assertEquals([wrong.code, wrong.stdout], [3, ""]);
    assertMatch(wrong.stderr, /replay.json is a replay of 8 events: sample.trace.other has 7 events/);
  });
});
