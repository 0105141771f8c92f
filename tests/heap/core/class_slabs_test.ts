/** Slabs of a class: their ends go back to the system when no block there is in use. */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { HeaderCorruptedError, Heap } from "../../../src/heap/mod.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import {
  CACHE_SLABS,
  firstWordOf,
  SLAB_LISTED,
  SLAB_NEXT,
  SLAB_PREVIOUS,
  SLAB_TABLE_OFFSET,
  SLAB_WORDS,
  WORD_CLASS_SLABS,
} from "../../../src/heap/state/layout.ts";

const KIB = 1024;

/** A heap with one slab, of 64 blocks of a page's quarter each, all in use and filled with their number. */
async function openFilled(): Promise<{ heap: Heap; ptrs: number[] }> {
  const heap = await Heap.open({ variant: "slab-map,prewarm=0,capacity=16,magazines=0" });
  const ptrs = Array.from({ length: 64 }, () => heap.malloc(KIB));
  ptrs.sort((a, b) => a - b).forEach((ptr, index) => heap.bytes(ptr, KIB).fill(index + 1));
  return { heap, ptrs };
}

function assertWhole(heap: Heap, ptrs: readonly number[], first = 0): void {
  ptrs.forEach((ptr, index) => assert(heap.bytes(ptr, KIB).every((byte) => byte === first + index + 1)));
}

Deno.test("collect() gives the end of a slab back when all blocks there are free, and it is carved again", async () => {
  const { heap, ptrs } = await openFilled();
  for (const ptr of ptrs.splice(10)) heap.free(ptr);
  heap.free(ptrs.splice(3, 1)[0]!);
  assert(heap.collect() >= 13 * 4 * KIB);
  const [slab] = heap.snapshot().superslabs[0]!.slabs;
  assertEquals([slab!.liveBlocks, slab!.freeBlocks, slab!.uncarvedBlocks], [9, 1, 54]);
  assertEquals(slab!.residentBytes, 12 * KIB);
  assertWhole(heap, ptrs.slice(0, 3));
  assertWhole(heap, ptrs.slice(3), 4);
  const again = Array.from({ length: 55 }, () => heap.malloc(KIB));
  assertEquals(new Set([...ptrs, ...again]).size, 64);
  assertEquals(heap.stats().slabs, 1);
  heap.check();
  heap.close();
});

Deno.test("collect() leaves a slab as it is whose last block is in use", async () => {
  const { heap, ptrs } = await openFilled();
  for (const ptr of ptrs.splice(0, 63)) heap.free(ptr);
  heap.collect();
  const [slab] = heap.snapshot().superslabs[0]!.slabs;
  assertEquals([slab!.liveBlocks, slab!.freeBlocks, slab!.uncarvedBlocks], [1, 63, 0]);
  assertWhole(heap, ptrs, 63);
  heap.check();
  heap.close();
});

Deno.test("collect() does not trim a slab whose list is damaged: the refill that finds it says so", async () => {
  const damages: ((ptrs: readonly number[], at: number) => number)[] = [
    (ptrs) => ptrs[60]! + 16, // into a block
    (ptrs) => ptrs[60]! + 1024 * KIB, // into no slab
    (ptrs, at) => ptrs[at]!, // a loop
    () => 0, // too short
  ];
  for (const damage of damages) {
    const { heap, ptrs } = await openFilled();
    for (const ptr of ptrs.slice(1)) heap.free(ptr);
    heap.i32[ptrs[20]! / 4] = damage(ptrs, 20); // 1 to 47 are spilled by now, 16 blocks are on the list
    heap.collect();
    assertWhole(heap, ptrs.slice(0, 1));
    assertEquals(heap.stats().classes[0]!.freeBlocks, 63);
    assertThrows(() => heap.check(), HeaderCorruptedError);
    heap.close();
  }
});

