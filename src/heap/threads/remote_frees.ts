/**
 * Remote frees: blocks that a thread frees, of slabs that another one owns, on their way to the owner.
 *
 * The way is a ring of pointers. Nobody writes to such a block before its owner has it back: a list through the blocks
 * would take each block's cache line away from the thread that wrote it last. One line of the ring carries sixteen
 * blocks.
 *
 * ```
 *   ring(sender, owner):   | written, seen | sent | taken, released |    ptr  ptr  ptr  ptr  ptr  ptr  ...  2048
 *                                                             ^ taken  ^ sent    ^ written, each modulo 2048
 *
 *   the sender frees:      pointers[written] = ptr;  written = written + 1
 *     once in 32 times:    sent = written;  seen = released
 *   a section takes:       all from taken to sent;  taken = sent;  and when it is committed: released = taken
 * ```
 *
 * There is a ring for each pair of threads. So only one thread writes to it, the one that has the sender's entry, and
 * it needs neither a lock nor a compare-and-swap. The thread that takes is in a section (`../state/journal.ts`): mostly
 * the owner, which puts the blocks on its free lists; the sender, which puts them back into their slabs when the ring
 * is full, or when it goes; or a thread that finds one of the two dead.
 *
 * Invariants: `sent` is stored after the pointers before it, and `taken` is part of the section that takes them. So
 * whichever thread dies, and wherever, each block is in the ring or taken, never both. A block whose pointer is written
 * and not counted has not been freed. `written` is the sender's alone, and counts once it is dead. The sender writes no place
 * before that is *released*: a section that has taken may yet be undone, and would find there what was written since. `taken`
 * is read in sections only; `released` is never ahead of it, and behind where a taker died: the next catches up.
 * `tests/heap/threads/remote_model_test.ts` tries every order of these stores.
 *
 * The slab may have another owner by the time that a block is taken, or none, so the slab map is asked again. A block of a slab
 * that nobody owns goes into the sender's ring to itself, from which it takes them when that is full.
 *
 * A ring may be overwritten, by C code for instance. Its numbers are compared with one another, and each pointer has in
 * its low bits the number at which it was written: so what a ring has had in it before is never taken for what was sent.
 * A ring that is damaged is given up with what is in it, and an error says so.
 *
 * @module
 */

import type { ClassSlabs } from "../core/class_slabs.ts";
import type { Watcher } from "../state/counters.ts";
import { damaged } from "../state/damage.ts";
import { HeaderCorruptedError } from "../errors.ts";
import {
  BLOCK_ALIGNMENT,
  CACHE_HEADS,
  CACHE_ROOMS,
  CACHE_SENT_TO,
  firstWordOf,
  INVERSES_OFFSET,
  KIB,
  MAX_CACHES,
  MAX_CLASSES,
  NOBODY,
  RING_BLOCKS,
  RING_FIRST,
  RING_RELEASED,
  RING_SEEN,
  RING_SENT,
  RING_TAKEN,
  RING_WORDS,
  RING_WRITTEN,
  SLAB_BYTES,
  SLAB_SHIFT,
  tagOf,
} from "../state/layout.ts";
import type { Links } from "../core/links.ts";
import type { HeapMemory } from "../state/memory.ts";
import type { SizeClasses } from "../core/size_classes.ts";
import type { Slabs } from "../core/slabs.ts";

/** A sender counts its blocks for the others to see once in so many: a store that waits for all before it. */
const COUNTED_AT_ONCE = 32;
/** Once in so many, it looks whether others have sent it blocks. */
const LOOK_AFTER = 128;
/** An owner that has blocks of its own to go on with takes what others have freed from a ring that is so full. */
const WORTH_TAKING = RING_BLOCKS / 4;
/** A ring takes a block if so many bytes of blocks of its class would be no more than it holds. */
const RING_BYTES = 256 * KIB;
/** An owner looks at so many rings in a refill, in turn. */
const RINGS_AT_ONCE = 8;
/** A section takes at most so many: it has the lock. */
const MOST_AT_ONCE = RING_BLOCKS / 4;
/**
 * A section that takes writes so many words besides the runs: heads and rooms of all lists, and `taken` of its rings.
 */
const LIST_WORDS = 2 * MAX_CLASSES + RINGS_AT_ONCE;
/** A ring is that many blocks long, as a power of two: the round of an index is above. */
const RING_SHIFT = Math.log2(RING_BLOCKS);
/** Bits of a pointer that are 0, in which a ring has what tells an index from its neighbours, and from other rounds. */
const TAG = BLOCK_ALIGNMENT - 1;
/** So far before all that was sent a ring is emptied that is given up. */
const GIVEN_UP = 1 << 30;
/** Runs of blocks, each of one slab, that are collected before they are given: what is sent is of many classes. */
const RUNS = 16;

