import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InvalidOptionError } from "../../../src/heap/mod.ts";
import { resolveSpec } from "../../../src/lab/contest/specs.ts";
import { commandOutput } from "../../../src/os/mod.ts";
import { PeerError } from "../../../src/peers/find.ts";
import { CAN_PRELOAD, compile, SMALL } from "../../peers/libraries.ts";

const ROOT = decodeURIComponent(new URL("../../../", import.meta.url).pathname);

async function messageOf(text: string): Promise<string> {
  return (await assertRejects(() => resolveSpec(text), InvalidOptionError)).message;
}

Deno.test("a variant is one of this source, with its flags", async () => {
  const { contestant, variant, source } = await resolveSpec("box, integrity=1");
  assertEquals([contestant.allocator, contestant.runtime, variant, source], [
    "box,integrity=1",
    "deno",
    "box,integrity=1",
    undefined,
  ]);
});

Deno.test("a peer is itself, and has no flags", async () => {
  assertEquals((await resolveSpec("system")).contestant.runtime, "native");
  assertEquals((await resolveSpec("thi.ng")).contestant.runtime, "js");
  assert((await messageOf("system,refill=3")).includes("is a peer, and has no flags"));
});

Deno.test({
  name: CAN_PRELOAD
    ? "a path of a library is that, preloaded"
    : "a path of a library (skipped: needs Linux and a compiler)",
  ignore: !CAN_PRELOAD,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const path = (await compile(folder, "libsmall.so", SMALL))!;
      const { contestant } = await resolveSpec(path);
      assertEquals([contestant.allocator, contestant.command.serves], ["libsmall.so", await Deno.realPath(path)]);
      assert((await messageOf(`${path},refill=3`)).includes("is a peer, and has no flags"));
      await assertRejects(() => resolveSpec(`${folder}/none.so`), PeerError, "none.so does not exist");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("a folder is another copy of the source, with its default or a variant of its own", async () => {
  const { contestant, source } = await resolveSpec(ROOT);
  assertEquals([contestant.allocator, source], ["slab-map", ROOT.replace(/\/$/, "")]);
  assert(contestant.command.args.some((arg) => arg.startsWith("--source=file:///")));
  assertEquals((await resolveSpec(`${ROOT},box`)).contestant.allocator, "box");
  assertEquals((await resolveSpec(`${ROOT},refill=8`)).contestant.allocator, "slab-map,refill=8");
  assert((await messageOf(`${ROOT},bax`)).includes('no variant "bax"'));
});

Deno.test("what is nothing of these is an error that says what there is", async () => {
  const message = await messageOf("slabmap");
  for (const word of ["slab-map", "phase7-1.2", "system", "a folder", "a git revision"]) assert(message.includes(word));
  assert((await messageOf("./tests")).includes("mod.ts and src/heap are missing"));
  assert((await messageOf("slab-map,again=7")).includes("0 or 1"));
});

Deno.test("a revision is taken out of the repository, once", async () => {
  const hash = (await commandOutput("git", ["-C", ROOT, "rev-parse", "HEAD"]))?.trim();
  if (hash === undefined) return console.log("skipped: this copy is in no repository, or there is no git");
  const first = await resolveSpec(hash.slice(0, 12)), second = await resolveSpec("HEAD,refill=8");
  assertEquals([first.source, second.source], [hash, hash]);
  assertEquals(second.contestant.allocator, "slab-map,refill=8");
  const folder = first.contestant.command.args.find((arg) => arg.startsWith("--source="))!.slice("--source=".length);
  assert((await Deno.stat(new URL(`${folder}/src/heap/variants.ts`))).isFile);
});

Deno.test("a revision is not run from a folder that others may write", async () => {
  const hash = (await commandOutput("git", ["-C", ROOT, "rev-parse", "HEAD"]))?.trim();
  if (hash === undefined) return console.log("skipped: this copy is in no repository, or there is no git");
  const cache = await Deno.makeTempDir(), planted = `${cache}/sources/${hash}`;
  const before = Deno.env.get("HAKMEM_CACHE");
  Deno.env.set("HAKMEM_CACHE", cache);
  try {
    await Deno.mkdir(`${planted}/src/heap`, { recursive: true });
    await Deno.writeTextFile(`${planted}/src/heap/variants.ts`, 'throw new Error("planted");');
    await Deno.chmod(planted, 0o777);
    assertMatch(await messageOf(hash), /^the sources in .* are not used: /);
    await Deno.rename(planted, `${cache}/elsewhere`);
    await Deno.symlink(`${cache}/elsewhere`, planted);
    assertMatch(await messageOf(hash), /^the sources in .* are not used: /);
    await Deno.remove(planted);
    assertEquals((await resolveSpec(hash)).source, hash);
  } finally {
    if (before === undefined) Deno.env.delete("HAKMEM_CACHE");
    else Deno.env.set("HAKMEM_CACHE", before);
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("resolveSpec() says so of a revision that is gone, by its first digits", async () => {
  const gone = "0123456789abcdef0123456789abcdef01234567";
  assertMatch(await messageOf(`${gone},slab-map`), /^the revision 0123456789ab is not in this repository: /);
});
