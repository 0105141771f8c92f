/**
 * Stacks of the calls that allocate and free, as text: a stack that V8 has captured holds the functions and the
 * receivers of its calls, and so would keep the objects alive whose methods allocate.
 *
 * Deno's text of a stack, with its source maps, costs ten times as much as the capture. So each is made once: a stack is
 * known again by the text that V8 itself makes of it. Where even that is too much, one allocation in n has a stack: over
 * a program's run, a leak that matters is still seen.
 *
 * A block's record has the number of a stack, which is its place in a table of the books: who shows a stack may be
 * another thread than who captured it, which may be gone by then.
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
import { KIB, MIB } from "./layout.ts";
import type { BooksMemory } from "./memory.ts";

/** A captured stack, and where in the table it was last. */
export interface Stack {
  readonly text: string;
  entry: number;
  hash: number;
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

/** No text of a stack is longer. */
const MOST_BYTES = 2 * MIB;

/** Stacks that a thread knows again. */
const KNOWN_MOST = 64 * KIB;

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** What V8 captures: reading `stack` makes it text. */
interface Captured {
  readonly stack: string;
}

function capture(callee: (...args: never[]) => unknown): Captured {
  const holder = {}; // had it a stack before, that would take a microsecond more
  Error.captureStackTrace(holder, callee);
  return holder as Captured;
}

/** As `capture`, so many frames; where the program has frozen `Error`, as many as it wants. */
function captureFrames(limit: number, callee: (...args: never[]) => unknown): Captured {
  if (Object.isFrozen(Error)) return capture(callee);
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = limit;
  const captured = capture(callee);
  Error.stackTraceLimit = stackTraceLimit;
  return captured;
}

/** Calls with Deno's own way to make text of stacks; not where the program has frozen `Error`. */
function unprepared(call: () => string): string {
  if (Object.isFrozen(Error)) return call();
  const { prepareStackTrace } = Error;
  try {
    Error.prepareStackTrace = undefined as never; // its type leaves that out
    return call();
  } finally {
    Error.prepareStackTrace = prepareStackTrace as never;
  }
}

let captured: Captured | undefined, raw = "";

function readCaptured(): string {
  return raw = String(captured?.stack);
}

/**
 * The stack of the call of a function as V8 itself writes it, which it does where another text is being prepared. V8 looks
 * at the topmost frames for each capture, however many it keeps: so both are in one function, which few others call.
 */
function rawStack(callee: (...args: never[]) => unknown): string {
  captured = capture(callee);
  if (Object.isFrozen(Error)) return readCaptured();
  const { prepareStackTrace, stackTraceLimit } = Error, other = {};
  try {
    Error.stackTraceLimit = 0;
    Error.captureStackTrace(other);
    Error.prepareStackTrace = readCaptured;
    String((other as Captured).stack);
    return raw;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace as never;
    captured = undefined;
  }
}

/** The stack of whatever call of the heap this is part of, as text. */
export function captureCall(): string {
  const captured = captureFrames(Error.stackTraceLimit + OWN_FRAMES_MOST, captureCall);
  return unprepared(() => formatStack(captured));
}

/** The program's frames of a stack, a line each; all frames if it has no others, as in a bundle. */
function formatStack({ stack }: Captured): string {
  const frames = String(stack).split("\n").filter((line) => /^\s+at /.test(line));
  const program = frames.filter((line) => !line.includes(OWN_FRAMES));
  return (program.length > 0 ? program : frames).map((line) => `    ${line.trim()}`).join("\n");
}

/** The stacks of one heap, as one thread has them. What writes is part of a section of the books. */
export class DebugStacks {
  /** One allocation in so many has stacks; 0: none. */
  readonly every: number;
  readonly #memory: BooksMemory;
  readonly #table: Uint8Array;
  /** By what V8 makes of them. */
  readonly #known = new Map<string, Stack>();
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
    return this.capture(callee);
  }

  /** The stack of the call of a function which is under way. */
  capture(callee: (...args: never[]) => unknown): Stack {
    const raw = rawStack(callee);
    let stack = this.#known.get(raw);
    if (stack === undefined) {
      const text = unprepared(() => formatStack(capture(callee)));
      stack = { text, entry: 0, hash: 0 };
      if (this.#known.size === KNOWN_MOST) this.#known.clear();
      this.#known.set(raw, stack);
    }
    return stack;
  }

  /** The number of a stack, for a record; 0 for none. */
  keep(stack: Stack | undefined): number {
    if (stack === undefined) return 0;
    const { words } = this.#memory, { entry, hash } = stack;
    // A section that was undone has taken its entry back, and another stack may have it by now.
    if (entry === 0 || entry >= words[BOOK_STACKS_END]! || words[STACKS_WORD + entry + HASH] !== hash) {
      stack.entry = this.#intern(stack.text);
      stack.hash = words[STACKS_WORD + stack.entry + HASH]!;
    }
    return stack.entry;
  }

  /** A stack as lines; undefined where there is none. */
  text(number: number): string | undefined {
    if (number === 0) return undefined;
    const bytes = this.#memory.words[STACKS_WORD + number + BYTES]!, from = (number + TEXT) * 4;
    if (!(number >= FULL && bytes >= 0 && bytes <= MOST_BYTES)) return "    overwritten in the table of stacks";
    return decoder.decode(this.#table.subarray(from, from + bytes));
  }

  #intern(text: string): number {
    const { words } = this.#memory, bytes = encoder.encode(text), hash = hashOf(bytes);
    let before = STACKS_BYTES / 4; // each entry leads to an older one, in front of it, so this ends
    for (let entry = words[this.#bucket(hash)]!; entry > 0 && entry < before;) {
      if (words[STACKS_WORD + entry + HASH] === hash && this.text(entry) === text) return entry;
      before = entry;
      entry = words[STACKS_WORD + entry + NEXT]!;
    }
    return this.#append(bytes, hash);
  }

  /** What is written behind the end is nobody's, so only the end and the bucket are logged. */
  #append(bytes: Uint8Array, hash: number): number {
    const { journal, words } = this.#memory, entry = words[BOOK_STACKS_END]!, bucket = this.#bucket(hash);
    const end = entry + TEXT + Math.ceil(bytes.length / 4);
    if (!(entry >= FULL && end <= STACKS_BYTES / 4 && bytes.length <= MOST_BYTES)) return FULL;
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
