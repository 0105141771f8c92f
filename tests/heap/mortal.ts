/**
 * A journal that can be told to die: from some write on it does nothing more, the lock stays taken, the undo log as it is. The
 * thread table says then that the thread has ended, or the thread really ends.
 */

import { Journal, type Wait } from "../../src/heap/journal.ts";
import { THREAD_START, wordOfThread } from "../../src/heap/threads.ts";

/** Thrown by who dies. */
export class Death extends Error {}

/** Dies before a write, when it is logged but not written, or after it: three steps a write. */
export class MortalJournal extends Journal {
  /** Steps left to live. */
  life = Infinity;
  /** Whether the thread table is told; if not, the thread has to end. */
  tells = true;
  readonly #words: Int32Array;
  #owner = 0;

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
    return super.run(body);
  }

  #step(): void {
    if (this.life-- > 0) return;
    this.dead = true;
    if (this.tells) Atomics.store(this.#words, wordOfThread(this.#owner - 1) + THREAD_START, -1);
    throw new Death();
  }
}
