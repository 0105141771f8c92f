/**
 * The thread table: which thread has which thread cache, four words for each.
 *
 * ```
 *   | OS thread id; 0: the entry is free | its start time; 0: not known yet | seal; 0: not yet; its complement: it is leaving | tenure |
 *
 *         claim: compare-and-swap of the id, then the start, then the seal
 *   free ---------------------------------------------------> attached ------> dead: its OS thread has ended
 *    ^                                                          |              |
 *    |    release: seal = 0, start = 0,                         v              |  another thread gives its lists back
 *    |    tenure + 1, id = 0                                    |              |
 *    +------------------------------------------------------- leaving <--------'
 * ```
 *
 * Invariants: an id is written from 0 by whoever claims; to 0 by its own thread, or by another in a section which has
 * seen that the entry is still that of the dead; and then the cache's lists are empty. So a thread that claims an entry
 * has an empty cache. Nothing of an entry is logged: a claim that came since must not be undone. The start goes before
 * the id, so whoever reads an id, then a start, then the same id, has read the start of that thread, or 0. And the
 * tenure goes before the id: no two threads have an entry in one tenure, so an entry and its tenure name a thread.
 *
 * The seal follows from the other three. An entry that it does not fit was overwritten, by C code for instance: nobody
 * takes it for free, or its thread for dead or leaving, since the heap's memory could go from under one that lives. As
 * long as there is such an entry the memory stays. An entry that is being claimed or released has no seal, or an old
 * one, for a moment: that hurts nobody.
 *
 * An entry is dead when the operating system has no such thread, or one with another start: a Worker that is terminated
 * in the middle of something runs on for as long as it takes, and a number may come again. There is no third state for
 * a dead entry that is being given back: each section of that work looks again whose the entry is, and whether that one
 * is dead (`../threads/reclaim.ts`). An entry whose thread is dead in a section stays as it is until the section ends.
 *
 * The lock has the entry and the tenure of its holder in one word, or the OS thread id, negative, of one that has no
 * entry: it attaches while all are taken, and looks whether one is of the dead.
 *
 * @module
 */

import { OsError, type VirtualMemory } from "../../os/mod.ts";
import type { Journal } from "./journal.ts";
import { MAX_CACHES, THREAD_WORDS, WORD_THREADS, WORD_THREADS_USED } from "./layout.ts";

const ENOENT = 2;

/** Words of an entry. */
export const THREAD_ID = 0;
export const THREAD_START = 1;
export const THREAD_SEAL = 2;
export const THREAD_TENURE = 3;

/** Instead of an entry: none. */
export const NO_THREAD = -1;

/** The lock's word: the entry, plus 1, below; the tenure above, modulo 2^23, so that the word is positive. */
const OWNER_ENTRY_BITS = 8;
const OWNER_SLOT_MASK = (1 << OWNER_ENTRY_BITS) - 1;
const OWNER_TENURE_MASK = 0x7f_ffff;

