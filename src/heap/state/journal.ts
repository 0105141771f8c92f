/**
 * The journal: an undo log in the heap's own memory, which makes each change of the heap's tables whole or undone.
 *
 * Everything but the hot path runs in *sections*. A section writes every word through `set`, which keeps the old value
 * first; at its end the log is emptied, and that is the commit. What ends a section earlier leaves the log behind, and
 * writing the old values back, last first, leaves the heap as it was before the section:
 *
 * ```
 *   set(index, value):  log[n] = (index, old value);  n = n + 1;  words[index] = value
 *   commit:             n = 0
 *   roll back:          n = n - 1;  words[log[n].index] = log[n].old;  until n is 0
 * ```
 *
 * - An exception, stack overflow among them, is rolled back by the section's own thread before it passes on.
 * - A heap that several threads have has one lock around all sections (`lock.ts`). If its holder dies, the thread that
 *   takes the lock next finds the log, and rolls it back first. A thread that dies while rolling back leaves the rest to
 *   the next: a value may be written back twice.
 *
 * **What is read without the lock must be true whatever becomes of the section that wrote it.** A word that was set may
 * come back as it was, and its reader has gone on: so such a word is either one that its reader only takes as a hint,
 * and asks again in a section; or it is stored once the section is committed (`publish`), and its reader can do with
 * the value of before, since a thread may die between the two stores. These words are, by their writers:
 *
 * | word | its reader without the lock |
 * |---|---|
 * | slab map, in sections | `free`, of a slab that has live blocks: its class stays; a wrong owner gets the block by ring, and asks the map again, as its taker does (`../threads/remote_frees.ts`) |
 * | `RING_RELEASED`, published | the sender; the value of before only makes its ring look fuller |
 * | `RING_SENT`, `RING_WRITTEN`, by the sender, who has no section | the owner that takes, and only ever in a section |
 * | span table, in sections | the thread that frees or resizes a large block of its own, whose record nobody else
 * changes |
 * | counts of granules, in sections | when to purge: a hint |
 * | thread table, by compare-and-swap, never undone | anyone; but for `THREAD_LEAVING`: a hint, asked again in the section that closes |
 * | a cached span's record, by the thread that has it, in no section | walkers in a section: exact while it is quiet |
 * | a thread's free lists, magazines and lists of spans, by it alone | `stats`, `owns`: exact while it is quiet |
 *
 * **Order.** What crosses threads without the lock is stored and loaded with `Atomics`; so is the lock, and with it all
 * that is written under it. Of V8 we assume that it makes the plain stores of one thread to typed arrays in the order of
 * the program, across calls and turns of a loop, and drops none: so whoever finds a thread dead, having asked the system,
 * finds a log that has each entry which has been written. No standard says so; `tests/heap/state/order_test.ts` looks.
 *
 * Invariants: the log is empty when nobody is inside a section; nobody but the holder of the lock writes to it; a word
 * that is shared is written in sections only, through `set`. Not logged are the links of blocks that no list has yet,
 * pages given back to the system (they are read by nobody, and giving them twice is giving them once), the thread
 * cache's own two words on the hot path; and what a thread writes to its rings (`../threads/remote_frees.ts`).
 *
 * Cost: two stores more for each word written, some nanoseconds a section, and a compare-and-swap for a shared heap.
 *
 * @module
 */

import type { Watcher } from "./counters.ts";
import { damaged } from "./damage.ts";
import { HeaderCorruptedError, HeapClosedError } from "../errors.ts";
import { LOG_ENTRIES, LOG_OFFSET, WORD_LOCK, WORD_LOG_LENGTH } from "./layout.ts";

/** Waits for the lock until it is this thread's; whether it was taken from the dead. See `lock.ts`. */
export type Wait = (words: Int32Array, owner: number, watcher: Watcher | undefined) => boolean;

/** Throws a RangeError if there is not so much stack as its arguments take, eight bytes each. */
export function needStack(..._stack: readonly number[]): void {}

/** Words that a section may publish: more than there are. */
const PUBLISHED = 16;

/** No section is so long (`tests/heap/state/section_test.ts`): so its length was overwritten. */
function damagedLog(length: number): HeaderCorruptedError {
  return new HeaderCorruptedError(`the length of the heap's undo log is ${length}: it was overwritten.`, 0);
}

/** See the module. One for each heap and thread; a debug build has another, for its books. */
export class Journal {
  /** Who is told of locks taken, of what was rolled back, and of what the page heap does. */
  watcher: Watcher | undefined;
  readonly #words: Int32Array;
  /** Pairs of an index and the word's old value. Doubles, since a heap has more words than an int32 counts. */
  readonly #log: Float64Array;
  /** What the lock has when this thread holds it; 0 as long as the heap is one thread's, and there is no lock to take. */
  #owner = 0;
  #wait: Wait | undefined;
  #inside = false;
  /** Pairs of an index and a value, for when the section is committed. */
  readonly #published = new Float64Array(PUBLISHED * 2);
  #publishing = 0;
  /** This thread has died, as far as a test is concerned: it does nothing more. */
  protected dead = false;

