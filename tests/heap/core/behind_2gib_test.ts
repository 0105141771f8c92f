/**
 * What takes pointers, behind 2 GiB, where they are no int32s any more: each is written and read through the views, which are
 * V8's, and beside what the call does. A block of many GiB costs address space alone.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { array, BufferOverflowError, chars, Heap, pointer, struct } from "../../../mod.ts";

const GIB = 2 ** 30;
/** Some places in a block: low bits and high ones, each side of what 32 bits with and without a sign have. */
const PLACES = [0, 5 * GIB, 2 ** 32 - 64, 2 ** 32, 2 ** 31 + 48, 8 * GIB - 4096];

const HEAPS = {
  release: {},
  debug: { build: "debug", log: () => {} },
  profiled: { profile: { everyBytes: 1 } },
  guarded: { guard: { oneIn: 1 }, log: () => {} },
} as const;

/** Blocks that leave no large one any room below, and take no memory: zeros are not written where they are. */
function fillBelow(heap: Heap): number[] {
  const ptrs: number[] = [];
  for (const size of [GIB, GIB / 8, GIB / 64, GIB / 1024, 40_000]) {
    do ptrs.push(heap.calloc(1, size)); while (ptrs.at(-1)! < 2 ** 31);
  }
  return ptrs;
}

for (const [name, options] of Object.entries(HEAPS)) {
  for (const isAttached of [false, true]) {
    const what = `${name}${isAttached ? ", attached" : ""}`;

    Deno.test(`strings, copies, views and structs behind 2 GiB are where the pointers say (${what})`, async () => {
      using opened = await Heap.open({ reserveBytes: 64 * GIB, ...options });
      using heap = isAttached ? await Heap.attach(opened.share()) : opened;
      const ptr = heap.malloc(8 * GIB);
      assert(ptr > 2 ** 31, `${ptr}`);
      heap.u8.fill(0xa5, ptr, ptr + 64); // in a debug build only a part is filled
      const Item = struct({ id: "u32", name: chars(8), next: pointer(), list: array("u16", 4), level: "f64" });
      const cursor = heap.cursor(Item);
      for (const place of PLACES) {
        const at = ptr + place;
        heap.fill(at, 0, 2048);
        assertEquals([heap.blockOf(at), heap.ptrAt(heap.address(at)), heap.ptrAt(heap.pointer(at))], [ptr, at, at]);
        for (const [encoding, unit] of [["utf8", 1], ["latin1", 1], ["utf16", 2], ["wchar_t", 4]] as const) {
          for (const text of ["hello", "ä", "long ".repeat(20), "é".repeat(50)]) {
            heap.fill(at, 0x55, 512);
            const bytes = heap.writeCString(at, text, 512, { encoding });
            assertEquals(heap.readCString(at, { encoding }), text);
            assertEquals(heap.readCString(heap.address(at), { encoding, length: bytes }), text);
            assertEquals([...heap.u8.subarray(at + bytes, at + bytes + unit + 1)], [...Array(unit).fill(0), 0x55]);
          }
        }
        heap.u64.set([heap.address(at + 64), 0n], at / 8);
        heap.writeCString(at + 64, "one", 10);
        assertEquals([...heap.readCStrings(at), ...heap.readCStrings(heap.address(at))], ["one", "one"]);

        heap.fill(at + 1, 7, 3);
        heap.view(Float64Array, at + 8, 2).set([1.5, 2.5]);
        heap.dataView(at + 24, 4).setUint32(0, 0x01020304);
        assertEquals([...heap.copyOut(at + 1, 3), heap.f64[at / 8 + 2], heap.u8[at + 27]], [7, 7, 7, 2.5, 4]);
        assertEquals(heap.copyOut(heap.address(at + 1), 3), new Uint8Array([7, 7, 7]));
        using copied = heap.adopt(heap.copyIn(heap.u8.subarray(at, at + 28)));
        assertEquals(copied.bytes.subarray(0, 28), heap.copyOut(at, 28));

        using items = heap.structsAt(Item, at, 3);
        items.set(2, { id: 9, name: "häk", next: at, list: new Uint16Array([1, 2, 3, 4]), level: 0.5 });
        const { id, next, level } = cursor.of(items.ptrAt(2));
        assertEquals([id, next, level, cursor.of(items.ptrAt(2)).name], [9, at, 0.5, "häk"]);
        assertEquals([heap.u32[items.ptrAt(2) / 4], heap.f64[items.ptrAt(2) / 8 + 4]], [9, 0.5]);
        assertEquals(items.at(0).id, heap.u32[at / 4]);
      }
      assertThrows(() => heap.copyOut(ptr + 8 * GIB - 8, 4096), BufferOverflowError);
      heap.free(ptr);
      heap.check();
    });

    Deno.test(`calloc, realloc, usableSize, blocks() and leaks() behind 2 GiB (${what})`, async () => {
      using opened = await Heap.open({ reserveBytes: 64 * GIB, ...options });
      using heap = isAttached ? await Heap.attach(opened.share()) : opened;
      const before = fillBelow(heap);
      for (const size of [300_000, 100_000, 5000 * 4096]) {
        const ptr = heap.calloc(1, size), filled = heap.u8.subarray(ptr, ptr + size);
        assert(ptr > 2 ** 31, `${ptr}`);
        assert(filled.every((byte) => byte === 0));
        filled.fill(9);
        heap.free(ptr);
        const again = heap.calloc(1, size);
        assert(heap.u8.subarray(again, again + size).every((byte) => byte === 0));
        const small = heap.malloc(40);
        heap.u8.fill(5, again, again + size);
        heap.u8.fill(6, small, small + 40);
        const grown = heap.realloc(again, size * 3), far = heap.realloc(small, size);
        assert(grown > 2 ** 31 && far > 2 ** 31);
        assert(heap.u8.subarray(grown, grown + size).every((byte) => byte === 5));
        assert(heap.u8.subarray(far, far + 40).every((byte) => byte === 6));
        const near = heap.realloc(grown, 40);
        assert(heap.u8.subarray(near, near + 40).every((byte) => byte === 5));
        heap.free(near);
        const usable = heap.usableSize(far), live = [...heap.blocks()].filter(({ ptr }) => !before.includes(ptr));
        assertEquals(live.map(({ ptr, size }) => [ptr, size]), [[far, usable]]);
        assert(heap.snapshot().largeBlocks.some(({ ptr, liveBytes }) => far - ptr < 4096 && liveBytes === usable));
        assertEquals(heap.leaks().reduce((sum, leak) => sum + leak.bytes, 0), heap.stats().liveBytes);
        if (name === "profiled") {
          assert(
            heap.profile().stacks.some(({ live }) => live.some((block) => block.ptr === far && block.size === size)),
          );
        }
        heap.check();
        heap.free(far);
      }
      for (const ptr of before) heap.free(ptr);
      heap.check();
      assertEquals(heap.stats().liveBlocks, 0);
    });
  }
}

