/**
 * Our heap, through what a program imports: the public `heap.malloc` and `heap.free`, passed on as they are, and the view
 * `heap.u8`.
 *
 * @module
 */
import type { Heap } from "../../mod.ts";
import type { Allocator } from "../workloads/mod.ts";

/**
 * Opens a heap of a variant, such as `slab-map` or `slab-map,refill=32`. It lives as long as the process.
 *
 * @param source URL of the folder of another copy of this project, whose heap it is then; this one's if absent.
 */
export async function openHeap(variant: string, source?: string): Promise<Allocator<number>> {
  const library: typeof import("../../mod.ts") = source === undefined
    ? await import("../../mod.ts")
    : await import(`${source}/mod.ts`);
  return adaptHeap(await library.Heap.open({ variant }));
}

/** A heap that is open, as an allocator. */
export function adaptHeap(heap: Heap): Allocator<number> {
  return {
    ...adapt(heap.malloc, heap.free, heap.u8),
    alignedAlloc: heap.alignedAlloc.bind(heap),
    calloc: (size) => heap.calloc(1, size),
    realloc: heap.realloc.bind(heap),
    residentBytes: () => heap.stats().residentBytes,
    address: heap.address.bind(heap),
  };
}

function adapt(malloc: (size: number) => number, free: (pointer: number) => void, u8: Uint8Array): Allocator<number> {
  return {
    nothing: 0,
    // The heap's small blocks lie below 2 GiB, so its pointers fit; one above would be caught by the checksum of sizes.
    slots: (count) => new Int32Array(count),
    malloc,
    free,
    write: (pointer, index, byte) => {
      u8[pointer + index] = byte;
    },
    read: (pointer, index) => u8[pointer + index] as number,
  };
}
