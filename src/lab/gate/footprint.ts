/**
 * The footprint of a heap: its bytes in memory, over the bytes that the workload has asked for and not freed. So what
 * rounding to a size class wastes counts as much as what empty slabs and the heap's own tables do. It is taken in a fresh
 * heap at the end of a unit, while the working set is live; nothing of it is timed.
 *
 * @module
 */
import { Heap } from "../../heap/mod.ts";
import { adaptHeap } from "../../peers/heap.ts";
import type { Allocator, Parameters, Workload } from "../../workloads/mod.ts";

/** What was found. */
export interface Footprint {
  /** Of the heap's own mapping, its tables with it. */
  readonly residentBytes: number;
  /** What the live blocks were asked for. */
  readonly liveBytes: number;
}

/** Units before it is taken; the first fills the working set. */
const UNITS = 2;

/**
 * Runs a workload and takes the footprint.
 *
 * @throws InvalidOptionError for a variant that does not exist.
 */
export async function footprintOf(variant: string, workload: Workload, parameters: Parameters): Promise<Footprint> {
  using heap = await Heap.open({ variant });
  const sizes = new Map<number, number>();
  const runner = workload.prepare(recording(adaptHeap(heap), sizes), parameters);
  runner.begin();
  for (let unit = 0; unit < UNITS; unit++) runner.unit();
  const { residentBytes } = heap.stats();
  const liveBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  runner.drain();
  runner.end();
  return { residentBytes, liveBytes };
}

/** The same allocator, which keeps the sizes that live blocks were asked for. */
function recording(allocator: Allocator<number>, sizes: Map<number, number>): Allocator<number> {
  const { malloc, free, alignedAlloc } = allocator;
  const record = (pointer: number, size: number): number => {
    if (pointer !== allocator.nothing) sizes.set(pointer, size);
    return pointer;
  };
  return {
    ...allocator,
    malloc: (size) => record(malloc(size), size),
    free: (pointer) => {
      sizes.delete(pointer);
      free(pointer);
    },
    ...(alignedAlloc === undefined
      ? {}
      : { alignedAlloc: (alignment: number, size: number) => record(alignedAlloc(alignment, size), size) }),
  };
}