/** Two slabs of a class on this thread's list, and one of another class: the words of the heads, and of the records. */
async function openListed(): Promise<{ heap: Heap; words: Int32Array; head: number; slabs: number[]; other: number }> {
  const heap = await Heap.open({ variant: "slab-map,prewarm=0" }), words = viewState(heap);
  const ptrs = Array.from({ length: 200 }, () => heap.malloc(1000)), far = heap.malloc(100);
  for (const ptr of ptrs) if (ptr % 3 !== 0 || ptr === ptrs[0]) heap.free(ptr);
  heap.collect();
  heap.check();
  const slabs = [...new Set(ptrs.map((ptr) => ptr >>> 16))];
  const head = words.findIndex((word, at) => at >= firstWordOf(0) + CACHE_SLABS && slabs.includes(word));
  return { heap, words, head, slabs, other: far >>> 16 };
}

function recordOf(slab: number): number {
  return SLAB_TABLE_OFFSET / 4 + slab * SLAB_WORDS;
}

/** The word of a slab's record that has the next on its list, and the one that has the one before it. */
function linksOf(slab: number): [next: number, previous: number] {
  const record = recordOf(slab);
  return [record + SLAB_NEXT, record + SLAB_PREVIOUS];
}

Deno.test("check() walks the slabs' lists from their heads, and says which slab is wrong", async () => {
  const damages: [name: string, damage: (made: Awaited<ReturnType<typeof openListed>>) => void, said: RegExp][] = [
    ["a head that leads nowhere", ({ words, head }) => words[head] = 77_777, /a list leads to slab 77777, /],
    ["a head below 0", ({ words, head }) => words[head] = -1, /a list leads to slab -1, /],
    ["a slab of another class", ({ words, head, other }) => {
      words[head] = other;
      words[linksOf(other)[1]] = 0;
    }, /slab \d+ is on a list of class \d+ on which it does not belong/],
    ["a circle", ({ words, head }) => {
      const first = words[head]!;
      words[linksOf(first)[0]] = words[linksOf(first)[1]] = first;
    }, /a list leads to slab \d+, which does not lead back/],
    [
      "a list of nobody's",
      ({ words, head }) => words[WORD_CLASS_SLABS + 3] = words[head]!,
      /slab \d+ is on a list of /,
    ],
    ["a head of 0", ({ words, head }) => words[head] = 0, /slab \d+ is on no list, and its record says otherwise/],
    ["a list that is cut short", ({ words, head }) => {
      words[linksOf(words[head]!)[0]] = 0;
    }, /slab \d+ is on no list, and its record says otherwise/],
    ["a record that says it is on no list", ({ words, head }) => {
      words[recordOf(words[head]!) + SLAB_LISTED] = 0;
    }, /slab \d+ is on a list, and its record says otherwise/],
  ];
  for (const [name, damage, said] of damages) {
    const made = await openListed();
    assert(made.head > 0 && made.slabs.length > 2, name);
    damage(made);
    assertMatch(assertThrows(() => made.heap.check(), HeaderCorruptedError, undefined, name).message, said, name);
    made.heap.close();
  }
});

Deno.test("a list of slabs that was given up is said once; its slabs come back with their next blocks, and go back whole", async () => {
  for (const damage of [77_777, -1]) {
    const heap = await Heap.open({ variant: "slab-map,prewarm=0" }), words = viewState(heap);
    const ptrs = Array.from({ length: 600 }, () => heap.malloc(1000));
    for (const [at, ptr] of ptrs.entries()) if (at % 2 === 0) heap.free(ptr);
    heap.collect();
    const slabs = new Set(ptrs.map((ptr) => ptr >>> 16)), before = heap.stats();
    const head = words.findIndex((word, at) => at >= firstWordOf(0) + CACHE_SLABS && slabs.has(word));
    words[head] = damage;
    assertThrows(() => heap.malloc(1000), HeaderCorruptedError);
    heap.check();
    const live = new Set(ptrs.filter((_, at) => at % 2 === 1));
    for (let count = 0; count < 100; count++) {
      const ptr = heap.malloc(1000);
      assert(ptr !== 0 && !live.has(ptr));
      live.add(ptr);
    }
    heap.check();
    for (const ptr of live) heap.free(ptr);
    heap.collect();
    heap.check();
    const { liveBlocks, slabs: left } = heap.stats();
    assertEquals([liveBlocks, left < before.slabs], [0, true]);
    heap.close();
  }
});