Deno.test("an array of more structs than 32 bits count is set and reached by any index, and nothing of it when it is freed", async () => {
  using heap = await Heap.open();
  const Pair = struct({ a: "u8", b: "u8" }), length = 5 * GIB;
  const ptr = heap.malloc(length * Pair.size), pairs = heap.structsAt(Pair, ptr, length), kept = pairs.at(0);
  for (const index of [2 ** 31, 2 ** 32 + 5, length - 1]) {
    pairs.set(index, { b: 7 });
    assertEquals([pairs.ptrAt(index), heap.u8[ptr + index * 2 + 1]], [ptr + index * 2, 7]);
  }
  for (const index of [length, -1, 0.5, NaN]) assertThrows(() => pairs.set(index, { b: 7 }), BufferOverflowError);
  pairs[Symbol.dispose]();
  assertThrows(() => kept.a, BufferOverflowError); // where it is now there was an element
  kept.b = 9;
  assertEquals(heap.u8[ptr + GIB * 2 + 1], 0);
  heap.free(ptr);
});

Deno.test("SQLite's size, rounded up, is an int, for the largest as for others", async () => {
  using heap = await Heap.open();
  using allocator = heap.nativeAllocator();
  const methods = heap.view(BigUint64Array, heap.ptrAt(allocator.sqliteMethods), 5);
  const pointer = Deno.UnsafePointer.create(methods[4]!) as Deno.PointerObject<never>;
  const roundUp = new Deno.UnsafeFnPointer(pointer, { parameters: ["i32"], result: "i32" });
  assertEquals([roundUp.call(1), roundUp.call(2 ** 31 - 1), roundUp.call(0x7fff_ff00)], [
    16,
    2 ** 31 - 8,
    2 ** 31 - 16,
  ]);
});
