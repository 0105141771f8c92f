/** Guarded blocks of Workers that are terminated in the middle of anything. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { BufferOverflowError, Heap } from "../../../src/heap/mod.ts";
import { alone, areaOf, Hand, sleep, slotsOf } from "../threads/hands.ts";
import { swapOnce } from "../threads/worker_tasks.ts";

Deno.test("guarded: blocks of Workers that were terminated stay, are whole and guarded, and any thread frees them", async () => {
  using heap = await Heap.open({ guard: { oneIn: 3 }, log: () => {} });
  const area = areaOf(heap), ended = 6;
  for (let round = 0; round < ended / 2; round++) {
    const hands = [1, 2].map((seed) => new Hand(heap, "swap", area, 10 * round + seed));
    for (const hand of hands) hand.done.catch(() => {});
    await Promise.all(hands.map((hand) => hand.attached));
    await sleep(20 + 20 * round);
    for (const hand of hands) hand.terminate();
    for (let count = 0; count < 100; count++) swapOnce(heap, area, Math.imul(round * 100 + count + 1, 2654435761));
  }
  await alone(heap);
  heap.check();
  const blocks = new Map([...heap.blocks()].map(({ ptr, size }) => [ptr, size])), slots = slotsOf(heap, area);
  for (const ptr of slots) assert(blocks.has(ptr));
  assert(blocks.size <= slots.length + 1 + 3 * ended, `${blocks.size - slots.length - 1} blocks lost`);
  // Those that are guarded have their size in their stamp, and not a byte more.
  const guarded = slots.filter((ptr) => heap.i32[ptr / 4] === blocks.get(ptr));
  assert(guarded.length > slots.length / 6, `${guarded.length} of ${slots.length} are guarded`);
  for (const ptr of slots) if (ptr !== guarded[0]) heap.free(ptr);
  heap.check();
  heap.u8[guarded[0]! + blocks.get(guarded[0]!)!] = 1;
  assertThrows(() => heap.free(guarded[0]!), BufferOverflowError, "allocated:");
  assertEquals(heap.owns(guarded[0]!), true);
});
