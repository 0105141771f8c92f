/** Guarded blocks that several threads have: of Workers that are terminated in the middle of anything, and freed twice at once. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { openWith } from "../../../src/heap/inspect/mod.ts";
import { BufferOverflowError, DoubleFreeError, Heap, InvalidPointerError } from "../../../src/heap/mod.ts";
import { Journal } from "../../../src/heap/state/journal.ts";
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
  // A block of a class may have just its size, too, a multiple of 16.
  const chosen = guarded.find((ptr) => blocks.get(ptr)! % 16 !== 0)!;
  for (const ptr of slots) if (ptr !== chosen) heap.free(ptr);
  heap.check();
  heap.u8[chosen + blocks.get(chosen)!] = 1;
  assertThrows(() => heap.free(chosen), BufferOverflowError, "allocated:");
  assertEquals(heap.owns(chosen), true);
});

/** Lets another thread have its turn before a section. */
class LateJournal extends Journal {
  meanwhile: (() => void) | undefined;

  override run<Result>(body: () => Result): Result {
    const { meanwhile } = this;
    this.meanwhile = undefined;
    meanwhile?.();
    return super.run(body);
  }
}

Deno.test("guarded: what another thread does between a look at the records and the section is seen in the section", async () => {
  const journals: LateJournal[] = [];
  const make = (words: Int32Array): Journal => {
    const journal = new LateJournal(words);
    journals.push(journal);
    return journal;
  };
  const heap = await openWith(make, { guard: { oneIn: 1 }, log: () => {} });
  const other = await Heap.attach(heap.share()), books = journals[1]!; // the heap's own is made first
  const calls = [
    (ptr: number) => assertThrows(() => heap.free(ptr), InvalidPointerError),
    (ptr: number) => assertThrows(() => heap.realloc(ptr, 10), InvalidPointerError),
    (ptr: number) => assertThrows(() => heap.usableSize(ptr), InvalidPointerError),
    (ptr: number) => assertEquals(heap.owns(ptr), false),
  ];
  for (const call of calls) {
    const ptr = heap.malloc(100);
    books.meanwhile = () => {
      other.free(ptr);
      other.collect(); // it leaves the quarantine
    };
    call(ptr);
    assertEquals(books.meanwhile, undefined);
  }
  const ptr = heap.malloc(100);
  books.meanwhile = () => other.free(ptr);
  assertThrows(() => heap.free(ptr), DoubleFreeError);
  heap.check();
  assertEquals(heap.stats().liveBlocks, 0);
  other.close();
  heap.close();
});
