/**
 * The file of `doctor --witness`, `hakmem.witness/1`: for each workload and allocator what an operation takes in the twin
 * and in the witness.
 *
 * @module
 */
import * as v from "valibot";
import { EnvironmentSchema } from "./results.ts";
import { readChecked } from "./values.ts";

/** One workload with one allocator. */
const WitnessRowSchema = v.object({
  workload: v.string(),
  /** What `--peer` calls it. */
  allocator: v.string(),
  /** What people read in its place: `mimalloc 3.4.3`; absent where it is the same. */
  label: v.exactOptional(v.string()),
  /** The library that served malloc to both, and what it says of its version. */
  library: v.string(),
  libraryVersion: v.exactOptional(v.string()),
  /** Nanoseconds per operation, the medians of the rounds. */
  twinNsPerOp: v.number(),
  witnessNsPerOp: v.number(),
  /** The twin's time over the witness's, with the bounds of its interval. */
  ratio: v.number(),
  low: v.number(),
  high: v.number(),
  rounds: v.number(),
  /** `agrees` and `differs`: the whole interval is within `within`, or beyond it. */
  verdict: v.picklist(["agrees", "differs", "undecided"]),
  /** By round: nanoseconds per operation of either, and the median of the ratios of slots that ran after one another. */
  samples: v.object({ twin: v.array(v.number()), witness: v.array(v.number()), ratio: v.array(v.number()) }),
});

const WitnessFileSchema = v.object({
  schema: v.literal("hakmem.witness/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  /** The seed of the order in which they took turns. */
  orderSeed: v.number(),
  /** How much the times may differ, as a share: 0.1 is from 1/1.1 to 1.1. */
  within: v.number(),
  /** Of each interval. */
  level: v.number(),
  rows: v.array(WitnessRowSchema),
  /** `differs` if any row does, else `undecided` if any is, else `agrees`. */
  verdict: WitnessRowSchema.entries.verdict,
});

export type WitnessRow = v.InferOutput<typeof WitnessRowSchema>;
export type WitnessFile = v.InferOutput<typeof WitnessFileSchema>;

/**
 * Reads a file of `doctor --witness`.
 *
 * @throws FileValueError if it is not one; the message names the first value that is wrong.
 */
export function parseWitnessFile(text: string): WitnessFile {
  return readChecked(WitnessFileSchema, text);
}
