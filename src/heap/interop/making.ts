/**
 * Blocks that are filled before the program has them: texts, copies, structs, out-parameters. What ends that half way,
 * a stack that is full or a view that is gone, loses no block. It is given back at once; or with a full stack, where not
 * even that could be called, before the next is made, and when the heap is closed.
 *
 * @module
 */

import type { CallSites, Ptr } from "../blocks.ts";
import { HeapError } from "../errors.ts";
import type { HeapAccess, Source } from "./heap_access.ts";

/** See the module. One for each heap and thread. */
export class Making {
  readonly #heap: HeapAccess;
  readonly #callSites: CallSites | undefined;
  /** A block that nobody has. */
  #left: Ptr = 0;

  /** @param callSites of a build that keeps stacks. */
  constructor(heap: HeapAccess, callSites: CallSites | undefined) {
    this.#heap = heap;
    this.#callSites = callSites;
  }

  /** A block of a source, filled; what `fill` makes of it. A block of a scope ends with that, whatever happens. */
  make<Made>(source: Source, size: number, fill: (ptr: Ptr) => Made): Made {
    if (this.#left !== 0) this.giveBack();
    if (this.#callSites !== undefined) this.#callSites.isDeep = true;
    const ptr = source.alloc(size);
    try {
      return fill(ptr);
    } catch (error) {
      // Nothing is called before this.
      if (source === this.#heap) this.#left = ptr;
      if (!(error instanceof RangeError)) this.giveBack();
      throw error;
    }
  }

  /** Frees what nobody has. */
  giveBack(): void {
    if (this.#left === 0) return;
    try {
      this.#heap.free(this.#left);
    } catch (error) {
      if (!(error instanceof HeapError)) throw error; // one that is damaged stays, as any other does
    }
    this.#left = 0;
  }
}
