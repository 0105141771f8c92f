/**
 * The verdict on a threshold. What was measured has an interval; a row is decided where the whole of it is on one side of
 * the threshold, and undecided where it is on both. What was counted has no width, and is always decided.
 *
 * The quick form, which CI runs, must not fail from noise alone. There, what was timed is no-go only by a rule that is
 * fixed beforehand: it is a ratio of what ran in the same rounds, the whole interval, which for six rounds is all of
 * them, says that the speed is less than half of what is asked for, and V8 ran the loop in its best code throughout.
 * Anything else is undecided; nanoseconds always, because a machine may be busy, or slow, from the first round to the last.
 *
 * @module
 */
import type { GateVerdict } from "../report/gate_schema.ts";

/** What must hold. */
export interface Bar {
  /** On which side of the threshold it must be; on the threshold is right, too. */
  readonly bound: "least" | "most";
  readonly threshold: number;
  /** What the whole interval must be beyond for a no-go; the threshold if absent. */
  readonly failsBeyond?: number;
}

/** So many times slower than asked for: no noise of the quick form makes all rounds differ by that. */
export const QUICK_FACTOR = 2;

/** The tiers in which a loop can be no faster than it is. */
const BEST_TIERS: readonly string[] = ["turbofan", "native", "unknown"];

/** On which side of the bar an interval lies. */
export function judgeInterval({ low, high }: { low: number; high: number }, bar: Bar): GateVerdict {
  const { bound, threshold, failsBeyond = threshold } = bar;
  if (bound === "least") {
    if (low >= threshold) return "go";
    return high < failsBeyond ? "no-go" : "undecided";
  }
  if (high <= threshold) return "go";
  return low > failsBeyond ? "no-go" : "undecided";
}

/** What a time was taken from, where that makes it doubtful. */
export interface Timing {
  /** Whether it is a ratio, of which noise disturbs both sides. */
  readonly isRatio: boolean;
  /** What V8's code the slots ran in: of a loop that was not always in the best, nothing bad is certain. */
  readonly tiers: readonly string[];
}

/** The bar of the quick form. */
export function quickBar({ bound, threshold, failsBeyond = threshold }: Bar, { isRatio, tiers }: Timing): Bar {
  const canFail = isRatio && tiers.every((tier) => BEST_TIERS.includes(tier));
  const factor = canFail ? QUICK_FACTOR : Infinity;
  return { bound, threshold, failsBeyond: bound === "least" ? failsBeyond / factor : failsBeyond * factor };
}

/** The verdict on the whole: what is certain to fail, else what is not known. */
export function wholeVerdict(verdicts: readonly GateVerdict[]): GateVerdict {
  const order: readonly GateVerdict[] = ["no-go", "undecided", "go"];
  return order.find((verdict) => verdicts.includes(verdict)) ?? "undecided";
}
