/**
 * `deno bench -P`: what malloc and free cost by size and by order, for our heap, libc's malloc through FFI, and
 * `new Uint8Array`. For a look while working on a path; the lab's `bench` is what figures are quoted from.
 *
 * An iteration is a thousand mallocs and as many frees: one pair would be lost in the harness of `deno bench`. All three run
 * in one process and share its type feedback, so each has loops of its own, made from text by `makeLoops`.
 *
 * @module
 */
import { openAllocator } from "../src/peers/mod.ts";
import type { Allocator } from "../src/workloads/mod.ts";
import { DEFAULT_VARIANT } from "../src/heap/mod.ts";
import { makeLoops, ORDERS, warmUp } from "./loops.ts";

const SIZES = [16, 64, 128, 512, 1024, 4096];

const CONTESTANTS = [
  { name: "heap", label: `hakmem (${DEFAULT_VARIANT})`, baseline: true },
  { name: "ffi", label: "malloc through FFI", baseline: false },
  { name: "uint8array", label: "new Uint8Array", baseline: false },
];

for (const { name, label, baseline } of CONTESTANTS) {
  await openAllocator(name, DEFAULT_VARIANT, <P>(allocator: Allocator<P>) => {
    const loops = makeLoops(allocator);
    warmUp(loops);
    for (const size of SIZES) {
      for (const order of ORDERS) {
        Deno.bench({ name: label, group: `${size} bytes, ${order}`, baseline, fn: () => loops[order](size) });
      }
    }
  });
}
