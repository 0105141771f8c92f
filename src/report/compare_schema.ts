/**
 * The file of `compare`, `hakmem.compare/1`, and the types that follow from it.
 *
 * Ratios are of throughput, B's over A's: 0.9 means that B is slower by a tenth. Samples are nanoseconds per operation,
 * in the order of the rounds, the median of a contestant's slots in that round.
 *
 * @module
 */
import * as v from "valibot";
import { EnvironmentSchema, RatioSchema, WarningSchema } from "./schema.ts";

export const VerdictSchema = v.picklist(["regression", "improvement", "equivalent", "inconclusive"]);

/** What disturbed a slot, as far as the system says. */
export const SlotDisturbanceSchema = v.object({
  /** Milliseconds since the comparison started. */
  at: v.number(),
  round: v.number(),
  size: v.number(),
  /** Whose slot it was: `a`, `b`, `control`, or a label. */
  contestant: v.string(),
  nsPerOp: v.number(),
  /** Milliseconds that the host gave to others; the system counts in steps of 10. */
  stolenMs: v.optional(v.number()),
  /** Milliseconds in which some task waited for a core. */
  pressureMs: v.optional(v.number()),
  /** Milliseconds, of all cores together, that other programs ran. */
  othersMs: v.optional(v.number()),
  /** Context switches of the contestant that it did not ask for. */
  preemptions: v.optional(v.number()),
  tier: v.string(),
  /** Whether its round was discarded, by the rule that was fixed beforehand. */
  discarded: v.boolean(),
});

/** One size, judged. */
export const CompareRowSchema = v.object({
  workload: v.string(),
  size: v.number(),
  threads: v.number(),
  ...RatioSchema.entries,
  rounds: v.number(),
  verdict: VerdictSchema,
  /** The share by which throughput must differ to count: 0.02 or more. */
  delta: v.number(),
  /** The A/A control: the first contestant over itself, in another process. */
  control: RatioSchema,
  samples: v.object({ a: v.array(v.number()), b: v.array(v.number()), control: v.array(v.number()) }),
  parameters: v.record(v.string(), v.number()),
});

/** A baseline that was named, as it was stored. */
export const BaselineSchema = v.object({
  schema: v.literal("hakmem.baseline/1"),
  name: v.string(),
  /** The contestant that it is, to be run again: `REVISION,variant,flag=value`. */
  contestant: v.string(),
  revision: v.string(),
  date: v.string(),
  environment: EnvironmentSchema,
  /** What was measured when it was saved: shown, never compared. */
  rows: v.array(v.object({
    workload: v.string(),
    size: v.number(),
    /** Absent if there was one. */
    threads: v.optional(v.number()),
    nsPerOp: v.number(),
  })),
});

/** A whole comparison. */
export const CompareFileSchema = v.object({
  schema: v.literal("hakmem.compare/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  a: v.string(),
  b: v.string(),
  /** What a folder or a revision was resolved to. */
  sources: v.record(v.string(), v.string()),
  /** The level of all rows together. */
  level: v.number(),
  rows: v.array(CompareRowSchema),
  verdict: VerdictSchema,
  rounds: v.object({
    measured: v.number(),
    discarded: v.number(),
    /** Rounds that were disturbed, discarded or not; where they are more than a quarter of all there is no verdict. */
    disturbed: v.optional(v.number()),
    looks: v.array(v.number()),
    orderSeed: v.number(),
    slotMilliseconds: v.number(),
  }),
  slots: v.array(SlotDisturbanceSchema),
  baseline: v.optional(BaselineSchema),
  notes: v.array(v.string()),
  warnings: v.array(WarningSchema),
});

export type CompareRow = v.InferOutput<typeof CompareRowSchema>;
export type CompareFile = v.InferOutput<typeof CompareFileSchema>;
export type Baseline = v.InferOutput<typeof BaselineSchema>;
export type SlotDisturbance = v.InferOutput<typeof SlotDisturbanceSchema>;

/**
 * Reads the file of a comparison.
 *
 * @throws v.ValiError if it is not one; the message names the first field that is wrong.
 */
export function parseCompareFile(text: string): CompareFile {
  return v.parse(CompareFileSchema, JSON.parse(text));
}
