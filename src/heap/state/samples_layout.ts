/**
 * Where the samples of a profiled heap lie: behind the rings, in the same reservation and the same view, so that the heap's
 * own journal logs them.
 *
 * ```
 *   rings | 2 MiB: none | control, 4 KiB | stacks, 64 MiB | records, 32 bytes a granule
 * ```
 *
 * A sampled block has a granule of its own, so what is known of it is found by its pointer without a search. The memory
 * of a record costs nothing until it is touched. All is addressed in 32-bit words from the start of the heap's state.
 *
 * @module
 */

import { GAP_BYTES, KIB, MIB, SLAB_BYTES, SUPERSLAB_BYTES } from "./layout.ts";

const CONTROL_BYTES = 4 * KIB;

// ---- control words; the first four are doubles -------------------------------------------------------------------------

/** What the opener asked for: bytes from one sample to the next, on average. */
export const SAMPLES_EVERY = 0;
/** The same where the program allocated fastest: see `../profile/rate.ts`. */
export const SAMPLES_COARSEST = 2;
/** When the heap was opened, in milliseconds since 1970. */
export const SAMPLES_BEGAN = 4;
/** Blocks that would have been sampled, had there been memory and stack. Added to by `Atomics`, not logged. */
export const SAMPLES_LOST = 6;
/** Words in use of the table of stacks. */
export const SAMPLES_STACKS_END = 7;

// ---- tables ---------------------------------------------------------------------------------------------------------

export const SAMPLES_STACKS = CONTROL_BYTES / 4;
export const SAMPLES_STACKS_BYTES = 64 * MIB;
export const SAMPLES_STACKS_BUCKETS = 16 * KIB;

export const SAMPLES_RECORDS = SAMPLES_STACKS + SAMPLES_STACKS_BYTES / 4;
export const SAMPLE_WORDS = 8;

/** Bytes that the samples take behind the rings, the gap in front of them among it. */
export function samplesBytes(heapBytes: number): number {
  const records = heapBytes / SLAB_BYTES * SAMPLE_WORDS * 4;
  return GAP_BYTES + Math.ceil((SAMPLES_RECORDS * 4 + records) / SUPERSLAB_BYTES) * SUPERSLAB_BYTES;
}
