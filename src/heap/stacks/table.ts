/**
 * A table of stacks, as text, in memory that all threads of a heap have: the thread that shows a stack may not be the
 * one that captured it, which may be gone by then. A stack's number is the index of its entry.
 *
 * ```
 *   | bucket, a word each | entry | entry | ...       entry: | next in bucket | hash | bytes | ... | UTF-8 ... |
 * ```
 *
 * Each text is in there once; nothing is ever taken out. When the table is full, what is new is said to be lost. What
 * writes is part of a section. Between its three words and its text an entry may have words that belong to the table's
 * owner.
 *
 * @module
 */

import type { Journal } from "../state/journal.ts";
import { MIB } from "../state/layout.ts";
import type { Stack } from "./capture.ts";

/** Words of an entry. */
const NEXT = 0;
const HASH = 1;
const BYTES = 2;
const OWN = 3;

/** No text of a stack is longer. */
const MOST_BYTES = 2 * MIB;

const FULL_TEXT = "    not kept: the table of stacks is full";

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** Where a table is, in words of the memory. */
export interface StackTablePlace {
  readonly words: Int32Array;
  readonly journal: Journal;
  /** Its first word, and its length in bytes. */
  readonly first: number;
  readonly bytes: number;
  /** Words of the hash table that it begins with. */
  readonly buckets: number;
  /** The word that has how many words of it are in use. */
  readonly end: number;
  /** Words that each entry has for others. */
  readonly own: number;
}

/** See the module. */
export class StackTable {
  readonly #place: StackTablePlace;
  readonly #table: Uint8Array;
  /** The entry that is made first, and stands for all that do not fit. */
  readonly #full: number;
  readonly #text: number;

  constructor(place: StackTablePlace) {
    this.#place = place;
    this.#table = new Uint8Array(place.words.buffer, place.words.byteOffset + place.first * 4, place.bytes);
    this.#full = place.buckets;
    this.#text = OWN + place.own;
  }

  /** Makes a table of memory that is all zeros. */
  begin(): void {
    const { words, end, journal } = this.#place;
    words[end] = this.#full;
    journal.run(() => this.#intern(FULL_TEXT));
  }

  /** The number of a stack, for a record; 0 for none. */
  keep(stack: Stack | undefined): number {
    if (stack === undefined) return 0;
    const { words, first, end } = this.#place, { entry, hash } = stack;
    // A section that was undone has taken its entry back, and another stack may have it by now.
    if (entry === 0 || entry >= words[end]! || words[first + entry + HASH] !== hash) {
      stack.entry = this.#intern(stack.text);
      stack.hash = words[first + stack.entry + HASH]!;
    }
    return stack.entry;
  }

  /** A stack as lines, for any number. */
  text(number: number): string {
    const bytes = this.#place.words[this.#place.first + number + BYTES]!, from = (number + this.#text) * 4;
    if (!(number >= this.#full && bytes >= 0 && bytes <= MOST_BYTES)) return "    overwritten in the table of stacks";
    return decoder.decode(this.#table.subarray(from, from + bytes));
  }

  /** The first of the words of its own that an entry has. */
  ownWord(number: number): number {
    return this.#place.first + number + OWN;
  }

  /** The numbers of all stacks, in the order in which they were kept. */
  *numbers(): Generator<number> {
    const { words, first, end } = this.#place, last = Math.min(words[end]!, this.#place.bytes / 4);
    for (let entry = this.#full; entry < last;) {
      const bytes = words[first + entry + BYTES]!;
      // Overwritten: what is behind it cannot be found. Or the end was, and nothing is here.
      if (!(bytes >= 0 && bytes <= MOST_BYTES) || (bytes === 0 && words[first + entry + HASH] === 0)) return;
      yield entry;
      entry += this.#text + Math.ceil(bytes / 4);
    }
  }

  #intern(text: string): number {
    const { words, first, bytes: most } = this.#place, bytes = encoder.encode(text), hash = hashOf(bytes);
    let before = most / 4; // each entry leads to an older one, in front of it, so this ends
    for (let entry = words[this.#bucket(hash)]!; entry > 0 && entry < before;) {
      if (words[first + entry + HASH] === hash && this.text(entry) === text) return entry;
      before = entry;
      entry = words[first + entry + NEXT]!;
    }
    return this.#append(bytes, hash);
  }

  /** What is written past the end belongs to nobody, so only the end and the bucket are logged. */
  #append(bytes: Uint8Array, hash: number): number {
    const { words, journal, first, bytes: most, end: endWord } = this.#place;
    const entry = words[endWord]!, bucket = this.#bucket(hash);
    const end = entry + this.#text + Math.ceil(bytes.length / 4);
    if (!(entry >= this.#full && end <= most / 4 && bytes.length <= MOST_BYTES)) return this.#full;
    words[first + entry + NEXT] = words[bucket]!;
    words[first + entry + HASH] = hash;
    words[first + entry + BYTES] = bytes.length;
    words.fill(0, first + entry + OWN, first + entry + this.#text);
    this.#table.set(bytes, (entry + this.#text) * 4);
    journal.set(endWord, end);
    journal.set(bucket, entry);
    return entry;
  }

  #bucket(hash: number): number {
    return this.#place.first + (hash >>> 0) % this.#place.buckets;
  }
}

function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
