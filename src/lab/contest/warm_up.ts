/**
 * Warm-up and calibration of one contestant at one size: how many units make a turn that is long enough for the clock,
 * and is it as fast as it will be?
 *
 * The units are raised until a turn lasts long enough, which also gives V8 the time to optimise. Then a fixed number of
 * turns, and more while the last two differ, while the loop is not in V8's best code, or while the process has not yet
 * run for as long as V8 needs: a first unit may be slow because nothing is compiled yet.
 *
 * @module
 */
import type { Child } from "./child.ts";
import type { Request, Turn } from "../contestant/protocol.ts";

/** What warm-up found. */
export interface WarmUp {
  /** Units in a turn. */
  readonly units: number;
  readonly nanosecondsPerUnit: number;
  /** Whether the last two turns took the same time, within {@link TOLERANCE}. */
  readonly isStable: boolean;
}

/** What to warm up for. */
export interface WarmUpGoal {
  readonly slotMilliseconds: number;
  /** How long a process runs at least; if absent, what is enough for a loop and little else. */
  readonly warmMilliseconds?: number | undefined;
  /** Milliseconds after which a first unit is given up. */
  readonly unitDeadline?: number | undefined;
}

const FIXED_TURNS = 2;
const MOST_TURNS = 6;
const TOLERANCE = 0.1;
const HEADROOM = 1.15; // a turn that later runs a little faster must still be long enough
const SLOW = 4;
/**
 * A process runs so many turns at each size before it is measured, in parts if it is like one before, but no longer.
 */
const WARM_SLOTS = 4;
const WARM_MILLISECONDS = 120;
const WARM_PARTS = 4;
/** And so many times as long at most, while it is slower than the other one was when it was warm, by more than that. */
const PATIENCE = 4;
const AS_FAST = 1.15;
/** Processes that warm up at once. */
const WARM_AT_ONCE = 2;

/** Warms one contestant up, for one workload and size, and finds how many units a turn of it has. */
export async function warmUp(child: Child, request: Omit<Request, "units">, goal: WarmUpGoal): Promise<WarmUp> {
  const turnNanoseconds = goal.slotMilliseconds * 1e6;
  let turn = await child.run({ ...request, units: 1 }, goal.unitDeadline);
  let nanoseconds = turn.nanoseconds, isStable = false;
  let turns = Number(nanoseconds >= turnNanoseconds); // that were long enough
  const isEnough = () => {
    if (nanoseconds < leastNanoseconds(goal, turn)) return false;
    // A unit that takes as long as a warm-up tells nothing more by being run six times.
    return turns >= (isStable || perUnit(turn) >= leastNanoseconds(goal, turn) ? FIXED_TURNS : MOST_TURNS);
  };
  while (!isEnough()) {
    const next = await child.run({ ...request, units: Math.max(turn.units, unitsFor(turn, turnNanoseconds)) });
    nanoseconds += next.nanoseconds;
    turns += Number(next.nanoseconds >= turnNanoseconds);
    isStable = Math.abs(perUnit(next) / perUnit(turn) - 1) < TOLERANCE && isBestTier(next);
    turn = next;
  }
  const isSlow = isWarm(perUnit(turn), goal);
  const units = isSlow ? 1 : unitsFor(turn, turnNanoseconds);
  return { units, nanosecondsPerUnit: perUnit(turn), isStable: isStable || isSlow };
}

/**
 * Warms a fresh process up for turns of so many units: runs parts of one until it has run for some time, is in the best
 * code that V8 has, and as fast as one like it was; or stays what it is.
 *
 * @param nanosecondsPerUnit What `warmUp` found.
 */
export async function warm(
  child: Child,
  request: Request,
  nanosecondsPerUnit: number,
  goal: WarmUpGoal,
): Promise<void> {
  const units = Math.max(1, Math.ceil(request.units / WARM_PARTS));
  for (let nanoseconds = 0;;) {
    const turn = await child.run({ ...request, units });
    nanoseconds += turn.nanoseconds;
    const isFast = isBestTier(turn) && perUnit(turn) < AS_FAST * nanosecondsPerUnit;
    if (nanoseconds >= (isFast ? 1 : PATIENCE) * leastNanoseconds(goal, turn)) return;
  }
}

/** How long a process runs at least; one in C has nothing to compile. */
function leastNanoseconds({ slotMilliseconds, warmMilliseconds }: WarmUpGoal, { tier }: Turn): number {
  const least = 1e6 * (warmMilliseconds ?? Math.min(WARM_MILLISECONDS, WARM_SLOTS * slotMilliseconds));
  return tier === "native" ? least / 4 : least;
}

/** Whether a unit takes so long that whoever has run it is warm, and any unit is as good as the first. */
export function isWarm(nanosecondsPerUnit: number, { slotMilliseconds }: WarmUpGoal): boolean {
  return nanosecondsPerUnit > SLOW * slotMilliseconds * 1e6;
}

/** Warms processes up, two at a time: nothing is measured meanwhile. */
export async function warmAll(processes: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...processes];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next();
  };
  await Promise.all(Array.from({ length: WARM_AT_ONCE }, worker));
}

function perUnit({ nanoseconds, units }: Turn): number {
  return nanoseconds / units;
}

/** At most a hundredfold of what was measured: the first, cold unit may be far slower, or too short for the clock. */
function unitsFor(turn: Turn, turnNanoseconds: number): number {
  const wanted = Math.ceil(HEADROOM * turnNanoseconds / Math.max(1, perUnit(turn)));
  return Math.max(1, Math.min(wanted, turn.units * 100));
}

function isBestTier({ tier }: Turn): boolean {
  return tier !== "maglev" && tier !== "baseline";
}
