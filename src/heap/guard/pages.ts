/**
 * The pages of guarded blocks: where in them a block lies, who may touch them, and what JavaScript wrote that might not.
 *
 * ```
 *   span, whole granules of 64 KiB
 *   | AllocHeader |  front ... | block, its end as near as can be | rear: the alignment's rest |  nothing    |
 *   | a page      |  the block's own pages                                                     |  to the end |
 *     hidden         live: accessible; in quarantine: hidden                                      hidden
 * ```
 *
 * Front and rear are redzones (`../debug/block.ts`). *Hidden* is what the system lets nobody touch: C dies of it, with a
 * report, and JavaScript's access is let through and noted (`native/guard/guard.c`). Where the system does not watch, nothing is
 * hidden, and the first page behind the block's own is redzone, too.
 *
 * @module
 */

import type { BlockBytes, Damage } from "../debug/block.ts";
import { PAGE_BYTES, SLAB_BYTES } from "../state/layout.ts";
import type { HeapMemory } from "../state/memory.ts";

/** Pages of a block's own. */
function ownPages(size: number): number {
  return Math.ceil(Math.max(1, size) / PAGE_BYTES);
}

/** Pages of a span for a block of so many bytes: with one in front and one behind. */
export function spanPages(size: number): number {
  return ownPages(size) + 2;
}

/** First granule of the span that a guarded block is in. */
export function granuleOf({ inner }: BlockBytes): number {
  return (inner - PAGE_BYTES) / SLAB_BYTES;
}

/** See the module. */
export class GuardedPages {
  /** Whether pages are hidden. */
  readonly hides: boolean;
  readonly #memory: HeapMemory;

  constructor(memory: HeapMemory, hides: boolean) {
    this.#memory = memory;
    this.hides = hides;
  }

  /** Where a block lies in a span. @param alignment a power of two up to a page */
  place(granule: number, size: number, alignment: number): BlockBytes {
    const inner = granule * SLAB_BYTES + PAGE_BYTES, bytes = ownPages(size) * PAGE_BYTES;
    const last = inner + bytes - Math.max(1, size);
    return { ptr: last - last % alignment, size, inner, innerBytes: this.hides ? bytes : bytes + PAGE_BYTES };
  }

  /** Hides what is around a live block. Where the system has no more mappings, it stays as it is. */
  hideAround({ inner, innerBytes }: BlockBytes): void {
    const start = inner - PAGE_BYTES, end = inner + innerBytes;
    this.#hide(start, inner, true);
    this.#hide(end, this.#end(end), true);
  }

  /** Hides a block's own pages, or shows them: what is around it stays hidden. */
  hideOwn({ inner, innerBytes }: BlockBytes, hide: boolean): void {
    this.#hide(inner, inner + innerBytes, hide);
  }

  /** Shows a whole span. */
  showSpan(granule: number, granules: number): void {
    this.#hide(granule * SLAB_BYTES, (granule + granules) * SLAB_BYTES, false);
  }

  /** The first byte of a span that JavaScript has written while it was hidden. @param forget whether that is forgotten then */
  written({ inner, innerBytes }: BlockBytes, forget: boolean): Damage | undefined {
    if (!this.hides) return undefined;
    const start = inner - PAGE_BYTES, { system } = this.#memory;
    const address = system.guard.written(this.#memory.address(start), this.#end(inner + innerBytes) - start, forget);
    if (address === 0n) return undefined;
    const first = Number(address - this.#memory.base);
    return { first, last: first };
  }

  /** The end of the span whose block's own pages end there. */
  #end(end: number): number {
    return Math.ceil((end + PAGE_BYTES) / SLAB_BYTES) * SLAB_BYTES;
  }

  #hide(start: number, end: number, hide: boolean): void {
    if (this.hides) this.#memory.system.guard.hide(this.#memory.address(start), end - start, hide);
  }
}
