/**
 * What is counted instead of timed: in a counting build, a row for each variant, size and number of threads; of native
 * peers, instructions and cache misses; of our heap, the length of its code.
 *
 * @module
 */
import * as v from "valibot";
import { Amount, Count, Difference, Threads } from "./values.ts";

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

/** By which tools instructions are counted. */
export const COUNTERS = ["perf", "valgrind"] as const;

/** What native code did in an operation. */
export const InstructionsSchema = v.object({
  tool: v.picklist(COUNTERS),
  /** Over which it was counted: what a longer run had more than a shorter one. */
  operations: Count,
  perOperation: v.object({
    instructions: Amount,
    /** Of data; what the tool does not tell is absent. */
    l1Misses: v.exactOptional(Amount),
    lastLevelMisses: v.exactOptional(Amount),
  }),
  /** Without those of the loop around a do-nothing allocator; absent for that itself, and if it was not counted. */
  net: v.exactOptional(v.object({
    instructions: Difference,
    l1Misses: v.exactOptional(Difference),
    lastLevelMisses: v.exactOptional(Difference),
  })),
});

/** How long the code of our heap's hot loop is. */
export const CodeSchema = v.object({
  /** The function that the time is spent in. */
  loop: v.string(),
  /** The compiler whose code ran it at the end. */
  tier: v.string(),
  /** Of the loop, with all that was inlined there; absent if V8 does not say. */
  machineBytes: v.exactOptional(Count),
  bytecode: v.array(v.object({ function: v.string(), bytes: Count })),
});
