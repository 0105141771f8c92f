/**
 * Stacks of the calls that allocate and free, as text: a stack that V8 has captured holds the functions and the
 * receivers of its calls, and so would keep the objects alive whose methods allocate.
 *
 * - Deno's text of a stack, with its source maps, costs ten times as much as the capture. So each is made once: a stack
 *   is known again by the text that V8 itself makes of it.
 * - To have V8 write it costs as much as two captures, for any number of stacks. So 64 are made text together: what was
 *   captured is held until then, or until the program's turn ends, before which nothing is said to be collected. Of a
 *   heap that is shared each is made text at once.
 * - Where even that is too much, one allocation in n has a stack: over a program's run, a leak that matters is still
 *   seen.
 *
 * A block's record has the number of a stack, which is its index in a table of the books: who shows a stack may be
 * another thread than who captured it, which may be gone by then. Until its text is made the record has a *mark*, a
 * number below 0 that only this thread can make something of.
 *
 * ```
 *   the table: | bucket, a word each | entry | entry | ...       entry: | next in bucket | hash | bytes | UTF-8 ... |
 * ```
 *
 * Each text is in there once; nothing is ever taken out. When the table is full, what is new is said to be lost.
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
import { HeapError } from "../errors.ts";
import { KIB, MIB } from "../state/layout.ts";
import type { BooksMemory } from "../state/memory.ts";

/** A stack as text, and where in the table it was last. */
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

/** The heap's own frames say nothing about the program; where they cannot be left out, so many more are captured. */
const OWN_FRAMES = new URL("../", import.meta.url).href;
const OWN_FRAMES_MOST = 8;

/** No text of a stack is longer. */
const MOST_BYTES = 2 * MIB;

/** Stacks that a thread knows again. */
const KNOWN_MOST = 64 * KIB;

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** What V8 captures: reading `stack` makes it text. */
export interface Captured {
  readonly stack: string;
}

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
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.prepareStackTrace = undefined as never; // its type leaves that out
    Error.stackTraceLimit = 1;
    return call();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace as never;
  }
}

/**
 * Makes each stack the text that V8 itself writes, which it does where another text is being prepared, and keeps. Where
 * the program has frozen `Error` they stay, and are read as the program wants.
 *
 * @throws {RangeError} if there is no room for the calls; those that are text by then stay so.
 */
function makeTexts(stacks: Iterable<Captured>): void {
  if (Object.isFrozen(Error)) return;
  const { prepareStackTrace, stackTraceLimit } = Error, other = {};
  let isDone = false;
  try {
    Error.stackTraceLimit = 0;
    Error.captureStackTrace(other);
    Error.prepareStackTrace = () => {
      for (const stack of stacks) void stack.stack;
      isDone = true;
    };
    void (other as Captured).stack;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace as never;
  }
  if (!isDone) throw new RangeError("there is no stack left to make text of others");
}

/** A position in what V8 runs, at the end of a frame: script, line and column. */
const POSITION = /((?:file|https?|data|blob):[^()\s]*):(\d+):(\d+)(?=\)?$)/;

/**
 * A frame with its position in the source of the program. V8 has positions in what it runs, and Deno knows whence those
 * come, when it makes text of an error: so one is made by a script of the same name, at the same line and column.
 */
function inSource(frame: string): string {
  const [, filename, line, column] = POSITION.exec(frame) ?? [];
  if (filename === undefined || Object.isFrozen(Error)) return frame;
  try {
    const position = { filename, lineOffset: Number(line) - 1, columnOffset: Number(column) - 1 };
    const { Script } = process.getBuiltinModule("node:vm"); // imported, it would make the start of every program slower
    const script = new Script("new Error().stack", position);
    const text = unprepared(() => String(script.runInThisContext()));
    return frame.replace(POSITION, () => POSITION.exec(text)![0]);
  } catch (error) {
    if (error instanceof RangeError) throw error; // no stack is left
    return frame;
  }
}

