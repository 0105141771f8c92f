/**
 * Where everything lies in a heap's reservation. A pointer is a byte offset from the middle of it; 0 is NULL.
 *
 * ```
 *   | state             | 2 MiB  | superslabs and     | large spans    | 2 MiB | rings of     | 2 MiB | a debug build's
 *   |                   | unused | spans, below 2 GiB |                | gap   | remote frees | gap   | books
 *   +-------------------+--------+--------------------+----------------+-------+--------------+-------+------
 *                       ^ 0      ^ FIRST_BLOCK                         ^ bytes
 *
 *   state:
 *   0           256 KiB   320 KiB       1344 KiB 1360 KiB   1744 KiB 1792 KiB   1920 KiB
 *   +-----------+---------+-------------+--------+----------+--------+----------+-------------+
 *   | slab map  | control | slab table  | super- | thread   | undo   | inverses | span table  |
 *   | 4 B / slab| words   | 32 B / slab | slabs  | caches   | log    | by word  | 16 B / granule |
 *   +-----------+---------+-------------+--------+----------+--------+----------+-------------+
 * ```
 *
 * Programs see what is between 0 and `bytes`, blocks and nothing else: no index of `heap.u8` leads to the state. What
 * they write through a pointer that is nearly NULL is not used by the heap. C code, which has addresses, can reach the
 * state: so what it says is checked off the hot path (`damage.ts`).
 *
 * All of the heap's state is in there, as 32-bit words: a Worker that maps the same memory sees it, and what a dead
 * thread leaves behind can be walked. A thread cache is written by its thread, as are its rings, the log by whoever is
 * in a section, and all else in sections (`journal.ts`). The memory of a table costs nothing until it is touched.
 *
 * @module
 */

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/**
 * The granule of the page heap, and a slab: a word of slab map each, so the map of 256 MiB is 16 KiB and stays in L1.
 */
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
export const FIRST_BLOCK = SUPERSLAB_BYTES;

/** The second word of a free block where there are canaries: this, and the pointer laid over it. */
export const FREE_CANARY = 0x5ca1ab1e;

/** High four bits of a header; the low four are the class, less one. */
export const HEADER_MAGIC = 0xa0;

// ---- control words: indices into the Int32Array that begins with the state ----------------------------------------------

const CONTROL_OFFSET = 256 * KIB, CONTROL = CONTROL_OFFSET / 4;

/**
 * Read by the hot path: the class of a size, in steps of 16. Not in the first cache lines, as 0 is the
 * class of nothing: where the branch predictor is wrong, the processor prepares stores that never happen, and takes
 * their lines away from all other threads. (Measured, when null pointers led here: random-mixed with two threads was
 * 1.31 times as fast so, 1.19–1.43.)
 */
export const WORD_CLASS_OF = CONTROL + 32;
/** "hakm", so that a dump shows what it is; 0 once the heap is closed. */
export const WORD_MAGIC = CONTROL + 4112;
export const HEAP_MAGIC = 0x68616b6d;
/** Bytes charged against `maxBytes`, in pages: slabs in use and large blocks. */
export const WORD_CHARGED_PAGES = CONTROL + 4113;
/** Head of the shared pool: superslabs with a free slab. */
export const WORD_POOL_HEAD = CONTROL + 4114;
/** Superslabs that belong to the slab layer, and those among them that are empty. */
export const WORD_SUPERSLABS = CONTROL + 4115;
export const WORD_EMPTY_SUPERSLABS = CONTROL + 4116;
/** Slabs in use. */
export const WORD_SLABS = CONTROL + 4117;
/** Large blocks, and their charge in pages. */
export const WORD_LARGE_BLOCKS = CONTROL + 4118;
export const WORD_LARGE_PAGES = CONTROL + 4119;
/** Free granules of the page heap: those that may hold touched pages; those below 2 GiB, of either kind; all. */
export const WORD_DIRTY_GRANULES = CONTROL + 4120;
export const WORD_LOW_FREE_GRANULES = CONTROL + 4121;
export const WORD_FREE_GRANULES = CONTROL + 4122;
/** Operations of the Box that counts them, by all threads. */
export const WORD_BOX_OPERATIONS = CONTROL + 4123;
/** What tells this heap from any other, and what it was made with: a handle has the same two (`share.ts`). */
export const WORD_IDENTITY = CONTROL + 4124;
export const WORD_FINGERPRINT = CONTROL + 4125;
/**
 * Granules that hold touched pages, or may: those in use, and the dirty ones; and how many there may be (`hasGrown`).
 */
