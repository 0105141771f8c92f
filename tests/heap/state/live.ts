/** The oracle of the tests here: the blocks that must be live, and what is in them. */

import { assert, assertEquals } from "@std/assert";
import type { Heap } from "../../../src/heap/mod.ts";

/** The blocks that must be live, and what is in them. */
export class Live {
  readonly fills = new Map<number, number>();
  #count = 0;

  constructor(readonly heap: Heap) {}

  add(ptr: number): number {
    assert(ptr !== 0);
    assert(!this.fills.has(ptr), "given out twice");
    this.fills.set(ptr, 1 + this.#count++ % 251);
    this.refill(ptr);
    return ptr;
  }

  refill(ptr: number): void {
    for (const part of this.#ends(ptr, this.heap.usableSize(ptr))) part.fill(this.fills.get(ptr)!);
  }

  /** What is written and read of a block: its ends. */
  #ends(ptr: number, size: number): Uint8Array[] {
    const bytes = this.heap.u8.subarray(ptr, ptr + size);
    return [bytes.subarray(0, 64), bytes.subarray(-64)];
  }

  free(heap: Heap, ptr: number): void {
    heap.free(ptr);
    this.fills.delete(ptr);
  }

  audit(): void {
    this.heap.check();
    const found = [...this.heap.blocks()];
    assertEquals(found.length, this.fills.size, "live blocks");
    for (const { ptr, size } of found) {
      const fill = this.fills.get(ptr);
      assert(fill !== undefined, "a block is live that was freed");
      for (const part of this.#ends(ptr, size)) {
        assert(part.every((byte) => byte === fill), "something wrote into a live block");
      }
    }
  }
}
