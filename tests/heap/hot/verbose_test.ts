/** The flag `verbose`: the first five calls of each path, to the log of a debug build, and nothing anywhere else. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Heap, InvalidOptionError, VARIANTS } from "../../../src/heap/mod.ts";

/** What a heap tells, from its opening on: filling its lists is a path as any other. */
async function withLines(variant: string, run: (heap: Heap) => void): Promise<string[]> {
  const lines: string[] = [];
  const heap = await Heap.open({
    variant,
    build: "debug",
    stacks: false,
    quarantineBytes: 0,
    log: (line) => lines.push(line),
  });
  run(heap);
  heap.close();
  return lines.filter((line) => line.startsWith("hakmem: "));
}

function churn(heap: Heap): void {
  for (let round = 0; round < 20; round++) {
    const ptrs = Array.from({ length: 200 }, (_, index) => heap.malloc(index % 3 === 0 ? 50_000 : 100));
    for (const ptr of ptrs) heap.free(ptr);
    heap.collect();
  }
}

for (const variant of Object.keys(VARIANTS)) {
  Deno.test(`${variant}: verbose=1 tells the first five calls of each path`, async () => {
    const lines = await withLines(`${variant},verbose=1,capacity=8`, churn);
    const counts = new Map<string, number>();
    for (const line of lines) {
      const path = /^hakmem: ([a-z ]+): /.exec(line)?.[1] ?? line;
      counts.set(path, (counts.get(path) ?? 0) + 1);
    }
    const paths = [
      "malloc fast",
      "malloc slow",
      "free slow",
      "front gate",
      "refill",
      "spill",
      "slab taken",
      "slab returned",
    ];
    if (variant !== "phase7-macro-bug") paths.push("free fast");
    for (const path of paths) assertEquals(counts.get(path), 5, `${path} in\n${lines.join("\n")}`);
    assert([...counts.values()].every((count) => count <= 5), lines.join("\n"));
  });
}

Deno.test("verbose=1 tells sizes, pointers and classes, and counts go on beside it", async () => {
  let counted = 0;
  const lines = await withLines("slab-map,verbose=1,counters=1,prewarm=0", (heap) => {
    heap.free(heap.malloc(100));
    counted = heap.counters()!.refills;
  });
  const text = lines.join("\n");
  assertEquals(counted, 1);
  assertStringIncludes(text, "refill: class 10\n");
  assert(/malloc slow: malloc\(132\) gives 0x[0-9a-f]+\n/.test(text), text);
  assert(/free fast: free\(0x[0-9a-f]+\)/.test(text), text);
});

Deno.test("debug builds without verbose, and release builds, tell nothing", async () => {
  assertEquals(await withLines("slab-map,capacity=8", churn), []);
  const lines: string[] = [];
  using heap = await Heap.open({ variant: "slab-map,capacity=8", log: (line) => lines.push(line) });
  const opening = lines.length;
  churn(heap);
  assertEquals(lines.length, opening);
});

Deno.test("a release build refuses verbose=1", async () => {
  const error = await assertRejects(() => Heap.open({ variant: "slab-map,verbose=1" }), InvalidOptionError);
  assertStringIncludes(error.message, 'build: "debug"');
});
