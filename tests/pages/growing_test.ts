/**
 * The walk of the heap's page from a program whose memory grows to who holds it: the program runs as the page says, and what
 * it writes answers the question in pprof, where Go is installed, and in what speedscope reads.
 */
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { Profile } from "pprof-format";
import { PAGES, ROOT } from "./pages.ts";

const SECTION = "### Memory grows: who holds it?";

const BLOCKS = PAGES.find(({ path }) => path === "src/heap/README.md")!.blocks
  .filter(({ section }) => section.startsWith(SECTION));

function blockOf(language: string): string {
  const found = BLOCKS.filter((block) => block.language === language);
  assertEquals(found.length, 1, `${language} in "${SECTION}"`);
  return found[0]!.text;
}

/** Runs a line of the page in a folder: what it wrote; undefined if its program is not installed. */
async function run(line: string, cwd: string): Promise<string | undefined> {
  const [program, ...args] = line.split(" ");
  try {
    const { code, stdout, stderr } = await new Deno.Command(program === "deno" ? Deno.execPath() : program!, {
      args,
      cwd,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return undefined;
  }
}

/** Bytes in use by the innermost function. */
function inUseBy(bytes: Uint8Array): Map<string, number> {
  const { stringTable, function: functions, location, sample, sampleType } = Profile.decode(gunzipSync(bytes));
  const text = (at: unknown) => stringTable.strings[Number(at)]!;
  const value = sampleType.findIndex(({ type }) => text(type) === "inuse_space"), sums = new Map<string, number>();
  for (const { locationId, value: values } of sample) {
    const { line } = location.find(({ id }) => Number(id) === Number(locationId[0]))!;
    const name = text(functions.find(({ id }) => Number(id) === Number(line[0]!.functionId))!.name);
    sums.set(name, (sums.get(name) ?? 0) + Number(values[value]));
  }
  return sums;
}

Deno.test("the page's program whose memory grows shows in pprof and speedscope who holds it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    await Deno.writeTextFile(`${folder}/server.ts`, blockOf("ts"));
    await Deno.mkdir(`${folder}/hakmem`);
    await Deno.writeTextFile(`${folder}/hakmem/mod.ts`, `export * from "${new URL(`file://${ROOT}mod.ts`).href}";\n`);
    const [program, viewer, pprof, ...more] = blockOf("sh").split("\n");
    assertEquals(more, []);
    assert(await run(program!, folder) !== undefined);

    const first = inUseBy(await Deno.readFile(`${folder}/10000.pb.gz`));
    const second = inUseBy(await Deno.readFile(`${folder}/20000.pb.gz`));
    assertEquals([...second.keys()].filter((name) => second.get(name)! > 0).toSorted(), ["(anonymous)", "remember"]);
    assertAlmostEquals((second.get("remember")! - first.get("remember")!) / 10_000_000, 1, 0.2);
    assertEquals(second.get("(anonymous)"), first.get("(anonymous)"));

    assertMatch(viewer!, /^npx -y speedscope 20000\.speedscope\.json$/); // it opens a browser
    const { profiles, shared, activeProfileIndex } = JSON.parse(
      await Deno.readTextFile(`${folder}/20000.speedscope.json`),
    );
    const { name, samples, weights, endValue } = profiles[activeProfileIndex];
    assertEquals(name, "inuse_space");
    const held = weights.reduce((sum: number, weight: number, at: number) => {
      return shared.frames[samples[at].at(-1)].name === "remember" ? sum + weight : sum;
    }, 0);
    assertAlmostEquals(held / endValue, 0.8, 0.05);

    const top = await run(pprof!, folder);
    if (top === undefined) {
      console.log("Go is not installed (Debian: golang-go), so `go tool pprof` reads nothing here");
    } else assertMatch(top, /^ *[\d.]+MB +100% +100% +[\d.]+MB +100% +remember$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
