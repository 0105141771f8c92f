/** The heap profile of a program: who allocated what, in any build and thread, whatever becomes of the blocks. */

import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { Profile } from "pprof-format";
import {
  DoubleFreeError,
  Heap,
  type HeapProfile,
  InvalidOptionError,
  InvalidPointerError,
  type ProfiledStack,
} from "../../../src/heap/mod.ts";
import { Journal, openWith, SAMPLES_COARSEST, samplesAt, viewState } from "../../../src/heap/inspect/mod.ts";
import { assertPrograms, inTurn } from "../programs.ts";
import { alone, Hand, sleep, slotsOf } from "../threads/hands.ts";
import { AREA_BYTES, STOP } from "../threads/worker_tasks.ts";

const MIB = 1024 * 1024, ALL = { everyBytes: 1 };

/** The stacks of a profile that have a function in them, as one. */
function of({ stacks }: HeapProfile, name: string): Pick<ProfiledStack, "inUseBytes" | "allocatedBytes" | "samples"> {
  const sums = { inUseBytes: 0, allocatedBytes: 0, samples: 0 };
  for (const stack of stacks) {
    if (!stack.frames.some((frame) => frame.function === name)) continue;
    sums.inUseBytes += stack.inUseBytes;
    sums.allocatedBytes += stack.allocatedBytes;
    sums.samples += stack.samples;
  }
  return sums;
}

Deno.test("profile() finds sites of 10, 30 and 60 % within 3 points, of what was allocated and of what is in use", async () => {
  using heap = await Heap.open({ profile: { everyBytes: 16_384 } });
  function tenth() {
    return heap.malloc(1000);
  }
  function three() {
    return heap.malloc(3000);
  }
  function six() {
    return heap.malloc(6000);
  }
  const blocks: number[] = [];
  for (let bytes = 0; bytes < 100 * MIB; bytes += 10_000) {
    const all = [tenth(), three(), six()];
    if (bytes < 50 * MIB) blocks.push(...all);
    else all.forEach(heap.free);
  }
  const profile = heap.profile();
  for (const [site, share] of [["tenth", 0.1], ["three", 0.3], ["six", 0.6]] as const) {
    const { allocatedBytes, inUseBytes } = of(profile, site);
    assertAlmostEquals(allocatedBytes / profile.allocatedBytes, share, 0.03, site);
    assertAlmostEquals(inUseBytes / profile.inUseBytes, share, 0.03, site);
  }
  assertAlmostEquals(profile.allocatedBytes / (100 * MIB), 1, 0.1);
  assertAlmostEquals(profile.inUseBytes / (50 * MIB), 1, 0.1);
  heap.check();
  blocks.forEach(heap.free);
  assertEquals(heap.profile().inUseBytes, 0);
  assertEquals(heap.stats().liveBlocks, 0);
});

Deno.test("a sampled block has its stack, time, thread and size; free forgets it, and what was allocated stays", async () => {
  using heap = await Heap.open({ profile: ALL });
  const before = Date.now();
  const ptr = (function keeper() {
    return heap.malloc(100);
  })();
  const { stacks, samples, schema, everyBytes, coarsestEveryBytes, lost, notes } = heap.profile();
  assertEquals([schema, samples, everyBytes, coarsestEveryBytes, lost, notes], ["hakmem.profile/1", 1, 1, 1, 0, []]);
  const [{ frames, live }] = stacks as [ProfiledStack];
  assertEquals(frames[0]!.function, "keeper");
  assertMatch(frames[0]!.file, /^\/.*\/profile_test\.ts$/);
  assert(frames[0]!.line > 1 && frames[0]!.column > 1);
  assertEquals(live.map(({ ptr, size, objects, thread }) => ({ ptr, size, objects, thread })), [
    { ptr, size: 100, objects: 1, thread: 0 },
  ]);
  assert(live[0]!.timeMs > before - 1000 && live[0]!.timeMs < Date.now() + 1000, `${live[0]!.timeMs}`);
  heap.free(ptr);
  const after = heap.profile();
  assertEquals([after.inUseBytes, after.allocatedBytes, after.stacks[0]!.live], [0, 100, []]);
});