export const WORD_TOUCHED_GRANULES = CONTROL + 4126;
export const WORD_TOUCHED_LIMIT = CONTROL + 4127;
/** Free spans by size: a bitmap of the bins that hold any, and the head of each bin, for clean and for dirty spans. */
export const WORD_BIN_MAP = CONTROL + 4160;
export const BIN_MAP_WORDS = 8;
export const WORD_BINS = CONTROL + 4224;
export const BINS = 256;
/** The thread table (`thread_table.ts`): four words a thread cache; and how many of them have ever been in use. */
export const WORD_THREADS = CONTROL + 5120;
export const THREAD_WORDS = 4;
export const WORD_THREADS_USED = CONTROL + 5632;
/** By class: the first of its slabs that have blocks to give and that no thread owns. */
export const WORD_CLASS_SLABS = CONTROL + 5664;
/**
 * The lock of a heap that several threads have: 0, or what names its holder (`thread_table.ts`). In a cache line of its
 * own.
 */
export const WORD_LOCK = CONTROL + 5824;
/** Entries in the undo log. */
export const WORD_LOG_LENGTH = CONTROL + 5840;

/** How many blocks are lent to C: the memory of a heap with any is not given back. */
export const WORD_LENT = CONTROL + 4128;

/**
 * What stays mapped when a heap that was shared is closed: all of the words from `WORD_MAGIC` on. So a handle
 * of a heap that is closed is known for that, whatever else the system maps there by then.
 */
export const TOMBSTONE_OFFSET = CONTROL_OFFSET + 16 * KIB;
export const TOMBSTONE_BYTES = 16 * KIB;

// ---- tables --------------------------------------------------------------------------------------------------------

/**
 * A word a slab: its class in the low bits, above them its owner, the number of a thread cache or `NOBODY`; 0 where
 * there is no slab. It covers all of 32 bits, not just 2 GiB: so the index of any int32 pointer, a negative one too, is
 * inside and reads 0. It is where the state begins, so that a pointer's word is at its index, without an addition.
 */
export const SLAB_MAP_OFFSET = 0;
export const SLAB_MAP_SLABS = 65_536;

export const SLAB_TABLE_OFFSET = 320 * KIB;
/** Words of a slab's record. */
export const SLAB_WORDS = 8;
export const SLAB_SUM = 0; // follows from the next four (`../core/slabs.ts`)
export const SLAB_CLASS = 1;
export const SLAB_FREE = 2; // list of blocks that came back, linked through their first word
export const SLAB_FREE_COUNT = 3;
export const SLAB_CARVED = 4; // blocks given out, not counting those at the end that were trimmed away
export const SLAB_NEXT = 5; // its owner's list of slabs of the class that have blocks to give
export const SLAB_PREVIOUS = 6;
export const SLAB_LISTED = 7;

export const SUPERSLAB_TABLE_OFFSET = 1344 * KIB;
export const SUPERSLAB_WORDS = 4;
export const SUPERSLAB_FREE = 0; // a bit for each free slab
export const SUPERSLAB_DIRTY = 1; // a bit for each free slab that has been used since it was purged
export const SUPERSLAB_NEXT = 2; // the shared pool
export const SUPERSLAB_PREVIOUS = 3;

export const CACHES_OFFSET = 1360 * KIB;
export const CACHE_BYTES = 3 * KIB;
export const MAX_CACHES = 128;
/** Who owns a slab whose thread has gone. */
export const NOBODY = MAX_CACHES;
/**
 * Parts of a thread cache, a word for each class: free-list head, room left on the list; the first of the thread's
 * slabs that have blocks to give, and of its magazines. There is no class 0, and its words are in cache lines without
 * those of the others: it is as which the hot path of another thread takes a null pointer, before it knows better (see
 * `WORD_CLASS_OF`).
 */
