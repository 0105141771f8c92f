/**
 * Counters: how often each stage is reached, in a counting build (`counters=1`). They are doubles in the heap's own
 * memory, each thread's in its own cache, so that hours of counting are exact; the build pays for each with a load and a store.
 * Other builds have none: the hot path's are behind a constant, the slow paths' behind one test for undefined (a {@linkcode
 * Watcher} may listen there).
 *
 * @module
 */

import { CACHE_BYTES, CACHE_COUNTERS_BYTES, CACHES_OFFSET } from "./layout.ts";

/**
 * The name of a counter. `magazinesFilled` are full lists that were set aside, `magazinesTaken` those that were taken back.
 * `lockWaits` are locks that were not free at the first try, `lockRetries` the tries after that which failed, and
 * `lockPauses` the times that the processor was given away, or slept. `spansTaken` and `spansGiven` are calls of the page
 * heap, by superslabs and by large blocks, those that grow or shrink where they are among them.
 *
 * @example
 * ```ts
 * import { type CounterName, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open({ variant: "slab-map,counters=1" });
 * heap.free(heap.malloc(100));
 * const name: CounterName = "mallocs";
 * assertEquals(heap.counters()?.[name], 1);
 * ```
 */
export type CounterName =
  | "mallocs"
  | "frees"
  | "fastFrees"
  | "frontGateCalls"
  | "registryLookups"
  | "mincoreCalls"
  | "headerRejects"
  | "refills"
  | "spills"
  | "remoteFrees"
  | "slabsTaken"
  | "slabsReturned"
  | "locksTaken"
  | "lockWaits"
  | "lockRetries"
  | "lockPauses"
  | "rollbacks"
  | "spansTaken"
  | "spansGiven"
  | "magazinesFilled"
  | "magazinesTaken";

/** The counters; the place in this list is the place in memory. */
export const COUNTER_NAMES: readonly CounterName[] = [
  "mallocs",
  "frees",
  "fastFrees",
  "frontGateCalls",
  "registryLookups",
  "mincoreCalls",
  "headerRejects",
  "refills",
  "spills",
  "remoteFrees",
  "slabsTaken",
  "slabsReturned",
  "locksTaken",
  "lockWaits",
  "lockRetries",
  "lockPauses",
  "rollbacks",
  "spansTaken",
  "spansGiven",
  "magazinesFilled",
  "magazinesTaken",
];

/**
 * What a counting build has counted since it was opened.
 *
 * @example
 * ```ts
 * import { Heap, type HeapCounters } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open({ variant: "slab-map,counters=1" });
 * heap.free(heap.malloc(100));
 * const counters: HeapCounters | undefined = heap.counters();
 * assertEquals([counters?.frees, counters?.slowFrees], [1, 0]);
 * ```
 */
export interface HeapCounters extends Readonly<Record<CounterName, number>> {
  /** Frees that the hot path did not end: `frees - fastFrees`. */
  readonly slowFrees: number;
}

/** Who is told what the heap does off the hot path: the counters, or whoever is to hear of it. */
export interface Watcher {
  /** @param value the class, slab or pointer that it is about. */
  add(counter: CounterName, value: number): void;
}

/** Places of the counters, for code that adds to them. */
export const COUNTER = Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, index])) as Readonly<
  Record<CounterName, number>
>;

/** Where the counters are: a heap's memory, the calling thread's number, and how many threads have ever had the heap. */
interface CountedMemory {
  readonly buffer: ArrayBuffer;
  readonly thread: number;
  readonly threads: { readonly used: number };
}

/** See the module. */
export class Counters implements Watcher {
  /** This thread's. */
  readonly values: Float64Array;
  readonly #memory: CountedMemory;

  constructor(memory: CountedMemory) {
    this.#memory = memory;
    this.values = this.#of(memory.thread);
  }

  #of(thread: number): Float64Array {
    const offset = CACHES_OFFSET + thread * CACHE_BYTES + CACHE_COUNTERS_BYTES;
    return new Float64Array(this.#memory.buffer, offset, COUNTER_NAMES.length);
  }

  add(counter: CounterName): void {
    this.values[COUNTER[counter]]!++;
  }

  /** The sums over all threads that have ever had the heap. */
  read(): HeapCounters {
    const threads = Math.max(1, this.#memory.threads.used);
    const all = Array.from({ length: threads }, (_, thread) => this.#of(thread));
    const sum = (index: number): number => all.reduce((total, values) => total + values[index]!, 0);
    const counts = Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, sum(index)])) as Record<
      CounterName,
      number
    >;
    return { ...counts, slowFrees: counts.frees - counts.fastFrees };
  }
}
