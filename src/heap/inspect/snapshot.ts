/**
 * A snapshot: what lies where in a heap, as plain data. Every granule of 64 KiB from the end of the heap's tables on is in one
 * of its parts:
 *
 * ```
 *   | tables | superslab: 32 slabs, each of a class or free | large span: one block | free span |
 * ```
 *
 * A part's `residentBytes` are what `mincore` says of it; those of all parts and of the tables make up the total.
 *
 * @module
 */

import type { ClassStats, HeapStats } from "./stats.ts";
import type { LargeBlocks } from "../core/large.ts";
import { NOBODY, SLAB_BYTES, SLABS_PER_SUPERSLAB } from "../state/layout.ts";
import type { HeapMemory } from "../state/memory.ts";
import { type PageHeap, SPAN_CLEAN, SPAN_LARGE, SPAN_SUPERSLAB } from "../core/page_heap.ts";
import type { SizeClasses } from "../core/size_classes.ts";
import type { Slabs } from "../core/slabs.ts";
import type { ThreadCache } from "../threads/thread_cache.ts";

/**
 * A slab in use: 64 KiB of blocks of one class. Its blocks are live, cached, free or uncarved.
 *
 * @example
 * ```ts
 * import { Heap, type SlabSnapshot } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * heap.malloc(1000);
 * const slabs: SlabSnapshot[] = heap.snapshot().superslabs.flatMap(({ slabs }) => slabs);
 * assertEquals(slabs.filter(({ liveBlocks }) => liveBlocks === 1).length, 1);
 * ```
 */
export interface SlabSnapshot {
  /** Where it begins, divided by 65536. */
  readonly slab: number;
  /** Counted from 1. */
  readonly sizeClass: number;
  /** The number of the thread that it belongs to, from 0; -1 if that one has gone. */
  readonly owner: number;
  /** Blocks that it has room for. */
  readonly blocks: number;
  /** In use. */
  readonly liveBlocks: number;
  /** On the free lists of the heap's threads. */
  readonly cachedBlocks: number;
  /** Freed, and back in the slab; in debug builds those in quarantine, too. */
  readonly freeBlocks: number;
  /** Never given out. */
  readonly uncarvedBlocks: number;
  /** Bytes of its 64 KiB that are in memory. */
  readonly residentBytes: number;
}

/**
 * A superslab: 2 MiB that are 32 slabs.
 *
 * @example
 * ```ts
 * import { Heap, type SuperslabSnapshot } from "@hakmem/hakmem";
 * import { assert } from "@std/assert";
 *
 * using heap = await Heap.open();
 * heap.malloc(1000);
 * const superslabs: readonly SuperslabSnapshot[] = heap.snapshot().superslabs;
 * assert(superslabs.every(({ residentBytes }) => residentBytes <= 2 * 1024 * 1024));
 * ```
 */
export interface SuperslabSnapshot {
  /** Where it begins. */
  readonly ptr: number;
  /** Bytes of it that are in memory; those of slabs that are free now among them. */
  readonly residentBytes: number;
  /** Its slabs in use, in order of address. */
  readonly slabs: readonly SlabSnapshot[];
}

/**
 * A large block, in a span of its own.
 *
 * @example
 * ```ts
 * import { Heap, type LargeSnapshot } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * const ptr = heap.malloc(100_000);
 * const blocks: readonly LargeSnapshot[] = heap.snapshot().largeBlocks;
 * assertEquals(blocks.map((block) => block.liveBytes), [heap.usableSize(ptr)]);
 * ```
 */
export interface LargeSnapshot {
  /** The block. */
  readonly ptr: number;
  /** Where its span begins. */
  readonly spanPtr: number;
  /** Whole granules of 64 KiB. */
  readonly spanBytes: number;
  /** What its user may write; 0 for a block in quarantine. */
  readonly liveBytes: number;
  /** Bytes of the span that are in memory. */
  readonly residentBytes: number;
}

/**
 * Address space that no slab and no large block has.
 *
 * @example
 * ```ts
 * import { type FreeSpanSnapshot, Heap } from "@hakmem/hakmem";
 * import { assert } from "@std/assert";
 *
 * using heap = await Heap.open();
 * const spans: readonly FreeSpanSnapshot[] = heap.snapshot().freeSpans;
 * assert(spans.some(({ isClean }) => isClean));
 * ```
 */
export interface FreeSpanSnapshot {
  /** Where it begins. */
  readonly ptr: number;
  /** Whole granules of 64 KiB. */
  readonly bytes: number;
  /** Whether the system has all of it: nobody has touched it since. */
  readonly isClean: boolean;
  /** Bytes of it that are in memory. */
  readonly residentBytes: number;
}

/**
 * What is in one size class, and what it costs.
 *
 * @example
 * ```ts
 * import { type ClassSnapshot, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * heap.malloc(1000);
 * const row: ClassSnapshot | undefined = heap.snapshot().classes.find(({ liveBlocks }) => liveBlocks > 0);
 * assertEquals(row?.liveBytes, 1024);
 * ```
 */
export interface ClassSnapshot extends ClassStats {
  /** Blocks that its slabs have room for. */
  readonly blocks: number;
  /** Of these, never given out. */
  readonly uncarvedBlocks: number;
  /** Bytes that the users of its live blocks may write. */
  readonly liveBytes: number;
  /** Bytes of its slabs that are in memory. */
  readonly residentBytes: number;
  /** Of these, what is in no live block, in bytes; 0 if more is live than was ever touched. */
  readonly wasteBytes: number;
}

/**
 * A heap at one moment; plain data, which can be posted and written as JSON. Bytes, unless the name says otherwise.
 *
 * @example
 * ```ts
 * import { Heap, type HeapSnapshot } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * heap.malloc(1000);
 * const snapshot: HeapSnapshot = heap.snapshot();
 * assertEquals(JSON.parse(JSON.stringify(snapshot)), structuredClone(snapshot));
 * ```
 */
