/** A heap that grows: what lies idle goes back to the system first, and a program that does the same again is left alone. */

import { assert, assertEquals } from "@std/assert";
import { Heap } from "../../../src/heap/mod.ts";
import { WORD_TOUCHED_LIMIT } from "../../../src/heap/state/layout.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import { adaptHeap } from "../../../src/peers/heap.ts";
import { readTrace, summarise } from "../../../src/traces/mod.ts";
import { replayWords } from "../../../src/traces/replay_words.ts";
import { prepareReplay } from "../../../src/workloads/mod.ts";
import { realTrace } from "../../traces/helpers.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** 12.5 MiB of blocks of one size, every page of them written to. */
function take(heap: Heap, size: number): number[] {
  return Array.from({ length: 12.5 * MIB / size }, () => {
    const ptr = heap.malloc(size - 16);
    heap.bytes(ptr, size - 16).fill(1);
    return ptr;
  });
}

Deno.test("what lies idle between blocks in use goes back before the heap grows", async () => {
  using heap = await Heap.open();
  const large = [...take(heap, 128 * KIB), ...take(heap, 128 * KIB)], before = heap.stats().residentBytes;
  // Every other one: no two spans that fall free are neighbours, and none of them holds a superslab.
  for (const ptr of large.filter((_, index) => index % 2 === 0)) heap.free(ptr);
  assert(heap.stats().residentBytes === before && before > 25 * MIB, `${before} bytes in memory`);
  take(heap, KIB);
  const grown = heap.stats().residentBytes - before;
  assert(grown < 8 * MIB, `for 12.5 MiB of blocks, with as much idle, ${grown} bytes more in memory`);
  heap.check();
});

Deno.test("a program that does the same again and again gives nothing back in the end", async () => {
  using heap = await Heap.open();
  const limits: number[] = [];
  for (let round = 0; round < 30; round++) {
    const large = take(heap, 160 * KIB);
    for (const ptr of large.filter((_, index) => index % 3 !== 0)) heap.free(ptr);
    const small = take(heap, 16 * KIB);
    for (const ptr of large.filter((_, index) => index % 3 === 0)) heap.free(ptr);
    for (const ptr of small) heap.free(ptr);
    limits.push(viewState(heap)[WORD_TOUCHED_LIMIT]!);
  }
  assertEquals(new Set(limits.slice(-5)).size, 1, `it rises with each time that memory is given back: ${limits}`);
  heap.check();
});

const REAL = realTrace();

Deno.test({
  name: `the real trace takes at most 1.18 times its live bytes${
    REAL === undefined ? ": skipped, it is not there" : ""
  }`,
  ignore: REAL === undefined,
  fn: async () => {
    const trace = readTrace(REAL!), { live, peakEvent, peakLiveBytes } = summarise(trace, 200);
    using heap = await Heap.open();
    const replay = prepareReplay(adaptHeap(heap), replayWords(trace), true);
    let peak = 0;
    for (const event of [...live.events, peakEvent].sort((a, b) => a - b)) {
      replay.advance(event);
      peak = Math.max(peak, heap.stats().residentBytes);
    }
    assert(peak <= 1.18 * peakLiveBytes, `${peak} bytes for ${peakLiveBytes}`);
  },
});
