/** Random programs against the oracle, in debug builds of all variants. No correct program ever trips a check. */

import { assert, assertEquals } from "@std/assert";
import { Heap, type HeapOptions, VARIANTS } from "../../../src/heap/mod.ts";
import { Oracle } from "../../../src/verify/oracle.ts";
import { assertPrograms } from "../programs.ts";

const MIB = 1024 * 1024;

/** Debug heaps whose log has nothing to say. */
async function withDebugHeap(options: HeapOptions, run: (heap: Heap) => void): Promise<void> {
  const notes: string[] = [];
  const heap = await Heap.open({ build: "debug", log: (line) => notes.push(line), ...options });
  const opening = notes.length;
  run(heap);
  heap.close();
  assertEquals(notes.slice(opening), []);
}

for (const variant of Object.keys(VARIANTS)) {
  Deno.test(`${variant} in debug agrees with the oracle in random programs`, async () => {
    const numRuns = variant === "slab-map" ? 20 : 5;
    await withDebugHeap({ variant, stacks: 64 }, (heap) => assertPrograms(heap, numRuns, 20261122));
  });
}

Deno.test("a debug build agrees with the oracle with any quarantine, and with short lists", async () => {
  for (const quarantineBytes of [0, 1000, 64 * MIB]) {
    await withDebugHeap({ variant: "slab-map,capacity=4,refill=1", stacks: false, quarantineBytes }, (heap) => {
      assertPrograms(heap, 8, 7);
    });
  }
});

Deno.test("a debug build agrees with the oracle when memory is short", async () => {
  await withDebugHeap({ maxBytes: 3 * MIB, reserveBytes: 8 * MIB, stacks: false }, (heap) => {
    assertPrograms(heap, 20, 11);
  });
});

Deno.test("debug: alignedAlloc aligns to every power of two, and realloc keeps contents between sizes", async () => {
  for (const variant of ["slab-map", "e4"]) {
    await withDebugHeap({ variant }, (heap) => {
      const oracle = new Oracle(heap);
      for (let alignment = 1; alignment <= 1024 * MIB; alignment *= 2) {
        for (const size of [0, 1, 100, 5000]) {
          const ptr = oracle.alignedAlloc(alignment, size);
          assert(ptr !== 0, `${alignment}, ${size}`);
          if (size === 1) oracle.free(oracle.realloc(ptr, 300));
        }
      }
      const sizes = [0, 1, 15, 16, 100, 2000, 2048, 32_768, 65_521, 200_000];
      for (const from of sizes) for (const to of sizes) oracle.free(oracle.realloc(oracle.malloc(from), to));
      oracle.audit();
      oracle.freeAll();
      oracle.audit();
    });
  }
});
