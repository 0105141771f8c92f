/**
 * The thread table: which thread has which thread cache, four words for each.
 *
 * ```
 *   | OS thread id; 0: the slot is free | its start time; 0: not known yet | seal; 0: not yet; its complement: it is leaving | generation |
 *
 *         claim: compare-and-swap of the id, then the start, then the seal
 *   free ---------------------------------------------------> attached ------> dead: its OS thread has ended
 *    ^                                                          |              |
 *    |    release: seal = 0, start = 0,                         v              |  another thread gives its lists back
 *    |    generation + 1, id = 0                                |              |
 *    +------------------------------------------------------- leaving <--------'
 * ```
 *
 * Invariants: an id is written from 0 by whoever claims; to 0 by its own thread, or by another in a section which has
 * seen that the slot is still that of the dead; and then the cache's lists are empty. So who claims a slot has an empty
 * cache. Nothing of a slot is logged: a claim that came since must not be undone. The start goes before the id, so who
 * reads an id, then a start, then the same id, has read the start of that thread, or 0. And the generation goes before the
 * id: no two threads have a slot in one generation, so a slot and its generation name a thread.
 *
 * The seal follows from the other three. A slot that it does not fit was overwritten, by C code for instance: nobody takes
 * it for free, or its thread for dead or leaving, since the heap's memory could go from under one that lives. As long as there
 * is such a slot the memory stays. Who claims or releases has no seal, or one of before, for a moment: that hurts nobody.
 *
 * A slot is dead when the operating system has no such thread, or one with another start: a Worker that is terminated
 * in the middle of something runs on for as long as it takes, and a number may come again. There is no third state for a
 * dead slot that is being given back: each section of that work looks again whose the slot is, and whether that one is
 * dead (`../threads/reclaim.ts`). A slot whose thread is dead in a section stays as it is until the section ends.
 *
 * The lock has the slot and the generation of its holder in one word, or the OS thread id, negative, of one that has no
 * slot: it attaches while all are taken, and looks whether one is of the dead.
 *
 * @module
 */

import { OsError, type VirtualMemory } from "../../os/mod.ts";
import type { Journal } from "./journal.ts";
import { MAX_CACHES, THREAD_WORDS, WORD_THREADS, WORD_THREADS_USED } from "./layout.ts";

const ENOENT = 2;

/** Words of a slot. */
export const THREAD_ID = 0;
export const THREAD_START = 1;
export const THREAD_SEAL = 2;
export const THREAD_GENERATION = 3;

/** Instead of a slot: none. */
export const NO_THREAD = -1;

/** The lock's word: the slot, plus 1, below; the generation above, modulo 2^23, so that the word is positive. */
const OWNER_SLOT_BITS = 8;
const OWNER_SLOT_MASK = (1 << OWNER_SLOT_BITS) - 1;
const OWNER_GENERATION_MASK = 0x7f_ffff;

/** Who a slot belongs to, so that it can be seen whether that has changed. */
export interface ThreadIdentity {
  readonly slot: number;
  readonly id: number;
  readonly start: number;
  readonly generation: number;
  /** Whether the words of the slot fit one another, and say that the thread is leaving. */
  readonly isSound: boolean;
  readonly isLeaving: boolean;
}

/** See the module. */
export class Threads {
  readonly #words: Int32Array;
  readonly #system: VirtualMemory;

  constructor(words: Int32Array, system: VirtualMemory) {
    this.#words = words;
    this.#system = system;
  }

