/**
 * The corners of the interface. Random programs (`model_test.ts`) find most bugs; this file covers what they hardly
 * reach: 0, overflow, null, every alignment, every pair of classes, the limit, and sizes over 2 GiB.
 */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { Heap, HeapError, InvalidAlignmentError, InvalidSizeError, VARIANTS } from "../../src/heap/mod.ts";
import { openVirtualMemory } from "../../src/os/mod.ts";
import { sizeClasses } from "../../src/heap/core/size_classes.ts";
import { stateBytes } from "../../src/heap/state/layout.ts";
import { Oracle } from "../../src/verify/oracle.ts";

const KIB = 1024, MIB = 1024 * KIB, GIB = 1024 * MIB;
const BAD_SIZES = [-1, -0.5, 0.5, 1e9 + 0.5, NaN, Infinity, -Infinity, -(2 ** 31), -(2 ** 40)];

Deno.test("malloc(0) gives live blocks, no two the same", async () => {
  using heap = await Heap.open();
  const ptrs = Array.from({ length: 1000 }, () => heap.malloc(0));
  assertEquals(new Set(ptrs).size, 1000);
  assert(ptrs.every((ptr) => ptr !== 0 && heap.owns(ptr)));
  assertEquals(heap.stats().liveBlocks, 1000);
  for (const ptr of ptrs) heap.free(ptr);
  assertEquals(heap.stats().liveBlocks, 0);
});

Deno.test("free(0) does nothing, usableSize(0) is 0", async () => {
  using heap = await Heap.open();
  heap.free(0);
  heap.free(-0);
  assertEquals(heap.usableSize(0), 0);
  assertEquals(heap.owns(0), false);
  heap.check();
});

Deno.test("malloc, calloc, realloc and alignedAlloc throw INVALID_SIZE for what is not a size", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(10);
  for (const size of BAD_SIZES) {
    assertThrows(() => heap.malloc(size), InvalidSizeError);
    assertThrows(() => heap.calloc(1, size), InvalidSizeError);
    assertThrows(() => heap.calloc(size, 1), InvalidSizeError);
    assertThrows(() => heap.calloc(size, 0), InvalidSizeError);
    assertThrows(() => heap.realloc(ptr, size), InvalidSizeError);
    assertThrows(() => heap.realloc(0, size), InvalidSizeError);
    assertThrows(() => heap.alignedAlloc(64, size), InvalidSizeError);
    assertThrows(() => heap.goodSize(size), InvalidSizeError);
    assertThrows(() => heap.bytes(ptr, size), InvalidSizeError);
  }
  // @ts-expect-error what a program without types may pass
  assertThrows(() => heap.malloc("12"), InvalidSizeError);
  // @ts-expect-error the same
  assertThrows(() => heap.malloc(), InvalidSizeError);
  // @ts-expect-error the same
  assertThrows(() => heap.malloc(12n), InvalidSizeError);
  assertEquals(heap.stats().liveBlocks, 1);
  heap.check();
});

Deno.test("a size that cannot be had gives 0 and changes nothing", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(100);
  heap.u8.fill(7, ptr, ptr + 100);
  for (const size of [2 ** 37, 2 ** 46, 2 ** 53, 2 ** 60, Number.MAX_VALUE]) {
    assertEquals(heap.malloc(size), 0);
    assertEquals(heap.calloc(1, size), 0);
    assertEquals(heap.realloc(ptr, size), 0);
    assertEquals(heap.alignedAlloc(64, size), 0);
  }
  assertEquals(heap.calloc(2 ** 32, 2 ** 32), 0);
  assertEquals(heap.calloc(2 ** 53, 2 ** 53), 0);
  assertEquals(heap.calloc(Number.MAX_VALUE, Number.MAX_VALUE), 0);
  assert(heap.bytes(ptr, 100).every((byte) => byte === 7));
  assertEquals(heap.stats().liveBlocks, 1);
  heap.check();
});

