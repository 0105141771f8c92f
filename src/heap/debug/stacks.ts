/**
 * Stacks of the calls that allocate and free, in a debug build.
 *
 * - To have V8 write a stack costs as much as two captures, for any number of stacks. So 64 are made text together:
 *   what was captured is held until then, or until the program's turn ends, before which nothing is said to be
 *   collected. In a shared heap each is made text at once.
 * - What C allocates through a native allocator has the stack of the program's call of C, where that is known
 *   (`NativeAllocator.call`): captured once, for all that C does in it.
 * - Where even that is too much, one allocation in n has a stack: over a program's run, a leak that matters is still
 *   seen.
 *
 * A block's record has the number of a stack in the books' table (`../stacks/table.ts`). Until its text is made the record
 * has a *mark*, a number below 0 that only this thread can make something of.
 *
 * @module
 */

import {
  BOOK_STACKS_END,
  BOOK_STACKS_EVERY,
  STACKS_BUCKETS,
  STACKS_BYTES,
  STACKS_WORD,
} from "../state/books_layout.ts";
import type { CallSite, CallSites } from "../blocks.ts";
import { HeapError } from "../errors.ts";
import {
  capture,
  type Captured,
  captureDeep,
  KnownStacks,
  makeTexts,
  prepareTexts,
  type Stack,
} from "../stacks/capture.ts";
import { StackTable } from "../stacks/table.ts";
import type { BooksMemory } from "../state/memory.ts";

/** A call of C's. It is over before its turn ends, and so holds nothing that would not be alive. */
class Site implements CallSite {
  readonly isCallSite = true;
  readonly captured: Captured;
  /** Its text, from the first block on. */
  stack: Stack | undefined = undefined;

  constructor(captured: Captured) {
    this.captured = captured;
  }
}

/** Where a call came from, that is to have a stack. */
export type Origin = Captured | Site;

/** A record's word that has a mark, a negative number, as long as its stack is not text. */
interface Owed {
  readonly captured: Captured;
  readonly word: number;
  readonly mark: number;
}

/** So many are made text together, which costs four microseconds more than to make that of each. */
const OWED_MOST = 64;

/** Said of a stack that its thread did not make text of. */
const LOST_TEXT = "    not kept: the thread ended";

/** The stacks of one heap, as one thread has them. What writes is part of a section of the books. */
export class DebugStacks implements CallSites {
  next: CallSite | undefined = undefined;
  isDeep = false;
  /** One allocation in so many has stacks; 0: none. */
  readonly every: number;
  readonly #isAlwaysText: boolean;
  readonly #memory: BooksMemory;
  readonly #table: StackTable;
  readonly #known = new KnownStacks();
  #owed: Owed[] = [];
  #isTurnWatched = false;
  #mark = 0;
  #left = 0;
  /** Writes what is owed, in a section, at the end of the turn. */
  readonly #atEndOfTurn: () => void;

  /**
   * @param every of a heap that is new.
   * @param section what a section of the books is run by.
   * @param isAtOnce whether each is made text at once: a handler of signals makes none.
   */
  constructor(
    memory: BooksMemory,
    every?: number,
    section = (body: () => void): void => memory.journal.run(body),
    isAtOnce = false,
  ) {
    this.#isAlwaysText = isAtOnce;
    this.#memory = memory;
    this.#table = new StackTable({
      words: memory.words,
      journal: memory.journal,
      first: STACKS_WORD,
      bytes: STACKS_BYTES,
      buckets: STACKS_BUCKETS,
      end: BOOK_STACKS_END,
      own: 0,
    });
    if (every !== undefined) {
      memory.words[BOOK_STACKS_EVERY] = every;
      this.#table.begin();
    }
    this.every = memory.words[BOOK_STACKS_EVERY]!;
    if (this.every > 0) prepareTexts();
    this.#atEndOfTurn = () => {
      this.#isTurnWatched = false;
      if (this.#owed.length === 0 || memory.words.length === 0) return;
      try {
        section(() => this.settle());
      } catch (error) {
        if (!(error instanceof HeapError)) throw error; // the next call says so
      }
    };
  }

  /** A stack for an allocation by a function, or undefined if it is not this one's turn. The first has one. */
  sample(callee: (...args: never[]) => unknown): Origin | undefined {
    const site = this.takeNext(), { isDeep } = this;
    this.isDeep = false;
    if (this.every === 0) return undefined;
    if (this.#left-- > 0) return undefined;
    this.#left = this.every - 1;
    return site ?? this.#kept(isDeep ? captureDeep(callee) : capture(callee));
  }

  site(callee: (...args: never[]) => unknown): Site | undefined {
    return this.every === 0 ? undefined : new Site(capture(callee));
  }

  /** Where C was called, if this call of the heap is C's. What the program does in the middle of it is its own. */
  takeNext(): Site | undefined {
    const site = this.next;
    this.next = undefined;
    return site as Site | undefined; // there are no others
  }

  /** The stack of the call of a function which is under way. */
  capture(callee: (...args: never[]) => unknown): Captured {
    return this.#kept(capture(callee));
  }

  /** Where other threads may ask for it, it is text. */
  #kept(captured: Captured): Captured {
    if (this.#isAtOnce) makeTexts([captured]);
    return captured;
  }

  get #isAtOnce(): boolean {
    return this.#isAlwaysText || this.#memory.journal.shared;
  }

  /** Puts the number of a stack, or a mark until `settle`, into a word of a record. */
  note(origin: Origin, word: number): void {
    const { journal } = this.#memory;
    if (origin instanceof Site) return journal.set(word, this.keep(origin.stack ??= this.#textOf(origin.captured)));
    if (this.#isAtOnce) return journal.set(word, this.keep(this.#known.of(origin)));
    if (!this.#isTurnWatched) queueMicrotask(this.#atEndOfTurn);
    this.#isTurnWatched = true;
    this.#mark = this.#mark === -(2 ** 31) ? -1 : this.#mark - 1;
    this.#owed.push({ captured: origin, word, mark: this.#mark });
    journal.set(word, this.#mark);
  }

  /** Whether it is time to `settle`. */
  get isDue(): boolean {
    return this.#owed.length >= OWED_MOST;
  }

  /**
   * Makes text of the stacks that are not text yet, and lets go of what they hold. A block that is forgotten needs
   * none.
   */
  settle(): void {
    if (this.#owed.length === 0) return;
    const { journal, words } = this.#memory, owed = this.#owed.filter(({ word, mark }) => words[word] === mark);
    makeTexts(owed.map(({ captured }) => captured));
    for (const { captured, word } of owed) journal.set(word, this.keep(this.#known.of(captured)));
    journal.keep();
    this.#owed = [];
  }

  #textOf(captured: Captured): Stack {
    makeTexts([captured]);
    return this.#known.of(captured);
  }

  /** The number of a stack, for a record; 0 for none. */
  keep(stack: Stack | undefined): number {
    return this.#table.keep(stack);
  }

  /** A stack as lines; undefined where there is none. */
  text(number: number): string | undefined {
    if (number === 0) return undefined;
    const owed = number < 0 ? this.#owed.find(({ mark }) => mark === number) : undefined;
    if (owed !== undefined) return this.#textOf(owed.captured).text;
    return number < 0 ? LOST_TEXT : this.#table.text(number);
  }
}
