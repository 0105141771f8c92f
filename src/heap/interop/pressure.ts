/**
 * Memory pressure: before a call gives 0 for want of memory, the program is asked to free what it can do without.
 *
 * @module
 */

import type { Ptr } from "../blocks.ts";

/**
 * How urgent it is: at 1 to free what is easily had again is enough, at 2 what is freed now is the last that can help. The second
 * comes at once after the first if that was not enough.
 *
 * @example
 * ```ts
 * import { Heap, type PressureLevel } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const levels: PressureLevel[] = [];
 * using heap = await Heap.open({ maxBytes: 2 * 1024 * 1024, onPressure: (level) => levels.push(level) });
 * using _most = heap.own(1_500_000);
 * assertEquals([heap.malloc(1_500_000), levels], [0, [1, 2]]); // nothing was freed meanwhile
 * ```
 */
export type PressureLevel = 1 | 2;

const LEVELS: readonly PressureLevel[] = [1, 2];

/** See the module. One for each heap and thread that asked for it. */
export class Pressure {
  readonly #handler: (level: PressureLevel) => void;
  #isBusy = false;

  constructor(handler: (level: PressureLevel) => void) {
    this.#handler = handler;
  }

  /**
   * Asks the program, and tries again. In an allocation that the program makes meanwhile it is not asked again.
   *
   * @param retry the allocation that gave 0.
   * @returns what it gives in the end. What the program throws passes on.
   */
  relieve(retry: () => Ptr): Ptr {
    if (this.#isBusy) return 0;
    this.#isBusy = true;
    try {
      for (const level of LEVELS) {
        this.#handler(level);
        const ptr = retry();
        if (ptr !== 0) return ptr;
      }
      return 0;
    } finally {
      this.#isBusy = false;
    }
  }
}
