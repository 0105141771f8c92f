/** The hot path of realloc: a block stays where it is just where it should, and what it cannot judge goes on. */
import { assertEquals, assertThrows } from "@std/assert";
import { Heap, HeapError } from "../../../src/heap/mod.ts";

/** Sizes around the ends of classes, small and large, to above the largest. */
function sizesAround(heap: Heap): number[] {
  const sizes: number[] = [];
  for (let size = 0; size < 20 << 20; size = heap.goodSize(size) + 1) sizes.push(size, heap.goodSize(size));
  return sizes;
}

for (const variant of ["slab-map", "slab-map,spanCache=0", "e3-2"]) {
  Deno.test(`realloc leaves a block of the class of the new size where it is: ${variant}`, async () => {
    using heap = await Heap.open({ variant });
    for (const size of sizesAround(heap)) {
      const usable = heap.goodSize(size);
      const ptr = heap.malloc(size);
      for (const wanted of [usable, size, usable]) {
        assertEquals(heap.realloc(ptr, wanted), ptr, `${size} to ${wanted}`);
        assertEquals(heap.usableSize(ptr), usable, `${size} to ${wanted}`);
      }
      const longer = heap.realloc(ptr, usable + 1);
      assertEquals(heap.usableSize(longer), heap.goodSize(usable + 1), `${size} to ${usable + 1}`);
      heap.free(longer);
    }
    heap.check();
    assertEquals(heap.stats().liveBlocks, 0);
  });
}

Deno.test("realloc of a size of the same class says what is wrong with a pointer, as of any other", async () => {
  using heap = await Heap.open();
  const code = (action: () => unknown) => assertThrows(action, HeapError).code;
  for (const size of [100, 100_000]) {
    const ptr = heap.malloc(size);
    for (const wrong of [ptr + 16, ptr + 0.5, ptr - 16, -ptr, 2 ** 40, NaN]) {
      assertEquals(code(() => heap.realloc(wrong, size)), "INVALID_POINTER", `${size}, ${wrong}`);
    }
    for (const wrong of [-1, 0.5, NaN, Infinity]) {
      assertEquals(code(() => heap.realloc(ptr, wrong)), "INVALID_SIZE", `${size}, ${wrong}`);
    }
    for (const wrong of [10n, Symbol("size"), { valueOf: () => size }, String(size)]) {
      assertEquals(code(() => heap.realloc(ptr, wrong as number)), "INVALID_SIZE", `${size}, ${typeof wrong}`);
      assertEquals(code(() => heap.realloc(wrong as number, size)), "INVALID_POINTER", `${size}, ${typeof wrong}`);
    }
    const loan = heap.lend(ptr);
    assertEquals(code(() => heap.realloc(ptr, size)), "HEAP_BUSY");
    loan[Symbol.dispose]();
    assertEquals(heap.realloc(ptr, size), ptr);
    heap.free(ptr);
  }
  // Blocks lie one behind the other, up to a slab's end, and are given out from the first on: the last is not, yet.
  const small = heap.malloc(3000), last = Math.ceil((small + 1) / 65_536) * 65_536 - heap.goodSize(3000);
  assertEquals(code(() => heap.realloc(last, 3000)), "INVALID_POINTER");
  const large = heap.malloc(100_000);
  heap.u8[large - 1]! ^= 1;
  assertEquals(code(() => heap.realloc(large, 100_000)), "HEADER_CORRUPTED");
  heap.u8[large - 1]! ^= 1;
  heap.close();
  assertEquals(code(() => heap.realloc(large, 100_000)), "HEAP_CLOSED");
});