Deno.test("calloc gives zeros on memory that was used, small and large", async () => {
  using heap = await Heap.open();
  for (const size of [1, 16, 100, 4096, 32 * KIB, 33 * KIB, 300 * KIB, 3 * MIB]) {
    const dirty = Array.from({ length: 20 }, () => heap.malloc(size));
    for (const ptr of dirty) heap.bytes(ptr).fill(0xff);
    for (const ptr of dirty) heap.free(ptr);
    for (let round = 0; round < 20; round++) {
      const ptr = heap.calloc(size, 1);
      assert(heap.bytes(ptr, size).every((byte) => byte === 0), `calloc of ${size}`);
    }
  }
  // Most of these are cleared by a loop over eight bytes and one over what is left, and touches none of its neighbours.
  for (let size = 1; size <= 300; size += 1 + (size >> 5)) {
    const [before, ptr, behind] = [0, 0, 0].map(() => heap.malloc(size)) as [number, number, number];
    for (const each of [before, ptr, behind]) heap.bytes(each).fill(0xff);
    heap.free(ptr);
    assertEquals(heap.calloc(1, size), ptr);
    assert(heap.bytes(ptr, size).every((byte) => byte === 0), `calloc of ${size}`);
    for (const each of [before, behind]) assert(heap.bytes(each).every((byte) => byte === 0xff), `beside ${size}`);
  }
  const none = heap.calloc(0, 16);
  assertNotEquals(none, 0);
  assertNotEquals(heap.calloc(16, 0), none);
});

Deno.test("a small block's usable size is at most max(n + 15, 1.125 n), and goodSize() is usableSize()", async () => {
  using heap = await Heap.open();
  const most = sizeClasses("fine", false).largest;
  for (let size = 0; size <= most; size++) {
    const good = heap.goodSize(size);
    assert(good >= size && good <= Math.max(size + 15, 1.125 * size), `${size}: ${good}`);
    if (Number.isInteger(Math.log2(size)) && size >= 16) assertEquals(good, size);
  }
  for (let size = 0; size < 100_000; size += size < 200 ? 1 : 371) {
    const ptr = heap.malloc(size);
    assertEquals(heap.usableSize(ptr), heap.goodSize(size));
    heap.free(ptr);
  }
});

Deno.test("alignedAlloc aligns the native address to every power of two up to 1 GiB", async () => {
  for (const variant of ["slab-map", "phase7"]) {
    using heap = await Heap.open({ variant });
    const oracle = new Oracle(heap);
    for (let alignment = 1; alignment <= GIB; alignment *= 2) {
      const sizes = alignment > MIB ? [0, 1, 5000, 70_000] : [0, 1, 15, 16, 17, 100, 1000, 4096, 5000, 33_000, 200_000];
      for (const size of sizes) {
        for (let times = 0; times < 3; times++) assert(oracle.alignedAlloc(alignment, size) !== 0);
      }
    }
    oracle.audit();
    oracle.freeAll();
    oracle.audit();
  }
});

Deno.test("aligned blocks of no bytes lie in spans of their own", async () => {
  using heap = await Heap.open({ maxBytes: 3 * MIB, reserveBytes: 512 * MIB });
  const ptrs = [heap.alignedAlloc(256 * KIB, 0), heap.malloc(0), heap.alignedAlloc(2 * MIB, 0), heap.malloc(0)];
  assertEquals(new Set(ptrs).size, 4);
  for (const ptr of ptrs) heap.free(ptr);
  heap.check();
  assertEquals(heap.stats().liveBlocks, 0);
});

Deno.test("alignedAlloc throws INVALID_ALIGNMENT for what is not an alignment", async () => {
  using heap = await Heap.open();
  for (const alignment of [0, 3, 24, -16, 0.5, NaN, Infinity, 2 * GIB, 2 ** 40]) {
    assertThrows(() => heap.alignedAlloc(alignment, 16), InvalidAlignmentError);
  }
  heap.check();
});

Deno.test("realloc keeps the contents between every pair of classes, and small and large", async () => {
  for (const variant of ["slab-map", "phase7"]) {
    using heap = await Heap.open({ variant });
    const flags = VARIANTS[variant]!;
    const usable = sizeClasses(flags.classes, flags.header === "byte").usable.slice(1);
    const sizes = [0, 1, ...usable, 40_000, 65_520, 65_521, 200_000, MIB];
    const oracle = new Oracle(heap);
    for (const from of sizes) {
      for (const to of sizes) {
        const ptr = oracle.malloc(from);
        const moved = oracle.realloc(ptr, to);
        assert(moved !== 0);
        oracle.free(moved);
      }
    }
    oracle.audit();
  }
});