/** See the module. */
export class RemoteFrees {
  readonly #memory: HeapMemory;
  readonly #own: number;
  readonly #words: Int32Array;
  readonly #blocks: Int32Array;
  readonly #rings: Int32Array;
  readonly #slabs: Slabs;
  readonly #source: ClassSlabs;
  readonly #links: Links;
  readonly #watcher: Watcher | undefined;
  /** By class: a ring that holds so many blocks takes none. */
  readonly #most: Int32Array;
  /** The ring that the next look begins at. */
  #next = 0;
  /** By class, in which take the words of its list were last logged. */
  readonly #logged: Int32Array;
  #takes = 0;
  /** Of each run: its slab, or 0; its first block and its last; and their number. */
  readonly #runs = new Int32Array(RUNS * 4);

  constructor(
    memory: HeapMemory,
    slabs: Slabs,
    source: ClassSlabs,
    { strides }: SizeClasses,
    links: Links,
    watcher: Watcher | undefined,
  ) {
    this.#memory = memory;
    this.#own = memory.thread;
    this.#words = memory.words;
    this.#blocks = memory.blocks;
    this.#rings = memory.rings;
    this.#slabs = slabs;
    this.#source = source;
    this.#links = links;
    this.#watcher = watcher;
    this.#most = Int32Array.from(strides, (stride) => Math.min(RING_BLOCKS, Math.floor(RING_BYTES / stride)));
    this.#logged = new Int32Array(strides.length);
  }

  /**
   * Frees a small block of a slab that another thread owns, or nobody does; the hot path knows none but its own.
   *
   * All in one function, which is too long for V8 to inline (460 bytes of bytecode). What it inlines into the hot
   * `free`, it counts as a part of it: with this one in it, `free` did not always fit into a program's loop; that
   * depended on the moment. So each thread of larson was fast or 0.87 times as fast, for as long as the process lived.
   * (A Proxy, as for other slow paths, would cost each remote free.)
   *
   * @returns whether it was such a block: not what is not the start of a block, nor what was sent just before.
   */
  free(ptr: number): boolean {
    if ((ptr | 0) !== ptr) return false;
    const word = this.#slabs.map[ptr >>> SLAB_SHIFT]!,
      sizeClass = word & (MAX_CLASSES - 1),
      owner = word / MAX_CLASSES | 0;
    const inverse = this.#words[INVERSES_OFFSET / 4 + sizeClass]! >>> 0; // 0 for class 0; see the hot path
    if (
      owner === this.#own || owner >>> 0 > NOBODY ||
      !(Math.imul(ptr | -SLAB_BYTES, inverse) >>> 0 < inverse)
    ) return false;
    const rings = this.#rings, own = this.#own, to = owner === NOBODY ? own : owner, ring = ringOf(own, to);
    const written = rings[ring + RING_WRITTEN]!;
    let held = (written - rings[ring + RING_SEEN]!) | 0;
    if ((written & (COUNTED_AT_ONCE - 1)) === 0 || held >= this.#most[sizeClass]!) {
      const bits = firstWordOf(own) + CACHE_SENT_TO + (to >>> 5);
      this.#words[bits] = this.#words[bits]! | 1 << to; // that there is such a ring
      this.#countAll(ring);
      held = this.#see(ring);
    }
    if (held > 0 && rings[placeOf(ring, written - 1)] === entryOf(ptr, written - 1) && this.#hasLast(ring)) {
      return false;
    }
    if (held >= this.#most[sizeClass]!) this.#makeRoom(ring, this.#most[sizeClass]!);
    else if ((written & (LOOK_AFTER - 1)) === 0) this.#look();
    this.#watcher?.add("remoteFrees", ptr >>> SLAB_SHIFT);
    rings[placeOf(ring, written)] = entryOf(ptr, written);
    // No call from here on: one for which there is no stack would throw with the block freed.
    rings[ring + RING_WRITTEN] = (written + 1) | 0;
    return true;
  }

  /** Whether a block is the last that this thread sent to the owner of its slab. */
  isLast(ptr: number): boolean {
    const rings = this.#rings, ring = this.#ringTo(this.#slabs.ownerOf(ptr >>> SLAB_SHIFT));
    const last = rings[ring + RING_WRITTEN]! - 1;
    return rings[placeOf(ring, last)] === entryOf(ptr, last) && this.#hasLast(ring);
  }

  /** Whether the block that was written last to a ring of this thread's is in there still. */
  #hasLast(ring: number): boolean {
    const written = this.#rings[ring + RING_WRITTEN]!;
    if (this.#see(ring) === 0) return false;
    return this.#memory.journal.run(() => this.#rings[ring + RING_TAKEN] !== written);
  }

  /** Looks how far a ring of this thread's was emptied; blocks that it holds, or more if a taker died. */
  #see(ring: number): number {
    const released = this.#rings[ring + RING_SEEN] = Atomics.load(this.#rings, ring + RING_RELEASED);
    return (this.#rings[ring + RING_WRITTEN]! - released) | 0;
  }

  /** The ring through which this thread sends blocks of an owner's. */
  #ringTo(owner: number): number {
    return ringOf(this.#own, owner === NOBODY ? this.#own : owner);
  }

  /**
   * A thread that frees blocks of other threads may have blocks that these free: then it takes those while they are
   * few.
   */
  #look(): void {
    for (let other = this.#memory.threads.used - 1; other >= 0; other--) {
      if (other === this.#own) continue;
      const ring = ringOf(other, this.#own);
      if (this.#waiting(ring) < WORTH_TAKING) continue;
      this.#memory.journal.run(() => {
        this.#begin();
        this.#take(ring, WORTH_TAKING);
        this.#giveRuns();
      });
    }
  }

  /**
   * Puts what others have sent to this thread on its lists, or where one is full, into the slabs. Part of a section.
   *
   * @param isNeeded whether a few blocks are worth it.
   */
  receive(isNeeded: boolean): void {
    const used = this.#memory.threads.used;
    this.#begin();
    for (let left = Math.min(used, RINGS_AT_ONCE); left > 0; left--) {
      this.#next = this.#next + 1 < used ? this.#next + 1 : 0;
      if (this.#next === this.#own) continue;
      this.#take(ringOf(this.#next, this.#own), isNeeded ? 1 : WORTH_TAKING);
    }
    this.#giveRuns();
  }

  /** Begins a section that takes; forgets what a section had collected that was undone. */
  #begin(): void {
    this.#takes++;
    this.#runs.fill(0);
  }

  /**
   * The section may still give a block back, all runs after it, and refill a list then, which takes less than a run.
   */
  get #hasRoom(): boolean {
    return this.#source.hasRoomFor(RUNS + 2, LIST_WORDS);
  }

