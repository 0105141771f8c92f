/**
 * The file of `explain`, `hakmem.explain/1`, and the types that follow from it. Ratios are of throughput: B's over A's,
 * and for a flag, with the value of B over with the value of A.
 *
 * @module
 */
import * as v from "valibot";
import { CountsRowSchema } from "./counts.ts";
import { EnvironmentSchema, WarningSchema } from "./results.ts";
import { Amount, Count, Factor, RatioSchema, Share, Time, TimeDifference } from "./values.ts";

export const FindingSchema = v.picklist(["confirmed", "rejected", "undecided"]);

/** What a value of a flag is shown as. */
const ValueSchema = v.union([v.string(), v.number()]);

/** A measurement of the effect of one flag, from one side. */
const AblationSchema = v.object({
  /** The variants that were compared; they differ in this flag alone. */
  from: v.string(),
  to: v.string(),
  ratio: Factor,
  low: Factor,
  high: Factor,
});

/** One flag that differs. */
export const ExplainFlagSchema = v.object({
  flag: v.string(),
  a: ValueSchema,
  b: ValueSchema,
  meaning: v.string(),
  /** The effect: the mean of both directions, and of its pairs' where those were measured. */
  ratio: Factor,
  low: Factor,
  high: Factor,
  /** A with the value of B, over A; absent if A cannot have that value, even with other flags changed. */
  fromA: v.optional(AblationSchema),
  /** B over B with the value of A. */
  fromB: v.optional(AblationSchema),
  /** How often the code of the flag runs, at A's value and at B's; the larger. */
  reachedPerMillionFrees: Amount,
  reached: v.object({ a: Amount, b: Amount, what: v.string() }),
  /** The share of frees that the hot path ends, with A's value and with B's, in builds that differ in nothing else. */
  fastFrees: v.optional(v.object({ a: Share, b: Share })),
  finding: FindingSchema,
  /** Why, from what was measured and counted. */
  because: v.string(),
});

/** The interaction of two flags: how much more both do than each alone. */
export const ExplainPairSchema = v.object({
  flags: v.tuple([v.string(), v.string()]),
  ratio: Factor,
  low: Factor,
  high: Factor,
});

/** One size, before and after. */
export const ExplainSizeSchema = v.object({
  size: Count,
  aNsPerOp: Time,
  bNsPerOp: Time,
  ratio: Factor,
  low: Factor,
  high: Factor,
});

/** What a stage of the hot path costs, and how often each variant reaches it. */
export const ExplainStageSchema = v.object({
  stage: v.string(),
  nanoseconds: TimeDifference,
  low: TimeDifference,
  high: TimeDifference,
  /** Per free. */
  a: Amount,
  b: Amount,
});

/** What V8 made of the loop. */
export const JitSchema = v.object({
  variant: v.string(),
  loop: v.string(),
  tier: v.string(),
  /** Processes that were asked: V8 decides anew in each. The rest is what the last of them did. */
  processes: Count,
  inlined: v.array(v.object({
    callee: v.string(),
    inlined: v.boolean(),
    reason: v.string(),
    /** In how many of the processes it became part of the loop. */
    times: Count,
  })),
  deopts: v.array(v.object({ function: v.string(), reason: v.string(), kind: v.string(), count: Count })),
  optimisations: Count,
  codeBytes: v.optional(Count),
});

/** A whole explanation. */
export const ExplainFileSchema = v.object({
  schema: v.literal("hakmem.explain/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  a: v.string(),
  b: v.string(),
  workload: v.string(),
  sizes: v.pipe(v.array(ExplainSizeSchema), v.nonEmpty("there is no size")),
  level: Share,
  rounds: Count,
  /** The share by which throughput must differ to count: 0.02 or more. */
  delta: Amount,
  control: RatioSchema,
  total: RatioSchema,
  flags: v.array(ExplainFlagSchema),
  pairs: v.array(ExplainPairSchema),
  /** What the flags' effects leave of the total, as a ratio: 1 is nothing. */
  unexplained: RatioSchema,
  counters: v.object({ a: v.array(CountsRowSchema), b: v.array(CountsRowSchema) }),
  stages: v.array(ExplainStageSchema),
  jit: v.array(JitSchema),
  /** B with the fewest values of A that bring it back, over A; absent if B is not slower, or nothing does. */
  fix: v.optional(
    v.object({
      variant: v.string(),
      flags: v.array(v.string()),
      ratio: Factor,
      low: Factor,
      high: Factor,
      verdict: v.string(),
    }),
  ),
  /** The flags that both are built with, and where they differ. */
  build: v.array(v.object({ flag: v.string(), a: ValueSchema, b: ValueSchema })),
  notes: v.array(v.string()),
  warnings: v.array(WarningSchema),
});

export type ExplainFile = v.InferOutput<typeof ExplainFileSchema>;
export type ExplainFlag = v.InferOutput<typeof ExplainFlagSchema>;
