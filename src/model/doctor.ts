/**
 * The files of `doctor`. `hakmem.doctor/1`: facts of the machine, each with what it means, and the noise floor. And of
 * `doctor --witness`, `hakmem.witness/1`: for each workload and allocator what an operation takes in the twin and in
 * the witness.
 *
 * @module
 */
import * as v from "valibot";
import { EnvironmentSchema } from "./results.ts";

/** One thing about the machine. */
const FactSchema = v.object({
  fact: v.string(),
  value: v.string(),
  /** `warning` disturbs measurements; `note` is good to know, or not known here. */
  state: v.picklist(["ok", "warning", "note"]),
  meaning: v.string(),
  /** What to do; absent if there is nothing to be done. */
  advice: v.exactOptional(v.string()),
});

/** By how much two processes of the same code differ. */
const NoiseSchema = v.object({
  variant: v.string(),
  workload: v.string(),
  size: v.number(),
  /** Turns of one and of the other, taken in turns. */
  pairs: v.number(),
  slotMilliseconds: v.number(),
  /** The time of one over that of the other: the median of the pairs, with its interval. */
  ratio: v.object({ median: v.number(), low: v.number(), high: v.number() }),
  /** Of the interval, 0.99; less if there were too few pairs. */
  level: v.number(),
  /** What the interval does not exclude, as a share: smaller differences cannot be told here. */
  floor: v.number(),
  /** The median difference within a pair, as a share. */
  spread: v.number(),
  /** The share of the machine's time that its host took meanwhile; absent if the system does not say. */
  stolen: v.exactOptional(v.number()),
  /** The compilers of the code that ran. */
  tiers: v.array(v.string()),
});

export const DoctorFileSchema = v.object({
  schema: v.literal("hakmem.doctor/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  noise: NoiseSchema,
  facts: v.array(FactSchema),
});

export type Fact = v.InferOutput<typeof FactSchema>;
export type Noise = v.InferOutput<typeof NoiseSchema>;
export type DoctorFile = v.InferOutput<typeof DoctorFileSchema>;

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
  /**
   * By round: nanoseconds per operation of either, and the median of the ratios of turns that ran after one another.
   */
  samples: v.object({ twin: v.array(v.number()), witness: v.array(v.number()), ratio: v.array(v.number()) }),
});

export const WitnessFileSchema = v.object({
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
  /** `differs` if any row does; if none does, `undecided` if any row is; otherwise `agrees`. */
  verdict: WitnessRowSchema.entries.verdict,
});

export type WitnessRow = v.InferOutput<typeof WitnessRowSchema>;
export type WitnessFile = v.InferOutput<typeof WitnessFileSchema>;