Deno.test("realloc(0, n) is malloc(n), realloc(ptr, 0) a block of zero bytes", async () => {
  using heap = await Heap.open();
  const ptr = heap.realloc(0, 100);
  assert(heap.usableSize(ptr) >= 100);
  const none = heap.realloc(ptr, 0);
  assert(none !== 0 && heap.owns(none));
  assertEquals(heap.usableSize(none), heap.goodSize(0));
  assertEquals(heap.stats().liveBlocks, 1);
  const large = heap.realloc(0, MIB);
  assert(heap.owns(heap.realloc(large, 0)));
  assertEquals(heap.stats().largeBlocks, 0);
});

Deno.test("realloc grows and shrinks a large block where it is, when it can", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(MIB);
  assertEquals(heap.realloc(ptr, 5 * MIB), ptr);
  assert(heap.usableSize(ptr) >= 5 * MIB);
  assertEquals(heap.realloc(ptr, 40_000), ptr);
  assertEquals(heap.usableSize(ptr), heap.goodSize(40_000));
  heap.check();
  heap.free(ptr);
  heap.check();
});

Deno.test("malloc gives 0 at maxBytes, and blocks again after some are freed", async () => {
  for (const size of [16, 100, 1000, 32 * KIB, 40_000, 100_000]) {
    using heap = await Heap.open({ maxBytes: 2 * MIB });
    const oracle = new Oracle(heap);
    const fill = (): number => {
      let count = 0;
      while (oracle.malloc(size) !== 0) count++;
      return count;
    };
    const first = fill();
    assert(first * size > MIB && first * size <= 2 * MIB, `${first} blocks of ${size}`);
    assertEquals(heap.malloc(size), 0);
    assertEquals(heap.malloc(MIB), 0);
    oracle.audit();
    assert(heap.stats().chargedBytes <= 2 * MIB);
    oracle.freeAll();
    assertEquals(fill(), first);
    oracle.audit();
    oracle.freeAll();
    assert(oracle.malloc(MIB) !== 0, "what small blocks had serves a large one");
    oracle.freeAll();
    assertEquals(fill(), first);
    oracle.audit();
  }
});

Deno.test("malloc gives 0 when the reservation is full, and the heap is whole afterwards", async () => {
  using heap = await Heap.open({ reserveBytes: 8 * MIB });
  const ptrs: number[] = [];
  for (let ptr = heap.malloc(1000); ptr !== 0; ptr = heap.malloc(1000)) ptrs.push(ptr);
  assert(ptrs.length > 5000);
  heap.check();
  for (const ptr of ptrs) heap.free(ptr);
  heap.check();
  assert(heap.malloc(5 * MIB) !== 0);
});

Deno.test("one block can have the whole reservation", async () => {
  using heap = await Heap.open({ reserveBytes: 5 * GIB });
  const ptr = heap.malloc(5 * GIB - 4 * MIB - 16); // 4 MiB of state, and its AllocHeader
  assert(ptr !== 0);
  heap.u8[ptr + 4 * GIB] = 1;
  assertEquals(heap.malloc(16 * MIB), 0);
  heap.free(ptr);
  heap.check();
  assert(heap.malloc(16) !== 0);
});

Deno.test("large blocks reach over 2 GiB, and leave room for small ones below", async () => {
  using heap = await Heap.open();
  const oracle: [ptr: number, size: number][] = [];
  for (let count = 0; count < 30; count++) {
    const size = (100 + count * 20) * MIB, ptr = heap.malloc(size);
    assert(ptr !== 0);
    heap.u8[ptr] = count;
    heap.u8[ptr + size - 1] = count;
    oracle.push([ptr, size]);
  }
  assert(oracle.at(-1)![0] > 4 * GIB);
  assert(oracle[0]![0] < 2 * GIB, "the first lie where pointers are int32");
  const small = Array.from({ length: 10_000 }, () => heap.malloc(1000));
  assert(small.every((ptr) => ptr !== 0 && ptr < 2 * GIB));
  oracle.forEach(([ptr, size], count) => {
    assertEquals([heap.u8[ptr], heap.u8[ptr + size - 1]], [count, count]);
    assertEquals(heap.ptrAt(heap.address(ptr)), ptr);
    assert(heap.owns(ptr));
    heap.free(ptr);
    assertEquals(heap.owns(ptr), false);
  });
  heap.check();
});

