/** Guarded blocks as JavaScript sees them: what is found, when, and that everything else is as it is without. */

import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  BufferOverflowError,
  BufferUnderflowError,
  DoubleFreeError,
  Heap,
  type HeapOptions,
  InvalidOptionError,
  InvalidPointerError,
  UseAfterFreeError,
} from "../../../src/heap/mod.ts";
import { Oracle } from "../../../src/verify/oracle.ts";
import { assertPrograms, inTurn } from "../programs.ts";

const KIB = 1024, MIB = 1024 * KIB;
const ALWAYS: HeapOptions = { guard: { oneIn: 1 }, log: () => {} };
/** Sizes up to the largest that is guarded, and what lies around the ends of pages. */
const SIZES = [0, 1, 15, 16, 100, 1000, 4095, 4096, 4097, 33_000, 256 * KIB];

function allocatesHere(heap: Heap, size: number): number {
  return heap.malloc(size);
}

for (const oneIn of [1, 2, 3]) {
  Deno.test(`guarded: one in ${oneIn}, random programs agree with the oracle`, async () => {
    using heap = await Heap.open({ guard: { oneIn } });
    assertPrograms(heap, 12, 20261127 + oneIn);
  });
}

Deno.test("guarded: calloc gives zeros, also from a span that the quarantine hands on", async () => {
  using heap = await Heap.open(ALWAYS);
  for (let turn = 0; turn < 100; turn++) {
    const size = 40_000, ptr = heap.calloc(1, size);
    assert(heap.bytes(ptr, size).every((byte) => byte === 0), `turn ${turn}`);
    heap.u8.fill(7, ptr, ptr + size);
    heap.free(ptr);
  }
});

Deno.test("guarded: random programs agree with the oracle when memory is short", async () => {
  using heap = await Heap.open({ ...ALWAYS, maxBytes: 3 * MIB, reserveBytes: 8 * MIB });
  assertPrograms(heap, 20, 11);
});

Deno.test("guarded: random programs agree with the oracle in a heap that is profiled, too", async () => {
  using heap = await Heap.open({ guard: { oneIn: 3 }, profile: { everyBytes: 300 } });
  assertEquals(heap.variant, "slab-map,profile=1,guard=1");
  assertPrograms(heap, 10, 5);
});

Deno.test("guarded: random programs of several threads' heaps agree with the oracle", async () => {
  const heap = await Heap.open({ guard: { oneIn: 2 } }), shared = heap.share();
  const others = [await Heap.attach(shared), await Heap.attach(shared)];
  assertPrograms(inTurn([heap, ...others]), 8, 3);
  for (const each of [...others, heap]) each.close();
});

Deno.test("guarded: a byte that JavaScript writes past the end, or before the start, is found by free, realloc and check", async () => {
  for (const size of SIZES) {
    const places = [[size, BufferOverflowError], [size + 70, BufferOverflowError], [-1, BufferUnderflowError]] as const;
    for (const [at, type] of places) {
      using heap = await Heap.open(ALWAYS);
      const ptr = allocatesHere(heap, size);
      heap.u8[ptr + at]! ^= 1;
      for (const call of [() => heap.free(ptr), () => heap.realloc(ptr, 5), () => heap.check()]) {
        const error = assertThrows(call, type, `offset ${at} is now`);
        assertEquals(error.ptr, ptr);
        assertStringIncludes(error.message, "  allocated:\n    at allocatesHere (");
      }
    }
  }
});

Deno.test("guarded: what JavaScript writes after free is found by check, and when the block leaves the quarantine", async () => {
  using heap = await Heap.open(ALWAYS);
  for (const size of SIZES.slice(1)) {
    const ptr = allocatesHere(heap, size);
    heap.free(ptr);
    heap.u8[ptr + size - 1] = 1;
    const error = assertThrows(() => heap.check(), UseAfterFreeError, `offset ${size - 1} is now 01`);
    assertStringIncludes(error.message, "  allocated:\n    at allocatesHere (");
    assertStringIncludes(error.message, "  first freed:\n    at ");
    assertThrows(() => heap.bytes(ptr), UseAfterFreeError);
    const found = assertThrows(
      () => {
        for (let count = 0; count < 600; count++) heap.free(heap.malloc(4096));
      },
      UseAfterFreeError,
      `offset ${size - 1} is now 01`,
    );
    assertEquals(found.ptr, ptr);
    heap.check(); // it is reported once
    heap.collect();
  }
});

