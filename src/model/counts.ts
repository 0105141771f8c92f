/**
 * The counts of a counting build, a row for each variant, size and number of threads.
 *
 * @module
 */
import * as v from "valibot";
import { Count, Threads } from "./values.ts";

/** The counts of one unit of a workload. */
export const CountsRowSchema = v.object({
  workload: v.string(),
  variant: v.string(),
  size: Count,
  /** If it is not one. */
  threads: v.exactOptional(Threads),
  counts: v.object({
    mallocs: Count,
    frees: Count,
    fastFrees: Count,
    slowFrees: Count,
    frontGateCalls: Count,
    registryLookups: Count,
    mincoreCalls: Count,
    headerRejects: Count,
    refills: Count,
    spills: Count,
    remoteFrees: Count,
    slabsTaken: Count,
    slabsReturned: Count,
    // Files written before these were counted have none.
    locksTaken: v.optional(Count),
    lockWaits: v.optional(Count),
    lockRetries: v.optional(Count),
    lockPauses: v.optional(Count),
    rollbacks: v.optional(Count),
    spansTaken: v.optional(Count),
    spansGiven: v.optional(Count),
    magazinesFilled: v.optional(Count),
    magazinesTaken: v.optional(Count),
  }),
});

/** The same, as a type. */
export type CountsRow = v.InferOutput<typeof CountsRowSchema>;
