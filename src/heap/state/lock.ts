/**
 * Waiting for the lock of a heap that several threads have. The lock is one word: 0, or what names its holder
 * (`thread_table.ts`); all sections are under it (`journal.ts`).
 *
 * ```
 *            compare-and-swap 0 -> owner                    the holder's OS thread is gone:
 *   free ---------------------------------> held by owner   compare-and-swap dead -> owner
 *    ^                                          |     `--------------------------------> held by another
 *    `------------------------------------------'                                          |
 *            store 0, the undo log empty                     rolls the log back first <----'
 * ```
 *
 * A section takes a tenth of a microsecond to some microseconds, so whoever waits tries again a hundred times first;
 * then it gives the processor away, and then it sleeps, twice as long each time up to a millisecond. From then on it also
 * asks whether the holder still exists. Only one of those who find it dead gets the lock, by the compare-and-swap; and the
 * word never comes again, since it has the entry's tenure: whoever finds a holder dead, and sleeps while others give its
 * entry to a thread that takes the lock, does not take it from that one.
 *
 * A debug build's books have a lock of their own, the same in all but one thing: its holder may be dead, and its entry
 * free, or another thread's. So a holder whose word has a tenure that is over is gone, too.
 *
 * Nobody sleeps in a section for long. So if the word names a live thread that has slept for more than a second, the word
 * was overwritten, or the thread is stopped in a debugger. Then whoever waits gets an error, and takes nothing.
 *
 * Invariant: the holder of the heap's lock is attached, attaching or dead; its entry is never free.
 *
 * @module
 */

import type { Watcher } from "./counters.ts";
import { damaged } from "./damage.ts";
import { WORD_LOCK } from "./layout.ts";
import type { VirtualMemory } from "../../os/mod.ts";
import type { Threads } from "./thread_table.ts";

/** Tries before the processor is given away: some microseconds, longer than most sections. */
const SPINS = 100;
/** Times that the processor is given away before sleeping. */
const YIELDS = 8;
/** The longest sleep, as a power of two of microseconds. */
const LONGEST_SLEEP = 10;
/** How often in a row the same holder is found asleep, each time a millisecond later, before it is taken for no holder. */
const ASLEEP = 1000;

/**
 * Waits until the lock is `owner`'s; whether it was taken from the dead.
 *
 * @throws {HeaderCorruptedError} if its word names a thread that does not hold it.
 */
export function waitForLock(
  words: Int32Array,
  owner: number,
  threads: Threads,
  system: VirtualMemory,
  watcher: Watcher | undefined,
): boolean {
  for (let spin = 0; spin < SPINS; spin++) {
    if (tryLock(words, 0, owner)) return false;
    watcher?.add("lockRetries", owner);
  }
  let before = 0, sleep = 0, asleep = 0;
  for (let wait = 0;; wait++) {
    system.pause(wait < YIELDS ? 0 : 1 << Math.min(wait - YIELDS, LONGEST_SLEEP));
    watcher?.add("lockPauses", owner);
    if (tryLock(words, 0, owner)) return false;
    watcher?.add("lockRetries", owner);
    const holder = Atomics.load(words, WORD_LOCK);
    if (wait < YIELDS || holder === 0) continue;
    if (threads.isDeadOwner(holder)) {
      if (tryLock(words, holder, owner)) return true;
      continue;
    }
    const now = threads.sleepOf(holder);
    asleep = now !== 0 && now === sleep && holder === before ? asleep + 1 : 0;
    [before, sleep] = [holder, now];
    if (asleep === ASLEEP) throw damaged("the lock is another thread's, which has been asleep all the time");
  }
}

function tryLock(words: Int32Array, from: number, owner: number): boolean {
  return Atomics.load(words, WORD_LOCK) === from && Atomics.compareExchange(words, WORD_LOCK, from, owner) === from;
}
