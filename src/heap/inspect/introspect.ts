/**
 * Looking into a heap: every live block, the sums, and whether all tables agree. Nothing here is fast, and nothing here
 * changes anything. A block is live if it was carved and is on no free list; so the heap keeps no list of live blocks.
 *
 * Each look is a section. Other threads' hot path runs outside of sections, so what is seen is exact while they are quiet.
 *
 * @module
 */

import { HeaderCorruptedError } from "../errors.ts";
import type { Headers } from "../core/headers.ts";
import {
  INVERSES,
  INVERSES_OFFSET,
  PAGE_BYTES,
  SLAB_BYTES,
  WORD_CHARGED_PAGES,
  WORD_CLASS_OF,
  WORD_LARGE_BLOCKS,
  WORD_LARGE_PAGES,
  WORD_SLABS,
  WORD_SUPERSLABS,
} from "../state/layout.ts";
import type { LargeBlocks } from "../core/large.ts";
import type { HeapMemory } from "../state/memory.ts";
import { type PageHeap, SPAN_CLEAN, SPAN_LARGE, SPAN_PAGES } from "../core/page_heap.ts";
import { inverseOf, type SizeClasses } from "../core/size_classes.ts";
import type { Slabs } from "../core/slabs.ts";
import { BlockMarks } from "./block_marks.ts";
import { type HeapSnapshot, takeSnapshot } from "./snapshot.ts";
import type { BlockInfo, ClassStats, HeapStats } from "./stats.ts";
import type { ThreadCache } from "../threads/thread_cache.ts";

/** See the module. */
export class Introspection {
  readonly #memory: HeapMemory;
  readonly #pages: PageHeap;
  readonly #slabs: Slabs;
  readonly #classes: SizeClasses;
  readonly #cache: ThreadCache;
  readonly #large: LargeBlocks;
  readonly #headers: Headers;

  constructor(
    memory: HeapMemory,
    pages: PageHeap,
    slabs: Slabs,
    classes: SizeClasses,
    cache: ThreadCache,
    large: LargeBlocks,
    headers: Headers,
  ) {
    this.#memory = memory;
    this.#pages = pages;
    this.#slabs = slabs;
    this.#classes = classes;
    this.#cache = cache;
    this.#large = large;
    this.#headers = headers;
  }

  /** Every live block, as they were when the first is asked for, in order of address. */
  *blocks(): Generator<BlockInfo> {
    yield* this.#memory.journal.run(() => this.#blocks());
  }

