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
 * What the records say of a block is compared with the span table before the system is asked for anything, or its span goes
 * back: a record that was overwritten hides no other block's pages, and gives none away.
 *
 * @module
 */

import type { BlockBytes, Damage } from "../debug/block.ts";
import type { GuardedSpans } from "../core/large.ts";
import { hex } from "../errors.ts";
import { damaged } from "../state/damage.ts";
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
  readonly #spans: GuardedSpans;

  constructor(memory: HeapMemory, spans: GuardedSpans, hides: boolean) {
    this.#memory = memory;
    this.#spans = spans;
    this.hides = hides;
  }

  /** First granule of the span of a block in the records. @throws {HeaderCorruptedError} if it has none, or lies elsewhere. */
  spanOf(block: BlockBytes): number {
    const granule = granuleOf(block), { inner, innerBytes } = this.place(granule, block.size, 1);
    const isWhole = Number.isInteger(granule) && block.inner === inner && block.innerBytes === innerBytes &&
      block.ptr >= inner &&
      this.#spans.isGuarded(granule) && this.#end(inner + innerBytes) <= this.#endOf(granule);
    if (!isWhole) throw damaged(`the guarded block ${hex(block.ptr)} is not where its record says`);
    return granule;
  }

  #endOf(granule: number): number {
    return (granule + this.#spans.granulesOf(granule)) * SLAB_BYTES;
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
    this.#fence(start, inner, true);
    this.#fence(end, this.#end(end), true);
  }

  /** Hides a block's own pages, or shows them: what is around it stays hidden. */
  hideOwn(block: BlockBytes, hide: boolean): void {
    if (!this.hides) return;
    this.spanOf(block);
    this.#memory.system.guard.hide(this.#memory.address(block.inner), block.innerBytes, hide);
  }

  /** Shows a whole span. */
  showSpan(granule: number): void {
    this.#fence(granule * SLAB_BYTES, this.#endOf(granule), false);
  }

  /** The first byte of a span that JavaScript has written while it was hidden. @param forget whether that is forgotten then */
  written(block: BlockBytes, forget: boolean): Damage | undefined {
    if (!this.hides) return undefined;
    this.spanOf(block);
    const start = block.inner - PAGE_BYTES, end = this.#end(block.inner + block.innerBytes), { system } = this.#memory;
    const address = system.guard.written(this.#memory.address(start), end - start, forget);
    if (address === 0n) return undefined;
    const first = Number(address - this.#memory.base);
    return { first, last: first };
  }

  /** The end of the span whose block's own pages end there. */
  #end(end: number): number {
    return Math.ceil((end + PAGE_BYTES) / SLAB_BYTES) * SLAB_BYTES;
  }

  #fence(start: number, end: number, hide: boolean): void {
    if (this.hides) this.#memory.system.guard.fence(this.#memory.address(start), end - start, hide);
  }
}
