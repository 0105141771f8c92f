/**
 * What the flag `verbose` says: the first five calls of each path through the release functions, a line each, to the
 * `log` that the heap was opened with. For debug builds only, whose calls pay for it; the sizes are those that the debug
 * build asks for, redzones among them.
 *
 * The slow paths tell a watcher what they do, which in counting builds is the counters; this one hears the same. Fast
 * calls are those during which it heard nothing.
 *
 * @module
 */

import type { CounterName, Watcher } from "../state/counters.ts";
import { hex } from "../errors.ts";
import type { HotPath } from "./parts.ts";

/** Calls of each path that are told. */
const FIRST_CALLS = 5;

const PATHS: { readonly [Name in CounterName]?: (value: number) => string } = {
  frontGateCalls: (ptr) => `front gate: free(${hex(ptr)})`,
  registryLookups: (ptr) => `registry lookup: the class of ${hex(ptr)}`,
  refills: (sizeClass) => `refill: class ${sizeClass}`,
  magazinesFilled: (sizeClass) => `full list set aside: class ${sizeClass}`,
  magazinesTaken: (sizeClass) => `full list taken back: class ${sizeClass}`,
  spills: (sizeClass) => `spill: class ${sizeClass}`,
  slabsTaken: (slab) => `slab taken: ${slab}`,
  slabsReturned: (slab) => `slab returned: ${slab}`,
};

/** See the module. */
export class Narrator implements Watcher {
  readonly #log: (line: string) => void;
  readonly #next: Watcher | undefined;
  readonly #told = new Map<string, number>();
  #events = 0;

  /** @param next who is to be told, too. */
  constructor(log: (line: string) => void, next: Watcher | undefined) {
    this.#log = log;
    this.#next = next;
  }

  add(counter: CounterName, value: number): void {
    this.#events++;
    this.#next?.add(counter, value);
    const describe = PATHS[counter];
    if (describe !== undefined) this.#tell(counter, describe(value));
  }

  /** The same functions, which tell of themselves. */
  wrap({ malloc, free }: HotPath, largest: number): HotPath {
    return {
      malloc: (size) => {
        const before = this.#events, ptr = malloc(size);
        const path = size <= largest && this.#events === before ? "malloc fast" : "malloc slow";
        this.#tell(path, `${path}: malloc(${size}) gives ${hex(ptr)}`);
        return ptr;
      },
      free: (ptr) => {
        const before = this.#events;
        free(ptr);
        const path = this.#events === before ? "free fast" : "free slow";
        this.#tell(path, `${path}: free(${hex(ptr)})`);
      },
    };
  }

  #tell(path: string, line: string): void {
    const told = this.#told.get(path) ?? 0;
    if (told === FIRST_CALLS) return;
    this.#told.set(path, told + 1);
    this.#log(`hakmem: ${line}`);
  }
}
