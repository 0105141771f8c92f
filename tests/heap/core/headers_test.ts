/** Headers of release builds: what happens when the byte in front of a block, or an AllocHeader, is not as it was. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Heap, HeapError, type HeapErrorCode, VARIANTS } from "../../../src/heap/mod.ts";
import { heapOf, plant } from "../../planted.ts";
import { Oracle } from "../../../src/verify/oracle.ts";

/** Variants whose small blocks have headers. */
const HEADER_VARIANTS = Object.keys(VARIANTS).filter((name) => {
  const { header, writeHeader } = VARIANTS[name]!;
  return header === "byte" && writeHeader !== "never";
});
/** A size of each class that has a header in all of them. */
const SIZES = [0, 1, 15, 16, 31, 63, 100, 255, 511, 1000];
const LARGEST_CLASS_SIZE = 2000;

function assertCode(code: HeapErrorCode | HeapErrorCode[], run: () => unknown): HeapError {
  const error = assertThrows(run, HeapError);
  assert([code].flat().includes(error.code), `${error.code} is not ${code}: ${error.message}`);
  return error;
}

for (const variant of HEADER_VARIANTS) {
  const sizes = VARIANTS[variant]!.c7 === "header" ? [...SIZES, LARGEST_CLASS_SIZE] : SIZES;

  Deno.test(`${variant}: a header that is not a header is HEADER_CORRUPTED, and the block stays`, async () => {
    using heap = await Heap.open({ variant });
    const oracle = new Oracle(heap);
    for (const size of sizes) {
      const ptr = oracle.malloc(size), due = heap.u8[ptr - 1]!;
      const { liveBlocks, liveBytes } = heap.stats();
      for (const byte of [0, 0xff, 0x41, due & 0x0f, due ^ 0x10, 0xaf]) {
        heap.u8[ptr - 1] = byte;
        const calls = [
          () => heap.free(ptr),
          () => heap.realloc(ptr, size),
          () => heap.realloc(ptr, size + 5000),
          () => heap.realloc(ptr, 100_000),
          () => heap.realloc(ptr, 0),
          () => heap.check(),
        ];
        for (const call of calls) {
          const error = assertCode("HEADER_CORRUPTED", call);
          assertEquals(error.ptr, ptr);
          assertStringIncludes(error.message, `is 0x${byte.toString(16)}, not 0x${due.toString(16)}`);
        }
        assert(heap.owns(ptr));
        const stats = heap.stats();
        assertEquals([stats.liveBlocks, stats.liveBytes], [liveBlocks, liveBytes], "nothing is lost or left over");
      }
      heap.u8[ptr - 1] = due;
      oracle.audit();
      oracle.free(ptr);
    }
    for (const size of sizes) for (let count = 0; count < 100; count++) oracle.malloc(size);
    oracle.audit();
    oracle.freeAll();
    oracle.audit();
  });

  Deno.test(`${variant}: a header of another class is found by free or by the next malloc of that class`, async () => {
    using heap = await Heap.open({ variant });
    const ptr = heap.malloc(100), other = heap.malloc(1000);
    const due = heap.u8[ptr - 1]!;
    heap.u8[ptr - 1] = heap.u8[other - 1]!;
    assertCode("HEADER_CORRUPTED", () => heap.check());
    assertCode("HEADER_CORRUPTED", () => {
      heap.free(ptr);
      heap.malloc(1000);
    });
    heap.u8[ptr - 1] = due;
    heap.check();
    const ptrs = Array.from({ length: 1000 }, (_, index) => heap.malloc(index % 2 === 0 ? 100 : 1000));
    assertEquals(new Set(ptrs).size, 1000);
    for (const each of [...ptrs, other]) heap.free(each);
    heap.check();
  });

  Deno.test(`${variant}: a NUL past a block's end is found by the next block, and its double free too`, async () => {
    using heap = await Heap.open({ variant });
    for (const size of sizes) {
      const ptrs = Array.from({ length: 200 }, () => heap.malloc(size)).toSorted((a, b) => a - b);
      const stride = heap.usableSize(ptrs[0]!) + 1;
      const at = ptrs.findIndex((ptr, index) => ptrs[index + 1] === ptr + stride);
      const ptr = ptrs[at]!, neighbour = ptrs[at + 1]!, due = heap.u8[neighbour - 1]!;
      heap.u8[ptr + heap.usableSize(ptr)] = 0;
      assertCode("HEADER_CORRUPTED", () => heap.free(neighbour));
      heap.u8[neighbour - 1] = due;
      heap.free(neighbour);
      heap.u8[ptr + heap.usableSize(ptr)] = 0;
      assertCode("HEADER_CORRUPTED", () => heap.check());
      assertCode(["DOUBLE_FREE", "HEADER_CORRUPTED"], () => heap.free(neighbour));
      heap.u8[neighbour - 1] = due;
      for (const each of ptrs) if (each !== neighbour) heap.free(each);
      heap.check();
    }
  });

  Deno.test(`${variant} in debug: a header that a write from afar changed is HEADER_CORRUPTED`, async () => {
    using heap = await Heap.open({ build: "debug", variant, stacks: false, log: () => {} });
    const oracle = new Oracle(heap);
    const ptr = oracle.malloc(100), at = ptr - 17, due = heap.u8[at]!; // beyond the redzone
    heap.u8[at] = 0;
    for (const call of [() => heap.free(ptr), () => heap.realloc(ptr, 10), () => heap.check()]) {
      assertCode("HEADER_CORRUPTED", call);
    }
    assert(heap.owns(ptr));
    heap.u8[at] = due;
    oracle.audit();
    oracle.free(ptr);
    heap.u8[at] = 0;
    assertCode("HEADER_CORRUPTED", () => heap.check());
    assertCode("HEADER_CORRUPTED", () => heap.collect());
    heap.u8[at] = due;
    heap.check();
  });
}

