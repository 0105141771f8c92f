/** Debug builds: sizes, fills, quarantine, evidence in messages, leaks, options, and the end. */

import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { Heap, HeapClosedError, HeapError, type HeapOptions, InvalidOptionError } from "../../../src/heap/mod.ts";

const KIB = 1024, MIB = 1024 * KIB;
const THIS_FILE = "build_test.ts";

function openDebug(options: HeapOptions = {}): Promise<Heap> {
  return Heap.open({ build: "debug", log: () => {}, ...options });
}

function messageOf(run: () => unknown): string {
  return assertThrows(run, HeapError).message;
}

Deno.test("debug: usableSize, goodSize and blocks() have exactly the size asked for", async () => {
  using heap = await openDebug();
  assertEquals(heap.build, "debug");
  const ptrs: number[] = [];
  for (let size = 0; size < 100_000; size = Math.ceil(size * 1.3) + 1) {
    const ptr = heap.malloc(size);
    assertEquals([heap.usableSize(ptr), heap.goodSize(size), heap.bytes(ptr).length], [size, size, size]);
    assertEquals(heap.address(ptr) % 16n, 0n);
    ptrs.push(ptr);
  }
  assertEquals([...heap.blocks()].map(({ ptr }) => ptr), ptrs.toSorted((a, b) => a - b));
  const before = heap.stats();
  assertEquals(before.liveBlocks, ptrs.length);
  for (const ptr of ptrs) heap.free(ptr);
  const { liveBlocks, liveBytes, largeBlocks, largeBytes, chargedBytes } = heap.stats();
  assertEquals([liveBlocks, liveBytes, largeBlocks, largeBytes], [0, 0, 0, 0]);
  assert(chargedBytes > 0, "the quarantine holds memory that is not live");
  assertEquals([...heap.blocks()], []);
});

Deno.test("debug: new memory is 0xd0, freed memory 0xdf, calloc's 0", async () => {
  using heap = await openDebug();
  for (const size of [1, 100, 5000, 100_000]) {
    for (let times = 0; times < 3; times++) {
      const ptr = heap.malloc(size), zero = heap.calloc(size, 1), aligned = heap.alignedAlloc(512, size);
      assert(heap.bytes(ptr).every((byte) => byte === 0xd0));
      assert(heap.bytes(aligned).every((byte) => byte === 0xd0));
      assert(heap.bytes(zero).every((byte) => byte === 0));
      for (const block of [ptr, zero, aligned]) {
        heap.bytes(block).fill(1);
        heap.free(block);
        assert(heap.u8.subarray(block, block + size).every((byte) => byte === 0xdf));
      }
      heap.collect();
    }
  }
});

Deno.test("debug: realloc moves small blocks always, keeps the contents, and fills what is new", async () => {
  using heap = await openDebug();
  const ptr = heap.malloc(100);
  heap.bytes(ptr).fill(5);
  for (const size of [100, 101, 5, 200_000]) {
    const block = heap.malloc(100);
    heap.bytes(block).fill(5);
    const moved = heap.realloc(block, size);
    assert(moved !== block && heap.usableSize(moved) === size);
    assert(heap.bytes(moved).every((byte, at) => byte === (at < 100 ? 5 : 0xd0)));
    assertEquals(heap.owns(block), false);
  }
  assertEquals(heap.usableSize(heap.realloc(0, 7)), 7);
  assertEquals(heap.usableSize(heap.realloc(ptr, 0)), 0);
});