Deno.test("a sampled block is as any other: usable size, alignment, zeros, owns, blockOf, stats, below 2 GiB", async () => {
  using heap = await Heap.open({ profile: ALL });
  for (const size of [1, 16, 100, 1000, 32_000, 32_768, 32_769, 100_000, 10 * MIB]) {
    const ptr = heap.malloc(size);
    assertEquals(heap.usableSize(ptr), heap.goodSize(size));
    heap.u8.fill(255, ptr, ptr + heap.usableSize(ptr));
    assert(heap.owns(ptr) && heap.blockOf(ptr + size - 1) === ptr && ptr < 2 ** 31);
    assertEquals([...heap.blocks()].map(({ size }) => size), [heap.goodSize(size)]);
    assertEquals(heap.stats().liveBytes, heap.goodSize(size));
    assertEquals(heap.bytes(ptr).length, heap.goodSize(size));
    heap.check();
    heap.free(ptr);
    const zeros = heap.calloc(1, size);
    assert(heap.bytes(zeros, size).every((byte) => byte === 0));
    heap.free(zeros);
  }
  for (const alignment of [16, 64, 4096, 65_536, MIB]) {
    for (const size of [10, 5000, 70_000]) {
      const ptr = heap.alignedAlloc(alignment, size);
      assertEquals(heap.address(ptr) % BigInt(alignment), 0n);
      assert(heap.usableSize(ptr) >= size);
      assertEquals(of(heap.profile(), "(anonymous)").inUseBytes > 0, true);
      heap.free(ptr);
    }
  }
  assertEquals([heap.stats().liveBlocks, heap.profile().inUseBytes], [0, 0]);
});

Deno.test("realloc is a free and an allocation to the profile, unless the block stays as it is", async () => {
  using heap = await Heap.open({ profile: ALL });
  const sums = () => [heap.profile().inUseBytes, heap.profile().allocatedBytes];
  let ptr = heap.malloc(100);
  assertEquals(heap.realloc(ptr, 110), ptr, "of its class still");
  assertEquals(sums(), [100, 100]);
  ptr = heap.realloc(ptr, 1000);
  assertEquals(sums(), [1000, 1100]);
  ptr = heap.realloc(ptr, 100_000);
  assertEquals(sums(), [100_000, 101_100]);
  const grown = heap.realloc(ptr, 200_000);
  assertEquals(grown, ptr, "it grows where it is");
  assertEquals(sums(), [200_000, 301_100]);
  heap.u8[grown + 7] = 77;
  assertEquals(heap.realloc(grown, 200_001), grown, "its pages are as before");
  assertEquals(sums(), [200_000, 301_100]);
  const small = heap.realloc(grown, 50);
  assertEquals([heap.u8[small + 7], heap.usableSize(small)], [77, heap.goodSize(50)]);
  assertEquals(sums(), [50, 301_150]);
  heap.free(small);
  assertEquals(sums(), [0, 301_150]);
  const least = heap.malloc(32_768), large = heap.realloc(least, 33_000);
  assert(heap.usableSize(large) >= 33_000, "the span of the small one has as many pages");
});

Deno.test("a fault with a sampled block is found, and takes it out of no profile", async () => {
  using heap = await Heap.open({ profile: ALL });
  const ptr = heap.malloc(100);
  assertThrows(() => heap.free(ptr + 16), InvalidPointerError);
  assertThrows(() => heap.realloc(ptr + 8, 10), InvalidPointerError);
  heap.u8[ptr - 1]! ^= 1;
  assertThrows(() => heap.free(ptr), Error, "overwritten");
  assertThrows(() => heap.check(), Error, "overwritten");
  assertEquals([heap.profile().inUseBytes, heap.usableSize(ptr)], [100, heap.goodSize(100)]);
  heap.u8[ptr - 1]! ^= 1;
  heap.check();
  heap.free(ptr);
  assertThrows(() => heap.free(ptr), InvalidPointerError);
  const other = heap.malloc(0); // nothing of it, so no sample
  heap.free(other);
  assertThrows(() => heap.free(other), DoubleFreeError);
});

