/** `trace convert`, `trace cut` and `trace anonymise`, as a user or a script runs them. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import * as v from "valibot";
import { TraceWrittenFileSchema } from "../../../src/model/mod.ts";
import { readTrace } from "../../../src/traces/mod.ts";
import { bytesOf, SAMPLES } from "../../traces/helpers.ts";
import { assertNarrow } from "../../report/fits.ts";
import { cli, cliWithInput, mallocLabText, withFile } from "../helpers.ts";

Deno.test("trace convert writes what is read back, says what it did, and leaves a file that is there if it cannot", async () => {
  await withFile(SAMPLES["android"]!, async (path) => {
    const expected = readTrace(path);
    for (const [name, format] of [["a.json.gz", "chrome"], ["b.trace", "hakmem"], ["c.txt", "android"]] as const) {
      const output = path.replace(/[^/]+$/, name);
      const { code, stdout, stderr } = await cli(["trace", "convert", path, "-o", output]);
      assertEquals([code, stderr], [0, ""]);
      assertEquals(stdout, `sample.trace (android) to ${name} (${format}): 7 events of 2 threads, 4 blocks\n`);
      const read = readTrace(output);
      assertEquals([read.format, read.kinds, read.sizes], [format, expected.kinds, expected.sizes]);
    }
    const output = path.replace(/[^/]+$/, "b.trace"), before = await Deno.readFile(output);
    const wrong = await cliWithInput(["trace", "convert", "-", "-o", output], bytesOf("7: malloc 0x1 8\n7: free x\n"));
    assertEquals([wrong.code, wrong.stdout], [3, ""]);
    assertMatch(wrong.stderr, /stdin: line 2: "x" is not an address/);
    assertEquals(await Deno.readFile(output), before);
    const left = [...Deno.readDirSync(path.replace(/\/[^/]+$/, ""))].map(({ name }) => name).toSorted();
    assertEquals(left, ["a.json.gz", "b.trace", "c.txt", "sample.trace"]);
  });
});

Deno.test("trace convert goes from stdin to stdout, and its notes to stderr then", async () => {
  const cut = bytesOf("7: free 0x10\n7: malloc 0x10 8\n7: free 0x1");
  const { code, stdout, stderr } = await cliWithInput(["trace", "convert", "-", "--to", "android", "-o", "-"], cut);
  assertEquals([code, stdout], [0, "7: malloc 0x10 8\n"]);
  assertMatch(stderr, /^note: its last line has no end.*\nnote: 2 frees or reallocs of blocks from before the trace/);
});

Deno.test("trace cut takes a window by events or by parts, and says what is in it", async () => {
  await withFile(mallocLabText(300), async (path) => {
    const output = `${path}.cut`, json = `${path}.json`;
    const args = ["trace", "cut", path, "--from", "300", "--to", "80%", "-o", output, "--json", json];
    const { code, stdout, stderr } = await cli(args);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(
      stdout,
      "sample.trace (malloclab) to sample.trace.cut (hakmem): 360 events of 1 thread, 300 blocks\n" +
        "note: events 301 to 360 of 450, after 300 allocations of what is live there\n",
    );
    assertNarrow(stdout);
    const file = v.parse(TraceWrittenFileSchema, JSON.parse(await Deno.readTextFile(json)));
    assertEquals([file.action, file.events, file.writtenAs], ["cut", 360, "hakmem"]);
    const replayed = await cli(["trace", "info", output]);
    assertStringIncludes(replayed.stdout, "malloc 300, free 60");
    for (
      const [from, says] of [["451", /has no event 451/], ["450", /from event 450 to event 450 has no event/]] as const
    ) {
      const wrong = await cli(["trace", "cut", path, "--from", from, "-o", output]);
      assertEquals([wrong.code, wrong.stdout], [3, ""]);
      assertMatch(wrong.stderr, says);
    }
  });
});

Deno.test("trace anonymise keeps nothing of where a trace is from, in any format", async () => {
  await withFile(SAMPLES["heaptrack"]!, async (path) => {
    for (const name of ["x.trace", "x.txt", "x.json"]) {
      const output = path.replace(/[^/]+$/, name);
      const { code, stderr } = await cli(["trace", "anonymise", path, "--round-sizes", "-o", output]);
      assertEquals([code, stderr], [0, ""]);
      assertEquals([...readTrace(output).sizes], [0x14000, 512, 0]);
      const text = await Deno.readTextFile(output);
      for (const secret of ["heaptrack", "sample", "/usr/bin/ls", "564f00e"]) {
        assertEquals(text.includes(secret), false, `${name} has ${secret}`);
      }
    }
  });
});