Deno.test("debug: a large block grows where it is up to its redzone, which is found written to as before", async () => {
  using heap = await openDebug();
  let ptr = heap.malloc(100_000), moves = 0;
  heap.bytes(ptr).fill(5);
  for (let size = 100_001; size < 130_000; size += 7) {
    const before = heap.usableSize(ptr), moved = heap.realloc(ptr, size);
    if (moved !== ptr) assertEquals([moves++, heap.owns(ptr)], [moves - 1, false]);
    ptr = moved;
    const bytes = heap.bytes(ptr);
    assertEquals([bytes.length, bytes.indexOf(0xd0), bytes[size - 1]], [size, before, 0xd0]);
    bytes.fill(5, before);
    if (size % 50 === 0) heap.check();
  }
  assert(moves > 1 && moves < 100, `it moves when its memory is full, and did so ${moves} times`);
  const size = heap.usableSize(ptr), grown = heap.realloc(ptr, size + 1);
  heap.u8[grown + size + 1] = 0;
  const error = assertThrows(() => heap.realloc(grown, size + 2), HeapError);
  assertEquals([error.code, heap.usableSize(grown)], ["BUFFER_OVERFLOW", size + 1]);
  assertEquals(heap.leaks().length, 1);
});

Deno.test("debug: a block that grew where it is has the stack of the realloc that did it", async () => {
  using heap = await openDebug();
  const ptr = heap.malloc(100_000);
  function grow() {
    assertEquals(heap.realloc(ptr, 100_001), ptr);
  }
  grow();
  const [leak] = heap.leaks();
  assertEquals(leak?.bytes, 100_001);
  assertStringIncludes(leak?.stack ?? "", "at grow");
});

Deno.test("debug: the quarantine lets blocks go first in, first out, and holds no more than its limit", async () => {
  const quarantineBytes = 10 * KIB;
  using heap = await openDebug({ quarantineBytes });
  const ptrs = Array.from({ length: 100 }, () => heap.malloc(1000));
  const holds = Math.floor(quarantineBytes / 1152); // what a block with redzones takes in its class
  for (const ptr of ptrs.slice(0, holds)) {
    heap.free(ptr);
    heap.u8[ptr] = 0; // found when the block leaves, so that tells which one did
  }
  for (let left = 0; left < holds; left++) {
    const error = assertThrows(() => heap.free(ptrs[holds + left]!), HeapError);
    assertEquals([error.code, error.ptr], ["USE_AFTER_FREE", ptrs[left]]);
    heap.free(ptrs[holds + left]!);
  }
  for (const ptr of ptrs.slice(2 * holds)) heap.free(ptr);
  heap.check();
});

Deno.test("debug: memory in quarantine is not given out again, and all of it before malloc gives 0", async () => {
  using roomy = await openDebug();
  const freed = new Set<number>();
  for (let count = 0; count < 900; count++) {
    const ptr = roomy.malloc(1000);
    assert(!freed.has(ptr));
    roomy.free(ptr);
    freed.add(ptr);
  }
  using heap = await openDebug({ maxBytes: 2 * MIB, quarantineBytes: 64 * MIB });
  for (const size of [100, 1000, 100_000, MIB]) {
    const fill = (): number[] => {
      const ptrs: number[] = [];
      for (let ptr = heap.malloc(size); ptr !== 0; ptr = heap.malloc(size)) ptrs.push(ptr);
      return ptrs;
    };
    const first = fill();
    assert(first.length > 0);
    for (const ptr of first) heap.free(ptr);
    const again = fill();
    assertEquals(again.length, first.length);
    for (const ptr of again) heap.free(ptr);
    heap.check();
  }
});

Deno.test("debug: a block that was written to after free is reported once by malloc that needs its memory", async () => {
  using heap = await openDebug({ maxBytes: MIB, quarantineBytes: 64 * MIB });
  const ptr = heap.malloc(600_000);
  heap.free(ptr);
  heap.u8[ptr + 7] = 1;
  assertEquals(assertThrows(() => heap.malloc(600_000), HeapError).code, "USE_AFTER_FREE");
  assertEquals(heap.stats().liveBlocks, 0);
  assert(heap.malloc(600_000) !== 0);
  heap.check();
});

Deno.test("debug: after all is freed and collect(), nothing is charged", async () => {
  using heap = await openDebug();
  const { residentBytes } = heap.stats();
  const ptrs = Array.from({ length: 5000 }, (_, index) => heap.malloc(index * 7919 % 9000));
  for (const ptr of ptrs) heap.free(ptr);
  assert(heap.collect() > 0);
  assertEquals(heap.stats().chargedBytes, 0);
  assert(heap.stats().residentBytes - residentBytes < MIB);
});

