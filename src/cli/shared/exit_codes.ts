/**
 * What a command's exit code says to scripts.
 *
 * @module
 */
import type { Verdict } from "../../measure/mod.ts";

/** It did what it was asked. */
export const FINE = 0;
/** A regression, a failed gate or a failed stress run. */
export const FAILED = 1;
/** Nothing can be said for certain. */
export const INCONCLUSIVE = 2;
/** A bad option, a missing file, an interruption, or anything that nobody caught. */
export const ERROR = 3;

/** What a verdict on a comparison is. */
export const VERDICT_CODES: Readonly<Record<Verdict, number>> = {
  regression: FAILED,
  inconclusive: INCONCLUSIVE,
  improvement: FINE,
  equivalent: FINE,
};
