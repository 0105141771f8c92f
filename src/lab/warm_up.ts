/**
 * Warm-up and calibration of one contestant at one size: how many units make a slot that is long enough for the clock,
 * and is it as fast as it will be?
 *
 * First the units are raised until a slot lasts long enough, which also gives V8 the time to optimise. Then a fixed
 * number of slots, and more while the last two differ, or while the loop is not in V8's best code.
 *
 * @module
 */
import type { Child } from "./child.ts";
import type { Request, Slot } from "./protocol.ts";

/** What warm-up found. */
export interface WarmUp {
  /** Units in a slot. */
  readonly units: number;
  readonly nanosecondsPerUnit: number;
  /** Whether the last two slots took the same time, within {@link TOLERANCE}. */
  readonly isStable: boolean;
}

/** What to warm up for. */
export interface WarmUpGoal {
  readonly slotMilliseconds: number;
  /** Milliseconds after which a first unit is given up. */
  readonly unitDeadline?: number | undefined;
}

const FIXED_SLOTS = 2;
const MOST_SLOTS = 6;
const TOLERANCE = 0.1;
const HEADROOM = 1.15; // a slot that later runs a little faster must still be long enough
const SLOW = 4; // a unit of this many slots has run long enough to be warm

/** Warms one contestant up, for one workload and size. */
export async function warmUp(child: Child, request: Omit<Request, "units">, goal: WarmUpGoal): Promise<WarmUp> {
  const slotNanoseconds = goal.slotMilliseconds * 1e6;
  let slot = await child.run({ ...request, units: 1 }, goal.unitDeadline);
  const isSlow = slot.nanoseconds > SLOW * slotNanoseconds;
  while (slot.nanoseconds < slotNanoseconds) {
    slot = await child.run({ ...request, units: unitsFor(slot, slotNanoseconds) });
  }
  let isStable = isSlow;
  const most = isSlow ? 0 : MOST_SLOTS;
  for (let done = 0; done < most && !(isStable && done >= FIXED_SLOTS); done++) {
    const next = await child.run({ ...request, units: Math.max(slot.units, unitsFor(slot, slotNanoseconds)) });
    isStable = Math.abs(perUnit(next) / perUnit(slot) - 1) < TOLERANCE && isBestTier(next);
    slot = next;
  }
  const units = isSlow ? 1 : unitsFor(slot, slotNanoseconds);
  return { units, nanosecondsPerUnit: perUnit(slot), isStable };
}

function perUnit({ nanoseconds, units }: Slot): number {
  return nanoseconds / units;
}

/** At most a hundredfold of what was measured: the first, cold unit may be far slower, or too short for the clock. */
function unitsFor(slot: Slot, slotNanoseconds: number): number {
  const wanted = Math.ceil(HEADROOM * slotNanoseconds / Math.max(1, perUnit(slot)));
  return Math.max(1, Math.min(wanted, slot.units * 100));
}

function isBestTier({ tier }: Slot): boolean {
  return tier !== "maglev" && tier !== "baseline";
}
