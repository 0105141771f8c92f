/**
 * What an allocator promises whoever has written it: the properties that the test suites of allocators written in C look
 * at from outside, for every variant and build. Random programs (`model_test.ts`) meet most of them by chance; here each
 * is looked at on purpose.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Heap, HeapError, type HeapOptions, VARIANTS } from "../../src/heap/mod.ts";
import { sizeClasses } from "../../src/heap/core/size_classes.ts";
import { Oracle } from "../../src/verify/oracle.ts";

const MIB = 1024 * 1024;
const SIZES = [0, 1, 7, 8, 15, 16, 17, 31, 32, 100, 255, 256, 1000, 2000, 2047, 2048, 5000, 32_768, 40_000, 300_000];

/** The ends of all size classes, and their neighbours. */
function classEnds(variant: string): number[] {
  const { classes, header } = VARIANTS[variant]!;
  const ends = sizeClasses(classes, header === "byte").usable.slice(1);
  return [...new Set(ends.flatMap((end) => [end - 1, end, end + 1]).filter((size) => size >= 0))];
}

for (const build of ["release", "debug"] as const) {
  for (const variant of Object.keys(VARIANTS)) {
    const open = (options: HeapOptions = {}): Promise<Heap> =>
      Heap.open({ variant, build, stacks: false, log: () => {}, ...options });
    const test = (name: string, run: () => Promise<void>): void => Deno.test(`${variant}, ${build}: ${name}`, run);

    test("no block is issued twice while it is live, and none overlaps another", async () => {
      using heap = await open();
      const live: [ptr: number, end: number][] = [];
      let x = 1;
      for (let round = 0; round < 6000; round++) {
        x = Math.imul(x, 1_103_515_245) + 12_345 >>> 0;
        if (x % 3 === 0 && live.length > 0) {
          const at = x % live.length;
          heap.free(live[at]![0]);
          live[at] = live.at(-1)!;
          live.pop();
        } else {
          const size = (x >>> 8) % 3000, ptr = heap.malloc(size);
          live.push([ptr, ptr + Math.max(1, heap.usableSize(ptr))]);
        }
      }
      live.sort(([a], [b]) => a - b);
      live.forEach(([ptr], index) => assert(index === 0 || ptr >= live[index - 1]![1], `${ptr} overlaps`));
    });

    test("every block is aligned to 16, and to any power of two that is asked for", async () => {
      using heap = await open();
      for (const size of SIZES) {
        assertEquals(heap.address(heap.malloc(size)) % 16n, 0n);
        assertEquals(heap.address(heap.calloc(1, size)) % 16n, 0n);
        assertEquals(heap.address(heap.realloc(heap.malloc(size), size + 100)) % 16n, 0n);
      }
      for (let alignment = 1; alignment <= MIB; alignment *= 2) {
        for (const size of [0, 1, alignment - 1, alignment, alignment + 1, 3000]) {
          const ptr = heap.alignedAlloc(alignment, size);
          assertEquals(heap.address(ptr) % BigInt(alignment), 0n, `${size} bytes at ${alignment}`);
          assert(heap.usableSize(ptr) >= size);
          heap.u8.fill(1, ptr, ptr + size);
          heap.free(ptr);
        }
      }
      heap.check();
    });

    test("goodSize() is usableSize() for every class, and all of it may be written", async () => {
      using heap = await open();
      for (const size of [...classEnds(variant), ...SIZES]) {
        const ptrs = [heap.malloc(size), heap.malloc(size), heap.malloc(size)];
        ptrs.forEach((ptr, index) => {
          assertEquals(heap.usableSize(ptr), heap.goodSize(size), `${size}`);
          heap.bytes(ptr).fill(index + 1);
        });
        heap.check();
        ptrs.forEach((ptr, index) => {
          assert(heap.bytes(ptr).every((byte) => byte === index + 1), `${size}: another block's write is in it`);
          heap.free(ptr);
        });
        if (build === "release") assertEquals(heap.goodSize(heap.goodSize(size)), heap.goodSize(size));
      }
    });

    test("malloc(0) gives live blocks, no two the same", async () => {
      using heap = await open();
      const ptrs = Array.from({ length: 500 }, (_, index) => index % 2 === 0 ? heap.malloc(0) : heap.calloc(0, 7));
      ptrs.push(heap.realloc(heap.malloc(100), 0), heap.realloc(0, 0), heap.alignedAlloc(64, 0));
      assertEquals(new Set(ptrs).size, ptrs.length);
      assert(ptrs.every((ptr) => ptr !== 0 && heap.owns(ptr)));
      for (const ptr of ptrs) heap.free(ptr);
      assertEquals(heap.stats().liveBlocks, 0);
    });

    test("calloc gives zeros on memory that was used", async () => {
      using heap = await open({ quarantineBytes: 0 });
      for (const size of [1, 15, 100, 2000, 40_000, 300_000]) {
        const dirty = Array.from({ length: 12 }, () => heap.malloc(size));
        for (const ptr of dirty) heap.bytes(ptr).fill(0xff);
        for (const ptr of dirty) heap.free(ptr);
        let reused = 0;
        for (let round = 0; round < 12; round++) {
          const ptr = heap.calloc(size, 1);
          if (dirty.includes(ptr)) reused++;
          assert(heap.u8.subarray(ptr, ptr + size).every((byte) => byte === 0), `${size}`);
        }
        assert(reused > 0, "or nothing was tested");
      }
    });

    test("realloc keeps what fits, whichever way it goes, and free(0) and realloc(0, n) are what C says", async () => {
      using heap = await open();
      const oracle = new Oracle(heap);
      for (const from of SIZES) {
        for (const to of [0, 1, 16, 100, 1000, 2048, 40_000, 100_000]) {
          oracle.free(oracle.realloc(oracle.malloc(from), to));
        }
      }
      heap.free(0);
      const ptr = heap.realloc(0, 100);
      assert(heap.usableSize(ptr) >= 100);
      heap.free(ptr);
      oracle.audit();
      assertEquals(heap.stats().liveBlocks, 0);
    });

    test("what cannot be had is 0, and changes nothing", async () => {
      using heap = await open({ reserveBytes: 64 * MIB });
      const ptr = heap.malloc(100);
      heap.u8.fill(7, ptr, ptr + 100);
      for (const size of [64 * MIB, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 47, 2 ** 53, Number.MAX_VALUE]) {
        assertEquals([heap.malloc(size), heap.calloc(1, size), heap.calloc(size, size)], [0, 0, 0]);
        assertEquals([heap.realloc(ptr, size), heap.alignedAlloc(4096, size)], [0, 0]);
      }
      assert(heap.u8.subarray(ptr, ptr + 100).every((byte) => byte === 7) && heap.owns(ptr));
      heap.check();
    });

    test("an array that grows by realloc keeps its contents", async () => {
      using heap = await open();
      let ptr = heap.malloc(0), length = 0;
      for (let size = 1; size <= 400_000; size = Math.ceil(size * 1.4)) {
        ptr = heap.realloc(ptr, size);
        for (; length < size; length++) heap.u8[ptr + length] = length % 251;
        for (let at = 0; at < size; at += 1 + (size >> 8)) assertEquals(heap.u8[ptr + at], at % 251);
      }
      heap.free(ptr);
      assertEquals(heap.stats().liveBlocks, 0);
    });

    test("memory of one size serves another once it is free", async () => {
      using heap = await open({ maxBytes: 4 * MIB });
      for (const size of [16, 2000, 100, 40_000, 500, 1_000_000]) {
        const ptrs: number[] = [];
        for (let ptr = heap.malloc(size); ptr !== 0; ptr = heap.malloc(size)) ptrs.push(ptr);
        assert(ptrs.length * size > MIB / 8, `${ptrs.length} blocks of ${size}`);
        for (const ptr of ptrs) heap.free(ptr);
        heap.collect();
        heap.check();
      }
    });
  }
}