export interface HeapSnapshot {
  /** The sums, as {@linkcode HeapStats} has them. */
  readonly totals: Omit<HeapStats, "classes">;
  /** What is in memory of the heap's own tables. */
  readonly tableBytes: number;
  /** The share of the bytes in memory that is in no live block: `1 - liveBytes / residentBytes`, at least 0. */
  readonly fragmentation: number;
  /**
   * What the live blocks have beyond the sizes that were asked for, redzones among it. Debug builds only: a release build
   * does not know the sizes, and counts all that users may write as live.
   */
  readonly roundingBytes?: number;
  /** Classes that have a slab. */
  readonly classes: readonly ClassSnapshot[];
  /** In order of address. */
  readonly superslabs: readonly SuperslabSnapshot[];
  /** In order of address. */
  readonly largeBlocks: readonly LargeSnapshot[];
  /** In order of address. */
  readonly freeSpans: readonly FreeSpanSnapshot[];
}

/** The parts of a heap that a snapshot is taken of. */
export interface SnapshotParts {
  readonly memory: HeapMemory;
  readonly pages: PageHeap;
  readonly slabs: Slabs;
  readonly classes: SizeClasses;
  readonly cache: ThreadCache;
  readonly large: LargeBlocks;
}

/** Takes a snapshot. Part of a section. @throws {HeaderCorruptedError} if a free list is damaged. */
export function takeSnapshot(parts: SnapshotParts, { classes, ...totals }: HeapStats): HeapSnapshot {
  const { memory, pages, large } = parts;
  const cached = cachedBySlab(parts);
  const superslabs: SuperslabSnapshot[] = [], largeBlocks: LargeSnapshot[] = [], freeSpans: FreeSpanSnapshot[] = [];
  for (const granule of pages.spans()) {
    const ptr = granule * SLAB_BYTES, bytes = pages.granulesOf(granule) * SLAB_BYTES, kind = pages.kindOf(granule);
    // The largest span of all has never been touched: to ask for each of its pages would take seconds.
    const residentBytes = kind === SPAN_CLEAN ? 0 : memory.residentBytes(ptr, bytes);
    if (kind === SPAN_SUPERSLAB) superslabs.push({ ptr, residentBytes, slabs: slabsOf(parts, granule, cached) });
    else if (kind === SPAN_LARGE && !large.isCached(granule)) {
      const liveBytes = large.usable(granule);
      largeBlocks.push({ ptr: large.ptrOf(granule), spanPtr: ptr, spanBytes: bytes, liveBytes, residentBytes });
    } else freeSpans.push({ ptr, bytes, isClean: kind === SPAN_CLEAN, residentBytes });
  }
  const tableBytes = memory.residentStateBytes;
  const residentBytes = sum([...superslabs, ...largeBlocks, ...freeSpans], (part) => part.residentBytes) + tableBytes;
  const all = superslabs.flatMap(({ slabs }) => slabs);
  return {
    totals: { ...totals, residentBytes },
    tableBytes,
    fragmentation: fragmentation(totals.liveBytes, residentBytes),
    classes: classes.map((row) => classOf(row, row.liveBlocks * parts.classes.usable[row.sizeClass]!, all)),
    superslabs,
    largeBlocks,
    freeSpans,
  };
}

/** How many blocks of each slab are on lists of threads. */
function cachedBySlab({ cache }: SnapshotParts): Map<number, number> {
  const cached = new Map<number, number>();
  for (const ptr of cache.listedByAll()) {
    const slab = Math.floor(ptr / SLAB_BYTES);
    cached.set(slab, (cached.get(slab) ?? 0) + 1);
  }
  return cached;
}

function slabsOf(
  { memory, slabs, classes }: SnapshotParts,
  first: number,
  cached: ReadonlyMap<number, number>,
): SlabSnapshot[] {
  const inUse = Array.from({ length: SLABS_PER_SUPERSLAB }, (_, at) => first + at).filter((slab) => slabs.map[slab]);
  return inUse.map((slab) => {
    const { carved, freeCount: freeBlocks, sizeClass } = slabs.read(slab), owner = slabs.ownerOf(slab);
    const cachedBlocks = cached.get(slab) ?? 0;
    const blocks = classes.blocks[sizeClass]!;
    return {
      slab,
      sizeClass,
      owner: owner === NOBODY ? -1 : owner,
      blocks,
      liveBlocks: carved - freeBlocks - cachedBlocks,
      cachedBlocks,
      freeBlocks,
      uncarvedBlocks: blocks - carved,
      residentBytes: memory.residentBytes(slab * SLAB_BYTES, SLAB_BYTES),
    };
  });
}

/** What a snapshot says of a class. @param slabs those of all classes */
export function classOf(row: ClassStats, liveBytes: number, slabs: readonly SlabSnapshot[]): ClassSnapshot {
  const own = slabs.filter(({ sizeClass }) => sizeClass === row.sizeClass);
  const residentBytes = sum(own, (slab) => slab.residentBytes);
  return {
    ...row,
    blocks: sum(own, ({ blocks }) => blocks),
    uncarvedBlocks: sum(own, ({ uncarvedBlocks }) => uncarvedBlocks),
    liveBytes,
    residentBytes,
    wasteBytes: Math.max(0, residentBytes - liveBytes),
  };
}

/** See {@linkcode HeapSnapshot}. */
export function fragmentation(liveBytes: number, residentBytes: number): number {
  return residentBytes === 0 ? 0 : Math.max(0, 1 - liveBytes / residentBytes);
}

/** The sum of what `of` gives for each item. */
export function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
