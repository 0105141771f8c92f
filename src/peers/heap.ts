/**
 * Our heap, through what a program imports: the public `heap.malloc` and `heap.free`, passed on as they are, and the view
 * `heap.u8`.
 *
 * @module
 */
import type { Heap, SharedHeap } from "../../mod.ts";
import { type Allocator, numberSlots } from "../workloads/mod.ts";

/**
 * Opens a heap of a variant, such as `slab-map` or `slab-map,refill=32`. It lives as long as the process.
 *
 * @param source URL of the folder of another copy of this project, whose heap it is then; this one's if absent.
 * @param shared What the allocator of another thread gave by `share`: it is that heap then.
 */
export async function openHeap(variant: string, source?: string, shared?: unknown): Promise<Allocator<number>> {
  const library: typeof import("../../mod.ts") = source === undefined
    ? await import("../../mod.ts")
    : await import(`${source}/mod.ts`);
  const { Heap } = library;
  return adaptHeap(await (shared === undefined ? Heap.open({ variant }) : Heap.attach(shared as SharedHeap)));
}

/** A heap that is open, as an allocator. */
export function adaptHeap(heap: Heap): Allocator<number> {
  return {
    ...adapt(heap.malloc, heap.free, heap.u8),
    alignedAlloc: heap.alignedAlloc.bind(heap),
    calloc: (size) => heap.calloc(1, size),
    realloc: (pointer, size) => heap.realloc(pointer, size),
    residentBytes: () => heap.stats().residentBytes,
    address: (pointer) => heap.address(pointer),
    share: () => {
      // The heap of an older source may know nothing of threads.
      if (typeof heap.share !== "function") throw new Error("this source's heap knows only one thread");
      return heap.share();
    },
    close: () => heap.close(),
  };
}

function adapt(malloc: (size: number) => number, free: (pointer: number) => void, u8: Uint8Array): Allocator<number> {
  return {
    nothing: 0,
    slots: numberSlots,
    malloc,
    free,
    write: (pointer, index, byte) => {
      u8[pointer + index] = byte;
    },
    read: (pointer, index) => u8[pointer + index] as number,
  };
}