  /**
   * A slot for the thread that calls; `NO_THREAD` if all are taken.
   *
   * @throws {OsError} if the system does not tell which threads there are: no lock could ever be taken from the dead.
   */
  claim(): number {
    const id = this.#system.threadId(), start = this.#system.threadStart(id);
    if (start === 0) throw new OsError(`threadStart(${id})`, ENOENT);
    for (let slot = 0; slot < MAX_CACHES; slot++) {
      const at = wordOfThread(slot);
      if (this.#words[at + THREAD_START] !== 0) continue; // taken, though its id may have been overwritten
      if (Atomics.compareExchange(this.#words, at + THREAD_ID, 0, id) !== 0) continue;
      Atomics.store(this.#words, at + THREAD_START, start);
      Atomics.store(this.#words, at + THREAD_SEAL, this.#sealNow(slot));
      for (let used = -1; used <= slot;) {
        used = Atomics.compareExchange(this.#words, WORD_THREADS_USED, used, Math.max(used, slot + 1));
      }
      return slot;
    }
    return NO_THREAD;
  }

  /** Slots that have ever been in use: the first so many. All of them, if the number was overwritten. */
  get used(): number {
    const used = Atomics.load(this.#words, WORD_THREADS_USED);
    return used >= 0 && used <= MAX_CACHES ? used : MAX_CACHES;
  }

  /** Whose slots are taken, dead threads' among them, and those that are leaving. */
  taken(): ThreadIdentity[] {
    const taken: ThreadIdentity[] = [];
    for (let slot = 0; slot < MAX_CACHES; slot++) {
      const thread = this.#who(slot);
      if (thread !== undefined) taken.push(thread);
    }
    return taken;
  }

  /** Whether a slot but this one is taken, and not by a thread that is leaving. */
  hasOther(own: number): boolean {
    return this.taken().some(({ slot, isLeaving }) => slot !== own && !isLeaving);
  }

  #sealNow(slot: number): number {
    const at = wordOfThread(slot), words = this.#words;
    return sealOf(words[at + THREAD_ID]!, words[at + THREAD_START]!, words[at + THREAD_GENERATION]!);
  }

  /** Says that the thread of a slot is leaving. Part of a section. */
  leave(slot: number, journal: Journal): void {
    journal.set(wordOfThread(slot) + THREAD_SEAL, ~this.#sealNow(slot));
  }

  #who(slot: number): ThreadIdentity | undefined {
    const at = wordOfThread(slot);
    for (;;) {
      const id = Atomics.load(this.#words, at + THREAD_ID);
      const generation = Atomics.load(this.#words, at + THREAD_GENERATION);
      const start = Atomics.load(this.#words, at + THREAD_START);
      const seal = Atomics.load(this.#words, at + THREAD_SEAL);
      if (Atomics.load(this.#words, at + THREAD_ID) !== id) continue;
      if (id === 0 && start === 0) return undefined;
      const due = sealOf(id, start, generation), isLeaving = seal === ~due;
      return { slot, id, start, generation, isSound: id !== 0 && (isLeaving || seal === due || seal === 0), isLeaving };
    }
  }

  /** Whether a slot is still the same thread's, and that one is gone. */
  isStillDead({ slot, id, generation }: ThreadIdentity): boolean {
    const now = this.#who(slot);
    return now !== undefined && now.id === id && now.generation === generation && now.isSound && this.isDead(now);
  }

  /**
   * Whether the thread is gone. One that has not said when it started is judged by its number alone; one of which the
   * system says nothing now, being out of file descriptors, lives.
   */
  isDead({ id, start }: Pick<ThreadIdentity, "id" | "start">): boolean {
    try {
      const now = this.#system.threadStart(id);
      return now === 0 || (start !== 0 && now !== start);
    } catch (error) {
      if (error instanceof OsError) return false;
      throw error;
    }
  }

  /** What the lock has when the thread holds it that has a slot now. */
  ownerOf(slot: number): number {
    return ownerIn(slot, Atomics.load(this.#words, wordOfThread(slot) + THREAD_GENERATION));
  }

  /** What the lock has when the thread that calls holds it, and has no slot. */
  ownerWithoutSlot(): number {
    return -this.#system.threadId();
  }

  /**
   * Whether the holder of the lock is gone. If the lock has another holder since, the answer means nothing. One whose
   * slot is free, or another's, has died, and lost it while nobody wanted the lock. One without a slot is judged by its
   * number alone: should that come again, it is gone when the next one is. The thread that asks waits,
   * so it does not hold the lock, whatever the word says: that was overwritten.
   */
  isDeadOwner(owner: number): boolean {
    const slot = slotOfOwner(owner);
    const self = this.#system.threadId();
    if (slot === NO_THREAD) return -owner === self || this.isDead({ id: -owner, start: 0 });
    const thread = slot < MAX_CACHES ? this.#who(slot) : undefined;
    return thread === undefined || thread.id === self || ownerIn(slot, thread.generation) !== owner ||
      this.isDead(thread);
  }

  /** Of a holder of the lock that sleeps a number that stays the same while it has hardly run; else 0. */
  sleepOf(owner: number): number {
    const slot = slotOfOwner(owner), id = slot === NO_THREAD ? -owner : this.#who(slot)?.id;
    try {
      return id === undefined ? 0 : this.#system.threadSleep(id);
    } catch (error) {
      if (error instanceof OsError) return 0;
      throw error;
    }
  }

  /** Makes a slot free. Its cache's lists are empty. */
  release(slot: number): void {
    const at = wordOfThread(slot);
    Atomics.store(this.#words, at + THREAD_SEAL, 0);
    Atomics.store(this.#words, at + THREAD_START, 0);
    Atomics.store(this.#words, at + THREAD_GENERATION, this.#words[at + THREAD_GENERATION]! + 1);
    Atomics.store(this.#words, at + THREAD_ID, 0);
  }
}

/** A number that follows from the words of a slot; 0 is neither it nor its complement. */
function sealOf(id: number, start: number, generation: number): number {
  const mixed = Math.imul(id ^ Math.imul(start ^ Math.imul(generation, 0x85eb_ca6b), 0xc2b2_ae35), 0x9e37_79b1);
  return (mixed ^ mixed >>> 15) & ~3 | 2;
}

/** What the lock has when the thread holds it that has a slot in one generation. */
function ownerIn(slot: number, generation: number): number {
  return (generation & OWNER_GENERATION_MASK) << OWNER_SLOT_BITS | slot + 1;
}

/** The slot of the lock's holder; `NO_THREAD` if it has none. */
export function slotOfOwner(owner: number): number {
  return owner < 0 ? NO_THREAD : (owner & OWNER_SLOT_MASK) - 1;
}

/** Index of the first word of a slot. */
export function wordOfThread(slot: number): number {
  return WORD_THREADS + slot * THREAD_WORDS;
}