Deno.test("a heap without memory for a sample gives the block, and says what was lost", async () => {
  using heap = await Heap.open({ profile: ALL, reserveBytes: 8 * MIB, maxBytes: 2 * MIB });
  const blocks: number[] = [];
  for (let ptr; (ptr = heap.malloc(1000)) !== 0;) blocks.push(ptr);
  assert(blocks.length > 1000, `${blocks.length}`);
  const { lost, notes, stacks } = heap.profile();
  assert(lost > 0 && stacks.length > 0);
  assertMatch(notes.join(), /were not sampled, for want of memory or stack/);
  heap.check();
  blocks.forEach(heap.free);
  assertEquals([heap.stats().liveBlocks, heap.profile().inUseBytes], [0, 0]);
});

Deno.test("an allocation that fails counts for nothing, however often the program samples when it is asked for memory", async () => {
  using heap = await Heap.open({
    profile: true,
    maxBytes: 4 * MIB,
    reserveBytes: 16 * MIB,
    onPressure: (level) => {
      if (level === 1) { for (let count = 0; count < 3000; count++) heap.free(heap.malloc(MIB)); }
    },
  });
  const kept = heap.malloc(2 * MIB);
  function failing(): number {
    return heap.malloc(3 * MIB);
  }
  const sampled = (): ProfiledStack | undefined =>
    heap.profile().stacks.find(({ frames }) => frames[0]!.function === "failing");
  let stack: ProfiledStack | undefined;
  for (let turn = 0; stack === undefined && turn < 10_000; turn++) {
    const ptr = failing(); // with the same stack each time
    if (turn === 0) assertEquals(ptr, 0);
    if (turn === 0) heap.free(kept);
    else if ((stack = sampled()) === undefined) heap.free(ptr);
  }
  assert(heap.profile().coarsestEveryBytes > heap.profile().everyBytes, "it samples more coarsely by then");
  assertEquals([stack?.samples, stack?.allocatedObjects], [1, stack?.live[0]?.objects]);
});

