/** What the cache takes from its folder, and who could have put it there. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { namesIn, runChild, temporaryFolder } from "./run_child.ts";

const NOBODY = 65534;
const isRoot = Deno.uid() === 0;

/** A cache with a library in it, and how the next process likes it. */
async function openCache() {
  const folder = temporaryFolder();
  const cache = `${folder.path}/cache`;
  const run = (path = cache) => runChild("memory", { HAKMEM_CACHE: path, TMPDIR: "/tmp" });
  assertEquals(await run(), { source: "native", works: true, same: true });
  return { ...folder, [Symbol.dispose]: folder[Symbol.dispose], cache, library: `${cache}/${namesIn(cache)[0]}`, run };
}

Deno.test("a cache folder that others may write to, or above which they may, is not used, and a line says so", async () => {
  using it = await openCache();
  for (const path of [it.cache, it.path]) {
    await Deno.chmod(path, 0o777);
    const { source, works, note } = await it.run();
    assertEquals([source, works], ["native", true]);
    assertMatch(note ?? "", /others may write to .*built for this process only/);
    await Deno.chmod(path, 0o700);
  }
  assertEquals((await it.run()).note, undefined);
});

Deno.test("a cache folder that is a link is not used", async () => {
  using it = await openCache();
  await Deno.symlink(it.cache, `${it.path}/link`);
  for (const end of ["", "/."]) assertMatch((await it.run(`${it.path}/link${end}`)).note ?? "", /is a link/);
});

Deno.test("a library that others may write to, or that is a link, is made again in its place", async () => {
  using it = await openCache();
  await Deno.chmod(it.library, 0o777);
  assertEquals((await it.run()).note, undefined);
  assertEquals((await Deno.lstat(it.library)).mode! & 0o777, 0o700);
  await Deno.rename(it.library, `${it.path}/elsewhere`);
  await Deno.symlink(`${it.path}/elsewhere`, it.library);
  assertEquals((await it.run()).note, undefined);
  assert((await Deno.lstat(it.library)).isFile);
});

Deno.test("what another user owns is not used", async () => {
  if (!isRoot) return console.log("only root can give files to another user: skipped");
  using it = await openCache();
  const { ino } = await Deno.lstat(it.library);
  await Deno.chown(it.library, NOBODY, NOBODY);
  assertEquals((await it.run()).note, undefined);
  const mended = await Deno.lstat(it.library);
  assertNotEquals(mended.ino, ino);
  assertEquals(mended.uid, 0);
  for (const path of [it.cache, it.path]) {
    await Deno.chown(path, NOBODY, NOBODY);
    assertMatch((await it.run()).note ?? "", /belongs to another user \(65534.*built for this process only/);
    await Deno.chown(path, 0, 0);
  }
});
