/**
 * Stacks of the calls that allocate and free. A stack is captured when the call is made, and becomes text only when it
 * is shown, which costs ten times more. Where the capture alone is too much, one allocation in n has one: over a
 * program's run, a leak that matters is still seen.
 *
 * A block's record has the number of a stack. As long as one thread has the heap, the stacks themselves are that
 * thread's own. When others can have it, all become text, in a table of the books: who shows a stack may be another
 * thread than who captured it, which may be gone by then.
 *
 * ```
 *   the table: | bucket, a word each | entry | entry | ...       entry: | next in bucket | hash | bytes | UTF-8 ... |
 * ```
 *
 * Each text is in there once; nothing is ever taken out. When the table is full, what is new is said to be lost.
 *
 * @module
 */

import { BOOK_STACKS_END, BOOK_STACKS_EVERY, STACKS_BUCKETS, STACKS_BYTES, STACKS_WORD } from "./debug_layout.ts";
import type { BooksMemory } from "./memory.ts";

/** A captured stack. Reading `stack` formats it, once. */
export interface Stack {
  readonly stack: string;
}

/** Words of an entry. */
const NEXT = 0;
const HASH = 1;
const BYTES = 2;
const TEXT = 3;

/** The entry that is made first, and stands for all that do not fit. */
const FULL = STACKS_BUCKETS;
const FULL_TEXT = "    not kept: the table of stacks is full";

/** Frames of this folder say nothing about the program; where they cannot be left out, so many more are captured. */
const OWN_FRAMES = new URL(".", import.meta.url).href;
const OWN_FRAMES_MOST = 8;

/** A record has a word for the number. */
const LEAST_NUMBER = -(2 ** 31);

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** The stack of the call of a function which is under way. */
export function captureStack(callee: (...args: never[]) => unknown): Stack {
  const holder = { stack: "" };
  Error.captureStackTrace(holder, callee);
  return holder;
}

/** The stack of whatever call of the heap this is part of. */
export function captureCall(): Stack {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = stackTraceLimit + OWN_FRAMES_MOST;
  const stack = captureStack(captureCall);
  Error.stackTraceLimit = stackTraceLimit;
  return stack;
}

/** The program's frames of a stack, a line each; all frames if it has no others, as in a bundle. */
export function formatStack({ stack }: Stack): string {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  const program = frames.filter((line) => !line.includes(OWN_FRAMES));
  return (program.length > 0 ? program : frames).map((line) => `    ${line.trim()}`).join("\n");
}

/** The stacks of one heap, as one thread has them. What writes is part of a section of the books. */
export class DebugStacks {
  /** One allocation in so many has stacks; 0: none. */
  readonly every: number;
  readonly #memory: BooksMemory;
  readonly #table: Uint8Array;
  /** By number, which is below 0. */
  readonly #own = new Map<number, Stack>();
  #lastOwn = 0;
  #left = 0;

  /** @param every of a heap that is new. */
  constructor(memory: BooksMemory, every?: number) {
    this.#memory = memory;
    this.#table = new Uint8Array(memory.buffer, STACKS_WORD * 4, STACKS_BYTES);
    if (every !== undefined) {
      memory.words[BOOK_STACKS_EVERY] = every;
      memory.words[BOOK_STACKS_END] = STACKS_BUCKETS;
      memory.journal.run(() => this.#intern(FULL_TEXT));
    }
    this.every = memory.words[BOOK_STACKS_EVERY]!;
  }

  /** A stack for an allocation by a function, or undefined if it is not this one's turn. The first has one. */
  sample(callee: (...args: never[]) => unknown): Stack | undefined {
    if (this.every === 0) return undefined;
    if (this.#left-- > 0) return undefined;
    this.#left = this.every - 1;
    return captureStack(callee);
  }

  /** The number of a stack, for a record; 0 for none. */
  keep(stack: Stack | undefined): number {
    if (stack === undefined) return 0;
    if (this.#memory.journal.shared) return this.#intern(formatStack(stack));
    do this.#lastOwn = this.#lastOwn > LEAST_NUMBER ? this.#lastOwn - 1 : -1; while (this.#own.has(this.#lastOwn));
    this.#own.set(this.#lastOwn, stack);
    return this.#lastOwn;
  }

  /** A number is in no record any more. */
  drop(number: number): void {
    if (number < 0) this.#own.delete(number);
  }

  /** The number by which other threads know a stack. */
  publish(number: number): number {
    const stack = this.#own.get(number);
    if (stack === undefined) return Math.max(0, number);
    this.#own.delete(number);
    return this.#intern(formatStack(stack));
  }

  /** A stack as lines; undefined where there is none. */
  text(number: number): string | undefined {
    if (number <= 0) {
      const stack = this.#own.get(number);
      return stack && formatStack(stack);
    }
    const bytes = this.#memory.words[STACKS_WORD + number + BYTES]!, from = (number + TEXT) * 4;
    return decoder.decode(this.#table.subarray(from, from + bytes));
  }

  #intern(text: string): number {
    const { words } = this.#memory, bytes = encoder.encode(text), hash = hashOf(bytes);
    for (let entry = words[this.#bucket(hash)]!; entry !== 0; entry = words[STACKS_WORD + entry + NEXT]!) {
      if (words[STACKS_WORD + entry + HASH] === hash && this.text(entry) === text) return entry;
    }
    return this.#append(bytes, hash);
  }

  /** What is written behind the end is nobody's, so only the end and the bucket are logged. */
  #append(bytes: Uint8Array, hash: number): number {
    const { journal, words } = this.#memory, entry = words[BOOK_STACKS_END]!, bucket = this.#bucket(hash);
    const end = entry + TEXT + Math.ceil(bytes.length / 4);
    if (end > STACKS_BYTES / 4) return FULL;
    words[STACKS_WORD + entry + NEXT] = words[bucket]!;
    words[STACKS_WORD + entry + HASH] = hash;
    words[STACKS_WORD + entry + BYTES] = bytes.length;
    this.#table.set(bytes, (entry + TEXT) * 4);
    journal.set(BOOK_STACKS_END, end);
    journal.set(bucket, entry);
    return entry;
  }

  #bucket(hash: number): number {
    return STACKS_WORD + (hash >>> 0) % STACKS_BUCKETS;
  }
}

function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
