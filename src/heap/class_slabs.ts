/**
 * The slabs of each class that have blocks to give, and what comes back to them. All threads of a heap have the same
 * ones, and change them in sections (`journal.ts`), so a block goes back to its slab whoever freed it, and a slab belongs to
 * no thread that could leave it behind.
 *
 * ```
 *   WORD_CLASS_SLABS[c] -> slab -> slab -> 0          slabs of the class that have blocks to give
 *                           |- SLAB_FREE -> block -> block -> 0    those that were spilled
 *                           `- SLAB_CARVED                         those above it have never been touched
 * ```
 *
 * A slab all of whose blocks were spilled is given back, unless it is the class's only one.
 *
 * @module
 */

import type { Watcher } from "./counters.ts";
import type { Journal } from "./journal.ts";
import {
  PAGE_BYTES,
  SLAB_BYTES,
  SLAB_CARVED,
  SLAB_CLASS,
  SLAB_FREE,
  SLAB_FREE_COUNT,
  SLAB_LISTED,
  SLAB_NEXT,
  SLAB_OWNER,
  SLAB_PREVIOUS,
  SLAB_SHIFT,
  WORD_CLASS_SLABS,
} from "./layout.ts";
import type { Links } from "./links.ts";
import type { HeapMemory } from "./memory.ts";
import type { SizeClasses } from "./size_classes.ts";
import type { Slabs } from "./slabs.ts";

const SLAB_PAGES = SLAB_BYTES / PAGE_BYTES;
/** What a run of blocks that comes back may write: its slab goes back, and its superslab, and that merges with two spans. */
const GIVE_ROOM = 128;

/** See the module. Every method that writes is part of a section. */
export class ClassSlabs {
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #journal: Journal;
  readonly #slabs: Slabs;
  readonly #classes: SizeClasses;
  readonly #links: Links;
  readonly #watcher: Watcher | undefined;