  constructor(words: Int32Array) {
    this.#words = words;
    this.#log = new Float64Array(words.buffer, LOG_OFFSET, LOG_ENTRIES * 2);
  }

  /** From now on other threads have the heap too: sections take the lock, in which `owner` names this one. */
  share(owner: number, wait: Wait): void {
    this.#owner = owner;
    this.#wait = wait;
  }

  get shared(): boolean {
    return this.#owner !== 0;
  }

  /** Writes a word, such that it can be undone. To be called in a section only. */
  set(index: number, value: number): void {
    const words = this.#words, log = this.#log, count = words[WORD_LOG_LENGTH]!;
    if (!(count >= 0 && count < LOG_ENTRIES)) throw damagedLog(count);
    log[count * 2] = index;
    log[count * 2 + 1] = words[index]!;
    words[WORD_LOG_LENGTH] = count + 1;
    words[index] = value;
  }

  /** Adds to a word. */
  add(index: number, by: number): void {
    this.set(index, this.#words[index]! + by);
  }

  /** Makes words 0. */
  clear(first: number, count: number): void {
    for (let index = first; index < first + count; index++) if (this.#words[index] !== 0) this.set(index, 0);
  }

  /**
   * Stores a word that is read without the lock, when the section is committed and before the lock goes; not at all if
   * the section is undone, or the thread dies first.
   */
  publish(index: number, value: number): void {
    this.#published[this.#publishing++] = index;
    this.#published[this.#publishing++] = value;
  }

  /** Words that this section may still write. */
  get room(): number {
    return LOG_ENTRIES - this.#words[WORD_LOG_LENGTH]!;
  }

  /** Commits what the section has written so far: for damage that is to be left behind by a section that throws. */
  keep(): void {
    this.#words[WORD_LOG_LENGTH] = 0;
  }

  /**
   * Runs a section. One that is called in another is a part of it.
   *
   * @throws {HeapClosedError} if the heap is closed, and whatever `body` throws, when all that it wrote is undone.
   */
  run<Result>(body: () => Result): Result {
    if (this.#inside) return body();
    const words = this.#words, log = this.#log, owner = this.#owner;
    if (words.length === 0) throw new HeapClosedError();
    // A kilobyte: half of it here, where each of these has a register, and half for the call. V8 counts how often a loop
    // has run, and now and then makes a call for it, by which a stack that is nearly full overflows: in the middle of a
    // roll-back the section would stay half done, and its lock taken. Written out, since spreading an array takes ten times
    // as long as a section does.
    // deno-fmt-ignore
    needStack(
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    );
    try {
      const isFromDead = owner !== 0 && this.#lock(owner);
      this.#inside = true;
      this.#publishing = 0;
      if (words[WORD_LOG_LENGTH] !== 0) this.#inherit(isFromDead);
      const result = body();
      words[WORD_LOG_LENGTH] = 0;
      for (let at = 0; at < this.#publishing; at += 2) {
        Atomics.store(words, this.#published[at]!, this.#published[at + 1]!);
      }
      return result;
    } finally {
      // No function is called here: that there is no stack left may be what ended the section. The loop needs some, too.
      // A length that was overwritten meanwhile is left to the next section, which says so (`#inherit`).
      if (!this.dead && (owner === 0 || Atomics.load(words, WORD_LOCK) === owner)) {
        for (let count = words[WORD_LOG_LENGTH]!; count > 0 && count <= LOG_ENTRIES;) {
          count--;
          words[log[count * 2]!] = log[count * 2 + 1]!;
          words[WORD_LOG_LENGTH] = count;
        }
        if (owner !== 0) Atomics.store(words, WORD_LOCK, 0);
      }
      this.#inside = false;
    }
  }

  /** Whether the lock was taken from the dead. */
  #lock(owner: number): boolean {
    let isFromDead = false;
    if (Atomics.compareExchange(this.#words, WORD_LOCK, 0, owner) !== 0) {
      this.watcher?.add("lockWaits", owner);
      isFromDead = this.#wait!(this.#words, owner, this.watcher);
    }
    this.watcher?.add("locksTaken", owner);
    return isFromDead;
  }

  /** The thread that had the lock before died in its section: undoes that. Where none did, the length was overwritten. */
  #inherit(isFromDead: boolean): void {
    const words = this.#words, log = this.#log, length = words[WORD_LOG_LENGTH]!;
    if (!(isFromDead && length > 0 && length <= LOG_ENTRIES)) {
      words[WORD_LOG_LENGTH] = 0;
      throw damaged(`the undo log has ${length} entries, and nobody has died`);
    }
    for (let count = length; count > 0;) {
      count--;
      words[log[count * 2]!] = log[count * 2 + 1]!;
      words[WORD_LOG_LENGTH] = count;
    }
    this.watcher?.add("rollbacks", 0);
  }
}