Deno.test("realloc of a large block has given it another size, or has thrown, also with a full stack", async () => {
  using heap = await Heap.open({ profile: ALL });
  const SHORT = 700_000, LONG = 900_000, { i32 } = heap;
  const [shortPages, longPages] = [SHORT, LONG].map((bytes) => {
    const block = heap.malloc(bytes), pages = i32[(block - 8) / 4]; // as its AllocHeader has them
    heap.free(block);
    return pages;
  });
  let overflows = 0, ptr = 0, size = 0, wrong = 0;
  const deep = (): void => {
    try {
      deep();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (overflows > 300) return;
    const wanted = size === SHORT ? LONG : SHORT;
    try {
      ptr = heap.realloc(ptr, wanted);
      size = wanted;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      overflows++;
    }
    if (i32[(ptr - 8) / 4] !== (size === SHORT ? shortPages : longPages)) wrong++;
  };
  for (let repeat = 0; repeat < 10; repeat++) {
    overflows = 0;
    ptr = heap.malloc(size = LONG);
    ((..._padding: number[]) => deep())(...new Array<number>(repeat * 9).fill(0));
    heap.free(ptr);
  }
  assertEquals([shortPages === longPages, wrong], [false, 0]);
  heap.check();
  assertEquals(heap.profile().inUseBytes, 0);
});

Deno.test("what a thread says of how coarse its samples are is written in the section that counts the sample", async () => {
  const written = new Set<number>();
  class Noting extends Journal {
    override set(index: number, value: number): void {
      written.add(index);
      super.set(index, value);
    }
  }
  using heap = await openWith((words) => new Noting(words), { profile: ALL });
  const words = viewState(heap), word = samplesAt(heap.u8.length) + SAMPLES_COARSEST;
  words.fill(0, word, word + 2); // as if there was no sample yet
  written.clear();
  heap.malloc(100);
  assertEquals([heap.profile().coarsestEveryBytes, written.has(word), written.has(word + 1)], [1, true, true]);
});

Deno.test("who allocates too fast for so many samples gets fewer, is told so, and gets the same sums", async () => {
  using heap = await Heap.open({ profile: true });
  let bytes = 0;
  while (heap.profile().coarsestEveryBytes === 524_288) { // at these rates a thread would do nothing else
    for (let count = 0; count < 1000; count++, bytes += MIB) heap.free(heap.malloc(MIB));
  }
  const { everyBytes, coarsestEveryBytes, allocatedBytes, samples, notes } = heap.profile();
  assertEquals([everyBytes, coarsestEveryBytes % everyBytes, notes.length], [524_288, 0, 1]);
  assertMatch(
    notes[0]!,
    /allocated so fast .* every 524288 bytes .* at the fastest it was every \d+\. The sums are unbiased/,
  );
  assert(allocatedBytes > bytes / 2 && allocatedBytes < bytes * 2, `${samples} samples of ${bytes} bytes`);
  const { comment, stringTable } = Profile.decode(gunzipSync(heap.profile({ format: "pprof" })));
  assertEquals(comment.map((at) => stringTable.strings[Number(at)]), [...notes]);
});

Deno.test("with a full stack nothing is lost, and the program's limit of stacks stays", async () => {
  using heap = await Heap.open({ profile: { everyBytes: 64 } });
  const { stackTraceLimit } = Error, live = new Int32Array(100_000);
  let count = 0, calls = 0;
  const deep = (): void => {
    try {
      deep();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    try {
      const ptr = heap.malloc(300);
      live[count++] = ptr; // nothing is called before it is there
      if (calls++ % 2 === 0) heap.free(ptr), count--;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  };
  deep();
  assertEquals(Error.stackTraceLimit, stackTraceLimit);
  heap.check();
  const blocks = [...heap.blocks()].map(({ ptr }) => ptr);
  assertEquals(blocks, [...live.subarray(0, count)].sort((a, b) => a - b));
  for (const ptr of blocks) heap.free(ptr);
  assertEquals([heap.stats().liveBlocks, heap.profile().inUseBytes], [0, 0]);
});

for (
  const [options, runs] of [
    [{ profile: ALL }, 15],
    [{ profile: { everyBytes: 200 } }, 25],
    [{ profile: { everyBytes: 5000 }, maxBytes: 3 * MIB, reserveBytes: 8 * MIB }, 15],
    [{ variant: "phase7,profile=1", profile: { everyBytes: 200 } }, 8],
    [{ variant: "e3-2", profile: { everyBytes: 200 } }, 8],
    [{ variant: "slab-map,links=0,interior=0,spanCache=0,counters=1", profile: { everyBytes: 200 } }, 8],
  ] as const
) {
  Deno.test(`a profiled heap agrees with the oracle in random programs: ${JSON.stringify(options)}`, async () => {
    using heap = await Heap.open(options);
    assertPrograms(heap, runs, 20261127);
    assertEquals(heap.profile().inUseBytes, 0);
  });
}

Deno.test("a profiled heap agrees with the oracle when two threads have it", async () => {
  using heap = await Heap.open({ profile: { everyBytes: 300 } });
  using other = await Heap.attach(heap.share());
  assertPrograms(inTurn([heap, other]), 12, 20261128);
  assertEquals([heap.profile().inUseBytes, other.profile().everyBytes], [0, 300]);
});

Deno.test("Workers' samples are in one profile, and stay when a Worker is ended", async () => {
  using heap = await Heap.open({ profile: { everyBytes: 2000 } });
  const area = heap.calloc(1, AREA_BYTES), hands = [new Hand(heap, "swap", area, 5), new Hand(heap, "swap", area, 6)];
  for (const hand of hands) hand.done.catch(() => {});
  await Promise.all(hands.map((hand) => hand.attached));
  while (of(heap.profile(), "swapOnce").samples < 500) await sleep(20);
  hands[0]!.terminate();
  await sleep(50);
  Atomics.store(heap.i32, area / 4 + STOP, 1);
  await hands[1]!.done;
  await alone(heap);
  heap.check();
  const profile = heap.profile(), swapped = of(profile, "swapOnce");
  assert(swapped.inUseBytes > 0, "the Workers have gone, their blocks have not");
  const threads = new Set(profile.stacks.flatMap(({ live }) => live.map(({ thread }) => thread)));
  assert(threads.size > 0 && ![...threads].every((thread) => thread === 0), [...threads].join());
  assertMatch(
    profile.stacks.find(({ frames }) => frames[0]!.function === "swapOnce")!.frames[0]!.file,
    /worker_tasks\.ts$/,
  );
  for (const ptr of slotsOf(heap, area)) heap.free(ptr);
  assertEquals(of(heap.profile(), "swapOnce").samples, swapped.samples);
});

Deno.test("profile({ format }) writes each format, of the same bytes", async () => {
  using heap = await Heap.open({ profile: ALL });
  (function keeper() {
    heap.malloc(1234);
  })();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertMatch(text(heap.profile({ format: "folded" })), /keeper \(profile_test\.ts:\d+\) 1234\n$/);
  const { profiles, shared } = JSON.parse(text(heap.profile({ format: "speedscope" })));
  assertEquals(profiles.map(({ name, endValue }: { name: string; endValue: number }) => [name, endValue]), [
    ["alloc_objects", 1],
    ["alloc_space", 1234],
    ["inuse_objects", 1],
    ["inuse_space", 1234],
  ]);
  assert(shared.frames.some(({ name }: { name: string }) => name === "keeper"));
  assertEquals([...heap.profile({ format: "pprof" }).subarray(0, 2)], [0x1f, 0x8b]);
  assertThrows(() => heap.profile({ format: "svg" as never }), InvalidOptionError, "pprof, speedscope, folded");
  assertThrows(() => heap.profile({ fromat: "svg" } as never), InvalidOptionError, "format");
});

Deno.test("profile is refused where it makes no sense, with what does", async () => {
  using heap = await Heap.open();
  assertThrows(() => heap.profile(), InvalidOptionError, "Heap.open({ profile: true })");
  for (const everyBytes of [0, -1, 1.5, NaN, 2 ** 31, "1" as never]) {
    await assertRejects(() => Heap.open({ profile: { everyBytes } }), InvalidOptionError, "everyBytes");
  }
  await assertRejects(() => Heap.open({ profile: { every: 1 } as never }), InvalidOptionError, "every");
  for (const profile of [5, "yes", null] as never[]) {
    await assertRejects(() => Heap.open({ profile }), InvalidOptionError, "true, false or { everyBytes: N }");
  }
  await assertRejects(() => Heap.open({ profile: true, build: "debug" }), InvalidOptionError, "leaks()");
  await assertRejects(() => Heap.open({ variant: "slab-map,profile=1", build: "debug" }), InvalidOptionError);
  assertThrows(() => Heap.openSync({ profile: true }), InvalidOptionError, "await Heap.open");
  using flagged = await Heap.open({ variant: "slab-map,profile=1" });
  assertEquals(flagged.profile().everyBytes, 524_288);
  using off = await Heap.open({ profile: false });
  assertEquals(off.flags.profile, 0);
});
