/**
 * Gives back what threads had that ended without `close()`, such as a Worker that was terminated: the blocks on their
 * free lists go to the slabs, their slabs lose their owner, and their entries in the thread table become free. What is
 * done is a number of sections, in each of which the entry is still the dead thread's; so two threads may do it at
 * once, and one that dies over it leaves the rest to the next.
 *
 * A thread may have died between two stores of `malloc` or `free`, and it may be the one with the bug: so its counts
 * are not believed, and its lists are followed as long as each link leads to a block of the class that may be free.
 * What comes after the first that does not is lost, as is a block that was under way between list and program.
 *
 * A thread that attaches while all entries are taken does the same before it has one. Only the lock keeps the heap from
 * being closed meanwhile: so each section looks whether it is open.
 *
 * @module
 */

import { ClassSlabs } from "../core/class_slabs.ts";
import type { Flags } from "../flags.ts";
import { CACHE_HEADS, CACHE_ROOMS, firstWordOf } from "../state/layout.ts";
import { LargeBlocks } from "../core/large.ts";
import { Links } from "../core/links.ts";
import { Magazines } from "./magazines.ts";
import type { HeapMemory } from "../state/memory.ts";
import { PageHeap } from "../core/page_heap.ts";
import { RemoteFrees } from "./remote_frees.ts";
import { sizeClasses } from "../core/size_classes.ts";
import { Slabs } from "../core/slabs.ts";
import { listCapacities } from "./thread_cache.ts";
import type { ThreadIdentity } from "../state/thread_table.ts";

/** See the module. */
export class Reclaimer {
  readonly #memory: HeapMemory;
  readonly #source: ClassSlabs;
  readonly #remote: RemoteFrees;
  readonly #magazines: Magazines;
  readonly #large: LargeBlocks;
  /** By class: the most blocks that a list has. */
  readonly #capacities: readonly number[];

  constructor(
    memory: HeapMemory,
    source: ClassSlabs,
    remote: RemoteFrees,
    magazines: Magazines,
    large: LargeBlocks,
    capacities: readonly number[],
  ) {
    this.#memory = memory;
    this.#magazines = magazines;
    this.#large = large;
    this.#source = source;
    this.#remote = remote;
    this.#capacities = capacities;
  }

  /** Does it for all threads that have ended. Cost: some microseconds for each entry that is taken. */
  reclaim(): void {
    const { journal, thread: own, threads } = this.#memory;
    if (!journal.shared) return;
    for (const thread of threads.taken()) {
      if (thread.entry === own || !thread.isSound || !threads.isDead(thread)) continue;
      this.#capacities.forEach((capacity, sizeClass) => {
        do {
          for (let left = capacity; left > 0;) left = journal.run(() => this.#drain(thread, sizeClass, left));
        } while (journal.run(() => this.#revive(thread, sizeClass)));
      });
      while (journal.run(() => this.#emptyRings(thread)));
      this.#large.flushDead(thread.entry, () => this.#memory.isOpenToAll && threads.isStillDead(thread));
      for (let from = 0;;) {
        from = journal.run(() => this.#abandon(thread, from));
        if (from === 0) break;
      }
      journal.run(() => this.#release(thread));
    }
  }

  /** Gives back what is in the rings between it and all entries; whether some may be left. */
  #emptyRings(thread: ThreadIdentity): boolean {
    const { isOpenToAll, threads } = this.#memory;
    if (!isOpenToAll) return false;
    for (let other = 0; other < threads.used; other++) {
      if (!this.#remote.hasToGive(thread.entry, other)) continue;
      if (!threads.isStillDead(thread)) return false;
      this.#remote.giveBackOf(thread.entry, other);
      return true;
    }
    return false;
  }

  /** Makes its slabs nobody's; returns the first that is left, or 0. */
  #abandon(thread: ThreadIdentity, from: number): number {
    const { isOpenToAll, threads } = this.#memory;
    return isOpenToAll && threads.isStillDead(thread) ? this.#source.abandon(thread.entry, from) : 0;
  }

  /** Not if the system did not say, a moment ago, that the thread is dead: then its lists are as they were. */
  #release(thread: ThreadIdentity): void {
    const { isOpenToAll, threads } = this.#memory;
    if (isOpenToAll && threads.isStillDead(thread) && this.#memory.isCacheEmpty(thread.entry)) {
      threads.release(thread.entry);
    }
  }

  /** Makes the latest of its magazines its list, if it has one. */
  #revive(thread: ThreadIdentity, sizeClass: number): boolean {
    const { isOpenToAll, threads } = this.#memory, first = firstWordOf(thread.entry);
    return isOpenToAll && this.#magazines.latest(first, sizeClass) !== 0 && threads.isStillDead(thread) &&
      this.#magazines.revive(first, sizeClass);
  }

  /** Gives back blocks of a free list, at most `most`; returns how many there may be more. */
  #drain(thread: ThreadIdentity, sizeClass: number, most: number): number {
    const { isOpenToAll, journal, threads, words } = this.#memory;
    if (!isOpenToAll) return 0;
    const head = firstWordOf(thread.entry) + CACHE_HEADS + sizeClass;
    const room = firstWordOf(thread.entry) + CACHE_ROOMS + sizeClass;
    const isEmpty = words[head] === 0 && words[room] === this.#capacities[sizeClass]!;
    if (isEmpty || !threads.isStillDead(thread)) return 0; // to ask the system takes longer than most sections
    const left = this.#give(head, sizeClass, most, this.#magazines.latest(firstWordOf(thread.entry), sizeClass));
    journal.set(room, left === 0 ? this.#capacities[sizeClass]! : words[room]! + most - left);
    return left;
  }

  /** The list ends where it leads into the latest magazine: the thread died in the middle of a move. */
  #give(head: number, sizeClass: number, most: number, magazine: number): number {
    const { blocks, journal, words } = this.#memory;
    let ptr = words[head]!, left = most;
    const isEnd = (): boolean => ptr === magazine || !this.#source.mayFree(sizeClass, ptr); // or damage
    for (; left > 0 && this.#source.hasRoom && !isEnd(); left--) {
      const next = blocks[ptr >> 2]!;
      this.#source.give(sizeClass, ptr, ptr, 1);
      ptr = next;
    }
    const isOver = left === 0 || isEnd();
    journal.set(head, isOver ? 0 : ptr);
    return isOver ? 0 : left;
  }
}

/** Gives back what the dead have, for a thread that has no entry yet, and so no parts to do it with. */
export function reclaimWithoutEntry(memory: HeapMemory, flags: Flags): void {
  const classes = sizeClasses(flags.classes, flags.header === "byte");
  const pages = new PageHeap(memory),
    slabs = new Slabs(memory, pages, classes),
    links = new Links(memory, slabs, classes, flags);
  const source = new ClassSlabs(memory, slabs, classes, links, undefined);
  const remote = new RemoteFrees(memory, slabs, source, classes, links, undefined);
  const capacities = listCapacities(classes, flags);
  const magazines = new Magazines(memory, classes, capacities, links, undefined);
  new Reclaimer(memory, source, remote, magazines, new LargeBlocks(memory, pages, flags), capacities).reclaim();
}
