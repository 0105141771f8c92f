/** Full lists that are set aside: what they hold comes back, counts, goes back, and survives the death of its thread. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  CACHE_HEADS,
  CACHE_MAGAZINES,
  CACHE_ROOMS,
  firstWordOf,
  FREE_CANARY,
  stateBytes,
} from "../../../src/heap/state/layout.ts";
import { Heap, HeapError } from "../../../src/heap/mod.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import { attachMortal, Death } from "../state/mortal.ts";

const MIB = 1024 * 1024;
const VARIANT = "slab-map,prewarm=0,capacity=16,refill=16";
const STRIDE = 64;
const CLASS = 5;

function fill(heap: Heap, ptr: number): number {
  heap.bytes(ptr, STRIDE).fill(ptr >> 6);
  return ptr;
}

/** Fills with the blocks' own numbers, and frees all but one in so many. */
function fillAndFree(heap: Heap, count: number, keepEach: number): Set<number> {
  const ptrs = Array.from({ length: count }, () => heap.malloc(STRIDE));
  assertEquals(new Set(ptrs).size, count);
  const kept = new Set(ptrs.filter((_, index) => index % keepEach === 0));
  for (const ptr of ptrs) {
    if (kept.has(ptr)) fill(heap, ptr);
    else heap.free(ptr);
  }
  return kept;
}

function assertLive(heap: Heap, kept: ReadonlySet<number>): void {
  heap.check();
  assertEquals(new Set([...heap.blocks()].map(({ ptr }) => ptr)), kept);
  for (const ptr of kept) assert(heap.bytes(ptr, STRIDE).every((byte) => byte === (ptr >> 6 & 255)));
}

Deno.test("full lists are set aside and taken back without a look at the slabs, and every sum knows them", async () => {
  using heap = await Heap.open({ variant: `${VARIANT},counters=1` });
  const kept = fillAndFree(heap, 400, 5), taken = new Set(kept);
  const { magazinesFilled, spills } = heap.counters()!;
  assertEquals([magazinesFilled, spills], [22, 0]); // of 14 blocks; 320 are free, the last 12 on the list
  assertEquals(heap.stats().classes[0]!.cachedBlocks, 320);
  assertLive(heap, kept);
  for (const { ptr } of heap.blocks()) assert(heap.owns(ptr) && heap.blockOf(ptr) === ptr);
  for (let count = 0; count < 320; count++) {
    const ptr = heap.malloc(STRIDE);
    assert(!taken.has(ptr), "given out twice");
    taken.add(ptr);
  }
  assertEquals(heap.counters()!.magazinesTaken, 22);
  assertEquals(taken.size, 400);
  for (const ptr of taken) heap.free(ptr);
  heap.collect();
  assertEquals([heap.stats().liveBlocks, heap.stats().slabs], [0, 0]);
});

Deno.test("a program whose list is just full, or just empty, does not move it with each block", async () => {
  using heap = await Heap.open({ variant: `${VARIANT},counters=1` });
  const ptrs = Array.from({ length: 400 }, () => heap.malloc(STRIDE));
  while (ptrs.length > 300) {
    heap.free(ptrs.pop()!);
    heap.free(heap.malloc(STRIDE));
    const pair = [heap.malloc(STRIDE), heap.malloc(STRIDE)];
    for (const ptr of pair) heap.free(ptr);
  }
  const { magazinesFilled, magazinesTaken } = heap.counters()!;
  assertEquals([magazinesFilled, magazinesTaken], [8, 0]); // 100 more are free than are taken, and a list has up to 16
});

Deno.test("what is set aside serves other classes before there is no memory, and before the heap grows", async () => {
  using heap = await Heap.open({ variant: "slab-map,prewarm=0", maxBytes: 8 * MIB });
  for (const size of [16, 48, 500, 3000, 20_000, 5 * MIB, 32]) {
    const ptrs = Array.from({ length: Math.floor(6 * MIB / Math.max(size, 16) * 0.8) }, () => heap.malloc(size));
    assert(ptrs.every((ptr) => ptr !== 0), `${size}`);
    for (const ptr of ptrs) heap.free(ptr);
  }
  heap.check();
});

