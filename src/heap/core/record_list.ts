/**
 * A list of records of one of the heap's tables that are linked both ways. Each step checks that the next record links
 * back. So every walk ends: a record that it reached twice would have two predecessors.
 *
 * @module
 */

import type { HeaderCorruptedError } from "../errors.ts";
import { damaged } from "../state/damage.ts";
import type { Journal } from "../state/journal.ts";

/** Where the records of a list are. */
export interface RecordLayout {
  /** What one is called, in errors. */
  readonly name: string;
  /** Records that may be on a list: those from the first number on, and below the second. */
  readonly least: number;
  readonly end: number;
  /** Index of the first word of record 0, and words of a record. */
  readonly at: number;
  readonly words: number;
  /** Words of a record that have its neighbours, 0 at the ends. */
  readonly next: number;
  readonly previous: number;
}

/** See the module. A list is known by the index of the word that has its first record. What writes is part of a section. */
export class RecordList {
  readonly #words: Int32Array;
  readonly #journal: Journal;
  readonly #layout: RecordLayout;

  constructor(words: Int32Array, journal: Journal, layout: RecordLayout) {
    this.#words = words;
    this.#journal = journal;
    this.#layout = layout;
  }

  /** The first record of a list, or 0. @throws {HeaderCorruptedError} as all others. */
  first(head: number): number {
    return this.#checked(this.#words[head]!, 0);
  }

  /** The one after a record, or 0. */
  next(record: number): number {
    return this.#checked(this.#words[this.#next(record)]!, record);
  }

  /** Puts a record in front of a list. */
  push(head: number, record: number): void {
    const old = this.first(head);
    this.#journal.set(this.#next(record), old);
    this.#journal.set(this.#previous(record), 0);
    if (old !== 0) this.#journal.set(this.#previous(old), record);
    this.#journal.set(head, record);
  }

  /** Takes a record off a list. */
  unlink(head: number, record: number): void {
    const next = this.next(record), previous = this.#words[this.#previous(record)]!;
    const before = previous === 0 ? this.#words[head] : this.#isRecord(previous) && this.#words[this.#next(previous)];
    if (before !== record) throw this.#damaged(record);
    if (next !== 0) this.#journal.set(this.#previous(next), previous);
    this.#journal.set(previous === 0 ? head : this.#next(previous), next);
  }

  #checked(record: number, previous: number): number {
    if (record === 0) return 0;
    if (!this.#isRecord(record) || this.#words[this.#previous(record)] !== previous) throw this.#damaged(record);
    return record;
  }

  #isRecord(record: number): boolean {
    return record >= this.#layout.least && record < this.#layout.end;
  }

  #damaged(record: number): HeaderCorruptedError {
    return damaged(`a list leads to ${this.#layout.name} ${record}, which does not lead back`);
  }

  #next(record: number): number {
    return this.#layout.at + record * this.#layout.words + this.#layout.next;
  }

  #previous(record: number): number {
    return this.#layout.at + record * this.#layout.words + this.#layout.previous;
  }
}
