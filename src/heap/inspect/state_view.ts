/**
 * A heap as C code could reach it, which has addresses: its state, the blocks behind, and the rings. For what tests and
 * measures the heap; no program has any use for it.
 *
 * @module
 */

import { viewMemory } from "../../os/mod.ts";
import { booksLayout } from "../state/books_layout.ts";
import type { Heap } from "../heap.ts";
import { FIRST_BLOCK, GAP_BYTES, RINGS_BYTES, stateBytes } from "../state/layout.ts";

/** V8 takes the bytes of each view for memory of its own, and collects garbage after some: so a heap has one. */
const views = new WeakMap<Heap, Int32Array>();

/**
 * State, blocks and rings in words, by the indices of `../state/layout.ts`; of a debug build the books behind them,
 * too, from `booksAt(heap)` on. Once the heap is closed none of it may be read: the memory is gone, and the process
 * dies of it.
 */
export function viewState(heap: Heap): Int32Array {
  return views.getOrInsertComputed(heap, wholeView);
}

function wholeView(heap: Heap): Int32Array {
  const bytes = heap.u8.length, state = stateBytes(bytes);
  const address = heap.address(FIRST_BLOCK) - BigInt(FIRST_BLOCK + state);
  const books = heap.build === "debug" ? GAP_BYTES + booksLayout(bytes).bytes : 0;
  return new Int32Array(viewMemory(address, state + bytes + GAP_BYTES + RINGS_BYTES + books));
}

/** Index of the first word of a debug build's books. */
export function booksAt(heap: Heap): number {
  const bytes = heap.u8.length;
  return (stateBytes(bytes) + bytes + GAP_BYTES + RINGS_BYTES + GAP_BYTES) / 4;
}
