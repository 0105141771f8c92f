/**
 * The constants of the template, by flags. In the module that is generated for the flags each is a literal.
 *
 * @module
 */

import { LOG_LENGTH, LOG_POP, LOG_PUSH } from "../core/box_log.ts";
import type { Flags } from "../flags.ts";
import { COUNTER } from "../state/counters.ts";
import {
  CACHE_GUARD,
  CACHE_HEADS,
  CACHE_SAMPLE_LEFT,
  CLASS_BITS,
  FIRST_BLOCK,
  FREE_CANARY,
  HEADER_MAGIC,
  MAX_CLASSES,
  WORD_BOX_OPERATIONS,
} from "../state/layout.ts";

const SCAN_LENGTH = 100;
/** No list is longer: see the flag `capacity`. */
const WHOLE_LENGTH = 65_536;

/** What is decided by the flags. */
export type Decision =
  | "HEADER"
  | "WRITE_HEADER"
  | "RESTORE"
  | "HEADERLESS_C7"
  | "READABLE_ALWAYS"
  | "READABLE_BOUNDARY"
  | "INTERIOR"
  | "AGAIN"
  | "LINKS"
  | "OWN_LINKS"
  | "COUNTERS"
  | "GUARD"
  | "TRACK"
  | "PROFILE"
  | "COUNTDOWN"
  | "BOX"
  | "BOX_BOUNDS"
  | "BOX_HEAD"
  | "BOX_SCAN"
  | "BOX_CANARIES";

/** What is the same for most or all of them. */
export type Word =
  | "SCAN_LENGTH"
  | "GUARD_LEFT"
  | "MALLOCS"
  | "FREES"
  | "FAST_FREES"
  | "MINCORE_CALLS"
  | "HEADER_REJECTS"
  | "BOX_OPERATIONS"
  | "FIRST_BLOCK"
  | "CLASS"
  | "CLASS_BITS"
  | "HEADER_MAGIC"
  | "LARGEST_SEED_CLASS"
  | "CANARY"
  | "SAMPLE_LEFT"
  | "TRACE_PUSH"
  | "TRACE_POP"
  | "TRACE_COUNT"
  | "TRACE_MASK";

/** See the module. */
export type Constants = Readonly<Record<Decision, boolean> & Record<Word, number>>;

/** Whether malloc counts down to blocks that are sampled or guarded. */
export function countsDown({ profile, guard }: Flags): boolean {
  return profile === 1 || guard === 1;
}

/** The template's constants for these flags. */
export function constantsOf(flags: Flags): Constants {
  const hasHeader = flags.header === "byte", hasLinks = flags.links === 1;
  return {
    HEADER: hasHeader,
    WRITE_HEADER: hasHeader && flags.writeHeader === "alloc",
    // Restoring is what box-lite is for; the flag says it for the others.
    RESTORE: hasHeader && flags.restore === 1,
    HEADERLESS_C7: flags.c7 === "headerless",
    READABLE_ALWAYS: flags.readable === "always",
    READABLE_BOUNDARY: flags.readable === "boundary",
    INTERIOR: !hasHeader && flags.interior === 1,
    AGAIN: flags.again === 1,
    LINKS: hasLinks,
    // A header does not say who owns the slab, so the lists of those variants have blocks of any owner's.
    OWN_LINKS: hasLinks && !hasHeader,
    COUNTERS: flags.counters === 1,
    GUARD: flags.guard === 1,
    TRACK: flags.track === 1,
    PROFILE: flags.profile === 1,
    COUNTDOWN: countsDown(flags),
    BOX: flags.push === "box",
    BOX_BOUNDS: flags.integrity >= 1,
    BOX_HEAD: flags.integrity >= 2,
    BOX_SCAN: flags.integrity >= 3,
    BOX_CANARIES: flags.integrity >= 4,
    SCAN_LENGTH: flags.integrity >= 4 ? WHOLE_LENGTH : SCAN_LENGTH,

    /** From the free lists' heads on. */
    GUARD_LEFT: CACHE_GUARD - CACHE_HEADS,
    MALLOCS: COUNTER.mallocs,
    FREES: COUNTER.frees,
    FAST_FREES: COUNTER.fastFrees,
    MINCORE_CALLS: COUNTER.mincoreCalls,
    HEADER_REJECTS: COUNTER.headerRejects,
    BOX_OPERATIONS: WORD_BOX_OPERATIONS,
    FIRST_BLOCK,
    /** The part of a slab map's word that is the class. */
    CLASS: MAX_CLASSES - 1,
    CLASS_BITS,
    HEADER_MAGIC,
    LARGEST_SEED_CLASS: 8,
    CANARY: FREE_CANARY,
    /** Where the countdown is, from the head of class 0's list. */
    SAMPLE_LEFT: CACHE_SAMPLE_LEFT - CACHE_HEADS,
    TRACE_PUSH: LOG_PUSH,
    TRACE_POP: LOG_POP,
    TRACE_COUNT: LOG_LENGTH * 3,
    TRACE_MASK: LOG_LENGTH - 1,
  };
}
