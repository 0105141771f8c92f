/** Heaps that nobody closes: of Workers that end, and of programs that let go of them. Each case has a process of its own. */

import { assert, assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";

const PROGRAM = new URL("./dropped_program.ts", import.meta.url).pathname;

/** What a case of the program says. Megabytes are those of the whole process, which has some tens of its own. */
// deno-lint-ignore no-explicit-any
async function run(name: string): Promise<any> {
  const args = ["run", "-A", "--no-config", "--quiet", "--v8-flags=--expose-gc", PROGRAM, name];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout));
}

const native = { ignore: Deno.build.os !== "linux" };

Deno.test({ ...native, name: "20 Workers that end, each with an open heap of 20 MiB, leave no 400" }, async () => {
  assertLess(await run("workers"), 150);
});

Deno.test(
  { ...native, name: "a heap that Workers shared goes with the last of them, and its handle says so" },
  async () => {
    const { left, error } = await run("attached");
    assertLess(left, 60);
    assertEquals(error, "HEAP_CLOSED");
  },
);

Deno.test({ ...native, name: "what a Worker that ended had lent stays" }, async () => {
  assertGreaterOrEqual(await run("lent"), 20);
});

Deno.test({ ...native, name: "heaps that are let go of are given back" }, async () => {
  assertLess(await run("collected"), 150); // 30 of 20 MiB
});

Deno.test("what can still be seen of a heap that was let go of stays: by a view, by its functions, by C, by transfer", async () => {
  const { all, read, left } = await run("views");
  assertGreaterOrEqual(all, 80);
  assertEquals(read, [1, true, 1, true]);
  assertLess(left, all - 30); // and goes, where that can be known
});

Deno.test("who attached and let go of it does not keep the heap open", async () => {
  assertEquals(await run("shared"), "closed");
});

Deno.test({ ...native, name: "sharing and closing heaps over and over leaves no more mappings" }, async () => {
  assertLess(await run("tombstones"), 20);
});
