import { assertEquals } from "@std/assert";
import { Heap, VARIANTS } from "../../src/heap/mod.ts";

const SIZES = [0, 1, 15, 16, 100, 1000, 2040, 5000, 32_768, 40_000, 300_000];

for (const build of ["release", "debug"] as const) {
  for (const variant of Object.keys(VARIANTS)) {
    Deno.test(`${variant}, ${build}: blockOf() resolves any interior pointer to its block`, async () => {
      using heap = await Heap.open({ variant, build, log: () => {} });
      const ptrs = SIZES.flatMap((size) => [heap.malloc(size), heap.alignedAlloc(4096, size)]);
      for (const ptr of ptrs) {
        const usable = heap.usableSize(ptr);
        for (let at = 0; at < usable; at += Math.max(1, Math.floor(usable / 50))) {
          assertEquals(heap.blockOf(ptr + at), ptr);
        }
        assertEquals(heap.blockOf(ptr), ptr);
        assertEquals(heap.blockOf(ptr + Math.max(1, usable)) === ptr, false);
        assertEquals(heap.blockOf(ptr + 0.5), 0);
      }
      for (const ptr of ptrs) {
        heap.free(ptr);
        assertEquals(heap.blockOf(ptr), 0);
      }
      for (const bad of [0, -1, NaN, Infinity, 70_000, 2 ** 40, 2 ** 31]) assertEquals(heap.blockOf(bad), 0);
    });
  }
}
