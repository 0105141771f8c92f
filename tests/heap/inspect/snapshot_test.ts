/** `heap.snapshot()` against what the heap says otherwise: sums, every live block, and the pages. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { HeaderCorruptedError, Heap, type HeapSnapshot, VARIANTS } from "../../../src/heap/mod.ts";
import { Random } from "../../../src/measure/mod.ts";
import { Oracle } from "../../../src/verify/oracle.ts";

const KIB = 1024;
const SLAB_BYTES = 64 * KIB;
const SUPERSLAB_BYTES = 2048 * KIB;

/** Blocks of all kinds, some of them freed. */
function runProgram(oracle: Oracle, seed: number, calls: number): void {
  const random = new Random(seed);
  for (let call = 0; call < calls; call++) {
    const pick = random.below(100), size = random.below(pick < 90 ? 600 : pick < 99 ? 40 * KIB : 700 * KIB);
    if (pick % 5 < 2) {
      const ptr = oracle.pick(random.below(10_000));
      if (ptr !== undefined) oracle.free(ptr);
    } else if (pick % 5 === 4) oracle.alignedAlloc(2 ** random.below(18), size);
    else oracle.malloc(size);
  }
}

function sum<Item>(items: Iterable<Item>, of: (item: Item) => number): number {
  return [...items].reduce((total, item) => total + of(item), 0);
}

/** Everything that a snapshot says twice, and what the heap says too. */
function assertAgrees(heap: Heap, snapshot: HeapSnapshot): void {
  const { classes, ...totals } = heap.stats();
  assertEquals(snapshot.totals, totals);
  const { superslabs, largeBlocks, freeSpans } = snapshot;
  const slabs = superslabs.flatMap((superslab) => superslab.slabs);
  assertEquals([superslabs.length, slabs.length], [totals.superslabs, totals.slabs]);
  assertEquals(
    sum([...superslabs, ...largeBlocks, ...freeSpans], (part) => part.residentBytes) + snapshot.tableBytes,
    totals.residentBytes,
  );
  assertEquals(snapshot.fragmentation, Math.max(0, 1 - totals.liveBytes / totals.residentBytes));

  const live = Map.groupBy(heap.blocks(), ({ slab }) => slab);
  for (const slab of slabs) {
    assertEquals(slab.liveBlocks, live.get(slab.slab)?.length ?? 0, `slab ${slab.slab}`);
    assertEquals(slab.blocks, slab.liveBlocks + slab.cachedBlocks + slab.freeBlocks + slab.uncarvedBlocks);
    assert(slab.residentBytes <= SLAB_BYTES && slab.owner === 0);
  }
  const known = new Set([-1, ...slabs.map(({ slab }) => slab)]);
  assertEquals([...live.keys()].filter((slab) => !known.has(slab)), []);
  assertEquals(
    largeBlocks.filter(({ liveBytes }) => liveBytes > 0).map(({ liveBytes }) => liveBytes),
    (live.get(-1) ?? []).map(({ size }) => size),
  );

  assertEquals(snapshot.classes.map(({ sizeClass }) => sizeClass), classes.map(({ sizeClass }) => sizeClass));
  for (const [at, row] of snapshot.classes.entries()) {
    const own = slabs.filter(({ sizeClass }) => sizeClass === row.sizeClass);
    for (const field of ["liveBlocks", "cachedBlocks", "freeBlocks"] as const) {
      assertEquals([row[field], sum(own, (slab) => slab[field])], [classes[at]![field], row[field]], field);
    }
    for (const field of ["blocks", "uncarvedBlocks", "residentBytes"] as const) {
      assertEquals(row[field], sum(own, (slab) => slab[field]), field);
    }
  }
  const ofClasses = sum(snapshot.classes, ({ liveBytes }) => liveBytes);
  assertEquals(ofClasses + sum(largeBlocks, ({ liveBytes }) => liveBytes), totals.liveBytes);
}

/** The parts lie beside each other, and leave nothing out from the tables to the end. */
function assertCovers({ superslabs, largeBlocks, freeSpans, totals }: HeapSnapshot): void {
  const parts = [
    ...superslabs.map(({ ptr }) => ({ ptr, bytes: SUPERSLAB_BYTES })),
    ...largeBlocks.map(({ spanPtr, spanBytes }) => ({ ptr: spanPtr, bytes: spanBytes })),
    ...freeSpans,
  ].toSorted((a, b) => a.ptr - b.ptr);
  for (const [at, { ptr, bytes }] of parts.entries()) {
    assertEquals(ptr + bytes, parts[at + 1]?.ptr ?? totals.reservedBytes);
  }
}

