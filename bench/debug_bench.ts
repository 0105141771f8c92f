/**
 * What a debug build costs, by how many allocations have their stack captured, and shared; and a guarded one, by how many
 * are guarded: pairs of malloc and free.
 */

import { Heap, type HeapOptions } from "../mod.ts";

const PAIRS = 1000;

const BUILDS: [name: string, options: HeapOptions, isShared?: boolean][] = [
  ["release", {}],
  ["guarded, one in 1000", { guard: { oneIn: 1000 } }],
  ["guarded, one in 100", { guard: { oneIn: 100 } }],
  ["guarded, all", { guard: { oneIn: 1 } }],
  ["debug, no stacks", { build: "debug", stacks: false }],
  ["debug, one stack in 100", { build: "debug", stacks: 100 }],
  ["debug, all stacks", { build: "debug", stacks: true }],
  ["debug, no stacks, shared", { build: "debug", stacks: false }, true],
  ["debug, all stacks, shared", { build: "debug", stacks: true }, true],
];

for (const [name, options, isShared = false] of BUILDS) {
  const heap = await Heap.open(options);
  if (isShared) heap.share();
  Deno.bench({
    name,
    group: `${PAIRS} pairs of malloc and free`,
    baseline: name === "release",
    fn() {
      for (let size = 1; size <= PAIRS; size++) heap.free(heap.malloc(size));
    },
  });
}
