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

Deno.test("a small block that moves to any other class has the contents that fit, and the old block is free", async () => {
  for (const variant of ["slab-map", "e3-2", "slab-map,profile=1", "slab-map,guard=1"]) {
    using heap = await Heap.open({ variant });
    const sizes = [1, 16, 17, 100, 128, 250, 256, 257, 300, 1000, 5000, heap.goodSize(20_000)];
    for (const from of sizes) {
      for (const to of [0, ...sizes]) {
        if (heap.goodSize(from) === heap.goodSize(to)) continue;
        const ptr = heap.malloc(from), behind = heap.malloc(from);
        for (let at = 0; at < from; at++) heap.u8[ptr + at] = at * 7 + 1;
        heap.u8.fill(9, behind, behind + from);
        const moved = heap.realloc(ptr, to), count = Math.min(from, to);
        const others = heap.malloc(from);
        assertEquals(heap.usableSize(moved) >= to, true, `${variant}: ${from} to ${to}`);
        for (let at = 0; at < count; at++) {
          assertEquals(heap.u8[moved + at], (at * 7 + 1) & 255, `${from} to ${to}, ${at}`);
        }
        assertEquals(heap.u8.subarray(behind, behind + from).every((byte) => byte === 9), true);
        for (const block of [moved, behind, others]) heap.free(block);
      }
    }
    heap.check();
    assertEquals(heap.stats().liveBlocks, 0);
  }
});

Deno.test("a block that moves says what is wrong with its pointer, and no block is lost", async () => {
  using heap = await Heap.open();
  const code = (action: () => unknown) => assertThrows(action, HeapError).code;
  const ptr = heap.malloc(100), other = heap.malloc(100);
  for (const wrong of [ptr + 16, ptr + 0.5, ptr - 16, -ptr, 2 ** 40, NaN, 64]) {
    assertEquals(code(() => heap.realloc(wrong, 1000)), "INVALID_POINTER", `${wrong}`);
  }
  for (const wrong of [10n, Symbol("pointer"), { valueOf: () => ptr }, String(ptr), undefined, null]) {
    assertEquals(code(() => heap.realloc(wrong as number, 1000)), "INVALID_POINTER", typeof wrong);
    assertEquals(code(() => heap.realloc(ptr, wrong as number)), "INVALID_SIZE", typeof wrong);
    assertEquals(code(() => heap.realloc(0, wrong as number)), "INVALID_SIZE", typeof wrong);
  }
  const loan = heap.lend(ptr);
  assertEquals(code(() => heap.realloc(ptr, 1000)), "HEAP_BUSY");
  loan[Symbol.dispose]();
  heap.free(ptr);
  assertEquals(code(() => heap.realloc(ptr, 1000)), "DOUBLE_FREE");
  assertEquals([...heap.blocks()].map((block) => block.ptr), [other]);
  heap.check();
  heap.close();
  assertEquals([code(() => heap.realloc(other, 1000)), code(() => heap.realloc(0, 1000))], [
    "HEAP_CLOSED",
    "HEAP_CLOSED",
  ]);
});

Deno.test("a large block beyond the first 2 GiB that becomes a small one keeps the contents that fit", async () => {
  using heap = await Heap.open();
  const low = heap.malloc(100), blocks = Array.from({ length: 40 }, () => heap.malloc(64 * 1024 * 1024));
  const far = blocks.at(-1)!;
  assertEquals([low < 2 ** 31, far > 2 ** 31], [true, true]);
  for (const size of [5, 100, 300]) {
    const ptr = heap.realloc(blocks.pop()!, 64 * 1024 * 1024 - 100_000); // in place, or elsewhere
    for (let at = 0; at < 400; at++) heap.u8[ptr + at] = at * 3 + 1;
    const small = heap.realloc(ptr, size);
    for (let at = 0; at < size; at++) assertEquals(heap.u8[small + at], (at * 3 + 1) & 255, `${size}, ${at}`);
    heap.free(small);
  }
  heap.check();
});