Deno.test("guarded: a block is freed once, whatever is freed in between", async () => {
  using heap = await Heap.open(ALWAYS);
  for (const size of SIZES) {
    const ptr = heap.malloc(size), others = Array.from({ length: 3 }, () => heap.malloc(50));
    heap.free(ptr);
    for (const other of others) heap.free(other);
    assertEquals([heap.owns(ptr), heap.blockOf(ptr)], [false, 0]);
    assertThrows(() => heap.free(ptr), DoubleFreeError, "first freed:");
    assertThrows(() => heap.realloc(ptr, 10), DoubleFreeError);
    assertThrows(() => heap.usableSize(ptr), UseAfterFreeError);
  }
});

Deno.test("guarded: a number that is not a block is not taken for one, not even in the pages around a block", async () => {
  using heap = await Heap.open(ALWAYS);
  const ptr = heap.malloc(100), page = ptr - ptr % 4096;
  for (const bad of [page, page - 16, page - 4096, page + 4096, ptr + 16, ptr - 16, ptr + 1, -ptr, NaN, 2 ** 40]) {
    assertThrows(() => heap.free(bad), InvalidPointerError);
    assertThrows(() => heap.realloc(bad, 10), InvalidPointerError);
    assertEquals(heap.owns(bad), false, `${bad}`);
  }
  heap.free(ptr);
});

Deno.test("guarded: a block ends where its pages do, as near as its alignment lets it", async () => {
  using heap = await Heap.open(ALWAYS);
  for (const alignment of [1, 16, 64, 4096]) {
    for (const size of SIZES) {
      const ptr = heap.alignedAlloc(alignment, size), step = Math.max(16, alignment);
      assertEquals([ptr % step, heap.usableSize(ptr), heap.goodSize(size)], [0, size, size]);
      assertEquals(Math.ceil((ptr + Math.max(1, size)) / step) * step % 4096, 0, `${size} aligned to ${alignment}`);
      assertThrows(() => heap.bytes(ptr, size + 1), BufferOverflowError, "allocated:");
      assertEquals(heap.blockOf(ptr + Math.max(0, size - 1)), ptr);
      heap.u8.fill(1, ptr, ptr + size);
    }
  }
  heap.check();
});

Deno.test("guarded: what is too large, or too much aligned, is not guarded, and is a block all the same", async () => {
  using heap = await Heap.open(ALWAYS);
  for (const ptr of [heap.malloc(256 * KIB + 1), heap.malloc(10 * MIB), heap.alignedAlloc(8192, 100)]) {
    assert(heap.usableSize(ptr) > 0 && heap.owns(ptr));
    heap.free(ptr);
  }
});

Deno.test("guarded: blocks(), stats(), snapshot() and leaks() have guarded blocks with the size that was asked for", async () => {
  using heap = await Heap.open({ guard: { oneIn: 2 }, variant: "slab-map,prewarm=0" });
  const oracle = new Oracle(heap);
  for (let count = 0; count < 40; count++) oracle.malloc(count * 10);
  for (let count = 0; count < 10; count++) oracle.free(oracle.pick(count * 7)!);
  oracle.audit();
  const { liveBlocks, liveBytes, largeBlocks } = heap.stats(), snapshot = heap.snapshot();
  assertEquals([snapshot.totals.liveBlocks, snapshot.totals.liveBytes], [liveBlocks, liveBytes]);
  assertEquals(snapshot.largeBlocks.filter((block) => heap.owns(block.ptr)).length, largeBlocks);
  assertEquals(liveBlocks, 30);
  const leaks = heap.leaks();
  assertEquals(leaks.reduce((sum, leak) => sum + leak.blocks, 0), 30);
  assert(leaks.some(({ stack }) => stack?.includes("guard_test.ts")) && leaks.some(({ stack }) => stack === undefined));
  oracle.freeAll();
  oracle.audit();
});

Deno.test("guarded: one allocation in so many is, and none of them can be told beforehand", async () => {
  using heap = await Heap.open({ guard: { oneIn: 20 } });
  let last = 0;
  const gaps: number[] = [];
  for (let count = 1; count <= 40_000; count++) {
    const ptr = heap.malloc(100);
    if (heap.usableSize(ptr) === 100) {
      gaps.push(count - last);
      last = count;
    }
    heap.free(ptr);
  }
  // The standard deviation of the sum of 40,000 draws is 44; of six of those none is ever seen.
  assertAlmostEquals(gaps.length, 2000, 270);
  assert(new Set(gaps).size > 40);
});