for (const variant of Object.keys(VARIANTS)) {
  Deno.test(`snapshot() of ${variant} agrees with stats() and blocks() in random programs`, async () => {
    using heap = await Heap.open({ variant });
    const oracle = new Oracle(heap);
    for (const [seed, calls] of [[1, 20], [2, 3000], [3, 1000]] as const) {
      runProgram(oracle, seed, calls);
      const snapshot = heap.snapshot();
      assertAgrees(heap, snapshot);
      assertCovers(snapshot);
      assertEquals(snapshot.roundingBytes, undefined);
    }
    oracle.freeAll();
    heap.collect();
    assertAgrees(heap, heap.snapshot());
    assertEquals(heap.snapshot().superslabs, []);
  });
}

Deno.test("snapshot() of a debug build has what users have, and what was rounded", async () => {
  using heap = await Heap.open({ build: "debug", stacks: false, log: () => {} });
  const oracle = new Oracle(heap);
  runProgram(oracle, 4, 2000);
  heap.free(heap.malloc(300_000)); // in quarantine
  const snapshot = heap.snapshot();
  assertAgrees(heap, snapshot);
  assertCovers(snapshot);
  assertEquals(snapshot.totals.liveBytes, sum(heap.blocks(), ({ size }) => size));
  assert(snapshot.largeBlocks.some(({ liveBytes }) => liveBytes === 0));
  assert(snapshot.roundingBytes! >= 32 * snapshot.totals.liveBlocks, "two redzones each");
  oracle.freeAll();
});

Deno.test("snapshot() shows pages that are touched, and only those", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(1024 * KIB);
  const before = heap.snapshot().largeBlocks[0]!;
  heap.u8.fill(1, ptr, ptr + 1024 * KIB);
  const after = heap.snapshot().largeBlocks[0]!;
  assert(before.residentBytes < after.residentBytes && after.residentBytes >= 1024 * KIB);
  assertEquals([after.ptr, after.spanPtr, after.spanBytes], [ptr, ptr - 16, 1152 * KIB]);
  heap.free(ptr);
  const { largeBlocks, freeSpans } = heap.snapshot();
  assertEquals(largeBlocks, []);
  const dirty = freeSpans.filter(({ isClean }) => !isClean);
  assertEquals(dirty.map((span) => [span.ptr, span.bytes]), [[ptr - 16, 1152 * KIB]]);
  assert(dirty[0]!.residentBytes >= 1024 * KIB);
});

Deno.test("snapshot() is plain data, changes nothing, and throws once the heap is closed", async () => {
  const heap = await Heap.open();
  heap.free(heap.malloc(100));
  const snapshot = heap.snapshot();
  assertEquals(structuredClone(snapshot), snapshot);
  assertEquals(JSON.parse(JSON.stringify(snapshot)), snapshot);
  assertEquals(heap.snapshot(), snapshot);
  heap.close();
  assertThrows(() => heap.snapshot(), Error, "closed");
});

Deno.test("snapshot() says whose a slab is, and when its thread has gone", async () => {
  using heap = await Heap.open({ variant: "slab-map,prewarm=0" });
  heap.malloc(100);
  const other = await Heap.attach(heap.share());
  const ptr = other.malloc(100);
  const owners = () => heap.snapshot().superslabs.flatMap(({ slabs }) => slabs.map(({ owner }) => owner));
  assertEquals(owners(), [0, 1]);
  assertEquals(other.snapshot().superslabs, heap.snapshot().superslabs);
  other.close();
  assertEquals(owners(), [0, -1]);
  heap.free(ptr);
});

Deno.test("snapshot() throws where a free list is damaged", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(100);
  heap.free(ptr);
  const link = heap.u32[ptr / 4]!;
  heap.u32[ptr / 4] = 12345;
  assertThrows(() => heap.snapshot(), HeaderCorruptedError);
  heap.u32[ptr / 4] = link;
  assertAgrees(heap, heap.snapshot());
});

Deno.test("check() and blocks() take more free blocks than a Set of V8's has room for", async () => {
  using heap = await Heap.open();
  const { malloc, free } = heap, count = 2 ** 24 + 20_000, ptrs = new Int32Array(count);
  for (let at = 0; at < count; at++) ptrs[at] = malloc(16);
  // One block of each slab stays, so that the slab does.
  const kept = ptrs.filter((ptr, at) => at === 0 || ptr >>> 16 !== ptrs[at - 1]! >>> 16), live = new Set(kept);
  for (const ptr of ptrs) if (!live.has(ptr)) free(ptr);
  heap.check();
  const notLive = heap.stats().classes.map(({ cachedBlocks, freeBlocks }) => cachedBlocks + freeBlocks);
  assert(Math.max(...notLive) > 2 ** 24);
  assertEquals([...heap.blocks()].map(({ ptr }) => ptr), [...kept].sort((a, b) => a - b));
  const last = ptrs.findLast((ptr) => !live.has(ptr))!;
  heap.i32[last / 4] = last; // a link of a free block
  assertThrows(() => heap.check(), HeaderCorruptedError);
});
