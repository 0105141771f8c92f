/**
 * A heap as C code could reach it, which has addresses: its state, the blocks behind, and the rings. For what tests and
 * measures the heap; no program has any use for it.
 *
 * @module
 */

import { viewMemory } from "../../os/mod.ts";
import type { Heap } from "../heap.ts";
import { FIRST_BLOCK, GAP_BYTES, RINGS_BYTES, stateBytes } from "../state/layout.ts";
import { behindOf, reservedBytes } from "../state/memory.ts";
import { samplesBytes } from "../state/samples_layout.ts";

/** V8 takes the bytes of each view for memory of its own, and collects garbage after some: so a heap has one. */
const views = new WeakMap<Heap, Int32Array>();

/**
 * State, blocks and rings in words, by the indices of `../state/layout.ts`; and what is behind them: the samples of a
 * profiled heap from `samplesAt(bytes)` on, and the books of a debug build or of a guarded one from `booksAt(bytes, …)`
 * on. Once the heap is closed none of it may be read: the memory is gone, and the process dies of it.
 */
export function viewState(heap: Heap): Int32Array {
  return views.getOrInsertComputed(heap, wholeView);
}

function wholeView(heap: Heap): Int32Array {
  const bytes = heap.u8.length, state = stateBytes(bytes);
  const address = heap.address(FIRST_BLOCK) - BigInt(FIRST_BLOCK + state);
  return new Int32Array(viewMemory(address, reservedBytes(bytes, behindOf(heap.build, heap.flags))));
}

/** Index of the first word of the samples of a profiled heap of so many bytes. */
export function samplesAt(bytes: number): number {
  return (stateBytes(bytes) + bytes + GAP_BYTES + RINGS_BYTES + GAP_BYTES) / 4;
}

/** Index of the first word of the books of a heap of so many bytes. */
export function booksAt(bytes: number, isProfiled: boolean): number {
  return samplesAt(bytes) + (isProfiled ? samplesBytes(bytes) / 4 : 0);
}
