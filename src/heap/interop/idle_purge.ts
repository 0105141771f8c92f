/**
 * Gives memory that is free back to the system from time to time, without a call of the program's: what was freed is given back
 * within the time after that. The timer keeps neither the process alive nor a heap that the program has let go of.
 *
 * @module
 */

import { reasonOf } from "../../os/mod.ts";
import type { Log } from "../log.ts";

/** What is to be purged. */
interface Purgeable {
  collect(): number;
}

/**
 * Starts it.
 *
 * @param milliseconds from one purge to the next.
 * @param log gets what `collect` throws, such as damage that was found: there is nobody to throw to.
 * @returns ends it, which the heap does when it is closed.
 */
export function purgeWhenIdle(heap: Purgeable, milliseconds: number, log: Log): () => void {
  const timer = setInterval(purge, milliseconds, new WeakRef(heap), log, () => clearInterval(timer));
  Deno.unrefTimer(timer);
  return () => clearInterval(timer);
}

/** A function of its own, whose closure does not have the heap. */
function purge(held: WeakRef<Purgeable>, log: Log, end: () => void): void {
  const heap = held.deref();
  if (heap === undefined) return end();
  try {
    heap.collect();
  } catch (error) {
    log.during(() => log.say(`hakmem: purgeAfterMs: ${reasonOf(error)}`));
  }
}
