/** One heap, several objects of it in one thread: the contract of share() and attach(), where every step can be looked at. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  HeaderCorruptedError,
  Heap,
  HeapClosedError,
  HeapError,
  HeapSharedError,
  InvalidHandleError,
  type SharedHeap,
  VARIANTS,
} from "../../../src/heap/mod.ts";
import { WORD_THREADS_USED } from "../../../src/heap/state/layout.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import { openVirtualMemory } from "../../../src/os/mod.ts";
import {
  THREAD_ID,
  THREAD_SEAL,
  THREAD_START,
  THREAD_TENURE,
  wordOfThread,
} from "../../../src/heap/state/thread_table.ts";
import { Oracle } from "../../../src/verify/oracle.ts";
import { countDead, fillWithDead, pretendDead } from "../state/mortal.ts";
import { assertPrograms, inTurn } from "../programs.ts";

const MIB = 1024 * 1024;

for (const variant of Object.keys(VARIANTS)) {
  Deno.test(`${variant}: what one thread allocates any other frees, resizes and reads`, async () => {
    using heap = await Heap.open({ variant });
    using second = await Heap.attach(heap.share());
    using third = await Heap.attach(second.share());
    assertEquals([second.variant, second.flags, second.build], [heap.variant, heap.flags, "release"]);
    assertPrograms(inTurn([heap, second, third]), variant === "slab-map" ? 15 : 4, 5);
  });
}

Deno.test("a shared heap agrees with the oracle with short lists, and when memory is short", async () => {
  const few = "slab-map,capacity=4,refill=1,prewarm=0";
  for (const options of [{ variant: few }, { maxBytes: 3 * MIB, reserveBytes: 8 * MIB }]) {
    using heap = await Heap.open(options);
    using second = await Heap.attach(heap.share());
    assertPrograms(inTurn([heap, second]), 12, 17);
  }
});

Deno.test("stats() and blocks() of each thread have the blocks of all, and what all have cached", async () => {
  using heap = await Heap.open();
  using other = await Heap.attach(heap.share());
  const oracle = new Oracle(heap);
  for (let index = 0; index < 500; index++) oracle.malloc(index * 10);
  for (const ptr of [...oracle.live.keys()].slice(0, 250)) {
    oracle.verify(ptr);
    oracle.live.delete(ptr);
    other.free(ptr);
  }
  oracle.audit();
  const { residentBytes: _, ...sums } = heap.stats();
  const { residentBytes: __, ...same } = other.stats();
  assertEquals(sums, same);
  assertEquals([...heap.blocks()], [...other.blocks()]);
  assert(other.owns([...oracle.live.keys()][0]!));
  const freed = other.malloc(10);
  other.free(freed);
  assertEquals([heap.owns(freed), other.owns(freed)], [false, false]);
});

Deno.test("close() throws HEAP_SHARED where the heap was opened, until the others have closed", async () => {
  const heap = await Heap.open();
  const ptr = heap.malloc(100);
  const shared = heap.share();
  const [second, third] = [await Heap.attach(shared), await Heap.attach(shared)];
  const kept = second.malloc(100);
  assertEquals(assertThrows(() => heap.close(), HeapSharedError).code, "HEAP_SHARED");
  heap.check();
  second.close();
  second.close();
  assertThrows(() => second.malloc(10), HeapClosedError);
  assertThrows(() => second.check(), HeapClosedError);
  assertEquals(second.u8.length, 0);
  assertThrows(() => heap.close(), HeapSharedError);
  third.close();
  heap.check();
  assertEquals([...heap.blocks()].map((block) => block.ptr).sort(), [ptr, kept].sort());
  heap.free(kept);
  heap.close();
});

Deno.test("a second free by another thread is found by check(), and by a debug build at once", async () => {
  for (const build of ["release", "debug"] as const) {
    const heap = await Heap.open({ build, log: () => {} }), other = await Heap.attach(heap.share());
    const ptr = heap.malloc(64);
    heap.free(ptr);
    if (build === "release") other.free(ptr);
    assertThrows(() => build === "release" ? heap.check() : other.free(ptr), HeapError, "freed");
    other.close();
    heap.close();
  }
});

Deno.test("a handle of a closed heap gives HEAP_CLOSED, for ever", async () => {
  const heap = await Heap.open();
  const shared = structuredClone(heap.share());
  assertEquals(shared, heap.share());
  (await Heap.attach(shared)).close();
  heap.close();
  for (let count = 0; count < 3; count++) {
    assertEquals((await assertRejects(() => Heap.attach(shared), HeapClosedError)).code, "HEAP_CLOSED");
    (await Heap.open()).close();
  }
});

Deno.test("what is not a handle of a heap in this process gives INVALID_HANDLE", async () => {
  using heap = await Heap.open({ maxBytes: 64 * MIB });
  using another = await Heap.open();
  const shared = heap.share();
  another.share();
  const bad: unknown[] = [
    undefined,
    null,
    42,
    "slab-map",
    {},
    heap,
    { ...shared, kind: "hakmem.heap/1" },
    { ...shared, process: Deno.pid + 1 },
    { ...shared, identity: shared.identity ^ 1 },
    { ...shared, identity: 0.5 },
    { ...shared, base: Number(shared.base) },
    { ...shared, base: shared.base + 16n },
    { ...shared, base: -shared.base },
    { ...shared, base: 2n ** 21n },
    { ...shared, base: another.share().base },
    { ...shared, bytes: shared.bytes / 2 },
    { ...shared, bytes: 12345 },
    { ...shared, maxBytes: shared.maxBytes + 1 },
    { ...shared, build: "debug" },
    { ...shared, build: undefined },
    { ...shared, variant: "nonsense" },
    { ...shared, variant: "phase7" },
    { ...shared, variant: "slab-map,refill=1" },
    { ...shared, identity: -5 },
  ];
  for (const handle of bad) {
    const error = await assertRejects(() => Heap.attach(handle as SharedHeap), InvalidHandleError);
    assertEquals(error.code, "INVALID_HANDLE");
  }
  using attached = await Heap.attach(shared);
  attached.free(attached.malloc(10));
});

Deno.test("a thread that is about to set its cache up is not damage", async () => {
  using heap = await Heap.open({ reserveBytes: 16 * MIB });
  heap.share();
  const before = heap.stats();
  viewState(heap)[WORD_THREADS_USED] = 2; // as `Threads.claim` leaves it
  viewState(heap).set([Deno.pid, 0, 0], wordOfThread(1));
  heap.check();
  assertEquals({ ...heap.stats(), residentBytes: 0 }, { ...before, residentBytes: 0 });
  viewState(heap).fill(0, wordOfThread(1), wordOfThread(2));
});

for (const [name, word] of Object.entries({ THREAD_ID, THREAD_START, THREAD_SEAL, THREAD_TENURE })) {
  Deno.test(`${name} of a thread that lives is overwritten: nobody has its slot, and the memory does not go`, async () => {
    const system = await openVirtualMemory();
    for (const value of [0, 1, -1, 0x7fff_ffff, "one more", "its complement"] as const) {
      const heap = await Heap.open({ reserveBytes: 16 * MIB, variant: "slab-map,prewarm=0" });
      const other = await Heap.attach(heap.share()), state = viewState(heap), at = wordOfThread(0) + word;
      const before = state[at]!, live = new Set([heap.malloc(100), other.malloc(100)]);
      heap.free(heap.malloc(100));
      state[at] = value === "one more" ? before + 1 : value === "its complement" ? ~before : value;
      if (name === "THREAD_SEAL" && state[at] === ~before) state[at] = 2; // that is how it says that it leaves
      other.collect(); // gives back what the dead have
      const third = await Heap.attach(heap.share());
      for (let count = 0; count < 300; count++) for (const each of [heap, other, third]) live.add(each.malloc(100));
      assertEquals(live.size, 902, `${name}, ${value}: a block was given out twice`);
      third.close();
      other.close();
      assert(system.isMapped(heap.base + BigInt(16 * MIB - 1)), `${name}, ${value}: the memory went`);
      heap.free(heap.malloc(100));
      state[at] = before;
      heap.close();
    }
    system.close();
  });
}

Deno.test("at most 128 have a heap at once, and the 129th is told so", async () => {
  using heap = await Heap.open({ reserveBytes: 16 * MIB });
  const shared = heap.share(), attached: Heap[] = [];
  for (let count = 1; count < 128; count++) attached.push(await Heap.attach(shared));
  await assertRejects(() => Heap.attach(shared), HeapSharedError);
  attached.pop()!.close();
  attached.push(await Heap.attach(shared));
  for (const each of attached) each.close();
});

Deno.test(
  { name: "who attaches when all 128 have ended gives back what they had", sanitizeResources: false },
  async () => {
    using heap = await Heap.open({ reserveBytes: 64 * MIB, variant: "slab-map,prewarm=0" });
    const shared = heap.share(), kept = heap.malloc(1000);
    fillWithDead(heap);
    assertEquals(countDead(heap), 127);
    const attached = await Heap.attach(shared);
    assertEquals(countDead(heap), 0);
    const ptrs = Array.from({ length: 500 }, (_, index) => attached.malloc(index));
    for (const ptr of ptrs) attached.free(ptr);
    pretendDead(viewState(heap), 1); // it has ended, and has blocks on its lists
    (attached.u8.buffer as ArrayBuffer).transfer(0);
    fillWithDead(heap);
    assert(heap.stats().classes.some(({ cachedBlocks }) => cachedBlocks > 0));
    (await Heap.attach(shared)).close();
    assertEquals([countDead(heap), viewState(heap)[wordOfThread(1) + THREAD_ID]], [0, 0]);
    heap.collect();
    heap.check();
    assertEquals([...heap.blocks()].map(({ ptr }) => ptr), [kept]);
  },
);

Deno.test("2,000 attach and close one after another: slots are used again, and nothing stays behind", async () => {
  using heap = await Heap.open({ reserveBytes: 16 * MIB, variant: "slab-map,prewarm=0" });
  const shared = heap.share();
  const ptr = heap.malloc(1000);
  heap.collect();
  const charged = heap.stats().chargedBytes;
  for (let count = 0; count < 2000; count++) {
    using other = await Heap.attach(shared);
    for (let size = 0; size < 4000; size += 500) other.free(other.malloc(size));
  }
  assertEquals(heap.stats().chargedBytes, charged);
  assertEquals(viewState(heap)[WORD_THREADS_USED], 2);
  assertEquals([...heap.blocks()].map((block) => block.ptr), [ptr]);
});

Deno.test("who attaches has its lists filled, as who opens has, where there is memory enough", async () => {
  const cached = (heap: Heap): number => heap.stats().classes.reduce((sum, each) => sum + each.cachedBlocks, 0);
  for (
    const [options, isFilled] of [[{}, true], [{ variant: "phase7" }, true], [
      { variant: "phase7-1.3" },
      false,
    ]] as const
  ) {
    using heap = await Heap.open(options);
    const own = cached(heap);
    using other = await Heap.attach(heap.share());
    assertEquals([own > 0, cached(heap)], [isFilled, 2 * own]);
    assert(other.owns(other.malloc(100)));
  }
  using heap = await Heap.open({ maxBytes: 40 * MIB });
  const own = cached(heap);
  heap.malloc(12 * MIB);
  using _other = await Heap.attach(heap.share());
  assertEquals([own > 0, cached(heap)], [true, own]);
});

Deno.test("damage that attach meets is an error, and costs neither a slot nor a block", async () => {
  using heap = await Heap.open({ variant: "box,capacity=8" });
  const shared = heap.share(), first = await Heap.attach(shared);
  const ptrs = Array.from({ length: 100 }, () => first.malloc(100));
  const kept = ptrs.splice(0, 50);
  for (const ptr of ptrs) first.free(ptr);
  first.close(); // its slabs are for the next
  heap.i32[ptrs[0]! / 4] = 7;
  assertEquals((await assertRejects(() => Heap.attach(shared), HeaderCorruptedError)).code, "HEADER_CORRUPTED");
  using other = await Heap.attach(shared);
  assertEquals(viewState(heap)[WORD_THREADS_USED], 2);
  for (const ptr of kept) other.free(ptr);
  other.free(other.malloc(100));
});

Deno.test("a counting build counts the locks that it takes, and each thread's calls", async () => {
  using heap = await Heap.open({ variant: "slab-map,counters=1,prewarm=0" });
  assertEquals(heap.counters()!.locksTaken, 0);
  heap.free(heap.malloc(10));
  assertEquals(heap.counters()!.locksTaken, 0, "a heap that one thread has needs none");
  using other = await Heap.attach(heap.share());
  const before = heap.counters()!;
  for (let count = 0; count < 1000; count++) heap.free(other.malloc(50));
  const { mallocs, frees, locksTaken, lockWaits, lockRetries, lockPauses, rollbacks, remoteFrees } = other.counters()!;
  assertEquals([mallocs - before.mallocs, frees - before.frees], [1000, 1000]);
  assert(locksTaken > 0 && locksTaken < 200, `${locksTaken} locks for 2,000 calls`);
  assertEquals([lockWaits, lockRetries, lockPauses, rollbacks], [0, 0, 0, 0]);
  assert(remoteFrees > 0, "blocks were freed by who did not take their slab");
});

Deno.test("a counting build counts what is taken from the page heap, and given back", async () => {
  using heap = await Heap.open({ variant: "slab-map,counters=1,prewarm=0" });
  const change = (act: () => void): number[] => {
    const before = heap.counters()!;
    act();
    const after = heap.counters()!;
    return [after.spansTaken - before.spansTaken, after.spansGiven - before.spansGiven];
  };
  let ptr = 0;
  assertEquals(change(() => heap.free(heap.malloc(100))), [1, 0], "a superslab");
  assertEquals(change(() => ptr = heap.malloc(100_000)), [1, 0]);
  assertEquals(change(() => ptr = heap.realloc(ptr, 300_000)), [1, 0], "it grows where it is");
  assertEquals(change(() => ptr = heap.realloc(ptr, 100_000)), [0, 1], "and shrinks");
  assertEquals(change(() => heap.free(ptr)), [0, 0], "it waits for the next of its size");
  assertEquals(change(() => heap.collect()), [0, 2], "that, and the superslab");
});

Deno.test("the flag shared=1 lets others attach from the start, and changes nothing else", async () => {
  using heap = await Heap.open({ variant: "slab-map,shared=1,counters=1,prewarm=0" });
  const ptr = heap.malloc(100);
  assert(heap.counters()!.locksTaken > 0, "sections take the lock");
  using other = await Heap.attach(heap.share());
  other.free(ptr);
  assertEquals(heap.stats().liveBlocks, 0);
});
