/** Freed large blocks that wait to be given out again: by class, bounded, given back, and not lost with their thread. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { CACHE_SPANS, firstWordOf, SPAN_TABLE_OFFSET } from "../../../src/heap/state/layout.ts";
import { Heap, HeapError, InvalidPointerError } from "../../../src/heap/mod.ts";
import { SPAN_BLOCK_OFFSET } from "../../../src/heap/core/page_heap.ts";
import { roundPages } from "../../../src/heap/core/span_cache.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import { attachMortal, Death } from "../state/mortal.ts";

const KIB = 1024, MIB = 1024 * KIB;
const COUNTING = "slab-map,prewarm=0,counters=1";

Deno.test("a large block has at most an eighth more pages than were asked for", () => {
  for (let pages = 9; pages <= 4096; pages++) {
    const rounded = roundPages(pages);
    assert(rounded >= pages && rounded <= Math.max(pages, pages * 1.125), `${pages} pages become ${rounded}`);
    assertEquals(roundPages(rounded), rounded);
  }
});

Deno.test("a large block that was freed is given out again without a section, up to 8 MiB", async () => {
  using heap = await Heap.open({ variant: `${COUNTING},shared=1` });
  for (const size of [33 * KIB, 40_000, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 7 * MIB]) {
    const first = heap.malloc(size), { spansTaken, locksTaken } = heap.counters()!;
    for (let count = 0; count < 10; count++) {
      heap.free(first);
      assertEquals(heap.malloc(size), first);
    }
    assertEquals(heap.counters()!.spansTaken, spansTaken, `${size}`);
    assertEquals(heap.counters()!.locksTaken, locksTaken, `${size}`);
    heap.free(first);
  }
  heap.check();
});

Deno.test("a large block of another class is made of what waits, before pages that nobody has touched", async () => {
  using heap = await Heap.open();
  const granuleOf = (ptr: number) => Math.floor(ptr / (64 * KIB)), first = heap.malloc(MIB);
  heap.free(first);
  assertEquals(granuleOf(heap.malloc(40_000)), granuleOf(first));
});

Deno.test("of what waits the shortest block that is long enough is taken for another class, and the others go on waiting", async () => {
  using heap = await Heap.open({ variant: COUNTING });
  const sizes = [40_000, 100_000, 300_000, MIB], ptrs = sizes.map((size) => heap.malloc(size));
  for (const ptr of ptrs) heap.free(ptr);
  assertEquals(heap.malloc(200_000), ptrs[2]);
  const { spansTaken } = heap.counters()!;
  assertEquals([40_000, 100_000, MIB].map((size) => heap.malloc(size)), [0, 1, 3].map((index) => ptrs[index]));
  assertEquals(heap.counters()!.spansTaken, spansTaken);
  // Nothing that waits is as long: all goes, and what lay side by side makes one.
  for (const index of [0, 1, 3]) heap.free(ptrs[index]!);
  const long = heap.malloc(5 * MIB);
  assert(long !== 0 && heap.malloc(40_000) !== 0);
  assert(heap.counters()!.spansTaken === spansTaken + 2);
  heap.check();
});

Deno.test("a freed large block is a block no longer, whatever is done with its pointer", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(100_000), other = heap.malloc(100_000);
  heap.free(ptr);
  assertEquals([heap.owns(ptr), heap.blockOf(ptr + 10), heap.stats().largeBlocks], [false, 0, 1]);
  assertEquals([...heap.blocks()].map((block) => block.ptr), [other]);
  assertEquals(heap.snapshot().largeBlocks.map((block) => block.ptr), [other]);
  for (const call of [() => heap.free(ptr), () => heap.realloc(ptr, 5), () => heap.usableSize(ptr)]) {
    assertEquals(assertThrows(call, HeapError).code, "INVALID_POINTER");
  }
  heap.check();
  heap.u8[other - 1]! ^= 1;
  assertEquals(assertThrows(() => heap.free(other), HeapError).code, "HEADER_CORRUPTED");
  assert(heap.owns(other));
});

Deno.test("realloc that has nothing to do is as strict as one that has", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(100_000), small = heap.malloc(16), aligned = heap.alignedAlloc(4096, 100_000);
  assertEquals([heap.realloc(ptr, 100_001), heap.realloc(ptr, 99_999)], [ptr, ptr]);
  for (const wrong of [ptr + 65_536, ptr - 65_536, ptr + 0.5, -ptr, ptr + 2 ** 32, NaN, 16]) {
    assertEquals(assertThrows(() => heap.realloc(wrong, 100_000), HeapError).code, "INVALID_POINTER", `${wrong}`);
  }
  for (let word = ptr - 16; word < ptr; word += 4) {
    heap.i32[word / 4]! ^= 1;
    assertEquals(assertThrows(() => heap.realloc(ptr, 100_000), HeapError).code, "HEADER_CORRUPTED");
    heap.i32[word / 4]! ^= 1;
  }
  for (const block of [heap.realloc(aligned, 100_000), heap.realloc(ptr, 2 ** 30), small]) heap.free(block);
  heap.check();
});

Deno.test("realloc to pages that nobody has touched moves those of a large block, and copies what is on no whole page", async () => {
  using heap = await Heap.open();
  for (const size of [256 * KIB, 300_001, 3 * MIB + 5]) {
    const ptr = heap.malloc(size), behind = heap.malloc(64 * KIB); // so that it cannot grow where it is
    for (let at = 0; at < size; at++) heap.u8[ptr + at] = at * 7 + (at >> 12);
    const before = heap.stats().residentBytes, moved = heap.realloc(ptr, 2 * size);
    assert(moved !== ptr);
    for (let at = 0; at < size; at++) assertEquals(heap.u8[moved + at], (at * 7 + (at >> 12)) & 255);
    assert(Deno.build.os !== "linux" || heap.stats().residentBytes - before <= 64 * KIB, `${size}`);
    assertEquals([heap.owns(ptr), heap.owns(moved)], [false, true]);
    const again = heap.calloc(size, 1); // in the pages that were left behind, in all likelihood
    assert(heap.bytes(again, size).every((byte) => byte === 0));
    heap.check();
    for (const block of [behind, moved, again]) heap.free(block);
    heap.collect();
  }
});

Deno.test("calloc gives zeros from a block that was used, and realloc stays where its class has room", async () => {
  using heap = await Heap.open();
  const used = heap.malloc(50_000);
  heap.u8.fill(7, used, used + 50_000);
  heap.free(used);
  const ptr = heap.calloc(50_000, 1);
  assertEquals(ptr, used);
  assert(heap.bytes(ptr, 50_000).every((byte) => byte === 0));
  assertEquals(heap.realloc(ptr, heap.usableSize(ptr)), ptr);
  assertEquals(heap.usableSize(ptr), heap.goodSize(50_000));
});

Deno.test("what waits is bounded, and goes when the heap grows, in collect(), and before there is no memory", async () => {
  using heap = await Heap.open({ variant: COUNTING });
  const ptrs = Array.from({ length: 64 }, () => heap.malloc(MIB));
  for (const ptr of ptrs) heap.free(ptr);
  assert(heap.stats().chargedBytes <= 17 * MIB, `${heap.stats().chargedBytes}`);
  heap.collect();
  assertEquals(heap.stats().chargedBytes, 0);
  using small = await Heap.open({ variant: "slab-map,prewarm=0", maxBytes: 8 * MIB });
  for (const size of [7 * MIB, 40_000, 5 * MIB, 100, 3 * MIB, 7 * MIB]) {
    const blocks = Array.from({ length: Math.floor(7 * MIB / Math.max(64 * KIB, size)) }, () => small.malloc(size));
    assert(blocks.every((ptr) => ptr !== 0), `${size}`);
    for (const ptr of blocks) small.free(ptr);
  }
  small.check();
});

Deno.test("a list of spans that was overwritten is HEADER_CORRUPTED, and no block is given out twice", async () => {
  for (const value of [-1, 33, 1 << 30, "live"] as const) {
    using heap = await Heap.open();
    const live = heap.malloc(40_000), freed = heap.malloc(40_000), words = viewState(heap);
    heap.free(freed);
    const list = words.subarray(firstWordOf(0) + CACHE_SPANS).findIndex((word) => word !== 0);
    words[firstWordOf(0) + CACHE_SPANS + list] = value === "live" ? live >>> 16 : value;
    assertEquals(assertThrows(() => heap.malloc(40_000), HeapError).code, "HEADER_CORRUPTED");
    const ptr = heap.malloc(40_000);
    assert(ptr !== 0 && ptr !== live);
    assert(heap.owns(live));
  }
});

Deno.test({
  name: "a thread dies at any store of a large malloc or free: the span comes back",
  sanitizeResources: false,
}, async () => {
  using survivor = await Heap.open({ variant: "slab-map,prewarm=0", reserveBytes: 64 * MIB });
  const shared = survivor.share(), words = viewState(survivor);
  for (const isFree of [true, false]) {
    for (let done = 0; done <= 2; done++) {
      const { heap, life } = await attachMortal(shared);
      const ptrs = Array.from({ length: 3 }, () => heap!.malloc(40_000)), list = firstWordOf(1) + CACHE_SPANS;
      heap!.free(ptrs[0]!);
      if (!isFree) heap!.free(ptrs[1]!);
      const granule = ptrs[1]! >>> 16, at = SPAN_TABLE_OFFSET / 4 + granule * 4 + SPAN_BLOCK_OFFSET;
      const index = list + words.subarray(list).findIndex((word) => word !== 0), next = ptrs[0]! >>> 16;
      const stores: [number, number][] = isFree
        ? [[at, ~(1 << 24 | next)], [index, granule]]
        : [[index, next], [at, 16]];
      for (const [word, value] of stores.slice(0, done)) words[word] = value;
      life.left = 0;
      assertThrows(() => heap!.malloc(20 * MIB), Death);
      survivor.collect();
      survivor.check();
      const isLive = isFree ? done === 0 : done === 2;
      assertEquals(
        [...survivor.blocks()].map(({ ptr }) => ptr),
        isLive ? [ptrs[1], ptrs[2]] : [ptrs[2]],
        `${isFree} ${done}`,
      );
      for (const { ptr } of survivor.blocks()) survivor.free(ptr);
      survivor.collect();
      assertEquals(survivor.stats().chargedBytes, 0);
    }
  }
});

Deno.test("memory of many large blocks goes back to the system as they are freed, but for what is kept", async () => {
  using heap = await Heap.open();
  const ptrs = Array.from({ length: 160 }, () => heap.malloc(MIB));
  for (const ptr of ptrs) heap.u8.fill(1, ptr, ptr + MIB);
  for (const ptr of ptrs) heap.free(ptr);
  const { residentBytes } = heap.stats();
  assert(residentBytes < 80 * MIB, `${residentBytes} bytes are in memory`);
});

Deno.test("a number whose low half is that of a large block is not a pointer to it, on the short way either", async () => {
  using heap = await Heap.open();
  const low = heap.malloc(100_000), far = Array.from({ length: 40 }, () => heap.malloc(64 * 1024 * 1024)).at(-1)!;
  assert(low < 2 ** 31 && far >= 2 ** 31 && far < 2 ** 32, `${low} ${far}`);
  for (
    const wrong of [low + 2 ** 32, low - 2 ** 32, far - 2 ** 32, far + 2 ** 32, low + 0.5, -low, low + 16, low + 65536]
  ) {
    assertThrows(() => heap.free(wrong), InvalidPointerError, undefined, `${wrong}`);
    assertThrows(() => heap.realloc(wrong, 100_000), InvalidPointerError, undefined, `${wrong}`);
  }
  heap.check();
  heap.free(far);
  heap.free(low);
  for (const ptr of [far, low]) assertThrows(() => heap.free(ptr), InvalidPointerError);
  heap.check();
});

Deno.test("a block that is cut up again and again is spared in the end, and no span is taken any more", async () => {
  using heap = await Heap.open({ variant: COUNTING });
  const taken: number[] = [];
  for (let round = 0; round < 12; round++) {
    const before = heap.counters()!.spansTaken;
    const ptrs = Array.from({ length: 4 }, () => heap.malloc(500_000));
    for (const ptr of ptrs) heap.free(ptr);
    heap.free(heap.malloc(1_300_000)); // of which the next round would cut one of the four
    taken.push(heap.counters()!.spansTaken - before);
  }
  assertEquals(taken.slice(-4), [0, 0, 0, 0], `${taken}`);
  heap.check();
});