Deno.test("guarded: with more blocks than are guarded at once the others are as without", async () => {
  using heap = await Heap.open({ ...ALWAYS, reserveBytes: 1024 * MIB });
  const ptrs = Array.from({ length: 9000 }, () => heap.malloc(20));
  assertEquals(ptrs.filter((ptr) => heap.usableSize(ptr) === 20).length, 8192);
  heap.check();
  for (const ptr of ptrs) heap.free(ptr);
  assertEquals(heap.stats().liveBlocks, 0);
});

/** The system's mappings that a heap's blocks are in. */
async function mappingsOf(heap: Heap): Promise<number> {
  // Deno reads files there with all permissions only.
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${Deno.pid}/maps`] }).output();
  const maps = new TextDecoder().decode(stdout).trimEnd().split("\n");
  const ranges = maps.map((line) => line.split(" ")[0]!.split("-").map((address) => BigInt(`0x${address}`)));
  return ranges.filter(([start, end]) => end! > heap.base && start! < heap.base + BigInt(64 * MIB)).length;
}

Deno.test({
  name: "guarded: a block takes two of the system's mappings, live or freed, and none once its span is given back",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using heap = await Heap.open(ALWAYS);
    const before = await mappingsOf(heap), blocks = Array.from({ length: 100 }, () => heap.malloc(64));
    const live = await mappingsOf(heap);
    assert(live >= before + 100 && live <= before + 2 * 100 + 2, `${before} mappings before, ${live} with 100 blocks`);
    blocks.forEach(heap.free);
    const freed = await mappingsOf(heap);
    assert(freed <= live, `${freed} mappings with all in quarantine, ${live} before`);
    heap.collect();
    assertEquals(await mappingsOf(heap), before);
  },
});

Deno.test("guarded: close says what of the guarded blocks was written to", async () => {
  const lines: string[] = [];
  const heap = await Heap.open({ guard: { oneIn: 1 }, log: (line) => lines.push(line) });
  const ptr = heap.malloc(100);
  heap.free(ptr);
  heap.u8[ptr] = 1;
  heap.close();
  assertEquals(lines[0]?.startsWith("hakmem: USE_AFTER_FREE: the freed block"), true, lines.join("\n"));
});

Deno.test("guarded: what another thread allocated any thread frees, and finds damaged", async () => {
  const heap = await Heap.open(ALWAYS), other = await Heap.attach(heap.share(), { log: () => {} });
  const ptr = allocatesHere(other, 100), damaged = allocatesHere(other, 64);
  heap.u8[damaged + 64] = 1;
  other.close();
  assertEquals(heap.owns(ptr), true);
  heap.free(ptr);
  assertThrows(() => heap.free(ptr), DoubleFreeError);
  assertThrows(() => heap.free(damaged), BufferOverflowError, "at allocatesHere (");
  heap.close();
});

Deno.test("guarded: Heap.open says what guard may be, and where", async () => {
  for (const guard of [0, 1, "1", null, {}, { oneIn: 0 }, { oneIn: 1.5 }, { oneIn: 2 ** 31 }, { oneIn: 5, every: 5 }]) {
    const error = await Heap.open({ guard } as HeapOptions).then(() => undefined, (error) => error);
    assert(error instanceof InvalidOptionError, JSON.stringify(guard));
    assertStringIncludes(error.message, "oneIn");
  }
  for (const options of [{ guard: true }, { variant: "slab-map,guard=1" }]) {
    const error = await Heap.open({ build: "debug", ...options }).then(() => undefined, (error) => error);
    assert(error instanceof InvalidOptionError && error.message.includes("debug build"));
  }
  const phase7 = await Heap.open({ variant: "phase7", guard: true }).then(() => undefined, (error) => error);
  assertStringIncludes(phase7.message, "header=none");
  assertThrows(() => Heap.openSync({ guard: true }), InvalidOptionError);
  using heap = await Heap.open({ guard: true });
  using off = await Heap.open({ guard: false });
  assertEquals([heap.variant, heap.flags.guard, off.variant], ["slab-map,guard=1", 1, "slab-map"]);
});

Deno.test("guarded: without the native library nothing is hidden, which log says, and damage is found all the same", async () => {
  const { stdout, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--quiet", "--allow-ffi", new URL("./libc_program.ts", import.meta.url).pathname],
    env: { HAKMEM_LIBRARY: "" },
    stdin: "null",
  }).output();
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertEquals(code, 0);
  assertEquals(lines.slice(0, -1), ["BUFFER_OVERFLOW", "BUFFER_OVERFLOW", "BUFFER_UNDERFLOW", "USE_AFTER_FREE"]);
  assertStringIncludes(lines.at(-1)!, "nobody watches the pages");
});
