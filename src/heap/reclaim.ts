/**
 * Gives back what threads had that ended without `close()`: the blocks on their free lists go to the slabs, their slabs
 * become nobody's, and their slots in the thread table free. What is done is a number of sections, in each of which the slot is still the dead
 * thread's; so two threads may do it at once, and one that dies over it leaves the rest to the next.
 *
 * A thread may have died between two stores of `malloc` or `free`, and it may be the one with the bug: so its counts are
 * not believed, and its lists are followed as long as each link leads to a block of the class that may be free. What is
 * behind the first that does not is lost, as is a block that was under way between list and program.
 *
 * @module
 */

import type { ClassSlabs } from "./class_slabs.ts";
import { CACHE_FOREIGN, CACHE_FOREIGN_COUNTS, CACHE_HEADS, CACHE_ROOMS, firstWordOf } from "./layout.ts";
import type { HeapMemory } from "./memory.ts";
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
        for (let left = capacity; left > 0;) left = journal.run(() => this.#drainForeign(thread, sizeClass, left));
      });
      let from = 0;
      do {
        from = journal.run(() => threads.isStill(thread) ? this.#source.abandon(thread.slot, from) : 0);
      } while (from !== 0);
      journal.run(() => {
        if (threads.isStill(thread)) threads.release(thread.slot);
      });
    }
  }

  /** Gives back blocks of a free list, at most `most`; returns how many there may be more. */
  #drain(thread: ThreadIdentity, sizeClass: number, most: number): number {
    const { journal, threads, words } = this.#memory;
    if (!threads.isStill(thread)) return 0;
    const room = firstWordOf(thread.slot) + CACHE_ROOMS + sizeClass;
    const left = this.#give(firstWordOf(thread.slot) + CACHE_HEADS + sizeClass, sizeClass, most);
    journal.set(room, left === 0 ? this.#capacities[sizeClass]! : words[room]! + most - left);
    return left;
  }

  /** The same of its list of blocks of others' slabs. */
  #drainForeign(thread: ThreadIdentity, sizeClass: number, most: number): number {
    const { journal, threads } = this.#memory;
    if (!threads.isStill(thread)) return 0;
    const left = this.#give(firstWordOf(thread.slot) + CACHE_FOREIGN + sizeClass, sizeClass, most);
    journal.set(firstWordOf(thread.slot) + CACHE_FOREIGN_COUNTS + sizeClass, left);
    return left;
  }

  #give(head: number, sizeClass: number, most: number): number {
    const { journal, words } = this.#memory;
    let ptr = words[head]!, left = most;
    for (; left > 0 && this.#source.hasRoom && this.#source.mayFree(sizeClass, ptr); left--) {
      const next = words[ptr >> 2]!;
      this.#source.give(sizeClass, ptr, ptr, 1);
      ptr = next;
    }
    const isOver = left === 0 || !this.#source.mayFree(sizeClass, ptr); // the end of the list, or damage
    journal.set(head, isOver ? 0 : ptr);
    return isOver ? 0 : left;
  }
}