  constructor(memory: HeapMemory, slabs: Slabs, classes: SizeClasses, links: Links, watcher: Watcher | undefined) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#journal = memory.journal;
    this.#slabs = slabs;
    this.#classes = classes;
    this.#links = links;
    this.#watcher = watcher;
  }

  /** A slab of a class that has blocks to give, a new one if need be; 0 if there is no memory. */
  take(sizeClass: number): number {
    const first = this.#words[WORD_CLASS_SLABS + sizeClass]!;
    if (first !== 0) return first;
    if (!this.#memory.charge(SLAB_PAGES)) return 0;
    const slab = this.#slabs.take(sizeClass);
    if (slab === 0) {
      this.#memory.discharge(SLAB_PAGES);
      return 0;
    }
    this.#watcher?.add("slabsTaken", slab);
    this.#journal.set(this.#slabs.record(slab) + SLAB_OWNER, this.#memory.thread + 1);
    this.#list(sizeClass, slab);
    return slab;
  }

  /** Takes a slab that has nothing more to give off its list. */
  retire(sizeClass: number, slab: number): void {
    const record = this.#slabs.record(slab);
    const left = this.#classes.blocks[sizeClass]! - this.#words[record + SLAB_CARVED]!;
    if (left === 0 && this.#words[record + SLAB_FREE] === 0) this.#unlist(sizeClass, slab);
  }

  /** Whether the section that this is part of may give another run of blocks back. */
  get hasRoom(): boolean {
    return this.#journal.room >= GIVE_ROOM;
  }

  /** Whether a block of the class begins at a pointer, of whose slab not all blocks are free already. For any int32. */
  mayFree(sizeClass: number, ptr: number): boolean {
    if (this.#slabs.map[ptr >>> SLAB_SHIFT] !== sizeClass) return false;
    const record = this.#slabs.record(ptr >>> SLAB_SHIFT), carved = this.#words[record + SLAB_CARVED]!;
    const left = (SLAB_BYTES - (ptr & (SLAB_BYTES - 1))) / this.#classes.strides[sizeClass]!;
    const blocks = this.#classes.blocks[sizeClass]!;
    return Number.isInteger(left) && left <= blocks && left > blocks - carved &&
      this.#words[record + SLAB_FREE_COUNT]! < carved;
  }

  /** Puts `count` blocks of one slab back into it, each linked to the next, which are on no list. */
  give(sizeClass: number, first: number, last: number, count: number): void {
    const slab = first >>> SLAB_SHIFT, record = this.#slabs.record(slab);
    if (this.#watcher !== undefined) this.#countRemote(record, count, this.#watcher);
    this.#journal.set(last >> 2, this.#words[record + SLAB_FREE]!);
    this.#journal.set(record + SLAB_FREE, first);
    this.#journal.add(record + SLAB_FREE_COUNT, count);
    if (this.#words[record + SLAB_LISTED] === 0) this.#list(sizeClass, slab);
    if (this.#isEmpty(record) && !this.#isOnly(sizeClass, record)) this.#giveSlab(sizeClass, slab);
  }

  #countRemote(record: number, count: number, watcher: Watcher): void {
    if (this.#words[record + SLAB_OWNER] === this.#memory.thread + 1) return;
    for (let left = count; left > 0; left--) watcher.add("remoteFrees", this.#words[record + SLAB_CLASS]!);
  }

  /** Gives slabs of a class back that are empty; whether there was no room for all of them. */
  giveEmpty(sizeClass: number): boolean {
    for (let slab = this.#words[WORD_CLASS_SLABS + sizeClass]!, next; slab !== 0; slab = next) {
      const record = this.#slabs.record(slab);
      next = this.#words[record + SLAB_NEXT]!;
      if (!this.#isEmpty(record)) continue;
      if (!this.hasRoom) return true;
      this.#giveSlab(sizeClass, slab);
    }
    return false;
  }

  /** The blocks that were spilled to a slab. @throws {HeaderCorruptedError} at the first link that is damaged. */
  spilled(slab: number): Generator<number> {
    const record = this.#slabs.record(slab);
    const sizeClass = this.#words[record + SLAB_CLASS]!;
    return this.#links.walk(sizeClass, this.#words[record + SLAB_FREE]!, this.#words[record + SLAB_FREE_COUNT]!);
  }

  #isEmpty(record: number): boolean {
    return this.#words[record + SLAB_FREE_COUNT] === this.#words[record + SLAB_CARVED];
  }

  #isOnly(sizeClass: number, record: number): boolean {
    const head = this.#words[WORD_CLASS_SLABS + sizeClass]!;
    return this.#slabs.record(head) === record && this.#words[record + SLAB_NEXT] === 0;
  }

  #giveSlab(sizeClass: number, slab: number): void {
    this.#watcher?.add("slabsReturned", slab);
    this.#unlist(sizeClass, slab);
    this.#slabs.give(slab);
    this.#memory.discharge(SLAB_PAGES);
  }

  #list(sizeClass: number, slab: number): void {
    const journal = this.#journal, record = this.#slabs.record(slab);
    const head = this.#words[WORD_CLASS_SLABS + sizeClass]!;
    journal.set(record + SLAB_NEXT, head);
    journal.set(record + SLAB_PREVIOUS, 0);
    journal.set(record + SLAB_LISTED, 1);
    if (head !== 0) journal.set(this.#slabs.record(head) + SLAB_PREVIOUS, slab);
    journal.set(WORD_CLASS_SLABS + sizeClass, slab);
  }

  #unlist(sizeClass: number, slab: number): void {
    const journal = this.#journal, record = this.#slabs.record(slab);
    const next = this.#words[record + SLAB_NEXT]!, previous = this.#words[record + SLAB_PREVIOUS]!;
    if (next !== 0) journal.set(this.#slabs.record(next) + SLAB_PREVIOUS, previous);
    if (previous !== 0) journal.set(this.#slabs.record(previous) + SLAB_NEXT, next);
    else journal.set(WORD_CLASS_SLABS + sizeClass, next);
    journal.set(record + SLAB_LISTED, 0);
  }
}