Deno.test("after all is freed and collect(), resident pages are back within 1 MiB of those at the start", async () => {
  const system = await openVirtualMemory();
  for (const variant of Object.keys(VARIANTS)) {
    using heap = await Heap.open({ variant });
    // mincore over the whole mapping; stats() looks at what the heap believes to have touched, and must not say less.
    const resident = (): number => {
      const { reservedBytes, residentBytes } = heap.stats();
      const state = stateBytes(reservedBytes), from = heap.base - BigInt(state);
      const bytes = system.residentPages(from, state + reservedBytes) * system.pageSize;
      assertEquals(residentBytes, bytes);
      return bytes;
    };
    const before = resident();
    const oracle = new Oracle(heap);
    for (let count = 0; count < 30_000; count++) oracle.malloc((count * 7919) % 3000);
    for (let count = 0; count < 300; count++) oracle.malloc((count * 7919) % 500_000);
    assert(resident() - before > 60 * MIB);
    oracle.freeAll();
    assert(heap.collect() > 0);
    const after = resident();
    assert(after - before < MIB, `${variant}: ${before} bytes before, ${after} after`);
    heap.check();
  }
  system.close();
});

Deno.test("collect() keeps what is live, and gives back what is not", async () => {
  using heap = await Heap.open();
  const oracle = new Oracle(heap);
  const ptrs = Array.from({ length: 20_000 }, (_, index) => oracle.malloc(index % 700));
  ptrs.forEach((ptr, index) => index % 100 === 0 || oracle.free(ptr));
  heap.collect();
  oracle.audit();
  for (let index = 0; index < 20_000; index++) oracle.malloc(index % 700);
  oracle.audit();
});

Deno.test("bytes() is a view of the block, and BUFFER_OVERFLOW if it would be longer", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(100);
  const view = heap.bytes(ptr, 100);
  view[99] = 5;
  assertEquals(heap.u8[ptr + 99], 5);
  assertEquals(heap.bytes(ptr).length, heap.usableSize(ptr));
  assertEquals(heap.bytes(ptr, 0).length, 0);
  const error = assertThrows(() => heap.bytes(ptr, heap.usableSize(ptr) + 1), HeapError);
  assertEquals([error.code, error.ptr], ["BUFFER_OVERFLOW", ptr]);
});

Deno.test("the views are of one memory, indexed by pointer over element size", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(64);
  heap.f64[ptr / 8] = -2;
  assertEquals(heap.u32[ptr / 4 + 1], 0xc0000000);
  assertEquals(heap.i32[ptr / 4 + 1], 0xc0000000 | 0);
  assertEquals(heap.u16[ptr / 2 + 3], 0xc000);
  assertEquals(heap.i16[ptr / 2 + 3], -0x4000);
  assertEquals(heap.u8[ptr + 7], 0xc0);
  assertEquals(heap.i8[ptr + 7], -0x40);
  assertEquals(heap.data.getFloat64(ptr, true), -2);
  heap.f32[ptr / 4] = 0.5;
  assertEquals(heap.data.getFloat32(ptr, true), 0.5);
});

Deno.test("address(), pointer() and ptrAt() are what C sees", async () => {
  using heap = await Heap.open();
  for (const size of [1, 100, 100_000]) {
    const ptr = heap.malloc(size);
    heap.u8[ptr] = size & 0xff;
    assertEquals(Deno.UnsafePointer.value(heap.pointer(ptr)), heap.address(ptr));
    assertEquals(new Deno.UnsafePointerView(heap.pointer(ptr)!).getUint8(), size & 0xff);
    assertEquals(heap.address(ptr) % 16n, 0n);
    assertEquals(heap.ptrAt(heap.address(ptr)), ptr);
    assertEquals(heap.ptrAt(heap.pointer(ptr)), ptr);
    assertEquals(heap.ptrAt(heap.address(ptr + 1)), ptr + 1);
  }
  assertEquals(heap.ptrAt(0n), 0);
});