for (const variant of Object.keys(VARIANTS)) {
  Deno.test(`${variant}, debug: new memory and freed memory are filled with junk`, async () => {
    using heap = await Heap.open({ variant, build: "debug", stacks: false, log: () => {} });
    for (const size of [1, 16, 100, 2000, 40_000]) {
      for (let round = 0; round < 3; round++) {
        const ptrs = [heap.malloc(size), heap.alignedAlloc(256, size)];
        for (const ptr of ptrs) {
          assert(heap.bytes(ptr).every((byte) => byte === 0xd0));
          heap.bytes(ptr).fill(1);
          heap.free(ptr);
          assert(heap.u8.subarray(ptr, ptr + size).every((byte) => byte === 0xdf), "a read after free shows");
        }
        const moved = heap.realloc(heap.malloc(size), size + 50);
        assert(heap.bytes(moved).every((byte) => byte === 0xd0));
        heap.collect();
      }
    }
  });

  Deno.test(`${variant}, debug: the quarantine lets blocks go in the order in which they were freed`, async () => {
    using heap = await Heap.open({ variant, build: "debug", stacks: false, log: () => {} });
    const ptrs = Array.from({ length: 40 }, (_, index) => heap.malloc(100 + index * 20));
    const order = ptrs.map((_, index) => ptrs[index * 7 % 40]!);
    for (const ptr of order) heap.free(ptr);
    for (const ptr of order) heap.u8[ptr] = 0; // found when the block leaves, so that tells which one did
    for (const ptr of order) {
      const error = assertThrows(() => heap.collect(), HeapError);
      assertEquals([error.code, error.ptr], ["USE_AFTER_FREE", ptr]);
    }
    heap.collect();
    heap.check();
  });

  Deno.test(`${variant}, debug: memory is not given out again while it is in quarantine`, async () => {
    using heap = await Heap.open({ variant, build: "debug", stacks: false, log: () => {} });
    const freed = new Set<number>();
    for (let count = 0; count < 300; count++) {
      const ptr = heap.malloc(1000);
      assert(!freed.has(ptr));
      heap.free(ptr);
      freed.add(ptr);
    }
  });
}
