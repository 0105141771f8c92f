/**
 * Words of a heap's state are overwritten, one at a time, as C code could do it; then it is used. Each call is right or
 * throws a `HeapError`; it ends, nothing outside of the heap changes, and no live block is given out again.
 *
 * All of it runs in processes of their own: one that hangs, or dies, would take the test with it.
 */

import { assert, assertEquals } from "@std/assert";

interface Outcome {
  readonly damages: number;
  readonly errors: number;
  readonly found: string[];
}

/** Where the words are; more than so many are overwritten in each part, with more than so many errors. Samples lead to none. */
const HEAPS = {
  own: ["", 80, 50],
  shared: [", on a shared heap", 80, 50],
  debug: [", in a debug build's books", 80, 50],
  guarded: [", in the books of guarded blocks", 80, 50],
  "guarded state": [", on a shared heap with guarded blocks", 40, 20],
  profiled: [", in the samples of a profile", 80, -1],
  "profiled state": [", on a shared heap that is profiled", 40, 20],
} as const;

for (const [which, [where, least, leastErrors]] of Object.entries(HEAPS)) {
  for (const part of [0, 1, 2, 3]) {
    Deno.test(`a word of state that is overwritten, part ${part}${where}: right, or an error`, async () => {
      const program = new URL("damage_program.ts", import.meta.url);
      const command = new Deno.Command(Deno.execPath(), {
        // Each damage has a heap of its own; by this V8 does not collect garbage at each (`tests/all.ts`).
        args: ["run", "--quiet", "-P", "--v8-flags=--max-old-space-size=65536", program.href, String(part), which],
        stdout: "piped",
        stderr: "piped",
      });
      const process = command.spawn(), timer = setTimeout(() => process.kill("SIGKILL"), 120_000);
      const { code, signal, stdout, stderr } = await process.output();
      clearTimeout(timer);
      const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
      assertEquals([code, signal], [0, null], `${lines.at(-1)}\n${new TextDecoder().decode(stderr)}`);
      const { damages, errors, found }: Outcome = JSON.parse(lines.at(-1)!);
      assertEquals(found, []);
      assert(damages > least && errors > leastErrors, `${damages} damages, ${errors} errors`);
    });
  }
}

Deno.test("no view of a heap leads to its state, or past its blocks", async () => {
  const { Heap } = await import("../../../src/heap/mod.ts");
  using heap = await Heap.open({ reserveBytes: 16 * 2 ** 20 });
  const { u8, i8, u16, i16, u32, i32, f32, f64, data } = heap;
  const live = Array.from({ length: 500 }, (_, index) => heap.malloc(index * 7));
  const first = Math.min(...live);
  for (const view of [u8, i8, u16, i16, u32, i32, f32, f64, data]) {
    assertEquals([view.byteLength, view.byteOffset, view.buffer], [16 * 2 ** 20, 0, u8.buffer]);
  }
  // Nobody uses what lies below the first block: the heap does not mind what is written there.
  for (const [start, end] of [[0, first], [u8.length - 4096, u8.length]]) u8.fill(0xa5, start, end);
  heap.check();
  assertEquals([...heap.blocks()].map(({ ptr }) => ptr), live.toSorted((a, b) => a - b));
  for (const ptr of live) heap.free(ptr);
  heap.collect();
  heap.check();
});
