/**
 * What a program learns of its heap in figures: the live blocks, what is in a class, and the sums. `introspect.ts` counts
 * them, and a debug build changes them to what its users have.
 *
 * @module
 */

/**
 * One live block.
 *
 * @example
 * ```ts
 * import { type BlockInfo, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * const ptr = heap.malloc(100);
 * const blocks: BlockInfo[] = [...heap.blocks()];
 * assertEquals([blocks.length, blocks[0]?.ptr, blocks[0]?.size], [1, ptr, 112]);
 * ```
 */
export interface BlockInfo {
  /** Where it begins. */
  readonly ptr: number;
  /** Bytes that its user may write. */
  readonly size: number;
  /** Its size class, counted from 1; 0 for a large block. */
  readonly sizeClass: number;
  /** The slab that it is in, `ptr / 65536`; -1 for a large block. */
  readonly slab: number;
}

/**
 * What is in one size class. Blocks that are not live are cached, free in a slab, or have never been made.
 *
 * @example
 * ```ts
 * import { type ClassStats, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * heap.malloc(100);
 * const row: ClassStats | undefined = heap.stats().classes.find(({ liveBlocks }) => liveBlocks > 0);
 * assertEquals(row?.liveBlocks, 1);
 * ```
 */
export interface ClassStats {
  /** Counted from 1. */
  readonly sizeClass: number;
  /** Bytes from one block to the next. */
  readonly stride: number;
  /** Slabs that the class has. */
  readonly slabs: number;
  /** Blocks in use. */
  readonly liveBlocks: number;
  /** On the free lists of the heap's threads, or on the way there from a thread that freed them. */
  readonly cachedBlocks: number;
  /** Freed, and back in the slabs. */
  readonly freeBlocks: number;
}

/**
 * The sums of a heap, in bytes unless the name says otherwise.
 *
 * @example
 * ```ts
 * import { Heap, type HeapStats } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * heap.malloc(100);
 * const { schema, liveBlocks, liveBytes }: HeapStats = heap.stats();
 * assertEquals([schema, liveBlocks, liveBytes], ["hakmem.stats/1", 1, 112]);
 * ```
 */
export interface HeapStats {
  /** The version of this object: its members keep their names and meaning, and others may come. */
  readonly schema: "hakmem.stats/1";
  /** The variant and the flags that were changed. */
  readonly variant: string;
  /** Address space of the heap. */
  readonly reservedBytes: number;
  /** What slabs and large blocks may take. */
  readonly maxBytes: number;
  /** What they have taken: slabs whole, large blocks in pages; those that are free and wait in a thread's cache, too. */
  readonly chargedBytes: number;
  /** What is in memory of all that the heap has touched since it was purged, its own state among it. */
  readonly residentBytes: number;
  /** Usable bytes of all live blocks, the large ones among them. */
  readonly liveBytes: number;
  /** Live blocks, the large ones among them. */
  readonly liveBlocks: number;
  /** Usable bytes of the large blocks. */
  readonly largeBytes: number;
  /** Live large blocks. */
  readonly largeBlocks: number;
  /** Superslabs taken from the page heap. */
  readonly superslabs: number;
  /** Slabs in use. */
  readonly slabs: number;
  /** Classes that have a slab. */
  readonly classes: readonly ClassStats[];
}
