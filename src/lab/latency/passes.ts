/**
 * The passes over one unit of work in which its operations are timed, of a replay or of a workload: first those in which V8
 * compiles, then those that count, in batches, and last one in which page faults are counted.
 *
 * @module
 */
import { LATENCY_MODE, type LatencyClock } from "../../os/native/latency.ts";

/** Milliseconds after which V8 has compiled what it will. */
const WARM_MILLISECONDS = 400;

/**
 * Makes the passes.
 *
 * @param kinds of the operations of a pass, in their order
 * @param units Passes that count.
 * @param pass Does the unit from its beginning, and tells the clock of the mode before the first operation.
 * @returns what was found, as the line of the protocol.
 */
export function latencyPasses(
  clock: LatencyClock,
  kinds: Uint8Array<ArrayBuffer>,
  units: number,
  pass: (mode: number) => void,
): string {
  clock.open(kinds);
  const start = performance.now();
  do pass(LATENCY_MODE.TIMED); while (performance.now() - start < WARM_MILLISECONDS);
  clock.forget();
  pass(LATENCY_MODE.OFF);
  for (let unit = 0; unit < units; unit++) {
    clock.batch(unit, units);
    pass(LATENCY_MODE.TIMED);
  }
  pass(LATENCY_MODE.FAULTS);
  return clock.answer();
}
