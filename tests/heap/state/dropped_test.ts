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

Deno.test({ ...native, name: "28 Workers that end, each with an open heap of 20 MiB, leave no 560" }, async () => {
  assertLess(await run("workers"), 150);
});

Deno.test({
  ...native,
  name: "of a Worker that ended stays what is shared or lent, and nobody dies of a view of the rest",
}, async () => {
  const { stay, left, view, more } = await run("kept");
  assertGreaterOrEqual(stay, 40);
  assertGreaterOrEqual(left, 40);
  assertEquals(view, 0);
  assertLess(more, 100);
});

Deno.test("heaps that are let go of are given back", async () => {
  assertLess(await run("collected"), 150); // 25 of 20 MiB
});

Deno.test("a heap that was let go of stays where a view, a function, C, a transferred buffer or a loan leads to it", async () => {
  const { read, all, left } = await run("reached");
  assertEquals(read, [1, true, 1, 1, 1, [0, true]]);
  assertGreaterOrEqual(all, 100);
  assertLess(left, all - 30); // the first two, when they are let go of
});

Deno.test({ ...native, name: "Workers that end leave 256 tombstones of shared heaps at most" }, async () => {
  assertLess(await run("tombstones"), 100); // of 300 more
});

Deno.test("heaps that are let go of, however many, leave 256 mappings at most", async () => {
  assertLess(await run("bounded"), 100); // of 400 more
});
