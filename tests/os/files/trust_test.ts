/** What the cache takes from its folder, and who could have put it there. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { namesIn, runChild, temporaryFolder } from "../run_child.ts";

const NOBODY = 65534;
const isRoot = Deno.uid() === 0;

/** A cache with a library in it, and how the next process likes it. */
async function openCache() {
  const folder = temporaryFolder();
  const cache = `${folder.path}/cache`;
  const run = (path = cache, TMPDIR = "/tmp") => runChild("memory", { HAKMEM_CACHE: path, TMPDIR });
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

Deno.test("nothing is built in a TMPDIR whose content others could change, and a line says so", async () => {
  using it = await openCache();
  const shared = `${it.path}/shared`;
  await Deno.mkdir(shared);
  await Deno.chmod(shared, 0o777);
  const { source, works, note } = await it.run("/dev/null/x", shared);
  assertEquals([source, works], ["libc", true]);
  assertMatch(note ?? "", /^the cache folder \/dev\/null\/x .*nothing is built in .*others may write to [^\n]*$/);
  await Deno.chmod(shared, 0o1777);
  assertEquals((await it.run("/dev/null/x", shared)).source, "native");
});

Deno.test("a library has the mode 0700 whatever the umask is", async () => {
  using it = await openCache();
  // Where nobody may do anything with what is new, only root can go on, in the compiler's temporary files.
  for (const umask of isRoot ? [0o000, 0o077, 0o777] : [0o000, 0o077]) {
    await Deno.remove(it.library);
    const old = Deno.umask(umask);
    try {
      assertEquals(await it.run(), { source: "native", works: true, same: true });
    } finally {
      Deno.umask(old);
    }
    assertEquals((await Deno.lstat(it.library)).mode! & 0o777, 0o700);
  }
});

Deno.test("where the disk of the cache folder is full, the library is built elsewhere, and a line says so", async () => {
  using it = await openCache();
  const mounted = `${it.path}/full`;
  await Deno.mkdir(mounted);
  const mount = ["-t", "tmpfs", "-o", "size=8k,mode=0700", "tmpfs", mounted];
  if (!isRoot || !(await new Deno.Command("mount", { args: mount, stderr: "null" }).output()).success) {
    return console.log("a folder cannot be mounted here: skipped");
  }
  try {
    const { source, works, note } = await it.run(mounted);
    assertEquals([source, works], ["native", true]);
    assertMatch(note ?? "", /^cannot write to the cache folder .*full .*; built for this process only$/);
  } finally {
    await new Deno.Command("umount", { args: [mounted] }).output();
  }
});

Deno.test("a cache folder from which nothing may be loaded is not used, and a line says so", async () => {
  using it = await openCache();
  const mounted = `${it.path}/noexec`;
  await Deno.mkdir(mounted);
  const mount = ["-t", "tmpfs", "-o", "noexec,mode=0700", "tmpfs", mounted];
  if (!isRoot || !(await new Deno.Command("mount", { args: mount, stderr: "null" }).output()).success) {
    return console.log("a folder cannot be mounted here: skipped");
  }
  try {
    await Deno.copyFile(it.library, `${mounted}/${it.library.split("/").at(-1)}`);
    for (let time = 0; time < 2; time++) {
      const { source, works, note } = await it.run(mounted);
      assertEquals([source, works], ["native", true]);
      assertMatch(note ?? "", /^what is built in .*noexec cannot be used .*built for this process only$/);
    }
    const { source, note } = await it.run(mounted, mounted);
    assertEquals(source, "libc");
    assertMatch(note ?? "", /^what cc made cannot be used: .*/);
  } finally {
    await new Deno.Command("umount", { args: [mounted] }).output();
  }
});