  #blocks(): BlockInfo[] {
    const free = this.#freeBlocks();
    const infos: BlockInfo[] = [];
    for (const slab of this.#slabs.inUse()) {
      const { sizeClass } = this.#slabs.read(slab);
      for (const ptr of this.#carved(slab, sizeClass)) {
        if (!free.has(ptr)) infos.push({ ptr, size: this.#classes.usable[sizeClass]!, sizeClass, slab });
      }
    }
    for (const granule of this.#large.granules()) {
      infos.push({ ptr: this.#large.ptrOf(granule), size: this.#large.usable(granule), sizeClass: 0, slab: -1 });
    }
    return infos.sort((a, b) => a.ptr - b.ptr);
  }

  /** The blocks that a slab has ever given out. */
  *#carved(slab: number, sizeClass: number): Generator<number> {
    const stride = this.#classes.strides[sizeClass]!, blocks = this.#classes.blocks[sizeClass]!;
    const first = (slab + 1) * SLAB_BYTES - blocks * stride;
    const { carved } = this.#slabs.read(slab);
    for (let index = 0; index < carved; index++) yield first + index * stride;
  }

  /** Every block that is on a list. @throws {HeaderCorruptedError} if one is on two, or a link is damaged. */
  #freeBlocks(): BlockMarks {
    const free = new BlockMarks();
    const add = (ptr: number): void => {
      if (free.add(ptr)) return;
      throw new HeaderCorruptedError("a block is on the free lists twice: it was freed twice.", ptr);
    };
    for (const ptr of this.#cache.listedByAll()) add(ptr);
    for (const slab of this.#slabs.inUse()) for (const ptr of this.#cache.spilled(slab)) add(ptr);
    return free;
  }

  /** The sums, with one row a class in use. Cost: a walk over the slabs in use, and `mincore` over what was touched. */
  stats(variant: string): HeapStats {
    return this.#memory.journal.run(() => this.#stats(variant));
  }

  #stats(variant: string): HeapStats {
    const words = this.#memory.words, listed = this.#cache.countsOfAll();
    const slabs: number[] = [], carved: number[] = [], spilled: number[] = [];
    for (const slab of this.#slabs.inUse()) {
      const record = this.#slabs.read(slab), { sizeClass } = record;
      slabs[sizeClass] = (slabs[sizeClass] ?? 0) + 1;
      carved[sizeClass] = (carved[sizeClass] ?? 0) + record.carved;
      spilled[sizeClass] = (spilled[sizeClass] ?? 0) + record.freeCount;
    }
    const classes: ClassStats[] = [];
    let largeBlocks = 0, largeBytes = 0;
    for (const granule of this.#large.granules()) {
      largeBlocks++;
      largeBytes += this.#large.usable(granule);
    }
    let liveBlocks = largeBlocks, liveBytes = largeBytes;
    for (let sizeClass = 1; sizeClass < slabs.length; sizeClass++) {
      if (slabs[sizeClass] === undefined) continue;
      const cached = listed[sizeClass]!, free = spilled[sizeClass]!;
      const live = carved[sizeClass]! - cached - free;
      const stride = this.#classes.strides[sizeClass]!;
      liveBlocks += live;
      liveBytes += live * this.#classes.usable[sizeClass]!;
      classes.push({
        sizeClass,
        stride,
        slabs: slabs[sizeClass]!,
        liveBlocks: live,
        cachedBlocks: cached,
        freeBlocks: free,
      });
    }
    return {
      schema: "hakmem.stats/1",
      variant,
      reservedBytes: this.#memory.bytes,
      maxBytes: this.#memory.maxBytes,
      chargedBytes: words[WORD_CHARGED_PAGES]! * PAGE_BYTES,
      residentBytes: this.#residentBytes(),
      liveBytes,
      liveBlocks,
      largeBytes,
      largeBlocks,
      superslabs: words[WORD_SUPERSLABS]!,
      slabs: words[WORD_SLABS]!,
      classes,
    };
  }

  /** What lies where. Cost: that of `stats`, a walk over the free lists, and `mincore` for each slab. */
  snapshot(variant: string): HeapSnapshot {
    return this.#memory.journal.run(() =>
      takeSnapshot({
        memory: this.#memory,
        pages: this.#pages,
        slabs: this.#slabs,
        classes: this.#classes,
        cache: this.#cache,
        large: this.#large,
      }, this.#stats(variant))
    );
  }

  #residentBytes(): number {
    let bytes = this.#memory.residentStateBytes;
    if (this.#memory.journal.shared) bytes += this.#memory.residentRingsBytes;
    for (const first of this.#pages.spans()) {
      if (this.#pages.kindOf(first) === SPAN_CLEAN) continue;
      bytes += this.#memory.residentBytes(first * SLAB_BYTES, this.#pages.granulesOf(first) * SLAB_BYTES);
    }
    return bytes;
  }

  /** Walks every table and list. @throws {HeaderCorruptedError} at the first that is inconsistent. */
  check(): void {
    this.#memory.journal.run(() => this.#check());
  }

  #check(): void {
    const damage = this.#constants() ?? this.#pages.findDamage() ?? this.#slabs.findDamage() ?? this.#findDamage();
    if (damage !== undefined) throw new HeaderCorruptedError(`the heap's tables disagree: ${damage}.`, 0);
    this.#cache.assertSlabLists();
    this.#freeBlocks();
    for (const slab of this.#slabs.inUse()) this.#assertHeaders(slab);
    for (const granule of this.#large.granules()) this.#large.assertHeader(granule);
  }

  /**
   * Free blocks too: their headers stay, so a header that is gone is the trace of a write past the end of some block.
   */
  #assertHeaders(slab: number): void {
    const { sizeClass } = this.#slabs.read(slab);
    if (!this.#headers.isDue(sizeClass)) return;
    for (const ptr of this.#carved(slab, sizeClass)) this.#headers.assertSound(ptr, sizeClass);
  }

  /** Of the tables that never change. */
  #constants(): string | undefined {
    const { words } = this.#memory, { table, strides } = this.#classes;
    for (let index = 0; index < table.length; index++) {
      if (words[WORD_CLASS_OF + index] !== table[index]) return "a size has another class";
    }
    for (let at = 0; at < INVERSES; at++) {
      if (words[INVERSES_OFFSET / 4 + at] !== (inverseOf(strides[at] ?? 0) | 0)) return "a class has another inverse";
    }
    return undefined;
  }

  #findDamage(): string | undefined {
    const words = this.#memory.words;
    let pages = 0, blocks = 0;
    for (const granule of this.#pages.spans()) {
      if (this.#pages.kindOf(granule) !== SPAN_LARGE) continue;
      blocks++;
      pages += this.#pages.wordOf(granule, SPAN_PAGES);
      if (!this.#large.isCached(granule)) this.#large.usable(granule); // throws if it is not inside its span
    }
    if (blocks !== words[WORD_LARGE_BLOCKS]) return `${blocks} large blocks, ${words[WORD_LARGE_BLOCKS]} counted`;
    if (pages !== words[WORD_LARGE_PAGES]) return `large blocks have ${pages} pages, not as counted`;
    const charged = pages + words[WORD_SLABS]! * (SLAB_BYTES / PAGE_BYTES);
    if (charged !== words[WORD_CHARGED_PAGES]) return `${charged} pages are in use, not as charged`;
    for (const slab of this.#slabs.inUse()) this.#slabs.read(slab);
    return undefined;
  }
}
