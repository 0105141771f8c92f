/**
 * A journal that can be told to die: from some write on it does nothing more, the lock stays taken, the undo log as it is. The
 * thread table says then that the thread has ended, or the thread really ends.
 */

import { Journal, type Wait } from "../../src/heap/journal.ts";
import { journals } from "../../src/heap/memory.ts";
import { Heap, type SharedHeap } from "../../src/heap/mod.ts";
import { THREAD_START, wordOfThread } from "../../src/heap/threads.ts";

/** Thrown by who dies. */
export class Death extends Error {}

/** How long a thread lives, whose journals these are: of a debug build also that of its books. */
export class Life {
  /** Steps left to live. */
  left = Infinity;
  /** Whether the thread table is told; if not, the thread has to end. */
  tells = true;
  /** The heap's is the first. */
  readonly journals: MortalJournal[] = [];

  get isOver(): boolean {
    return this.journals.some((journal) => journal.isDead);
  }
}

/** Dies before a write, when it is logged but not written, or after it: three steps a write; and around a commit. */
export class MortalJournal extends Journal {
  readonly #words: Int32Array;
  readonly #life: Life;
  #owner = 0;

  constructor(words: Int32Array, life: Life) {
    super(words);
    this.#words = words;
    this.#life = life;
    life.journals.push(this);
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
    if (this.#life.left === 0) this.#words[index] = old;
    this.#step();
    this.#step();
  }

  override keep(): void {
    this.#step();
    super.keep();
    this.#step();
  }

  override run<Result>(body: () => Result): Result {
    if (this.dead) throw new Death();
    return super.run(body);
  }

  #step(): void {
    if (this.#life.left-- > 0) return;
    const { journals, tells } = this.#life;
    for (const journal of journals) journal.dead = true;
    if (tells) Atomics.store(journals[0]!.#words, wordOfThread(this.#owner - 1) + THREAD_START, -1);
    throw new Death();
  }
}

/** Attaches a heap that can die; if it dies over that, there is no heap. */
export async function attachMortal(shared: SharedHeap, left = Infinity): Promise<{ heap?: Heap; life: Life }> {
  const make = journals.make, life = new Life();
  life.left = left;
  journals.make = (words) => new MortalJournal(words, life);
  try {
    return { heap: await Heap.attach(shared), life };
  } catch (error) {
    if (!(error instanceof Death)) throw error;
    return { life };
  } finally {
    journals.make = make;
  }
}
