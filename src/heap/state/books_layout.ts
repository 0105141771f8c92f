/**
 * Where the books of a debug build, or of a guarded one, lie: behind the heap, in the same reservation, and in no view of the
 * heap.
 *
 * ```
 *   heap | 2 MiB: none | control and undo log, 2 MiB | stacks, 64 MiB | map | taken | records
 *
 *   map: a word a place, the record of the block that begins there     taken: a bit a place     records: 48 bytes each
 * ```
 *
 * The first 2 MiB have the lock and the undo log where the heap has its own (`layout.ts`): both have a `Journal`.
 *
 * A *place* is where no two blocks can begin at once: 16 bytes below 2 GiB, where every pointer has its own, and a
 * granule of 64 KiB above, where there are large blocks only. So what is known of a block is found by its pointer
 * without a search. The map takes a quarter of the memory that small blocks do, and next to nothing of what large ones
 * do.
 *
 * All is addressed in 32-bit words from the start of the books.
 *
 * @module
 */

import { KIB, MIB, SLAB_BYTES, SMALL_SPACE_BYTES, SUPERSLAB_BYTES } from "./layout.ts";

// ---- control words --------------------------------------------------------------------------------------------------

/** What the opener asked for: one allocation in so many has stacks; the quarantine's limit in bytes, two words. */
export const BOOK_STACKS_EVERY = 0;
export const BOOK_QUARANTINE_MOST = 2;
/** Bytes in quarantine, two words. */
export const BOOK_QUARANTINE_BYTES = 4;
/** Head of the list of free records, and how many records have ever been in use. */
export const BOOK_FREE_RECORDS = 6;
export const BOOK_RECORDS = 7;
/** Blocks that are remembered after the quarantine. */
export const BOOK_GONE_BLOCKS = 8;
/** Blocks taken from the release build. */
export const BOOK_TAKEN = 9;
/** The record of a freed block that is not filled yet; 0 if all are. */
export const BOOK_UNFILLED = 10;
/** 1: the release build may have given what the books do not know of. Not logged. */
export const BOOK_UNSETTLED = 11;
/** Words in use of the table of stacks. */
export const BOOK_STACKS_END = 12;
/** Of guarded builds: one allocation in so many is guarded, and whether the system watches the pages. */
export const BOOK_GUARD_ONE_IN = 13;
export const BOOK_GUARD_HIDES = 14;

// ---- tables ---------------------------------------------------------------------------------------------------------

const CONTROL_BYTES = 2 * MIB;
export const STACKS_WORD = CONTROL_BYTES / 4;
/** Some 100,000 places in a program that differ. */
export const STACKS_BYTES = 64 * MIB;
/** Words of the hash table that the table of stacks begins with. */
export const STACKS_BUCKETS = 16 * KIB;

const PLACE_SHIFT = 4;
const LOW_PLACES = SMALL_SPACE_BYTES >>> PLACE_SHIFT;
/** Records of blocks that are remembered though their memory is in use again, and of the list heads. */
const MORE_RECORDS = 8 * KIB;

export const RECORD_WORDS = 12;

/** Index of the place that a pointer is in. */
export function placeOf(ptr: number): number {
  return ptr < SMALL_SPACE_BYTES
    ? ptr >>> PLACE_SHIFT
    : LOW_PLACES + Math.floor((ptr - SMALL_SPACE_BYTES) / SLAB_BYTES);
}

/** Where the tables are whose lengths follow from the heap's. */
export interface BooksLayout {
  /** First words of the map, of the bits, and of the records, which have doubles in them. */
  readonly map: number;
  readonly taken: number;
  readonly records: number;
  /** Bytes of all. */
  readonly bytes: number;
}

/** @param heapBytes of the heap, a multiple of 2 MiB. */
export function booksLayout(heapBytes: number): BooksLayout {
  const places = placeOf(heapBytes - 1) + 1;
  const map = STACKS_WORD + STACKS_BYTES / 4, taken = map + places, records = taken + Math.ceil(places / 64) * 2;
  // With its redzones a block has 32 bytes, two places below 2 GiB.
  const blocks = places - Math.min(places, LOW_PLACES) / 2;
  const end = (records + (blocks + MORE_RECORDS) * RECORD_WORDS) * 4;
  return { map, taken, records, bytes: Math.ceil(end / SUPERSLAB_BYTES) * SUPERSLAB_BYTES };
}
