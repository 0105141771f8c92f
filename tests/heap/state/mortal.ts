/**
 * A journal that can be told to die: from some write on it does nothing more, the lock stays taken, the undo log as it is. The
 * thread table says then that the thread has ended, or the thread really ends. And threads that are dead from the start.
 */

import { Journal, type Wait } from "../../../src/heap/state/journal.ts";
import {
  CACHE_ROOMS,
  firstWordOf,
  LOG_OFFSET,
  MAX_CACHES,
  WORD_LOCK,
  WORD_LOG_LENGTH,
  WORD_THREADS_USED,
} from "../../../src/heap/state/layout.ts";
import type { Heap, SharedHeap } from "../../../src/heap/mod.ts";
import { sizeClasses } from "../../../src/heap/core/size_classes.ts";
import { attachWith, viewState } from "../../../src/heap/inspect/mod.ts";
import { listCapacities } from "../../../src/heap/threads/thread_cache.ts";
import {
  entryOfOwner,
  NO_THREAD,
  THREAD_ID,
  THREAD_SEAL,
  THREAD_START,
  wordOfThread,
} from "../../../src/heap/state/thread_table.ts";

/** Thrown by the thread that dies. */
export class Death extends Error {}

/** A number that no thread has. */
const NOBODY = 0x7fff_fffe;

/** Gives all slots that are free to threads that have ended without having done anything. */
export function fillWithDead(heap: Heap): void {
  const { flags } = heap, words = viewState(heap);
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

/** Says of the thread of a slot that it has ended, as if it had died before it sealed its slot. */
export function pretendDead(words: Int32Array, slot: number): void {
  const seal = wordOfThread(slot) + THREAD_SEAL, log = new Float64Array(words.buffer, words.byteOffset + LOG_OFFSET);
  words[seal] = 0;
  words[wordOfThread(slot) + THREAD_START] = -1;
  // In the middle of saying that it leaves it has a seal that comes back.
  for (let at = 0; at < words[WORD_LOG_LENGTH]!; at++) if (log[at * 2] === seal) log[at * 2 + 1] = 0;
}

/** Slots that such threads still have. */
export function countDead(heap: Heap): number {
  const words = viewState(heap);
  const slots = Array.from({ length: MAX_CACHES }, (_, slot) => slot);
  return slots.filter((slot) => words[wordOfThread(slot) + THREAD_ID] === NOBODY).length;
}

/** How long a thread lives, whose journals these are: of a debug build also that of its books. */
export class Life {
  /** Steps left to live. */
  left = Infinity;
  /** Of its death, where it happened. */
  stack = "";
  /** Whether the thread table is told; if not, the thread has to end. */
  tells = true;
  /** The heap's is the first. */
  readonly journals: MortalJournal[] = [];

  get isOver(): boolean {
    return this.journals.some((journal) => journal.isDead);
  }
}

/**
 * Dies before a write, when it is logged but not written, or after it: three steps a write; around a commit; or when it
 * has just got the lock, or has done all but the last commit.
 */
export class MortalJournal extends Journal {
  readonly #words: Int32Array;
  readonly #life: Life;
  #owner = 0;
  #inside = false;

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
    const life = this.#life;
    if (life.left-- > 0) return;
    for (const journal of life.journals) journal.dead = true;
    if (life.tells) { for (const journal of life.journals) journal.#tell(life.journals[0]!.#words); }
    const death = new Death();
    life.stack = death.stack!;
    throw death;
  }

  /** Says in the heap's thread table that it is dead; if it has no entry, in the locks that it has. */
  #tell(heap: Int32Array): void {
    const entry = entryOfOwner(this.#owner);
    if (entry !== NO_THREAD) pretendDead(heap, entry);
    else if (this.#inside) Atomics.store(this.#words, WORD_LOCK, -NOBODY);
  }
}

/** Attaches a heap that can die; if it dies over that, there is no heap. */
export async function attachMortal(shared: SharedHeap, left = Infinity): Promise<{ heap?: Heap; life: Life }> {
  const life = new Life();
  life.left = left;
  try {
    return { heap: await attachWith((words) => new MortalJournal(words, life), shared), life };
  } catch (error) {
    if (!(error instanceof Death)) throw error;
    return { life };
  }
}
