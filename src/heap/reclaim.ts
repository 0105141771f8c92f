/**
 * Gives back what threads had that ended without `close()`: the blocks on their free lists go to the slabs, and their
 * slots in the thread table become free. What is done is a number of sections, in each of which the slot is still the dead
 * thread's; so two threads may do it at once, and one that dies over it leaves the rest to the next.
 *
 * A thread may have died between two stores of `malloc` or `free`, and it may be the one with the bug: so its counts are
 * not believed, and its lists are followed as long as each link leads to a block of the class that may be free. What is
 * behind the first that does not is lost, as is a block that was under way between list and program.
 *
 * @module
 */

import type { ClassSlabs } from "./class_slabs.ts";
import { CACHE_HEADS } from "./layout.ts";
import type { HeapMemory } from "./memory.ts";
import { firstWordOf } from "./thread_cache.ts";
import type { ThreadIdentity } from "./threads.ts";

/** See the module. */
export class Reclaimer {
  readonly #memory: HeapMemory;
  readonly #source: ClassSlabs;
  /** By class: the most blocks that a list has. */
  readonly #capacities: readonly number[];

  constructor(memory: HeapMemory, source: ClassSlabs, capacities: readonly number[]) {
    this.#memory = memory;
    this.#source = source;
    this.#capacities = capacities;
  }

  /** Does it for all threads that have ended. Cost: some microseconds for each slot that is taken. */
  reclaim(): void {
    const { journal, thread: own, threads } = this.#memory;
    if (!journal.shared) return;
    for (const thread of threads.taken()) {
      if (thread.slot === own || !threads.isDead(thread)) continue;
      this.#capacities.forEach((capacity, sizeClass) => {
        for (let left = capacity; left > 0;) left = journal.run(() => this.#drain(thread, sizeClass, left));
      });
      journal.run(() => {
        if (threads.isStill(thread)) threads.release(thread.slot);
      });
    }
  }

  /** Gives back blocks of one list, at most `most`; returns how many there may be more. */
  #drain(thread: ThreadIdentity, sizeClass: number, most: number): number {
    const { journal, threads, words } = this.#memory;
    const head = firstWordOf(thread.slot) + CACHE_HEADS + sizeClass;
    let ptr = words[head]!, left = most;
    if (ptr === 0 || !threads.isStill(thread)) return 0;
    for (let next = 0; left > 0 && this.#source.hasRoom; left--, ptr = next) {
      if (!this.#source.mayFree(sizeClass, ptr)) left = ptr = 0; // the end of the list, or damage
      if (ptr === 0) break;
      next = words[ptr >> 2]!;
      this.#source.give(sizeClass, ptr);
    }
    journal.set(head, left === 0 ? 0 : ptr);
    return left;
  }
}
