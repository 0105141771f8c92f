/**
 * A journal that can be told to die: from some write on it does nothing more, the lock stays taken, the undo log as it is. The
 * thread table says then that the thread has ended, or the thread really ends. And threads that are dead from the start.
 */

import { Journal, type Wait } from "../../src/heap/journal.ts";
import { CACHE_ROOMS, firstWordOf, MAX_CACHES, WORD_LOCK, WORD_THREADS_USED } from "../../src/heap/layout.ts";
import type { Heap } from "../../src/heap/mod.ts";
import { sizeClasses } from "../../src/heap/size_classes.ts";
import { listCapacities } from "../../src/heap/thread_cache.ts";
import { NO_THREAD, slotOfOwner, THREAD_ID, THREAD_START, wordOfThread } from "../../src/heap/threads.ts";

/** Thrown by who dies. */
export class Death extends Error {}

/** A number that no thread has. */
const NOBODY = 0x7fff_fffe;

/** Gives all slots that are free to threads that have ended without having done anything. */
export function fillWithDead({ i32: words, flags }: Heap): void {
  const capacities = listCapacities(sizeClasses(flags.classes, flags.header === "byte"), flags);
  for (let slot = 0; slot < MAX_CACHES; slot++) {
    const at = wordOfThread(slot);
    if (words[at + THREAD_ID] !== 0) continue;
    words[at + THREAD_ID] = NOBODY;
    words[at + THREAD_START] = 1;
    words.set(capacities, firstWordOf(slot) + CACHE_ROOMS);
  }
  words[WORD_THREADS_USED] = MAX_CACHES;
}

/** Slots that such threads still have. */
export function countDead({ i32: words }: Heap): number {
  const slots = Array.from({ length: MAX_CACHES }, (_, slot) => slot);
  return slots.filter((slot) => words[wordOfThread(slot) + THREAD_ID] === NOBODY).length;
}

/**
 * Dies before a write, when it is logged but not written, or after it: three steps a write; or when it has just got the
 * lock, or has done all but the commit.
 */
export class MortalJournal extends Journal {
  /** Steps left to live. */
  life = Infinity;
  /** Of its death, where it happened. */
  stack = "";
  /** Whether the thread table is told; if not, the thread has to end. */
  tells = true;
  readonly #words: Int32Array;
  #owner = 0;
  #inside = false;

  constructor(words: Int32Array) {
    super(words);
    this.#words = words;
  }

  get isDead(): boolean {
    return this.dead;
  }

  override share(owner: number, wait: Wait): void {
    super.share(owner, wait);
    this.#owner = owner;
  }

  override set(index: number, value: number): void {
    const old = this.#words[index]!;
    this.#step();
    super.set(index, value);
    if (this.life === 0) this.#words[index] = old;
    this.#step();
    this.#step();
  }

  override run<Result>(body: () => Result): Result {
    if (this.dead) throw new Death();
    if (this.#inside) return super.run(body);
    try {
      return super.run(() => {
        this.#inside = true;
        this.#step();
        const result = body();
        this.#step();
        return result;
      });
    } finally {
      this.#inside = false;
    }
  }

  #step(): void {
    if (this.life-- > 0) return;
    this.dead = true;
    if (this.tells) this.#tell();
    const death = new Death();
    this.stack = death.stack!;
    throw death;
  }

  #tell(): void {
    const slot = slotOfOwner(this.#owner);
    if (slot !== NO_THREAD) Atomics.store(this.#words, wordOfThread(slot) + THREAD_START, -1);
    else Atomics.store(this.#words, WORD_LOCK, -NOBODY);
  }
}