export const MAX_CLASSES = 128;
export const CLASS_BITS = 7;
export const CACHE_HEADS = 15;
export const CACHE_ROOMS = CACHE_HEADS + MAX_CLASSES;
export const CACHE_SLABS = CACHE_ROOMS + MAX_CLASSES;
export const CACHE_MAGAZINES = CACHE_SLABS + MAX_CLASSES;
/** Behind these the first of its cached spans, by class (`../core/span_cache.ts`). */
export const CACHE_SPANS = CACHE_MAGAZINES + MAX_CLASSES;
export const SPAN_CLASSES = 64;
/** Behind these a bit for each thread that this one has ever sent a block: the memory of other rings is not touched. */
export const CACHE_SENT_TO = CACHE_SPANS + SPAN_CLASSES;
/** In a cache line of its own at the end: bytes that malloc gives until a block is sampled (`../profile/`). */
export const CACHE_SAMPLE_LEFT = CACHE_BYTES / 4 - 16;
/** Beside it, mallocs until one is guarded (`../guard/`). */
export const CACHE_GUARD = CACHE_SAMPLE_LEFT + 1;
/** Behind them a thread's counters, doubles, in counting builds: a thread that goes leaves them. */
export const CACHE_COUNTERS_BYTES = Math.ceil((CACHE_SENT_TO + MAX_CACHES / 32) / 2) * 8;

/** The undo log: as many words as the longest section writes, and twice that; see `room` in `journal.ts`. */
export const LOG_OFFSET = CACHES_OFFSET + MAX_CACHES * CACHE_BYTES;
export const LOG_ENTRIES = 3072; // of 16 bytes

/**
 * What tells the start of a block, by class; and 0 for any other number that the slab map's word, with the owner's part
 * of it changed to that of another, can be: so what is not of the thread's own slabs is not a start of a block to the
 * hot path.
 */
export const INVERSES_OFFSET = 1792 * KIB;
export const INVERSES = 2 * MAX_CACHES * MAX_CLASSES;

export const SPAN_TABLE_OFFSET = 1920 * KIB;
export const SPAN_WORDS = 4;

// ---- behind the heap ------------------------------------------------------------------------------------------------

/**
 * Between the heap and what lies behind it, so that what runs over the heap's end in native code does not reach it at
 * once.
 */
export const GAP_BYTES = 2 * MIB;

/**
 * The rings of remote frees (`../threads/remote_frees.ts`), by sender and owner. What different threads write, or at
 * different times, is in pairs of cache lines of its own; behind them are the pointers.
 */
export const RING_WRITTEN = 0;
export const RING_SEEN = 1;
export const RING_SENT = 32;
export const RING_TAKEN = 64;
export const RING_RELEASED = 65;
export const RING_FIRST = 96;
export const RING_BLOCKS = 2048;
export const RING_WORDS = RING_FIRST + RING_BLOCKS;
/** All of them, a multiple of 2 MiB. They cost address space; memory only where two threads meet. */
export const RINGS_BYTES = MAX_CACHES * MAX_CACHES * RING_WORDS * 4;

// ---- limits --------------------------------------------------------------------------------------------------------

/** What lies near NULL is not used, and there is one superslab for blocks. */
export const MIN_RESERVE_BYTES = 4 * MIB;
/** What one ArrayBuffer has been seen to view. */
export const MAX_RESERVE_BYTES = 1024 * GIB;
export const DEFAULT_RESERVE_BYTES = 64 * GIB;
export const MAX_ALIGNMENT = GIB;

/** Bytes in front of the blocks that hold state: everything above, in whole superslabs. */
export function stateBytes(reserveBytes: number): number {
  const spanTable = (reserveBytes / SLAB_BYTES) * SPAN_WORDS * 4;
  return Math.ceil((SPAN_TABLE_OFFSET + spanTable) / SUPERSLAB_BYTES) * SUPERSLAB_BYTES;
}

/** The owner's part of a word of the slab map. */
export function tagOf(owner: number): number {
  return owner * MAX_CLASSES;
}

/** Index of the first word of a thread's cache. */
export function firstWordOf(thread: number): number {
  return (CACHES_OFFSET + thread * CACHE_BYTES) / 4;
}
