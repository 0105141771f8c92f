/** What a debug build costs, by how many allocations have their stack captured: pairs of malloc and free. */

import { Heap, type HeapOptions } from "../mod.ts";

const PAIRS = 1000;

const BUILDS: [name: string, options: HeapOptions][] = [
  ["release", {}],
  ["debug, no stacks", { build: "debug", stacks: false }],
  ["debug, one stack in 100", { build: "debug", stacks: 100 }],
  ["debug, all stacks", { build: "debug", stacks: true }],
];

for (const [name, options] of BUILDS) {
  const heap = await Heap.open(options);
  Deno.bench({
    name,
    group: `${PAIRS} pairs of malloc and free`,
    baseline: name === "release",
    fn() {
      for (let size = 1; size <= PAIRS; size++) heap.free(heap.malloc(size));
    },
  });
}