function allocateHere(heap: Heap, size: number): number {
  return heap.malloc(size);
}

function freeHere(heap: Heap, ptr: number): void {
  heap.free(ptr);
}

Deno.test("debug: messages show pointer, block, class, slab, bytes and the stacks of the three calls", async () => {
  using heap = await openDebug();
  const ptr = allocateHere(heap, 100), shown = `0x${ptr.toString(16)}`;
  heap.bytes(ptr).set(new TextEncoder().encode("some text"));
  heap.u8[ptr + 100] = 0;
  const overflow = messageOf(() => heap.free(ptr));
  for (const part of [shown, "100 bytes", /class \d+, slab \d+/, "offset 100 is now 00", "allocateHere", THIS_FILE]) {
    if (typeof part === "string") assertStringIncludes(overflow, part);
    else assert(part.test(overflow), overflow);
  }
  assert(overflow.includes("this call:") && !overflow.includes("first freed:"), overflow);
  assert(!overflow.includes("src/heap/"), "frames of the heap itself are left out");

  const freed = allocateHere(heap, 100);
  heap.bytes(freed).set(new TextEncoder().encode("some text"));
  assertStringIncludes(messageOf(() => heap.free(freed + 3)), "it is 3 bytes into the block");
  assertStringIncludes(messageOf(() => heap.free(freed + 3)), "some text");
  assertStringIncludes(messageOf(() => heap.free(freed - 4)), "it is 4 bytes before the block");
  assertStringIncludes(messageOf(() => heap.free(freed + 105)), "it is 5 bytes past the end of the block");
  freeHere(heap, freed);
  const twice = messageOf(() => heap.free(freed));
  const [allocated, first, call] = ["allocated:", "first freed:", "this call:"].map((part) => twice.indexOf(part));
  assert(0 < allocated! && allocated! < first! && first! < call!, twice);
  assertStringIncludes(twice.slice(allocated, first), "allocateHere");
  assertStringIncludes(twice.slice(first, call), "freeHere");
  assertStringIncludes(twice.slice(call), THIS_FILE);
  assertStringIncludes(messageOf(() => heap.bytes(freed)), "was freed, and is used");
  assertStringIncludes(messageOf(() => heap.free(NaN)), "NaN is not a block");
});

Deno.test("debug: stacks can be off, or sampled", async () => {
  for (const [stacks, some] of [[true, 30], [1, 30], [3, 10], [30, 1], [0, 0], [false, 0]] as const) {
    using heap = await openDebug({ stacks });
    const ptrs = Array.from({ length: 30 }, () => allocateHere(heap, 10));
    for (const ptr of ptrs) freeHere(heap, ptr);
    const messages = ptrs.map((ptr) => messageOf(() => heap.free(ptr)));
    assertEquals(messages.filter((text) => text.includes("allocateHere")).length, some);
    assertEquals(messages.filter((text) => text.includes("freeHere")).length, some);
    if (some === 0) assertStringIncludes(messages[0]!, "stacks are off");
    if (stacks === 3) assertStringIncludes(messages[1]!, "one allocation in 3");
  }
});

Deno.test("leaks() has live blocks by the place that allocated them, the most bytes first", async () => {
  using heap = await openDebug();
  assertEquals(heap.leaks(), []);
  for (let count = 0; count < 5; count++) allocateHere(heap, 10);
  heap.free(allocateHere(heap, 10));
  const large = heap.malloc(1000);
  const [first, second, ...others] = heap.leaks();
  assertEquals(others, []);
  assertEquals([first!.blocks, first!.bytes, first!.ptr], [1, 1000, large]);
  assertEquals([second!.blocks, second!.bytes], [5, 50]);
  assertStringIncludes(second!.stack!, "allocateHere");
});