/** The stack of whatever call of the heap this is part of, as text. */
export function captureCall(): string {
  const captured = captureFrames(Error.stackTraceLimit + OWN_FRAMES_MOST, captureCall);
  return unprepared(() => framesOf(captured).join("\n"));
}

/** The program's frames of a stack, a line each; all frames if it has no others, as in a bundle. */
function framesOf({ stack }: Captured): string[] {
  const frames = String(stack).split("\n").filter((line) => /^\s+at /.test(line));
  const program = frames.filter((line) => !line.includes(OWN_FRAMES));
  return (program.length > 0 ? program : frames).map((line) => `    ${line.trim()}`);
}

/** The stacks of one heap, as one thread has them. What writes is part of a section of the books. */
export class DebugStacks {
  /** One allocation in so many has stacks; 0: none. */
  readonly every: number;
  readonly #memory: BooksMemory;
  readonly #table: Uint8Array;
  /** By what V8 makes of them. */
  readonly #known = new Map<string, Stack>();
  /** Frames with their positions in the source, by what V8 makes of them. */
  readonly #frames = new Map<string, string>();
  #owed: Owed[] = [];
  #isTurnWatched = false;
  #mark = 0;
  #left = 0;
  /** Writes what is owed, in a section, at the end of the turn. */
  readonly #atEndOfTurn: () => void;

  /**
   * @param every of a heap that is new.
   * @param section what a section of the books is run by.
   */
  constructor(memory: BooksMemory, every?: number, section = (body: () => void): void => memory.journal.run(body)) {
    this.#memory = memory;
    this.#table = new Uint8Array(memory.buffer, STACKS_WORD * 4, STACKS_BYTES);
    if (every !== undefined) {
      memory.words[BOOK_STACKS_EVERY] = every;
      memory.words[BOOK_STACKS_END] = STACKS_BUCKETS;
      memory.journal.run(() => this.#intern(FULL_TEXT));
    }
    this.every = memory.words[BOOK_STACKS_EVERY]!;
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
  sample(callee: (...args: never[]) => unknown): Captured | undefined {
    if (this.every === 0) return undefined;
    if (this.#left-- > 0) return undefined;
    this.#left = this.every - 1;
    return this.capture(callee);
  }

  /** The stack of the call of a function which is under way. Where other threads may ask for it, it is text. */
  capture(callee: (...args: never[]) => unknown): Captured {
    const captured = capture(callee);
    if (this.#memory.journal.shared) makeTexts([captured]);
    return captured;
  }

  /** Puts the number of a stack, or a mark until `settle`, into a word of a record. */
  note(captured: Captured, word: number): void {
    const { journal } = this.#memory;
    if (journal.shared) return journal.set(word, this.keep(this.#stackOf(captured)));
    if (!this.#isTurnWatched) queueMicrotask(this.#atEndOfTurn);
    this.#isTurnWatched = true;
    this.#mark = this.#mark === -(2 ** 31) ? -1 : this.#mark - 1;
    this.#owed.push({ captured, word, mark: this.#mark });
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
    for (const { captured, word } of owed) journal.set(word, this.keep(this.#stackOf(captured)));
    journal.keep();
    this.#owed = [];
  }

  #stackOf(captured: Captured): Stack {
    const raw = String(captured.stack);
    let stack = this.#known.get(raw);
    if (stack === undefined) {
      stack = { text: framesOf(captured).map((frame) => this.#inSource(frame)).join("\n"), entry: 0, hash: 0 };
      if (this.#known.size === KNOWN_MOST) this.#known.clear();
      this.#known.set(raw, stack);
    }
    return stack;
  }

  #inSource(frame: string): string {
    let there = this.#frames.get(frame);
    if (there === undefined) {
      there = inSource(frame);
      if (this.#frames.size === KNOWN_MOST) this.#frames.clear();
      this.#frames.set(frame, there);
    }
    return there;
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
    const owed = number < 0 ? this.#owed.find(({ mark }) => mark === number) : undefined;
    if (owed !== undefined) {
      makeTexts([owed.captured]);
      return this.#stackOf(owed.captured).text;
    }
    if (number < 0) return LOST_TEXT;
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