Deno.test("a thread sets no more aside than its share: the rest goes back to the slabs", async () => {
  using heap = await Heap.open({ variant: "slab-map,prewarm=0,counters=1" });
  const ptrs = Array.from({ length: 24 * MIB / 1024 }, () => heap.malloc(1024));
  for (const ptr of ptrs) heap.free(ptr);
  const { cachedBlocks, slabs } = heap.stats().classes.find(({ stride }) => stride === 1024)!;
  assert(cachedBlocks * 1024 <= 8 * MIB + 1024 * 1024 && cachedBlocks * 1024 > 6 * MIB, `${cachedBlocks}`);
  assert(slabs * 65_536 < 12 * MIB, `${slabs} slabs`);
  assert(heap.counters()!.spills > 0);
  heap.check();
});

Deno.test("a magazine that was written to is HEADER_CORRUPTED, and lost; nothing else is", async () => {
  // Its next magazine, its seal: by a program that writes into a block that it has freed.
  for (const word of [2, 3]) {
    using heap = await Heap.open({ variant: VARIANT });
    const kept = fillAndFree(heap, 400, 5);
    const latest = viewState(heap)[firstWordOf(0) + CACHE_MAGAZINES + CLASS]!;
    heap.i32[latest / 4 + word] = [...kept][0]!;
    assertEquals(assertThrows(() => heap.check(), HeapError).code, "HEADER_CORRUPTED");
    const codes: string[] = [], ptrs = new Set<number>();
    for (let count = 0; count < 400; count++) {
      try {
        const ptr = heap.malloc(STRIDE);
        assert(!kept.has(ptr) && !ptrs.has(ptr), "given out twice");
        ptrs.add(ptr);
      } catch (error) {
        if (!(error instanceof HeapError)) throw error;
        codes.push(error.code);
      }
    }
    assertEquals(codes, ["HEADER_CORRUPTED"]);
    for (const ptr of kept) assert(heap.usableSize(ptr) === STRIDE);
    heap.check();
  }
});

/** A move of a list, as the stores that make it up: index of the word in the state, and value. They are magazines.ts's. */
const MOVES: { readonly [name: string]: (words: Int32Array, heap: Heap, first: number) => [number, number][] } = {
  "sets a list aside": (words, { i32, u8 }, first) => {
    const last = i32[words[first + CACHE_HEADS]! / 4]!, head = i32[last / 4]!, next = words[first + CACHE_MAGAZINES]!;
    i32.set([next, next ^ head ^ FREE_CANARY], head / 4 + 2);
    return [[first + CACHE_MAGAZINES, head], [first + CACHE_ROOMS, 14], [(stateBytes(u8.length) + last) / 4, 0]];
  },
  "takes one back": (words, { i32 }, first) => {
    const head = words[first + CACHE_MAGAZINES]!, next = i32[head / 4 + 2]!;
    return [[first + CACHE_HEADS, head], [first + CACHE_ROOMS, 2], [first + CACHE_MAGAZINES, next]];
  },
};

for (const [name, move] of Object.entries(MOVES)) {
  Deno.test({
    name: `a thread dies at any store as it ${name}: no block is lost or given out twice`,
    sanitizeResources: false,
    fn: async () => {
      using survivor = await Heap.open({ variant: VARIANT, reserveBytes: 64 * MIB });
      const shared = survivor.share();
      for (let done = 0; done <= 3; done++) {
        const { heap, life } = await attachMortal(shared);
        assert(heap !== undefined);
        const kept = fillAndFree(heap, 200, 5), words = viewState(survivor), first = firstWordOf(1) + CLASS;
        while (name.startsWith("takes") && words[first + CACHE_HEADS] !== 0) kept.add(fill(heap, heap.malloc(STRIDE)));
        for (const ptr of name.startsWith("sets") ? [...kept] : []) {
          if (words[first + CACHE_ROOMS] === 0) break;
          heap.free(ptr);
          kept.delete(ptr);
        }
        for (const [index, value] of move(words, heap, first).slice(0, done)) words[index] = value;
        assertLive(survivor, kept);
        life.left = 0;
        assertThrows(() => heap.malloc(200 * 1024), Death);
        survivor.collect();
        assertLive(survivor, kept);
        for (const ptr of kept) survivor.free(ptr);
        survivor.collect();
        assertEquals([survivor.stats().liveBlocks, survivor.stats().slabs], [0, 0], `after ${done} stores`);
      }
    },
  });
}
