/**
 * The file of `gate`, `hakmem.gate/1`, and the types that follow from it: each threshold at each size, with what was
 * measured.
 *
 * @module
 */
import * as v from "valibot";
import { EnvironmentSchema, FailureSchema, WarningSchema } from "./results.ts";

export const GateVerdictSchema = v.picklist(["go", "no-go", "undecided"]);

/** One threshold at one size, judged. */
export const GateRowSchema = v.object({
  name: v.string(),
  kind: v.picklist(["ratio", "net-ns", "scaling", "sharing", "fast-free-share", "regression", "footprint"]),
  workload: v.string(),
  size: v.number(),
  /** Absent if there was one. */
  threads: v.optional(v.number()),
  variant: v.string(),
  /** The peer, the contestant or the baseline that it is measured against; absent where there is none. */
  against: v.optional(v.string()),
  /** What was found; null if it could not be. */
  measured: v.nullable(v.number()),
  /** The bounds of its interval; what was counted has none, and both are what was measured. */
  low: v.nullable(v.number()),
  high: v.nullable(v.number()),
  threshold: v.number(),
  /** Whether the threshold is the least or the most that is allowed. */
  bound: v.picklist(["least", "most"]),
  /** Of `measured`, `low`, `high` and `threshold`: times as fast or as much, nanoseconds, or a share of 1. */
  unit: v.picklist(["times", "ns", "share"]),
  verdict: GateVerdictSchema,
  /** Why, in words. */
  because: v.string(),
});

/** A whole gate. */
export const GateFileSchema = v.object({
  schema: v.literal("hakmem.gate/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  /** The file that the thresholds are from. */
  gate: v.string(),
  /** Whether it is the quick form, in which what is timed is no-go only where noise cannot be the reason. */
  quick: v.boolean(),
  rows: v.array(GateRowSchema),
  verdict: GateVerdictSchema,
  /** Peers of thresholds that could not be measured; their rows are undecided. */
  failures: v.exactOptional(v.array(FailureSchema)),
  notes: v.array(v.string()),
  warnings: v.array(WarningSchema),
});

export type GateVerdict = v.InferOutput<typeof GateVerdictSchema>;
export type GateRow = v.InferOutput<typeof GateRowSchema>;
export type GateFile = v.InferOutput<typeof GateFileSchema>;
