/** What makes the variants differ: their counters, and what the oracle says of bugs that are built in. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Heap, VARIANTS } from "../../src/heap/mod.ts";
import { Oracle } from "../../src/verify/oracle.ts";
import { assertFound, heapOf, plant } from "../planted.ts";

const HEADER_VARIANTS = Object.keys(VARIANTS).filter((name) => VARIANTS[name]!.header === "byte");

/** random-mixed in small: what is counted after it. */
async function countMixed(variant: string, largest = 1000) {
  using heap = await Heap.open({ variant: `${variant},counters=1` });
  const slots = new Int32Array(1024);
  for (let cycle = 0, x = 12345; cycle < 50_000; cycle++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    const slot = x & 1023, ptr = slots[slot]!;
    if (ptr !== 0) heap.free(ptr);
    slots[slot] = ptr !== 0 ? 0 : heap.malloc(1 + (x >>> 12) % largest);
  }
  heap.check();
  return heap.counters()!;
}

Deno.test("counters() is undefined in a build that does not count", async () => {
  using heap = await Heap.open();
  heap.free(heap.malloc(10));
  assertEquals(heap.counters(), undefined);
});

Deno.test("counters() counts every malloc and free", async () => {
  using heap = await Heap.open({ variant: "slab-map,counters=1" });
  for (let count = 0; count < 1000; count++) heap.free(heap.malloc(count * 100));
  const { mallocs, frees, fastFrees, slowFrees, frontGateCalls } = heap.counters()!;
  assertEquals([mallocs, frees, fastFrees + slowFrees], [1000, 1000, 1000]);
  assertEquals(slowFrees, frontGateCalls);
  assertEquals(slowFrees, 1000 - 328, "those over 32 KiB are large blocks");
});

for (const variant of Object.keys(VARIANTS)) {
  const isFast = VARIANTS[variant]!.writeHeader !== "never" || VARIANTS[variant]!.header === "none";
  Deno.test(`${variant}: ${isFast ? "95 % or more of" : "no"} frees are fast in random-mixed`, async () => {
    const { frees, fastFrees, headerRejects } = await countMixed(variant);
    if (isFast) assert(fastFrees / frees >= 0.95, `${fastFrees} of ${frees}`);
    else assertEquals([fastFrees, headerRejects], [0, frees]);
  });
}

Deno.test("readable=always calls mincore on every free, boundary on few, never on none", async () => {
  const always = await countMixed("phase7-1.2"), boundary = await countMixed("phase7-1.3");
  const never = await countMixed("phase7,readable=never");
  assertEquals(always.mincoreCalls, always.frees);
  assert(boundary.mincoreCalls > 0 && boundary.mincoreCalls < boundary.frees / 2);
  assertEquals(never.mincoreCalls, 0);
});

Deno.test("a block of the largest seed class has no header where c7 is headerless, and is freed the slow way", async () => {
  for (const [variant, isSlow] of [["phase7", true], ["box", false]] as const) {
    using heap = await Heap.open({ variant: `${variant},counters=1` });
    for (let count = 0; count < 100; count++) heap.free(heap.malloc(1500));
    assertEquals(heap.counters()!.slowFrees, isSlow ? 100 : 0);
  }
});

Deno.test("spill decides how much of a full list is given back: a hundredth, at least a block, to all", async () => {
  for (const [spill, left] of [[1, 7], [25, 6], [50, 4], [51, 3], [100, 0]]) {
    using heap = await Heap.open({
      variant: `slab-map,magazines=0,prewarm=0,counters=1,capacity=8,refill=8,spill=${spill}`,
    });
    const ptrs = Array.from({ length: 24 }, () => heap.malloc(100));
    for (const ptr of ptrs.slice(0, 8)) heap.free(ptr);
    assertEquals([heap.stats().classes[0]!.cachedBlocks, heap.counters()!.spills], [8, 0]);
    heap.free(ptrs[8]!);
    assertEquals([heap.stats().classes[0]!.cachedBlocks, heap.counters()!.spills], [left! + 1, 1], `spill=${spill}`);
    heap.check();
  }
});

Deno.test("classify decides whether the registry is asked for what has a header", async () => {
  const lookups: Record<string, number> = {};
  for (const classify of ["registry-first", "registry-last", "probe"]) {
    using heap = await Heap.open({ variant: `phase7,classify=${classify},counters=1` });
    for (let count = 0; count < 100; count++) {
      heap.free(heap.malloc(100_000)); // an AllocHeader
      heap.free(heap.malloc(1500)); // no header at all
    }
    lookups[classify] = heap.counters()!.registryLookups;
  }
  assertEquals(lookups, { "registry-first": 200, "registry-last": 200, "probe": 100 });
});

Deno.test("the registry is not asked by fast frees: e3-1 removed it from where it never was", async () => {
  for (const variant of ["box", "e3-1"]) {
    const { frees, registryLookups } = await countMixed(variant);
    assert(registryLookups < frees / 20, `${variant}: ${registryLookups} of ${frees}`);
  }
});

for (const variant of HEADER_VARIANTS) {
  Deno.test(`${variant}: stale user data is never taken for a header`, async () => {
    using heap = await Heap.open({ variant });
    const oracle = new Oracle(heap);
    for (let round = 0; round < 6; round++) {
      const size = [2000, 15, 500, 100, 1000, 31][round]!;
      const ptrs = Array.from({ length: 2000 }, () => oracle.malloc(size));
      for (const ptr of ptrs) heap.u8.fill(0xa0 + round, ptr, ptr + heap.usableSize(ptr)); // looks like a header
      for (const ptr of ptrs) {
        oracle.live.delete(ptr);
        heap.free(ptr);
      }
      heap.collect();
      heap.check();
      assertEquals(heap.stats().liveBlocks, 0);
    }
  });
}

for (const [variant, bug] of [["phase7", "drop-header"], ["slab-map", "link-twice"], ["box", "miscount"]] as const) {
  Deno.test(`a heap with the bug ${bug} does not agree with the oracle`, async () => {
    using planted = await plant(bug);
    using heap = await (await heapOf(planted)).Heap.open({ variant });
    const oracle = new Oracle(heap);
    const error = assertThrows(() => {
      for (let round = 0; round < 50; round++) {
        const size = [1900, 14, 450, 100, 1000, 30, 220][round % 7]!; // slabs go from class to class, as they are
        for (let count = 0; count < 1000; count++) oracle.malloc(size);
        for (let count = 0; count < 500; count++) oracle.free(oracle.pick(count * 7919)!);
        oracle.audit();
        oracle.freeAll();
        oracle.audit();
      }
    }, Error);
    assertFound(bug, error);
  });
}

Deno.test("a debug build of a design with a header goes through the Box, one of the slab map has none", async () => {
  using header = await Heap.open({ variant: "e3-2", build: "debug" });
  assertEquals([header.flags.push, header.flags.integrity, header.flags.track], ["box", 4, 1]);
  using map = await Heap.open({ build: "debug" });
  assertEquals(map.flags, VARIANTS["slab-map"]!);
});