/** Who an entry belongs to, so that it can be seen whether that has changed. */
export interface ThreadIdentity {
  readonly entry: number;
  readonly id: number;
  readonly start: number;
  readonly tenure: number;
  /** Whether the words of the entry fit one another, and say that the thread is leaving. */
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
   * An entry for the thread that calls; `NO_THREAD` if all are taken.
   *
   * @throws {OsError} if the system does not tell which threads there are: no lock could ever be taken from the dead.
   */
  claim(): number {
    const id = this.#system.threadId(), start = this.#system.threadStart(id);
    if (start === 0) throw new OsError(`threadStart(${id})`, ENOENT);
    for (let entry = 0; entry < MAX_CACHES; entry++) {
      const at = wordOfThread(entry);
      if (this.#words[at + THREAD_START] !== 0) continue; // taken, though its id may have been overwritten
      if (Atomics.compareExchange(this.#words, at + THREAD_ID, 0, id) !== 0) continue;
      Atomics.store(this.#words, at + THREAD_START, start);
      Atomics.store(this.#words, at + THREAD_SEAL, this.#sealNow(entry));
      for (let used = -1; used <= entry;) {
        used = Atomics.compareExchange(this.#words, WORD_THREADS_USED, used, Math.max(used, entry + 1));
      }
      return entry;
    }
    return NO_THREAD;
  }

  /** Entries that have ever been in use: the first so many. All of them, if the number was overwritten. */
  get used(): number {
    const used = Atomics.load(this.#words, WORD_THREADS_USED);
    return used >= 0 && used <= MAX_CACHES ? used : MAX_CACHES;
  }

  /** Whose entries are taken, dead threads' among them, and those that are leaving. */
  taken(): ThreadIdentity[] {
    const taken: ThreadIdentity[] = [];
    for (let entry = 0; entry < MAX_CACHES; entry++) {
      const thread = this.#who(entry);
      if (thread !== undefined) taken.push(thread);
    }
    return taken;
  }

  /** Whether an entry but this one is taken, and not by a thread that is leaving. */
  hasOther(own: number): boolean {
    return this.taken().some(({ entry, isLeaving }) => entry !== own && !isLeaving);
  }

  #sealNow(entry: number): number {
    const at = wordOfThread(entry), words = this.#words;
    return sealOf(words[at + THREAD_ID]!, words[at + THREAD_START]!, words[at + THREAD_TENURE]!);
  }

  /** Says that the thread of an entry is leaving. Part of a section. */
  leave(entry: number, journal: Journal): void {
    journal.set(wordOfThread(entry) + THREAD_SEAL, ~this.#sealNow(entry));
  }

  #who(entry: number): ThreadIdentity | undefined {
    const at = wordOfThread(entry);
    for (;;) {
      const id = Atomics.load(this.#words, at + THREAD_ID);
      const tenure = Atomics.load(this.#words, at + THREAD_TENURE);
      const start = Atomics.load(this.#words, at + THREAD_START);
      const seal = Atomics.load(this.#words, at + THREAD_SEAL);
      if (Atomics.load(this.#words, at + THREAD_ID) !== id) continue;
      if (id === 0 && start === 0) return undefined;
      const due = sealOf(id, start, tenure), isLeaving = seal === ~due;
      return { entry, id, start, tenure, isSound: id !== 0 && (isLeaving || seal === due || seal === 0), isLeaving };
    }
  }

  /** Whether an entry is still the same thread's, and that one is gone. */
  isStillDead({ entry, id, tenure }: ThreadIdentity): boolean {
    const now = this.#who(entry);
    return now !== undefined && now.id === id && now.tenure === tenure && now.isSound && this.isDead(now);
  }

  /**
   * Whether the thread is gone. One that has not said when it started is judged by its number alone, as all are while the
   * process is out of file descriptors, when the system says no more.
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

  /** What the lock has when the thread holds it that has an entry now. */
  ownerOf(entry: number): number {
    return ownerIn(entry, Atomics.load(this.#words, wordOfThread(entry) + THREAD_TENURE));
  }

  /** What the lock has when the thread that calls holds it, and has no entry. */
  ownerWithoutEntry(): number {
    return -this.#system.threadId();
  }

  /**
   * Whether the holder of the lock is gone. If the lock has another holder since, the answer means nothing. One whose
   * entry is free, or another's, has died, and lost it while nobody wanted the lock. One without an entry is judged by
   * its number alone: should that come again, it is gone when the next one is. The thread that asks waits,
   * so it does not hold the lock, whatever the word says: that was overwritten.
   */
  isDeadOwner(owner: number): boolean {
    const entry = entryOfOwner(owner);
    const self = this.#system.threadId();
    if (entry === NO_THREAD) return -owner === self || this.isDead({ id: -owner, start: 0 });
    const thread = entry < MAX_CACHES ? this.#who(entry) : undefined;
    return thread === undefined || thread.id === self || ownerIn(entry, thread.tenure) !== owner ||
      this.isDead(thread);
  }

  /** For a holder of the lock that sleeps, a number that stays the same while it has hardly run; otherwise 0. */
  sleepOf(owner: number): number {
    const entry = entryOfOwner(owner), id = entry === NO_THREAD ? -owner : this.#who(entry)?.id;
    try {
      return id === undefined ? 0 : this.#system.threadSleep(id);
    } catch (error) {
      if (error instanceof OsError) return 0;
      throw error;
    }
  }

  /** Makes an entry free. Its cache's lists are empty. */
  release(entry: number): void {
    const at = wordOfThread(entry);
    Atomics.store(this.#words, at + THREAD_SEAL, 0);
    Atomics.store(this.#words, at + THREAD_START, 0);
    Atomics.store(this.#words, at + THREAD_TENURE, this.#words[at + THREAD_TENURE]! + 1);
    Atomics.store(this.#words, at + THREAD_ID, 0);
  }
}

/** A number that follows from the words of an entry; 0 is neither it nor its complement. */
function sealOf(id: number, start: number, tenure: number): number {
  const mixed = Math.imul(id ^ Math.imul(start ^ Math.imul(tenure, 0x85eb_ca6b), 0xc2b2_ae35), 0x9e37_79b1);
  return (mixed ^ mixed >>> 15) & ~3 | 2;
}

/** What the lock has when the thread holds it that has an entry in one tenure. */
function ownerIn(entry: number, tenure: number): number {
  return (tenure & OWNER_TENURE_MASK) << OWNER_ENTRY_BITS | entry + 1;
}

/** The entry of the lock's holder; `NO_THREAD` if it has none. */
export function entryOfOwner(owner: number): number {
  return owner < 0 ? NO_THREAD : (owner & OWNER_SLOT_MASK) - 1;
}

/** Index of the first word of an entry. */
export function wordOfThread(entry: number): number {
  return WORD_THREADS + entry * THREAD_WORDS;
}
