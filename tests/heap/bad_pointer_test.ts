/**
 * Bad pointers in release builds: each is a typed error, the heap stays usable, and every other block is intact. What a
 * release build does not promise (a double free much later, for one) is not here.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Heap, HeapError, type HeapErrorCode, VARIANTS } from "../../src/heap/mod.ts";
import { Oracle } from "../../src/verify/oracle.ts";

const GIB = 1024 ** 3;

function assertCode(code: HeapErrorCode | HeapErrorCode[], run: () => unknown): HeapError {
  const error = assertThrows(run, HeapError);
  assert([code].flat().includes(error.code), `${error.code} is not ${code}: ${error.message}`);
  return error;
}

/** Runs with a heap that has blocks of all kinds, and sees afterwards that they are all as they were. */
async function withLiveHeap(variant: string, run: (heap: Heap, oracle: Oracle) => void): Promise<void> {
  using heap = await Heap.open({ variant });
  const oracle = new Oracle(heap);
  for (let size = 1; size < 200_000; size = Math.ceil(size * 1.3)) oracle.malloc(size);
  run(heap, oracle);
  oracle.audit();
  for (let size = 1; size < 200_000; size = Math.ceil(size * 1.3)) oracle.malloc(size);
  oracle.audit();
  oracle.freeAll();
  oracle.audit();
}

const NUMBERS = [
  -1,
  -16,
  -65_536,
  -(2 ** 31),
  -(2 ** 31) - 16,
  -(2 ** 40),
  0.5,
  70_000.5,
  1e6 + 0.25,
  NaN,
  Infinity,
  -Infinity,
  1,
  15,
  16,
  4096,
  65_535,
  65_536,
  70_000,
  2 ** 20, // the heap's own state
  2 ** 31,
  2 ** 31 - 16,
  2 ** 32,
  2 ** 36,
  2 ** 36 - 16,
  2 ** 40,
  2 ** 53,
  2 ** 60,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
]; // deno-fmt-ignore

for (const variant of Object.keys(VARIANTS)) {
  Deno.test(`${variant}: free throws INVALID_POINTER for numbers that are not pointers of the heap`, async () => {
    await withLiveHeap(variant, (heap) => {
      for (const bad of NUMBERS) {
        const error = assertCode("INVALID_POINTER", () => heap.free(bad));
        assert(Object.is(error.ptr, bad));
        assertCode("INVALID_POINTER", () => heap.usableSize(bad));
        assertCode("INVALID_POINTER", () => heap.realloc(bad, 10));
        assertCode("INVALID_POINTER", () => heap.bytes(bad));
        assertEquals(heap.owns(bad), false);
      }
    });
  });

  Deno.test(`${variant}: a second free at once is an error`, async () => {
    await withLiveHeap(variant, (heap) => {
      for (const size of [0, 1, 16, 100, 1000, 2000, 10_000, 40_000, 2e6]) {
        const ptr = heap.malloc(size);
        heap.free(ptr);
        assertCode(["DOUBLE_FREE", "INVALID_POINTER"], () => heap.free(ptr));
        assertCode(["DOUBLE_FREE", "INVALID_POINTER"], () => heap.free(ptr));
        assertEquals(heap.owns(ptr), false);
      }
    });
  });
}

Deno.test("free throws INVALID_POINTER for every byte inside a block", async () => {
  await withLiveHeap("slab-map", (heap, oracle) => {
    for (const [ptr, { usable }] of oracle.live) {
      const step = Math.max(1, Math.floor(usable / 500));
      for (let at = 1; at < usable; at += step) {
        assertCode("INVALID_POINTER", () => heap.free(ptr + at));
        if (at % 97 === 0) assertCode("INVALID_POINTER", () => heap.usableSize(ptr + at));
        assertEquals(heap.owns(ptr + at), false);
      }
      assertCode("INVALID_POINTER", () => heap.free(ptr + 0.5));
    }
  });
});

Deno.test("a wild double never aliases a block of the slab that its low 32 bits name", async () => {
  await withLiveHeap("slab-map", (heap, oracle) => {
    for (const ptr of oracle.live.keys()) {
      for (const wild of [ptr + 2 ** 32, ptr + 3 * 2 ** 32, ptr - 2 ** 32, ptr + 2 ** 31, ptr + 2 ** 45, -ptr]) {
        assertCode("INVALID_POINTER", () => heap.free(wild));
      }
    }
  });
});

Deno.test("a pointer into a slab that went back is an error", async () => {
  using heap = await Heap.open();
  const ptrs = Array.from({ length: 10_000 }, () => heap.malloc(128));
  for (const ptr of ptrs) heap.free(ptr);
  heap.collect();
  for (const ptr of ptrs) assertCode("INVALID_POINTER", () => heap.free(ptr));
  heap.check();
});

Deno.test("a place in a slab at which no block was made yet is not a block, except to free", async () => {
  using heap = await Heap.open({ variant: "slab-map,prewarm=0,refill=1" });
  const ptr = heap.malloc(1000);
  const next = ptr + heap.usableSize(ptr);
  assertEquals(heap.owns(next), false);
  assertCode("INVALID_POINTER", () => heap.usableSize(next));
});

Deno.test("user data that looks like an AllocHeader makes no block", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(300_000), other = heap.malloc(300_000);
  heap.u8.copyWithin(ptr + 65_536, other - 16, other);
  heap.u8.copyWithin(ptr + 160, other - 16, other);
  assertCode("INVALID_POINTER", () => heap.free(ptr + 65_552));
  assertCode("INVALID_POINTER", () => heap.free(ptr + 176));
  heap.check();
});

Deno.test("a loop of links is found when its list is spilled", async () => {
  using heap = await Heap.open({ variant: "slab-map,capacity=8,magazines=0" });
  const ptrs = Array.from({ length: 100 }, () => heap.malloc(48));
  heap.free(ptrs[0]!);
  heap.free(ptrs[1]!);
  heap.free(ptrs[0]!); // not the last to be freed: a release build does not notice
  assertCode("HEADER_CORRUPTED", () => heap.check());
  assertCode("HEADER_CORRUPTED", () => {
    for (const ptr of ptrs.slice(2)) heap.free(ptr);
  });
});

Deno.test("ptrAt() throws INVALID_POINTER outside the heap, and says whether there is memory", async () => {
  using heap = await Heap.open(), other = await Heap.open();
  const foreign = other.address(other.malloc(10));
  assert(assertCode("INVALID_POINTER", () => heap.ptrAt(foreign)).message.includes("mapped, but not by this heap"));
  assert(assertCode("INVALID_POINTER", () => heap.ptrAt(16n)).message.includes("not mapped"));
  const end = heap.base + BigInt(heap.stats().reservedBytes);
  for (const bad of [-1n, heap.base, end, 1n << 63n, (1n << 64n) - 1n, 1n << 70n]) {
    assertCode("INVALID_POINTER", () => heap.ptrAt(bad));
  }
  for (const bad of [-1, 64 * GIB, 0.5, NaN]) {
    assertCode("INVALID_POINTER", () => heap.address(bad));
    assertCode("INVALID_POINTER", () => heap.pointer(bad));
  }
});
