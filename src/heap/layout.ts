/**
 * Where everything lies in a heap's reservation. A pointer is a byte offset into it; 0 is NULL.
 *
 * ```
 * 0         64 KiB      320 KiB       1344 KiB   1360 KiB        1664 KiB      first unit of blocks        2 GiB
 * +---------+-----------+-------------+----------+---------------+-------------+---------------------------+-- - -
 * | control | slab map  | slab table  | super-   | thread caches | span table  | superslabs and large      | large
 * | words   | 4 B / slab| 32 B / slab | slabs    | 2 KiB each    | 16 B / unit | spans, mixed              | spans
 * +---------+-----------+-------------+----------+---------------+-------------+---------------------------+-- - -
 * ```
 *
 * All of the heap's state is in there, as 32-bit words that their owner writes: a Worker that maps the same memory sees
 * it, and what a dead thread leaves behind can be walked. The memory of a table costs nothing until it is touched.
 *
 * @module
 */

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** The unit of the page heap, and a slab: a word of slab map each, so the map of 256 MiB is 16 KiB and stays in L1. */
export const SLAB_BYTES = 64 * KIB;
export const SLAB_SHIFT = 16;
/** Slabs are taken from the page heap in superslabs, the size of a huge page. */
export const SUPERSLAB_BYTES = 2 * MIB;
export const SUPERSLAB_SHIFT = 21;
/** 32, the bits of one word. */
export const SLABS_PER_SUPERSLAB = SUPERSLAB_BYTES / SLAB_BYTES;
/** Small blocks lie below this, so that their pointers are int32 and V8 compiles them as such. */
export const SMALL_SPACE_BYTES = 2 * GIB;
/** Every block is aligned to this, and small enough that the two links of a free block fit. */
export const BLOCK_ALIGNMENT = 16;
/** What the system maps: the charge of a large block is in pages, and nothing depends on the page really being so. */
export const PAGE_BYTES = 4 * KIB;

/** No block lies below; so a free list's head below it means an empty list (0) or damage (anything else). */
export const FIRST_BLOCK = 64 * KIB;

/** The second word of a free block where there are canaries: this, and the pointer laid over it. */
export const FREE_CANARY = 0x5ca1ab1e;

// ---- control words: indices into the Int32Array over the whole heap ------------------------------------------------

/**
 * Read by the hot path: the class of a size, in steps of 16; and by class what tells the start of a block. The first has
 * index 0, which saves malloc an addition.
 */
export const WORD_CLASS_OF = 0;
export const WORD_INVERSES = 3072;
/** "hakm", so that a dump shows what it is; 0 once the heap is closed. */
export const WORD_MAGIC = 4112;
export const HEAP_MAGIC = 0x68616b6d;
/** Bytes charged against `maxBytes`, in pages: slabs in use and large blocks. */
export const WORD_CHARGED_PAGES = 4113;
/** Head of the shared pool: superslabs with a free slab. */
export const WORD_POOL_HEAD = 4114;
/** Superslabs that belong to the slab layer, and those among them that are empty. */
export const WORD_SUPERSLABS = 4115;
export const WORD_EMPTY_SUPERSLABS = 4116;
/** Slabs in use. */
export const WORD_SLABS = 4117;
/** Large blocks, and their charge in pages. */
export const WORD_LARGE_BLOCKS = 4118;
export const WORD_LARGE_PAGES = 4119;
/** Free units of the page heap: those that may hold touched pages; those below 2 GiB, of either kind; all. */
export const WORD_DIRTY_UNITS = 4120;
export const WORD_LOW_FREE_UNITS = 4121;
export const WORD_FREE_UNITS = 4122;
/** Operations of the Box that counts them, by all threads. */
export const WORD_BOX_OPERATIONS = 4123;
/** Free spans by size: a bitmap of the bins that hold any, and the head of each bin, for clean and for dirty spans. */
export const WORD_BIN_MAP = 4160;
export const BIN_MAP_WORDS = 8;
export const WORD_BINS = 4224;
export const BINS = 256;
/** Counters of counting builds, as doubles. */
export const COUNTERS_OFFSET = 48 * KIB;

// ---- tables --------------------------------------------------------------------------------------------------------

/**
 * A word a slab: its class, or 0 where there is none. It covers all of 32 bits, not just 2 GiB: so the index of any
 * int32 pointer, a negative one too, is inside and reads 0.
 */
export const SLAB_MAP_OFFSET = 64 * KIB;
export const SLAB_MAP_SLABS = 65_536;

export const SLAB_TABLE_OFFSET = 320 * KIB;
/** Words of a slab's record. */
export const SLAB_WORDS = 8;
export const SLAB_OWNER = 0; // thread cache that carves it, plus 1; 0: the slab is free
export const SLAB_CLASS = 1;
export const SLAB_FREE = 2; // list of blocks that came back, linked through their first word
export const SLAB_FREE_COUNT = 3;
export const SLAB_CARVED = 4; // blocks ever given out; those above have never been touched
export const SLAB_NEXT = 5; // the class's list of slabs that have blocks to give
export const SLAB_PREVIOUS = 6;
export const SLAB_LISTED = 7;

export const SUPERSLAB_TABLE_OFFSET = 1344 * KIB;
export const SUPERSLAB_WORDS = 4;
export const SUPERSLAB_FREE = 0; // a bit for each free slab
export const SUPERSLAB_DIRTY = 1; // a bit for each free slab that has been used since it was purged
export const SUPERSLAB_NEXT = 2; // the shared pool
export const SUPERSLAB_PREVIOUS = 3;

export const CACHES_OFFSET = 1360 * KIB;
export const CACHE_BYTES = 2 * KIB;
export const MAX_CACHES = 128;
/** Parts of a thread cache, a word for each class: free-list head, room left on the list, slabs with blocks. */
export const MAX_CLASSES = 128;
export const CACHE_HEADS = 0;
export const CACHE_ROOMS = CACHE_HEADS + MAX_CLASSES;
export const CACHE_SLABS = CACHE_ROOMS + MAX_CLASSES;

export const SPAN_TABLE_OFFSET = 1664 * KIB;
export const SPAN_WORDS = 4;

// ---- limits --------------------------------------------------------------------------------------------------------

/** An empty heap needs one superslab of state and one for blocks. */
export const MIN_RESERVE_BYTES = 4 * MIB;
/** What one ArrayBuffer has been seen to view. */
export const MAX_RESERVE_BYTES = 1024 * GIB;
export const DEFAULT_RESERVE_BYTES = 64 * GIB;
export const MAX_ALIGNMENT = GIB;

/** Bytes at the start of a reservation that hold state: everything above, in whole superslabs. */
export function stateBytes(reserveBytes: number): number {
  const spanTable = (reserveBytes / SLAB_BYTES) * SPAN_WORDS * 4;
  return Math.ceil((SPAN_TABLE_OFFSET + spanTable) / SUPERSLAB_BYTES) * SUPERSLAB_BYTES;
}
