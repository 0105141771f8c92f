/**
 * The verdict on a threshold. What was measured has an interval; a row is decided where the whole of it is on one side
 * of the threshold, and undecided where it is on both. What was counted has no width, and is always decided.
 *
 * Nanoseconds depend on what else the machine does, which ratios of what ran in the same rounds do not. So they are
 * no-go only if it was quiet.
 *
 * The quick form, which CI runs, must not fail from noise alone. There, what was timed is no-go only by a rule that is
 * fixed beforehand: it is a ratio, the whole interval, which for six rounds is all of them, says that the speed is less
 * than half of what is asked for, and V8 ran the loop in its best code throughout. Anything else is undecided.
 *
 * @module
 */
import type { GateVerdict } from "../../model/mod.ts";

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

/** How something was timed, as far as that makes it doubtful. */
export interface Timing {
  /** Whether it is a ratio, of which noise disturbs both sides. */
  readonly isRatio: boolean;
  /** Whether other work, or the machine's host, took time from it. */
  readonly isBusy: boolean;
  /** What V8's code the turns ran in: of a loop that was not always in the best, the quick form makes nothing bad. */
  readonly tiers: readonly string[];
}

/** The bar for what was timed: the same, or with a no-go further away, or out of reach. */
export function timedBar(bar: Bar, { isRatio, isBusy, tiers }: Timing, quick: boolean): Bar {
  const { bound, threshold, failsBeyond = threshold } = bar;
  if (!quick && (isRatio || !isBusy)) return bar;
  const canFail = isRatio && isBestCode(tiers);
  const factor = canFail ? QUICK_FACTOR : Infinity;
  return { bound, threshold, failsBeyond: bound === "least" ? failsBeyond / factor : failsBeyond * factor };
}

/** Whether turns ran in the best code throughout. */
export function isBestCode(tiers: readonly string[]): boolean {
  return tiers.every((tier) => BEST_TIERS.includes(tier));
}

/** The verdict on the whole: no-go if anything certainly fails, otherwise undecided if anything is not known. */
export function wholeVerdict(verdicts: readonly GateVerdict[]): GateVerdict {
  const order: readonly GateVerdict[] = ["no-go", "undecided", "go"];
  return order.find((verdict) => verdicts.includes(verdict)) ?? "undecided";
}