Deno.test("what has no header by its flags is freed, whatever lies in front of it", async () => {
  const cases = [
    ["phase7", LARGEST_CLASS_SIZE],
    ["phase7-macro-bug", 100],
    ["e4,c7=headerless", LARGEST_CLASS_SIZE],
    ["slab-map", 100],
    ["slab-map,classes=seed", 100],
  ] as const;
  for (const [variant, size] of cases) {
    for (const classify of ["registry-first", "registry-last", "probe"]) {
      using heap = await Heap.open({ variant: `${variant},classify=${classify}` });
      for (const byte of [0, 0x41, 0x5f, 0xff]) {
        const ptr = heap.malloc(size);
        heap.u8[ptr - 1] = byte;
        heap.check();
        heap.free(ptr);
        assertEquals(heap.owns(ptr), false);
        assertCode("DOUBLE_FREE", () => heap.free(ptr));
      }
      assertEquals(heap.stats().liveBlocks, 0);
    }
  }
});

Deno.test("a header that was written when its block was carved is looked at too", async () => {
  using heap = await Heap.open({ variant: "phase7,writeHeader=carve" });
  const ptr = heap.malloc(100);
  heap.u8[ptr - 1] = 1;
  assertCode("HEADER_CORRUPTED", () => heap.free(ptr));
});

Deno.test("check() finds a build that writes no headers, in release and in debug, whose frees are right else", async () => {
  using planted = await plant("drop-header");
  const broken = await heapOf(planted);
  for (const build of ["release", "debug"] as const) {
    using heap = await broken.Heap.open({ variant: "e4,prewarm=0", build, log: () => {} });
    heap.check();
    const ptr = heap.malloc(100);
    assertThrows(() => heap.check(), broken.HeaderCorruptedError);
    assertThrows(() => heap.free(ptr), broken.HeaderCorruptedError);
    assert(heap.owns(ptr));
  }
});

for (const variant of Object.keys(VARIANTS)) {
  Deno.test(`${variant}: a large block whose AllocHeader is damaged is HEADER_CORRUPTED, and stays`, async () => {
    using heap = await Heap.open({ variant });
    const oracle = new Oracle(heap);
    for (const ptr of [oracle.malloc(100_000), oracle.alignedAlloc(65_536, 100_000)]) {
      const { liveBlocks, liveBytes, chargedBytes } = heap.stats();
      for (const offset of [1, 4, 8, 12, 16]) {
        heap.u8[ptr - offset]! ^= 1;
        for (const size of [0, 100, 20_000, 100_000, 200_000]) {
          assertCode("HEADER_CORRUPTED", () => heap.realloc(ptr, size));
        }
        assertCode("HEADER_CORRUPTED", () => heap.free(ptr));
        assertCode("HEADER_CORRUPTED", () => heap.check());
        heap.u8[ptr - offset]! ^= 1;
        assert(heap.owns(ptr));
      }
      heap.check();
      const stats = heap.stats();
      assertEquals(
        [stats.liveBlocks, stats.liveBytes, stats.chargedBytes],
        [liveBlocks, liveBytes, chargedBytes],
        "realloc has left no new block behind",
      );
    }
    oracle.audit();
    oracle.freeAll();
  });

  Deno.test(`${variant}: realloc of a block that is free leaves nothing behind`, async () => {
    using heap = await Heap.open({ variant });
    const ptr = heap.malloc(100);
    heap.free(ptr);
    assertCode("DOUBLE_FREE", () => heap.realloc(ptr, 1000));
    assertCode("DOUBLE_FREE", () => heap.realloc(ptr, 100_000));
    heap.check();
    assertEquals(heap.stats().liveBlocks, 0);
  });
}
