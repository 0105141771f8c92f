/** One heap in several Workers: blocks go from hand to hand, Workers end well or are ended, and nothing is lost. */

import { assert, assertEquals } from "@std/assert";
import { Heap, HeapSharedError } from "../../../src/heap/mod.ts";
import { WORD_THREADS_USED } from "../../../src/heap/state/layout.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import { alone, areaOf, Hand, sleep, slotsOf } from "./hands.ts";
import { PUSHED, stamp, STOP, swapOnce, verify } from "./worker_tasks.ts";

const MIB = 1024 * 1024;

Deno.test("a Worker reads, frees and resizes what another thread allocated", async () => {
  using heap = await Heap.open();
  const list = heap.calloc(501, 4);
  for (let index = 0; index < 500; index++) {
    const size = 16 + index * 97, ptr = heap.malloc(size);
    stamp(heap, ptr, size);
    heap.i32[list / 4 + index] = ptr;
  }
  assertEquals(await new Hand(heap, "double", list).done, 500);
  for (const ptr of heap.i32.slice(list / 4, list / 4 + 500)) {
    if (ptr === -1) continue;
    verify(heap, ptr);
    heap.free(ptr);
  }
  await alone(heap);
  heap.check();
  assertEquals([...heap.blocks()].map(({ ptr }) => ptr), [list]);
});

for (const variant of ["slab-map", "slab-map,capacity=8,refill=4", "phase7", "box"]) {
  Deno.test(`${variant}: three threads hand blocks to one another, all sizes, and all stay whole`, async () => {
    using heap = await Heap.open({ variant });
    const area = areaOf(heap);
    const hands = [new Hand(heap, "swap", area, 11), new Hand(heap, "swap", area, 22)];
    await Promise.all(hands.map((hand) => hand.attached));
    let x = 33;
    for (const until = performance.now() + 700; performance.now() < until;) {
      for (let count = 0; count < 500; count++) swapOnce(heap, area, x = Math.imul(x, 1664525) + 1013904223 | 0);
      await sleep(0);
    }
    Atomics.store(heap.i32, area / 4 + STOP, 1);
    for (const hand of hands) assert(await hand.done > 0);
    await alone(heap);
    heap.check();
    const slots = slotsOf(heap, area);
    assertEquals([...heap.blocks()].map(({ ptr }) => ptr), [area, ...slots].sort((a, b) => a - b));
    for (const ptr of slots) heap.free(ptr);
    heap.collect();
    assertEquals(heap.stats().liveBlocks, 1);
  });
}

Deno.test("Workers that are terminated in the middle of anything lose at most what they have in hand", async () => {
  using heap = await Heap.open({ reserveBytes: 1024 * MIB });
  const area = areaOf(heap);
  let ended = 0;
  for (let round = 0; round < 8; round++) {
    const hands = [1, 2, 3].map((seed) => new Hand(heap, "swap", area, round * 3 + seed));
    for (const hand of hands) hand.done.catch(() => {});
    await Promise.race(hands.map((hand) => hand.attached));
    await sleep(5 + 7 * round);
    for (const hand of hands) hand.terminate();
    ended += hands.length;
    for (let count = 0; count < 200; count++) swapOnce(heap, area, Math.imul(round * 200 + count + 1, 2654435761));
  }
  await alone(heap);
  heap.check();
  const blocks = [...heap.blocks()].map(({ ptr }) => ptr), slots = slotsOf(heap, area);
  assertEquals(new Set(slots).size, slots.length, "given out twice");
  for (const ptr of slots) assert(blocks.includes(ptr));
  assert(blocks.length <= slots.length + 1 + 3 * ended, `${blocks.length - slots.length - 1} blocks lost`);
});

Deno.test("Workers that are terminated while they open, attach, share and close lose nothing", async () => {
  using heap = await Heap.open({ reserveBytes: 1024 * MIB });
  const kept = Array.from({ length: 100 }, (_, index) => heap.malloc(index * 100)), errors: unknown[] = [];
  for (let round = 0; round < 5; round++) {
    const hands = [1, 2, 3].map((seed) => new Hand(heap, "come and go", 0, seed));
    for (const hand of hands) hand.done.catch((error) => errors.push(error));
    if (round > 0) await Promise.race(hands.map((hand) => hand.attached));
    await sleep(17 * round);
    for (const hand of hands) hand.terminate();
    for (const size of [10, 1000, 1_000_000]) heap.free(heap.realloc(heap.malloc(size), size * 2));
    heap.collect();
  }
  await alone(heap);
  heap.check();
  assertEquals(errors, []);
  assertEquals([...heap.blocks()].map(({ ptr }) => ptr), kept.toSorted((a, b) => a - b));
});

Deno.test("one thread that only allocates and one that only frees: the footprint does not grow", async () => {
  using heap = await Heap.open();
  const area = areaOf(heap), words = heap.i32;
  const hands = [new Hand(heap, "produce", area, 5), new Hand(heap, "consume", area)];
  await Promise.all(hands.map((hand) => hand.attached));
  const peaks = [0, 0, 0];
  for (const from = performance.now(); performance.now() < from + 1800; await sleep(10)) {
    const third = Math.min(2, Math.floor((performance.now() - from) / 600));
    peaks[third] = Math.max(peaks[third]!, heap.stats().chargedBytes);
  }
  Atomics.store(words, area / 4 + STOP, 1);
  const [made, freed] = await Promise.all(hands.map((hand) => hand.done));
  assertEquals([made, freed], [words[area / 4 + PUSHED], made]);
  assert(made! > 10_000, `${made} blocks`);
  assert(peaks[2]! <= peaks[1]! * 1.25 + MIB, `charged at most, by thirds of the time: ${peaks}`);
  assert(peaks[2]! < 32 * MIB, `charged at most, by thirds of the time: ${peaks}`);
  await alone(heap);
  heap.check();
  assertEquals(heap.stats().liveBlocks, 1);
});

Deno.test("Workers that end without close() one after another leave nothing behind", async () => {
  using heap = await Heap.open({ variant: "slab-map,prewarm=0" });
  const charged: number[] = [];
  for (let count = 0; count < 20; count++) {
    assertEquals(await new Hand(heap, "leave open", 0).done, 300);
    charged.push(heap.stats().chargedBytes);
  }
  await alone(heap);
  assertEquals(heap.stats().liveBlocks, 0);
  assertEquals(heap.stats().chargedBytes, 0);
  assert(
    viewState(heap)[WORD_THREADS_USED]! <= 10,
    `${viewState(heap)[WORD_THREADS_USED]} slots for one Worker at a time`,
  );
});

Deno.test("close() throws HEAP_SHARED while a Worker has the heap, and not when it has ended", async () => {
  const heap = await Heap.open();
  const area = areaOf(heap);
  const hand = new Hand(heap, "swap", area);
  await hand.attached;
  let error: unknown;
  try {
    heap.close();
  } catch (thrown) {
    error = thrown;
  }
  assert(error instanceof HeapSharedError);
  hand.done.catch(() => {});
  hand.terminate();
  await alone(heap);
  heap.close();
});
