/** One debug heap, several objects of it in one thread, where every step can be looked at: the books are the same for all. */

import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import {
  Heap,
  HeapError,
  type HeapOptions,
  HeapSharedError,
  InvalidHandleError,
  VARIANTS,
} from "../../../src/heap/mod.ts";
import { assertPrograms, inTurn } from "../programs.ts";

const KIB = 1024, MIB = 1024 * KIB;

function openDebug(options: HeapOptions = {}): Promise<Heap> {
  return Heap.open({ build: "debug", log: () => {}, ...options });
}

function fault(run: () => unknown): HeapError {
  return assertThrows(run, HeapError);
}

for (const variant of Object.keys(VARIANTS)) {
  Deno.test(`${variant} in debug: what one thread allocates any other frees, resizes and reads`, async () => {
    using heap = await openDebug({ variant, stacks: 200 });
    using second = await Heap.attach(heap.share());
    using third = await Heap.attach(second.share());
    assertEquals([second.variant, second.flags, second.build], [heap.variant, heap.flags, "debug"]);
    assertPrograms(inTurn([heap, second, third]), variant === "slab-map" ? 6 : 2, 5);
  });
}

Deno.test("a shared debug build agrees with the oracle with any quarantine, and when memory is short", async () => {
  const short = { maxBytes: 3 * MIB, reserveBytes: 8 * MIB };
  for (const options of [{ quarantineBytes: 0 }, { quarantineBytes: 5000 }, short]) {
    using heap = await openDebug({ variant: "slab-map,capacity=4,refill=1,prewarm=0", stacks: false, ...options });
    using second = await Heap.attach(heap.share());
    assertPrograms(inTurn([heap, second]), 5, 17);
  }
});

Deno.test("debug: stats(), blocks(), leaks(), owns() and blockOf() of each thread have the blocks of all", async () => {
  using heap = await openDebug();
  const before = heap.malloc(10);
  using other = await Heap.attach(heap.share());
  const mine = Array.from({ length: 50 }, (_, index) => heap.malloc(index * 40));
  const others = Array.from({ length: 50 }, (_, index) => other.malloc(index * 2000));
  for (const ptr of mine.splice(0, 25)) other.free(ptr);
  for (const ptr of others.splice(0, 25)) heap.free(ptr);
  const ptrs = [before, ...mine, ...others].sort((a, b) => a - b);
  for (const each of [heap, other]) {
    assertEquals([...each.blocks()].map(({ ptr }) => ptr), ptrs);
    const { liveBlocks, liveBytes } = each.stats();
    assertEquals([liveBlocks, liveBytes], [51, ptrs.reduce((sum, ptr) => sum + heap.usableSize(ptr), 0)]);
    assert(ptrs.every((ptr) => each.owns(ptr)));
    for (const ptr of ptrs) assertEquals(each.blockOf(ptr + (each.usableSize(ptr) >> 1)), ptr);
    assertEquals(each.leaks().map(({ blocks, bytes }) => [blocks, bytes]).slice(-1), [[1, 10]]);
  }
  assertEquals(heap.leaks(), other.leaks());
});

Deno.test("debug: stacks from before share() and from after are in errors of any thread", async () => {
  using heap = await openDebug();
  const allocateEarly = (): number => heap.malloc(20);
  const early = allocateEarly(), freed = heap.malloc(30);
  const freeEarly = (): void => heap.free(freed);
  freeEarly();
  using other = await Heap.attach(heap.share());
  const allocateLate = (): number => other.malloc(40);
  const late = allocateLate();
  assertStringIncludes(fault(() => other.free(freed)).message, "freeEarly");
  heap.u8[early + 20] = 0;
  assertStringIncludes(fault(() => other.free(early)).message, "allocateEarly");
  const freeLate = (): void => heap.free(late);
  freeLate();
  const { code, message } = fault(() => other.free(late));
  assertEquals(code, "DOUBLE_FREE");
  assertStringIncludes(message, "allocateLate");
  assertStringIncludes(message, "freeLate");
});

Deno.test("debug: options come from who opened the heap: the quarantine's limit is of all threads together", async () => {
  using heap = await openDebug({ quarantineBytes: 10 * KIB, stacks: 3 });
  using other = await Heap.attach(heap.share());
  const ptrs = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? heap : other).malloc(1000));
  const holds = Math.floor(10 * KIB / 1152);
  for (const [index, ptr] of ptrs.slice(0, holds).entries()) {
    (index % 3 === 0 ? heap : other).free(ptr);
    heap.u8[ptr] = 0; // found when the block leaves, so that tells which one did
  }
  for (let left = 0; left < holds; left++) {
    const each = left % 2 === 0 ? other : heap;
    const error = fault(() => each.free(ptrs[holds + left]!));
    assertEquals([error.code, error.ptr], ["USE_AFTER_FREE", ptrs[left]]);
    each.free(ptrs[holds + left]!);
  }
  other.check();
  assertStringIncludes(fault(() => other.free(ptrs[2]!)).message, "one allocation in 3");
});

Deno.test("debug: a freed block is remembered for all threads, until its memory has another", async () => {
  using heap = await openDebug({ stacks: false });
  using other = await Heap.attach(heap.share());
  const ptrs = Array.from({ length: 500 }, () => heap.malloc(100));
  for (const ptr of ptrs) other.free(ptr);
  heap.collect();
  for (const ptr of ptrs) assertEquals(fault(() => heap.free(ptr)).code, "DOUBLE_FREE");
  const again = Array.from({ length: 5000 }, () => other.malloc(100)).filter((ptr) => ptrs.includes(ptr));
  assert(again.length > 0);
  for (const ptr of again) heap.free(ptr);
});

Deno.test("debug: close() of the last reports leaks and damage of all threads, and the others nothing", async () => {
  const lines: string[] = [];
  const heap = await openDebug({ log: (line) => lines.push(line) });
  const opening = lines.length;
  const other = await Heap.attach(heap.share());
  const leakThere = (): number => other.malloc(32);
  leakThere();
  heap.u8[heap.malloc(10) + 10] = 0;
  assertThrows(() => heap.close(), HeapSharedError);
  assertEquals(heap.stats().liveBlocks, 2);
  other.close();
  assertEquals(lines.length, opening);
  heap.close();
  const text = lines.join("\n");
  assertStringIncludes(text, "BUFFER_OVERFLOW");
  assertStringIncludes(text, "closed with live blocks: 2, of 42 bytes");
  assertStringIncludes(text, "leakThere");
  assertEquals(text.match(/closed with live blocks/g)?.length, 1);
});

Deno.test("debug: a log that throws does not keep the memory", async () => {
  let calls = 0;
  const heap = await openDebug({ log: () => calls++ });
  const opening = calls;
  heap.malloc(1);
  const failing = await openDebug({
    log: (line) => {
      if (line.includes("live")) throw new Error("disk full");
    },
  });
  failing.malloc(1);
  assertThrows(() => failing.close(), Error, "disk full");
  assertEquals(failing.u8.length, 0);
  heap.close();
  assert(calls > opening);
});

Deno.test("debug: a handle of the other build gives INVALID_HANDLE", async () => {
  using heap = await openDebug();
  using release = await Heap.open();
  await assertRejects(() => Heap.attach({ ...heap.share(), build: "release" }), InvalidHandleError);
  await assertRejects(() => Heap.attach({ ...release.share(), build: "debug" }), InvalidHandleError);
});
