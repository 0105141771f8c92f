/**
 * A trace without anything that says whose it is: threads lose their names, and there is nothing of stacks, with the paths
 * of modules in them, of how long the program ran, of its file, or of the remarks about it. What an allocator sees stays: calls,
 * sizes, alignments, their order, and which thread did them. Sizes may say much about a program, too; they can be rounded up.
 *
 * @module
 */
import type { Trace } from "../trace.ts";
import { Rebuild } from "./rebuild.ts";

/** Up to here sizes are rounded to multiples of 16; above, to four sizes for each doubling. */
const MOST_FINE = 128, FINE_STEP = 16, STEPS = 4;

/** A trace of the same calls. @param rounds Whether sizes are rounded by {@linkcode roundedSize}. */
export function anonymisedTrace(trace: Trace, rounds: boolean): Trace {
  const made = new Rebuild(trace, "forgotten");
  for (let event = 0; event < trace.length; event++) {
    const size = trace.sizes[event]!;
    made.take(event, rounds ? roundedSize(size) : size);
  }
  const { format: _, remarks: __, ...rest } = made.finish((_former, thread) => String(thread + 1));
  return { ...rest, format: "anonymised", remarks: [] };
}

/**
 * A size rounded up: to a multiple of 16 up to 128, above to the next of four sizes for each doubling (160, 192, 224, 256,
 * 320, …). At most a quarter is added to what is above 64; 0 stays 0.
 */
export function roundedSize(size: number): number {
  const step = size <= MOST_FINE ? FINE_STEP : 2 ** Math.ceil(Math.log2(size)) / (2 * STEPS);
  return Math.ceil(size / step) * step;
}