  /** Says how far a ring is emptied: to the owner that takes them now, to the sender once that is certain. */
  #setTaken(ring: number, taken: number): void {
    const { journal, ringsWord } = this.#memory;
    journal.set(ringsWord + ring + RING_TAKEN, taken);
    journal.publish(ringsWord + ring + RING_RELEASED, taken);
  }

  /** Takes what was sent to this thread through one ring, if it is so much. */
  #take(ring: number, least: number): void {
    const rings = this.#rings, words = this.#words, blocks = this.#blocks, map = this.#slabs.map, links = this.#links;
    const { journal } = this.#memory, tag = tagOf(this.#own), first = firstWordOf(this.#own);
    let left = Math.min(this.#waitingSurely(ring), MOST_AT_ONCE), taken = rings[ring + RING_TAKEN]!;
    if (left < least) return;
    for (; left > 0; left--, taken = (taken + 1) | 0) {
      const ptr = this.#sent(ring, taken), word = map[ptr >>> SLAB_SHIFT]!, sizeClass = word & (MAX_CLASSES - 1);
      const head = first + CACHE_HEADS + sizeClass, room = first + CACHE_ROOMS + sizeClass;
      if (word !== (sizeClass | tag) || !(words[room]! > 0)) {
        if (!this.#hasRoom) break;
        this.#give(ptr);
        continue;
      }
      if (this.#logged[sizeClass] !== this.#takes) { // once: rolling back leaves the first value
        this.#logged[sizeClass] = this.#takes;
        journal.set(head, words[head]!);
        journal.set(room, words[room]!);
      }
      if (links.hasCanary) links.seal(ptr);
      blocks[ptr >> 2] = words[head]!; // not logged: should this be rolled back, it is in the ring, and in no list
      words[head] = ptr;
      words[room] = words[room]! - 1;
    }
    this.#setTaken(ring, taken);
  }

  /** Puts what is in a ring of this thread's back into the slabs, until it holds less than so much. */
  #makeRoom(ring: number, most: number): void {
    this.#countAll(ring);
    while (this.#memory.journal.run(() => this.#giveBack(ring)) >= most);
    this.#see(ring);
    this.#slabs.trim();
  }

  /**
   * Counts what a ring's sender, this thread or a dead one, has written.
   *
   * @throws {HeaderCorruptedError} where the ring's numbers disagree: as `#beginAnew`
   */
  #countAll(ring: number): void {
    const rings = this.#rings, written = rings[ring + RING_WRITTEN]!;
    const uncounted = (written - rings[ring + RING_SENT]!) | 0;
    const unreleased = (written - Atomics.load(rings, ring + RING_RELEASED)) | 0;
    const isSound = uncounted >= 0 && uncounted <= COUNTED_AT_ONCE && unreleased >= 0 && unreleased <= RING_BLOCKS;
    if (!isSound) this.#beginAnew(ring);
    Atomics.store(rings, ring + RING_SENT, written);
  }

  /** Puts as much of what was sent through a ring back as there is room for; how much is left. Part of a section. */
  #giveBack(ring: number): number {
    const rings = this.#rings;
    this.#begin();
    let left = Math.min(this.#waitingSurely(ring), MOST_AT_ONCE), taken = rings[ring + RING_TAKEN]!;
    for (; left > 0 && this.#hasRoom; left--, taken = (taken + 1) | 0) {
      this.#give(this.#sent(ring, taken));
    }
    this.#giveRuns();
    this.#setTaken(ring, taken); // if there was nothing, too: the sender may not have been told
    return this.#waiting(ring);
  }

  /** Blocks that were sent through a ring and not taken. Outside of sections, a hint. */
  #waiting(ring: number): number {
    return (Atomics.load(this.#rings, ring + RING_SENT) - this.#rings[ring + RING_TAKEN]!) | 0;
  }

  /** The same. Part of a section. @throws {HeaderCorruptedError} where the ring's numbers disagree: as `#giveUp` */
  #waitingSurely(ring: number): number {
    const rings = this.#rings, waiting = this.#waiting(ring);
    const unreleased = (rings[ring + RING_TAKEN]! - rings[ring + RING_RELEASED]!) | 0;
    if (!(waiting <= RING_BLOCKS && unreleased >= 0)) this.#giveUp(ring);
    return waiting;
  }

  /**
   * What was sent at this number. Part of a section. @throws {HeaderCorruptedError} if it is not a block: as `#giveUp`
   */
  #sent(ring: number, index: number): number {
    const entry = this.#rings[placeOf(ring, index)]!, ptr = entry & ~TAG;
    if (entry !== entryOf(ptr, index) || this.#slabs.classAt(ptr) === 0) this.#giveUp(ring);
    return ptr;
  }

  /**
   * Takes what is in a ring for lost, since it was overwritten. Part of a section, which comes to its end here. From
   * now on it seems emptied further than was ever sent: so nothing is taken, until the sender sees that, and begins
   * anew.
   */
  #giveUp(ring: number): never {
    this.#giveRuns();
    this.#restart(ring, (Atomics.load(this.#rings, ring + RING_SENT) + GIVEN_UP) | 0);
  }

  /** The same, for the thread that writes to it, or that has found that one dead. */
  #beginAnew(ring: number): never {
    return this.#memory.journal.run(() => {
      const rings = this.#rings, taken = rings[ring + RING_TAKEN]!;
      rings[ring + RING_WRITTEN] = rings[ring + RING_SEEN] = taken;
      Atomics.store(rings, ring + RING_SENT, taken);
      this.#restart(ring, taken);
    });
  }

  #restart(ring: number, taken: number): never {
    const { journal, ringsWord } = this.#memory;
    journal.set(ringsWord + ring + RING_TAKEN, taken);
    journal.keep();
    Atomics.store(this.#rings, ring + RING_RELEASED, taken);
    throw damagedRing(ring);
  }

  /** Puts a block back into its slab, with others. Their links are not logged: they are in no list. */
  #give(ptr: number): void {
    const runs = this.#runs, blocks = this.#blocks, slab = ptr >>> SLAB_SHIFT, run = (slab & (RUNS - 1)) * 4;
    this.#links.seal(ptr);
    if (runs[run] !== slab) {
      this.#giveRun(run);
      runs[run] = slab;
      runs[run + 2] = ptr;
      runs[run + 3] = 0;
    }
    blocks[ptr >> 2] = runs[run + 3] === 0 ? 0 : runs[run + 1]!;
    runs[run + 1] = ptr;
    runs[run + 3] = runs[run + 3]! + 1;
  }

  #giveRuns(): void {
    for (let run = 0; run < this.#runs.length; run += 4) this.#giveRun(run);
  }

  #giveRun(run: number): void {
    const runs = this.#runs, first = runs[run + 1]!;
    if (runs[run] === 0) return;
    runs[run] = 0;
    this.#source.give(this.#slabs.classAt(first), first, runs[run + 2]!, runs[run + 3]!);
  }

  /** Puts all that this thread has sent, and all that was sent to it, back into the slabs. */
  flush(): void {
    const own = this.#own;
    for (let other = 0; other < this.#memory.threads.used; other++) {
      if (this.#isUsed(own, other)) this.#makeRoom(ringOf(own, other), 1);
      while (this.#isUsed(other, own) && this.#memory.journal.run(() => this.#giveBack(ringOf(other, own))) > 0);
    }
    this.#slabs.trim();
  }

  /** Whether there is nothing in a ring, as far as that can be seen while its sender works. */
  #isEmpty(sender: number, owner: number): boolean {
    const ring = ringOf(sender, owner);
    return !this.#isUsed(sender, owner) || this.#rings[ring + RING_WRITTEN] === this.#rings[ring + RING_TAKEN];
  }

  /** Whether anything was ever sent: the memory of other rings is not touched. */
  #isUsed(sender: number, owner: number): boolean {
    return (this.#words[firstWordOf(sender) + CACHE_SENT_TO + (owner >>> 5)]! >>> owner & 1) !== 0;
  }

  /** Whether `giveBackOf` has anything to do. */
  hasToGive(dead: number, other: number): boolean {
    return !this.#isEmpty(dead, other) || (this.#isUsed(other, dead) && this.#waiting(ringOf(other, dead)) > 0);
  }

  /**
   * Puts what is in the rings between a dead thread and another entry back, as much as there is room for. Part of a
   * section, in which that thread is dead.
   */
  giveBackOf(dead: number, other: number): void {
    this.#countAll(ringOf(dead, other));
    const isEmpty = this.#giveBack(ringOf(dead, other)) === 0;
    if (isEmpty && this.#isUsed(other, dead)) this.#giveBack(ringOf(other, dead));
  }

  /**
   * The blocks in all rings, of threads that are quiet. @throws {HeaderCorruptedError} if one is not as it was written
   */
  *blocks(): Generator<number> {
    for (const ring of this.#used()) {
      const rings = this.#rings, taken = rings[ring + RING_TAKEN]!, waiting = this.#waiting(ring);
      const count = (rings[ring + RING_WRITTEN]! - taken) | 0;
      if (waiting < -GIVEN_UP / 2) continue;
      if (!(count >= 0 && count <= RING_BLOCKS)) throw damagedRing(ring);
      for (let at = 0; at < count; at++) {
        const entry = rings[placeOf(ring, taken + at)]!, ptr = entry & ~TAG;
        if (entry === entryOf(ptr, taken + at)) yield ptr;
        else if (at < waiting) throw damagedRing(ring); // otherwise it is about to be written
      }
    }
  }

  /** Whether a block is in a ring. It does not throw: one that was overwritten has none. */
  has(ptr: number): boolean {
    try {
      return this.blocks().some((block) => block === ptr);
    } catch (error) {
      if (error instanceof HeaderCorruptedError) return false;
      throw error;
    }
  }

  /** The rings in which something is, as far as that can be seen while their senders work. */
  *#used(): Generator<number> {
    const used = this.#memory.threads.used;
    for (let sender = 0; sender < used; sender++) {
      for (let owner = 0; owner < used; owner++) if (!this.#isEmpty(sender, owner)) yield ringOf(sender, owner);
    }
  }
}

/** The error for a ring that was overwritten. */
function damagedRing(ring: number): HeaderCorruptedError {
  const sender = Math.floor(ring / RING_WORDS / MAX_CACHES), owner = ring / RING_WORDS % MAX_CACHES;
  return damaged(`the ring from thread ${sender} to ${owner} is not as it was written`);
}

/** Index of the first word of a ring. */
function ringOf(sender: number, owner: number): number {
  return (sender * MAX_CACHES + owner) * RING_WORDS;
}

/** What a ring has of a pointer that is written at a number. */
function entryOf(ptr: number, index: number): number {
  return ptr | (index + (index >>> RING_SHIFT)) & TAG;
}

/** Where in the rings the pointer is that is written at a number. */
function placeOf(ring: number, index: number): number {
  return ring + RING_FIRST + (index & (RING_BLOCKS - 1));
}