Deno.test("leaks() of a release build is one entry without a stack", async () => {
  using heap = await Heap.open();
  assertEquals(heap.leaks(), []);
  const ptr = heap.malloc(16);
  heap.malloc(64);
  assertEquals(heap.leaks(), [{ blocks: 2, bytes: 80, ptr, stack: undefined }]);
});

Deno.test("debug: close() logs leaks and damage, and nothing if there is none", async () => {
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const clean = await openDebug({ log });
  clean.free(clean.malloc(10));
  const opening = lines.length;
  clean.close();
  assertEquals(lines.length, opening);
  const heap = await openDebug({ log });
  lines.length = 0;
  heap.u8[allocateHere(heap, 10) + 10] = 0;
  allocateHere(heap, 32);
  heap.close();
  heap.close();
  const text = lines.join("\n");
  assertStringIncludes(text, "BUFFER_OVERFLOW");
  assertStringIncludes(text, "closed with live blocks: 2, of 42 bytes");
  assertStringIncludes(text, "allocateHere");
  assert(lines.every((line) => !line.includes("\n")));
});

Deno.test("debug: without a log the report of leaks goes to stderr", async () => {
  const code = `import { Heap } from "${new URL("../../../mod.ts", import.meta.url)}";
    using heap = await Heap.open({ build: "debug" }); heap.malloc(10); heap.malloc(20);`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--config", new URL("../../../deno.json", import.meta.url).pathname, code],
  }).output();
  const text = new TextDecoder().decode(stderr);
  assertEquals(new TextDecoder().decode(stdout), "");
  assertStringIncludes(text, "live blocks: 2, of 30 bytes");
});

Deno.test("a closed debug heap throws HEAP_CLOSED from every call", async () => {
  const heap = await openDebug();
  const { malloc, free } = heap;
  const ptr = malloc(100), freed = malloc(100);
  free(freed);
  heap.close();
  const calls: (() => unknown)[] = [
    () => malloc(100),
    () => malloc(0),
    () => heap.malloc(1e6),
    () => free(ptr),
    () => free(freed),
    () => free(0),
    () => heap.free(NaN),
    () => heap.calloc(1, 100),
    () => heap.realloc(ptr, 10),
    () => heap.realloc(0, 10),
    () => heap.alignedAlloc(64, 10),
    () => heap.usableSize(ptr),
    () => heap.owns(ptr),
    () => heap.bytes(ptr),
    () => heap.address(ptr),
    () => heap.pointer(ptr),
    () => heap.ptrAt(16n),
    () => heap.stats(),
    () => heap.blocks(),
    () => heap.leaks(),
    () => heap.check(),
    () => heap.collect(),
  ];
  for (const call of calls) assertThrows(call, HeapClosedError, "", `${call}`);
});

Deno.test("debug: sizes, alignments and zero as in release builds", async () => {
  using heap = await openDebug();
  for (const size of [-1, 0.5, NaN, Infinity]) {
    for (const call of [() => heap.malloc(size), () => heap.calloc(1, size), () => heap.realloc(0, size)]) {
      assertEquals(assertThrows(call, HeapError).code, "INVALID_SIZE");
    }
  }
  assertEquals(assertThrows(() => heap.alignedAlloc(3, 1), HeapError).code, "INVALID_ALIGNMENT");
  for (const size of [2 ** 37, 2 ** 53, Number.MAX_VALUE]) {
    assertEquals([heap.malloc(size), heap.calloc(1, size), heap.alignedAlloc(64, size)], [0, 0, 0]);
  }
  assertEquals(heap.calloc(2 ** 53, 2 ** 53), 0);
  assertEquals(new Set(Array.from({ length: 100 }, () => heap.malloc(0))).size, 100);
  heap.free(0);
  heap.free(-0);
  assertEquals(heap.usableSize(0), 0);
});

Deno.test("Heap.open() throws INVALID_OPTION for stacks and quarantines that make no sense", async () => {
  for (const options of [{ stacks: -1 }, { stacks: 0.5 }, { quarantineBytes: -1 }, { quarantineBytes: NaN }]) {
    await assertRejects(() => openDebug(options), InvalidOptionError);
  }
});
