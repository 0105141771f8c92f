/** From a recording with stacks to who allocates: `record --stacks`, `trace info --by stack`, `trace flame`. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import * as v from "valibot";
import { StacksFileSchema } from "../../../src/model/mod.ts";
import { commandOutput } from "../../../src/os/mod.ts";
import { build, linuxTest } from "../../lab/record/recorded.ts";
import { assertNarrow } from "../../report/fits.ts";
import { cli, command, mallocLabText, withFile } from "../helpers.ts";

/** A test with a recording of `programs/tree.c` that has stacks. */
function treeTest(name: string, fn: (trace: string, folder: string) => Promise<void>): void {
  linuxTest(name, async (folder) => {
    const program = await build("tree", "executable", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls");
    const trace = `${folder}/tree.trace`;
    const { code, stderr } = await cli(["record", "--stacks", "-o", trace, "--", program]);
    assertEquals(code, 0, stderr);
    assertMatch(stderr.replaceAll(/\s+/g, " "), /who called: trace info (\S+ )+--by stack, trace flame/);
    await fn(trace, folder);
  });
}

treeTest("trace info --by stack says who allocates, in the terminal and in files", async (trace, folder) => {
  const files = ["json", "csv", "markdown"].flatMap((name) => [`--${name}`, `${folder}/${name}`]);
  const { code, stdout, stderr } = await cli(["trace", "info", trace, "--by", "stack", "--top", "2", ...files]);
  assertEquals([code, stderr], [0, ""]);
  assertNarrow(stdout);
  assertMatch(stdout, /^tree.trace \(hakmem\): 155.0 KB asked for, by 3 stacks\n/);
  assertMatch(stdout, /64\.5 % +100\.0 KB +1,000 +50\.0 KB +0 +50\.0 KB\n leaf_a < middle < outer < main\n/);
  assertMatch(stdout, /1 more stack with 3\.2 % \(--top\)/);
  const file = v.parse(StacksFileSchema, JSON.parse(await Deno.readTextFile(`${folder}/json`)));
  assertEquals(file.stacks.map(({ allocated }) => allocated), [100_000, 50_000, 5000]);
  assertEquals(file.stacks[0]!.frames[0]!.function, "leaf_a");
  assertEquals([file.value, file.by, file.depth, file.whole.blocks], ["allocated", "auto", 64, 2005]);
  assertMatch(await Deno.readTextFile(`${folder}/csv`), /^allocated,.*\n100000,1000,50000,0,50000,_start;.*;leaf_a\n/);
  assertMatch(await Deno.readTextFile(`${folder}/markdown`), /\| leaf_a < middle < outer < main \|/);
  const temporary = await cli(["trace", "info", trace, "--by", "stack", "--value", "temporary"]);
  assertMatch(temporary.stdout, /1,005 temporary blocks, by 3 stacks(.|\n)*99\.5 %.*\n leaf_b < middle/);
});

treeTest("trace flame writes what viewers open, by the file's ending", async (trace, folder) => {
  const flame = async (name: string, ...args: string[]) => {
    const { code, stdout, stderr } = await cli(["trace", "flame", trace, "-o", `${folder}/${name}`, ...args]);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout.replaceAll("\n", " "), "3 stacks of 3,510 events");
    return `${folder}/${name}`;
  };
  const folded = await Deno.readTextFile(await flame("tree.folded", "--value", "peak"));
  assertEquals(folded.match(/\bmain;.*/g), ["main;outer;middle;leaf_a 50000", "main;other;leaf_a 1000"]);
  const speedscope = JSON.parse(await Deno.readTextFile(await flame("tree.speedscope.json")));
  assertEquals(speedscope.name, "tree.trace");
  assertEquals(speedscope.profiles.map(({ name, endValue }: { name: string; endValue: number }) => [name, endValue]), [
    ["allocated", 155_000],
    ["blocks", 2005],
    ["peak", 51_000],
    ["temporary", 1005],
    ["left", 50_000],
  ]);
  const page = await Deno.readTextFile(await flame("tree.html"));
  assert(!/\b(?:src|href)="(?!data:)/.test(page), "it loads nothing");
  const pprof = await flame("tree.pb.gz", "--value", "blocks");
  const top = await commandOutput("go", ["tool", "pprof", "-top", pprof]); // not everybody has it
  if (top === undefined) return;
  assertMatch(top, /Type: blocks\n(.|\n)* 1005 50\.12%.* leaf_a\n(.|\n)*outer/);
});

Deno.test("trace flame, --by stack and record with stacks refuse what cannot be, in a message", async () => {
  await withFile(mallocLabText(4), async (trace) => {
    const wrong: [args: string[], says: RegExp][] = [
      [["trace", "flame", trace, "-o", "x.folded"], /has no stacks: only recordings that record --stacks makes/],
      [["trace", "flame", trace, "-o", "x.svg"], /its ending does not say which format.*\.html, \.pb\.gz/],
      [["trace", "flame", trace], /required option '-o, --output <file>' not specified/],
      [
        ["trace", "flame", trace, "-o", "x.html", "--value", "worth"],
        /--value worth does not exist; choose one of: allocated, blocks/,
      ],
      [["trace", "info", trace, "--by", "stack"], /has no stacks/],
      [["trace", "info", trace, "--top", "3"], /--top is about stacks: add --by stack/],
      [["record", "--depth", "1000", "--", "true"], /--depth 1000 is not allowed: a whole number from 1 to 128/],
      [
        ["record", "--stacks-by", "magic", "--", "true"],
        /--stacks-by magic does not exist; choose one of: auto, fp, unwind/,
      ],
      [
        ["record", "--pid", String(Deno.pid)],
        /is already running cannot be recorded.*record --paused -- \S*deno.* SIGUSR2/,
      ],
    ];
    for (const [args, says] of wrong) {
      const { code, stdout, stderr } = await cli(args);
      assertMatch(stderr.replaceAll("\n", " "), says);
      assertEquals([code, stdout], [3, ""]);
    }
  });
});

linuxTest("record --paused tells the process's number, and passes SIGUSR2 on", async (folder) => {
  const endless = await build("endless");
  const child = command(["record", "--paused", "-o", `${folder}/x.trace`, "--", endless, "1000000000000"]).spawn();
  try {
    const stderr = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    const [, pid] = /recording is paused: kill -USR2 (\d+) resumes it/.exec((await stderr.read()).value!)!;
    child.kill("SIGUSR2");
    while (Deno.statSync(`${folder}/${recordingIn(folder)}/${pid}.0`).size < 3 * 65_536) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill("SIGTERM");
    let said = "";
    for (let part = await stderr.read(); !part.done; part = await stderr.read()) said += part.value;
    await child.stdout.cancel();
    await child.status;
    assertMatch(said.replaceAll("\n", " "), /recorded [\d,]+ events of .*recorded only while resumed, 1 time/);
  } finally {
    try {
      child.kill("SIGTERM"); // if something above failed: the program would run for ever
    } catch {
      // It has ended.
    }
    await child.status;
  }
});

function recordingIn(folder: string): string {
  return [...Deno.readDirSync(folder)].find(({ name }) => name.endsWith(".recording"))!.name;
}
