/**
 * A word of the page heap or of the class's slabs that is in use when it is overwritten: what reads it next throws
 * `HEADER_CORRUPTED`, gives back no memory but the heap's own, and ends. (`../state/damage_test.ts` overwrites any word.)
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Heap, HeapError } from "../../../src/heap/mod.ts";
import { SPAN_DIRTY } from "../../../src/heap/core/page_heap.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import {
  BIN_MAP_WORDS,
  BINS,
  SLAB_BYTES,
  SPAN_TABLE_OFFSET,
  SPAN_WORDS,
  WORD_BIN_MAP,
  WORD_BINS,
  WORD_CLASS_SLABS,
} from "../../../src/heap/state/layout.ts";

const MIB = 2 ** 20, RESERVE = 128 * MIB;
const KIND = 0, GRANULES = 1, PREVIOUS = 2, NEXT = 3;

function assertCorrupted(call: () => unknown, what: string): void {
  const error = assertThrows(call, HeapError, undefined, what);
  assertEquals(error.code, "HEADER_CORRUPTED", `${what}: ${error.message}`);
}

/** Where the record of a free dirty span of 4 MiB is, between two blocks; no other free span is dirty. */
function freeSpan(heap: Heap, state: Int32Array): number {
  heap.malloc(MIB);
  const ptr = heap.malloc(4 * MIB);
  heap.malloc(MIB);
  heap.free(ptr);
  const at = SPAN_TABLE_OFFSET / 4 + Math.floor(ptr / SLAB_BYTES) * SPAN_WORDS;
  assertEquals(state[at + KIND], SPAN_DIRTY);
  assert(state[at + GRANULES]! * SLAB_BYTES >= 4 * MIB);
  return at;
}

for (const shared of [0, 1]) {
  const options = { variant: `slab-map,spanCache=0,shared=${shared}`, reserveBytes: RESERVE };

  Deno.test(`collect() gives nothing back by a span whose length was overwritten, shared=${shared}`, async () => {
    for (const length of [0, 1, 8192, -1, 2 ** 31 - 1]) {
      using before = await Heap.open({ reserveBytes: RESERVE });
      using heap = await Heap.open({ ...options, log: () => {} });
      using behind = await Heap.open({ reserveBytes: RESERVE });
      const kept = [before, behind].map((beside) => {
        const ptr = beside.malloc(MIB);
        return beside.u8.fill(0xaa, ptr, ptr + MIB).subarray(ptr, ptr + MIB);
      });
      const state = viewState(heap), at = freeSpan(heap, state), right = state[at + GRANULES]!;
      state[at + GRANULES] = length;
      assertCorrupted(() => heap.collect(), `collect() with ${length} granules`);
      assertCorrupted(() => heap.check(), `check() with ${length} granules`);
      assert(
        kept.every((bytes) => bytes.every((byte) => byte === 0xaa)),
        `${length} granules: a heap beside has changed`,
      );
      state[at + GRANULES] = right; // close() of a shared heap reads it, too
    }
  });

  for (const [name, word] of [["next", NEXT], ["one before", PREVIOUS]] as const) {
    Deno.test(`a free span whose ${name} is itself hangs no call, shared=${shared}`, async () => {
      using heap = await Heap.open({ ...options, log: () => {} });
      const state = viewState(heap), at = freeSpan(heap, state), granule = (at - SPAN_TABLE_OFFSET / 4) / SPAN_WORDS;
      const bins = state.subarray(WORD_BINS, WORD_BINS + 2 * BINS);
      assert(bins.includes(granule), "a bin leads to it");
      assert(state.subarray(WORD_BIN_MAP, WORD_BIN_MAP + 2 * BIN_MAP_WORDS).some((map) => map !== 0));
      assertEquals(state[at + word], 0);
      state[at + word] = granule;
      assertCorrupted(() => heap.check(), "check()");
      for (const call of [() => [...heap.blocks()], () => heap.stats(), () => heap.snapshot(), () => heap.collect()]) {
        try {
          call(); // right, or the error; it ends
        } catch (error) {
          assert(error instanceof HeapError && error.code === "HEADER_CORRUPTED", String(error));
        }
      }
      state[at + word] = 0;
    });
  }

  Deno.test(`a class whose first slab is none says so once, and goes on without it, shared=${shared}`, async () => {
    using heap = await Heap.open({ ...options, log: () => {} });
    const state = viewState(heap), live = new Set([heap.malloc(100)]);
    const some = (): void => {
      for (let count = 0; count < 5000; count++) {
        const ptr = heap.malloc(100);
        assert(ptr !== 0 && !live.has(ptr));
        live.add(ptr);
      }
    };
    state.fill(0x3600_0000, WORD_CLASS_SLABS, WORD_CLASS_SLABS + 32);
    assertCorrupted(some, "malloc(100)");
    some();
    assertCorrupted(() => heap.check(), "check() of the other classes");
    state.fill(0, WORD_CLASS_SLABS, WORD_CLASS_SLABS + 32);
    heap.check();
    for (const ptr of live) heap.free(ptr);
  });
}
