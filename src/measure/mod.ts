/**
 * Statistics, the order of rounds, the environment and what is doubtful about it. Knows nothing of allocators.
 *
 * @module
 */
export { LEAST_PROCESSES, type Modes, modesOf } from "./bimodal.ts";
export { captureEnvironment, type Environment, readSteal } from "./environment.ts";
export {
  areDisturbed,
  type Disturbance,
  disturbanceBetween,
  isDisturbed,
  parseDisturbance,
  readDisturbance,
} from "./disturbance.ts";
export { knownRatio, loopFactor, LOOPS_WITHIN, netRatios, type WithLoop } from "./loops.ts";
export { bucketMiddle, bucketOf, countOf, type Histogram, merged, percentile } from "./latency.ts";
export { freshSeed, Random } from "./random.ts";
export { coverage, differences, type Estimate, estimate, intervalRank, LEVEL, ratios } from "./statistics.ts";
export {
  bimodalWarning,
  disturbedWarning,
  loadWarning,
  loopsWarning,
  noiseWarning,
  stealWarning,
  threadsWarning,
  tierWarning,
  unstableWarning,
  type Warning,
  whoAt,
} from "./warnings.ts";
export {
  bonferroni,
  COMPARE_LEVEL,
  deltaOf,
  EQUIVALENT_WITHIN,
  highestLevel,
  type Interval,
  isSettled,
  judge,
  type Judgement,
  LEAST_DELTA,
  leastRounds,
  LOOKS,
  overall,
  type PairedRounds,
  signedRankBelow,
  signedRankInterval,
  type Verdict,
  verdictOf,
  walshRank,
} from "./verdict.ts";
