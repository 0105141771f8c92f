/**
 * The file of `compare`, `hakmem.compare/1`, and the types that follow from it.
 *
 * Ratios are of throughput, B's over A's: 0.9 means that B is slower by a tenth. Samples are nanoseconds per operation,
 * in the order of the rounds, the median of a contestant's turns in that round.
 *
 * @module
 */
import * as v from "valibot";
import { EnvironmentSchema, TraceSchema, WarningSchema } from "./results.ts";
import { Amount, consistent, Count, Factor, RatioSchema, Share, Threads, Time, TimeDifference } from "./values.ts";

export const VerdictSchema = v.picklist(["regression", "improvement", "equivalent", "inconclusive"]);

/** What disturbed a turn, as far as the system says. */
export const TurnDisturbanceSchema = v.object({
  /** Milliseconds since the comparison started. */
  at: Amount,
  round: Count,
  size: Count,
  /** Whose turn it was: `a`, `b`, `control`, or a label. */
  contestant: v.string(),
  nsPerOp: Time,
  /** Milliseconds that the host gave to others; the system counts in steps of 10. */
  stolenMs: v.optional(Amount),
  /** Milliseconds in which some task waited for a core. */
  pressureMs: v.optional(Amount),
  /**
   * Milliseconds, of all cores together, that other programs ran: a difference of ticks, so a few less than 0 now and
   * then.
   */
  othersMs: v.optional(TimeDifference),
  /** Context switches of the contestant that it did not ask for. */
  preemptions: v.optional(Count),
  tier: v.string(),
  /** Whether its round was discarded, by the rule that was fixed beforehand. */
  discarded: v.boolean(),
});

const Samples = v.pipe(v.array(Time), v.nonEmpty("there is no sample"));

/** One size, judged. */
export const CompareRowSchema = v.object({
  workload: v.string(),
  size: Count,
  threads: Threads,
  ratio: Factor,
  low: Factor,
  high: Factor,
  rounds: Count,
  verdict: VerdictSchema,
  /** The share by which throughput must differ to count: 0.02 or more. */
  delta: Amount,
  /** The A/A control: the first contestant over itself, in another process. */
  control: RatioSchema,
  samples: v.object({ a: Samples, b: Samples, control: Samples }),
  parameters: v.record(v.string(), Count),
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
    size: Count,
    /** Absent if there was one. */
    threads: v.optional(Threads),
    nsPerOp: Time,
    /** Absent in files of older versions. */
    parameters: v.exactOptional(v.record(v.string(), Count)),
  })),
});

/** A whole comparison, without a look at whether its figures agree. */
const CompareFileFields = v.object({
  schema: v.literal("hakmem.compare/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  a: v.string(),
  b: v.string(),
  /** What a folder or a revision was resolved to. */
  sources: v.record(v.string(), v.string()),
  /** The level of all rows together. */
  level: Share,
  rows: v.pipe(v.array(CompareRowSchema), v.nonEmpty("there is no row")),
  verdict: VerdictSchema,
  /** Whether it was stopped before its first look: then no row has a verdict. */
  interrupted: v.exactOptional(v.boolean()),
  rounds: v.object({
    measured: Count,
    discarded: Count,
    /** Rounds that were disturbed, discarded or not; where they are more than a quarter of all there is no verdict. */
    disturbed: v.optional(Count),
    looks: v.array(Count),
    orderSeed: Count,
    slotMilliseconds: Amount,
  }),
  slots: v.array(TurnDisturbanceSchema),
  /** What was replayed, if the workload is a trace. */
  trace: v.exactOptional(TraceSchema),
  baseline: v.optional(BaselineSchema),
  notes: v.array(v.string()),
  warnings: v.array(WarningSchema),
});

/**
 * How far a ratio may be outside of what the rounds' samples have: it is that of pairs of turns, and a sample is the
 * median of a round's.
 */
const PAIRING = 2;

/** A whole comparison. */
export const CompareFileSchema = v.pipe(
  CompareFileFields,
  consistent(({ rows }, blame) => {
    for (const [index, { ratio, low, high, rounds, samples, verdict }] of rows.entries()) {
      const at = ["rows", index];
      if (!(low <= ratio && ratio <= high)) {
        blame([...at, "ratio"], `${ratio} is not between low, ${low}, and high, ${high}`);
      }
      for (const [who, { length }] of Object.entries(samples)) {
        if (length !== rounds) blame([...at, "samples", who], `${length} of them, where rounds is ${rounds}`);
      }
      const all = samples.a.map((a, round) => a / (samples.b[round] ?? a));
      const least = Math.min(...all), most = Math.max(...all);
      if (ratio * PAIRING < least || ratio > PAIRING * most) {
        blame([...at, "ratio"], `${ratio} is not what the samples say, ${least.toFixed(3)} to ${most.toFixed(3)}`);
      }
      if ((verdict === "regression" && low >= 1) || (verdict === "improvement" && high <= 1)) {
        blame([...at, "verdict"], `no ${verdict} is from ${low} to ${high} times as fast`);
      }
    }
  }),
);

export type CompareRow = v.InferOutput<typeof CompareRowSchema>;
export type CompareFile = v.InferOutput<typeof CompareFileSchema>;
export type Baseline = v.InferOutput<typeof BaselineSchema>;
export type TurnDisturbance = v.InferOutput<typeof TurnDisturbanceSchema>;
