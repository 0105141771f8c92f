/**
 * A heap's memory: one reservation of address space, the views of it, and the way back to the system. Every other part
 * of the heap reads and writes its state through these views; only this one asks the system for anything.
 *
 * All views are of two ArrayBuffers, the heap's and the program's, which are detached before the memory goes: a view that
 * a program still holds reads `undefined` then, where it would have killed the process. Each thread has two of its own.
 *
 * A program may give its buffer away (`structuredClone(view, { transfer })`), and Deno can neither forbid that nor view
 * memory that it has mapped itself as a SharedArrayBuffer or a WebAssembly.Memory. It loses its views then, the heap
 * nothing. A buffer for each block would be no safer: none of them could be detached when the heap closes, and to make
 * one takes many times as long as a view does (`bench/pointers_bench.ts`).
 *
 * The last thread that closes gives the memory back. Some pages of a heap that was shared stay, the *tombstone*: they tell
 * whoever has a handle of the heap, or is about to attach, that it is closed. A thread leaves the last some hundred
 * of its own, and what a Worker has left goes with it, 256 others later; where one is gone, a handle leads to no heap, which
 * the system finds (`holds`). A heap that nobody closes, and
 * that no other thread has had, is given back with its thread (`VirtualMemory.reserve`), or when it is collected.
 *
 * @module
 */

import { OsError, viewMemory, type VirtualMemory } from "../../os/mod.ts";
import { type BooksLayout, booksLayout } from "./books_layout.ts";
import { type Remains, watch } from "./dropped.ts";
import { HeaderCorruptedError, HeapClosedError, HeapSharedError, hex, InvalidHandleError } from "../errors.ts";
import type { Build, Flags } from "../flags.ts";
import { Journal } from "./journal.ts";
import {
  CACHE_HEADS,
  CACHE_SLABS,
  CACHE_SPANS,
  FIRST_BLOCK,
  firstWordOf,
  GAP_BYTES,
  HEAP_MAGIC,
  MAX_CACHES,
  MAX_CLASSES,
  PAGE_BYTES,
  RINGS_BYTES,
  SLAB_BYTES,
  SMALL_SPACE_BYTES,
  SPAN_CLASSES,
  stateBytes,
  SUPERSLAB_BYTES,
  TOMBSTONE_BYTES,
  TOMBSTONE_OFFSET,
  WORD_CHARGED_PAGES,
  WORD_FINGERPRINT,
  WORD_IDENTITY,
  WORD_LENT,
  WORD_MAGIC,
} from "./layout.ts";
import { waitForLock } from "./lock.ts";
import { samplesBytes } from "./samples_layout.ts";
import { fingerprint, makeHandle, type SharedHeap } from "./share.ts";
import { NO_THREAD, Threads } from "./thread_table.ts";
import type { Variant } from "../variants.ts";

/** Makes the journal of a heap, and that of a debug build's books, from the memory that it logs. */
export type MakeJournal = (words: Int32Array) => Journal;

const makeJournal: MakeJournal = (words) => new Journal(words);

/** The memory of a debug build's books, or a guarded one's, as one thread has it. */
export interface BooksMemory {
  /** Native address of their first word. */
  readonly address: bigint;
  readonly buffer: ArrayBuffer;
  readonly words: Int32Array;
  /** Around each call of a debug build, and what a guarded one does with guarded blocks: the sections of the heap's own journal that it has are in one of this. */
  readonly journal: Journal;
  readonly layout: BooksLayout;
}

/** The reservation of one heap, as one thread has it. */
export class HeapMemory {
  /** Bytes in front of the blocks that hold the heap's state. */
  readonly stateBytes: number;
  readonly #blocksWord: number;
  /** State, blocks and rings: what the heap itself works with. */
  readonly buffer: ArrayBuffer;
  /** The blocks alone, for the program's views: it may transfer this buffer away. */
  readonly blockBuffer: ArrayBuffer;
  /** The blocks in bytes: `u8[ptr]`. */
  readonly u8: Uint8Array;
  /** The blocks in words: `blocks[ptr / 4]`. */
  readonly blocks: Int32Array;
  /** All of it in words, the state first: indices are those of `layout.ts`, and of the journal. */
  readonly words: Int32Array;
  /** The rings of remote frees, and the index in `words` of their first. */
  readonly rings: Int32Array;
  readonly ringsWord: number;
  /** Of profiled heaps only: the index in `words` where the samples begin. */
  readonly samplesWord: number;
  /** Through which all that threads share is written. */
  readonly journal: Journal;
  /** Who else has the heap. */
  readonly threads: Threads;
  /** Of debug builds, and of guarded ones. */
  readonly books: BooksMemory | undefined;
  readonly system: VirtualMemory;
  /** Native address of offset 0, a multiple of 2 MiB. */
  readonly base: bigint;
  /** Address space for blocks, in bytes, a multiple of 2 MiB. */
  readonly bytes: number;
  /** How much of it slabs and large blocks may take. */
  readonly maxBytes: number;
  /** Whether this object made the heap; others attach to it. */
  readonly isNew: boolean;
  readonly build: Build;
  readonly #remains: Remains;
  readonly #reservedBytes: number;
  #thread: number;

  /** Makes an object of memory that is there: `reserve` and `attach`. */
  private constructor(
    system: VirtualMemory,
    base: bigint,
    bytes: number,
    maxBytes: number,
    isNew: boolean,
    build: Build,
    make: MakeJournal,
    behind: Behind,
  ) {
    this.system = system;
    this.base = base;
    this.bytes = bytes;
    this.maxBytes = maxBytes;
    this.isNew = isNew;
    this.build = build;
    this.stateBytes = stateBytes(bytes);
    this.#blocksWord = this.stateBytes / 4;
    this.buffer = viewMemory(base - BigInt(this.stateBytes), this.stateBytes + withSamples(bytes, behind));
    this.blockBuffer = viewMemory(base, bytes);
    this.u8 = new Uint8Array(this.buffer, this.stateBytes, bytes);
    this.blocks = new Int32Array(this.buffer, this.stateBytes, bytes / 4);
    this.words = new Int32Array(this.buffer);
    this.ringsWord = (this.stateBytes + bytes + GAP_BYTES) / 4;
    this.rings = this.words.subarray(this.ringsWord);
    this.samplesWord = (this.stateBytes + withRings(bytes) + GAP_BYTES) / 4;
    this.#reservedBytes = reservedBytes(bytes, behind);
    this.journal = make(this.words);
    this.threads = new Threads(this.words, system);
    this.#thread = isNew ? 0 : NO_THREAD;
    this.#remains = {
      system,
      address: this.address(-this.stateBytes),
      bytes: this.#reservedBytes,
      kept: 0,
      isGiven: false,
    };
    if (!behind.books) return;
    const layout = booksLayout(bytes), address = base + BigInt(withSamples(bytes, behind) + GAP_BYTES);
    const buffer = viewMemory(address, layout.bytes), words = new Int32Array(buffer);
    this.books = { address, buffer, words, journal: make(words), layout };
  }

  /**
   * Memory for a new heap.
   *
   * @param bytes address space to reserve, a multiple of 2 MiB; half of it, and so on, if there is less and `orLess`.
   * @param behind what there is room for besides.
   * @throws {OsError} if the system does not have it.
   */
  static reserve(
    system: VirtualMemory,
    bytes: number,
    orLess: boolean,
    maxBytes: number,
    build: Build = "release",
    make: MakeJournal = makeJournal,
    behind: Behind = { samples: false, books: build === "debug" },
  ): HeapMemory {
    const [base, size] = reserve(system, bytes, orLess, behind);
    try {
      const memory = new HeapMemory(system, base, size, maxBytes, true, build, make, behind);
      memory.words[WORD_MAGIC] = HEAP_MAGIC;
      watch(memory.buffer, memory.blockBuffer, memory.#remains);
      return memory;
    } catch (error) {
      system.release(base - BigInt(stateBytes(size)), reservedBytes(size, behind));
      throw error;
    }
  }

  /**
   * The memory of a heap that another thread has, with a thread cache of its own in it. Until that is claimed, nothing
   * but the tombstone is read outside of sections: the rest goes when the last thread closes, for which it takes the lock.
   *
   * @param makeRoom gives back what threads have that have ended; called if there is no other cache left.
   * @throws {HeapClosedError} if it is closed.
   * @throws {InvalidHandleError} if there is no such heap.
   * @throws {HeapSharedError} if too many threads have it.
   */
  static attach(
    system: VirtualMemory,
    handle: SharedHeap,
    flags: Flags,
    makeRoom: (memory: HeapMemory) => void,
    make: MakeJournal = makeJournal,
  ): HeapMemory {
    const { base, bytes, maxBytes, build, identity } = handle;
    if (!system.holds(base - BigInt(stateBytes(bytes) - WORD_IDENTITY * 4), identity)) {
      throw new InvalidHandleError("there is another heap, or none, where this handle says.");
    }
    const memory = new HeapMemory(system, base, bytes, maxBytes, false, build, make, behindOf(build, flags));
    try {
      memory.#enter(fingerprint(bytes, maxBytes, build, flags), makeRoom);
      return memory;
    } catch (error) {
      memory.#detach();
      throw error;
    }
  }

  #enter(expected: number, makeRoom: (memory: HeapMemory) => void): void {
    if (Atomics.load(this.words, WORD_FINGERPRINT) !== expected) {
      throw new InvalidHandleError("the heap of this handle has other flags or another size than the handle says.");
    }
    this.#lockAs(this.threads.ownerWithoutEntry());
    if (!this.#staysOpen) throw new HeapClosedError();
    let thread = this.threads.claim();
    if (thread === NO_THREAD) {
      makeRoom(this);
      thread = this.threads.claim();
    }
    if (thread === NO_THREAD) throw new HeapSharedError(`${MAX_CACHES} threads have this heap: that is the most.`);
    // Who closes looks for claims after taking the magic away: one of the two sees the other.
    this.#lockAs(this.threads.ownerOf(thread));
    if (!this.#staysOpen) {
      this.threads.release(thread);
      throw new HeapClosedError();
    }
    this.#thread = thread;
  }

  /** Whether the heap is open; where one is about to close it, what comes of that. The lock is in the tombstone, too. */
  get #staysOpen(): boolean {
    return this.isOpenToAll || this.journal.run(() => this.isOpenToAll);
  }

  /** The books' lock, too, has what names the thread in the table. */
  #lockAs(owner: number): void {
    for (const journal of [this.books?.journal, this.journal]) {
      journal?.share(
        owner,
        (words, own, watcher) => waitForLock(words, own, this.threads, this.system, watcher),
      );
    }
  }

  /**
   * Whether the heap is open: in a section it stays so, even for a thread that has no entry in the thread table yet.
   */
  get isOpenToAll(): boolean {
    return Atomics.load(this.words, WORD_MAGIC) === HEAP_MAGIC;
  }

  /** Lets other threads attach; the same handle each time. */
  share({ name, flags }: Variant): SharedHeap {
    if (!this.journal.shared) {
      // Each step may throw, for want of stack, and be made again; until the last nobody has a handle.
      this.words[WORD_IDENTITY] = 1 + Math.floor(Math.random() * 0x7fff_fffe);
      this.words[WORD_FINGERPRINT] = fingerprint(this.bytes, this.maxBytes, this.build, flags);
      if (this.threads.taken().length === 0) this.threads.claim(); // entry 0: there is nobody else yet
      this.#keep(1);
      this.#lockAs(this.threads.ownerOf(this.#thread));
    }
    const { base, bytes, maxBytes, build } = this, identity = this.words[WORD_IDENTITY]!;
    return makeHandle({ identity, base, bytes, maxBytes, build, variant: name });
  }

  /** Which thread cache is this thread's; -1 if it has none yet. */
  get thread(): number {
    return this.#thread;
  }

  get closed(): boolean {
    return this.words.length === 0; // V8 inlines it, where a buffer's byteLength is a call
  }

  /** @throws {HeapClosedError} after `close`. */
  assertOpen(): void {
    if (this.closed) throw new HeapClosedError();
  }

  /** Native address of a pointer. */
  address(ptr: number): bigint {
    return this.base + BigInt(ptr);
  }

  /** Index in `words` of the word that a pointer leads to: what the journal takes. */
  wordOf(ptr: number): number {
    return ptr < SMALL_SPACE_BYTES ? this.#blocksWord + (ptr >> 2) : this.#blocksWord + Math.floor(ptr / 4);
  }

  /**
   * Gives the pages of a range of blocks back; it reads as zero afterwards. One system call.
   *
   * @returns whether the system took them. If not, they stay as they are, which loses nothing.
   * @throws {HeaderCorruptedError} if not all of it is for blocks: the number was read in a table that was overwritten.
   */
  purge(ptr: number, bytes: number): boolean {
    this.#assertWithin(ptr, bytes, FIRST_BLOCK, this.bytes);
    return this.#purge(this.address(ptr), bytes);
  }

  /**
   * Moves pages of blocks to where others are, whose contents are lost; zeros stay behind. One system call.
   *
   * @returns whether the system did. If not, nothing has changed.
   * @throws {HeaderCorruptedError} as `purge`.
   */
  move(from: number, to: number, bytes: number): boolean {
    this.#assertWithin(from, bytes, FIRST_BLOCK, this.bytes);
    this.#assertWithin(to, bytes, FIRST_BLOCK, this.bytes);
    return this.#succeeds(() => this.system.move(this.address(from), this.address(to), bytes));
  }

  /** As `purge`, for a range of the state, by its offset from there. */
  purgeState(offset: number, bytes: number): boolean {
    this.#assertWithin(offset, bytes, 0, this.stateBytes);
    return this.#purge(this.address(offset - this.stateBytes), bytes);
  }

  #purge(address: bigint, bytes: number): boolean {
    return this.#succeeds(() => this.system.purge(address, bytes));
  }

  #succeeds(call: () => void): boolean {
    try {
      call();
      return true;
    } catch (error) {
      if (error instanceof OsError) return false;
      throw error;
    }
  }

  /** Bytes of a range of blocks that are in memory now. @throws {HeaderCorruptedError} as `purge`. */
  residentBytes(ptr: number, bytes: number): number {
    this.#assertWithin(ptr, bytes, 0, this.bytes);
    return this.#resident(this.address(ptr), bytes);
  }

  /** Bytes of the state that are in memory now. */
  get residentStateBytes(): number {
    return this.#resident(this.address(-this.stateBytes), this.stateBytes);
  }

  /** Bytes of the rings that are in memory now. */
  get residentRingsBytes(): number {
    return this.#resident(this.address(this.bytes + GAP_BYTES), RINGS_BYTES);
  }

  #resident(address: bigint, bytes: number): number {
    return this.system.residentPages(address, bytes) * this.system.pageSize;
  }

  /** What the system is asked for is checked, whatever the tables say: nothing outside of the heap is ever reached. */
  #assertWithin(from: number, bytes: number, least: number, end: number): void {
    if (Number.isSafeInteger(from) && bytes >= 0 && from >= least && from + bytes <= end) return;
    throw new HeaderCorruptedError(
      `the heap's tables have a range of ${bytes} bytes at ${hex(from)}, outside of it.`,
      0,
    );
  }

  /** Charges pages against `maxBytes`; false, and nothing charged, if that would be over. Part of a section. */
  charge(pages: number): boolean {
    const charged = this.words[WORD_CHARGED_PAGES]! + pages;
    if (charged * PAGE_BYTES > this.maxBytes) return false;
    this.journal.set(WORD_CHARGED_PAGES, charged);
    return true;
  }

  /** Takes a charge back. Part of a section. */
  discharge(pages: number): void {
    this.journal.add(WORD_CHARGED_PAGES, -pages);
  }

  /** Granules of the page heap. */
  get granules(): number {
    return this.bytes / SLAB_BYTES;
  }

  /** @throws {HeapSharedError} if this thread opened the heap, and others still have it. */
  assertMayClose(): void {
    if (!this.isNew || !this.journal.shared || !this.threads.hasOther(this.#thread)) return;
    throw new HeapSharedError(
      "other threads are attached to this heap: it can be closed when they have closed it, or have ended.",
    );
  }

  /**
   * Detaches every view; if no other thread has the heap, gives the reservation back, and in any case the system.
   *
   * @param atLast is called before the memory goes, if no other thread has the heap; nor can one attach from then on.
   * @throws {HeapSharedError} as `assertMayClose`; then nothing has happened. And whatever `atLast` throws.
   */
  close(atLast: () => void = () => {}): void {
    const { shared } = this.journal;
    const isEmpty = shared && this.isCacheEmpty(this.#thread);
    const isLast = !shared || this.journal.run(() => this.#leave());
    try {
      if (isLast) atLast();
    } finally {
      // If this is not the last, the others may close from here on, and only the tombstone is sure to be there.
      if (!shared) this.words[WORD_MAGIC] = 0;
      else if (!isLast && isEmpty) this.threads.release(this.#thread);
      const isLent = Atomics.load(this.words, WORD_LENT) !== 0; // by a thread that ended
      this.#detach();
      try {
        if (isLast && !isLent) this.#giveBack(shared);
      } finally {
        this.system.close();
      }
    }
  }

  /** Counts the blocks that are lent, by all threads. */
  lend(by: number): void {
    this.#keep(by);
    Atomics.add(this.words, WORD_LENT, by);
  }

  /** Says that others may have its addresses from now on: it is not given back when it is collected. */
  give(): void {
    this.#remains.isGiven = true;
  }

  /** Counts why it must not go with its thread, nor when it is collected. */
  #keep(by: number): void {
    const { system, address, bytes, kept } = this.#remains;
    if (this.isNew && (kept === 0 || kept + by === 0)) system.outlive(address, bytes, kept + by > 0);
    this.#remains.kept = kept + by;
  }

  #detach(): void {
    for (const buffer of [this.buffer, this.blockBuffer, this.books?.buffer]) {
      if (buffer?.detached === false) buffer.transfer(0);
    }
  }

  /**
   * Whether a thread has nothing: no blocks, and no slabs that have any to give. Only then its entry may be made free;
   * otherwise it stays, as a dead thread's does.
   */
  isCacheEmpty(thread: number): boolean {
    const first = firstWordOf(thread);
    const isZero = (from: number, to: number): boolean =>
      this.words.subarray(first + from, first + to).every((head) => head === 0);
    return isZero(CACHE_HEADS, CACHE_HEADS + MAX_CLASSES) && isZero(CACHE_SLABS, CACHE_SPANS + SPAN_CLASSES);
  }

  /** Whether this was the last thread. If so, nobody can attach any more. */
  #leave(): boolean {
    if (!this.threads.hasOther(this.#thread)) {
      this.journal.set(WORD_MAGIC, 0);
      Atomics.store(this.words, WORD_MAGIC, 0); // before the next look
      if (!this.threads.hasOther(this.#thread)) return true;
      Atomics.store(this.words, WORD_MAGIC, HEAP_MAGIC); // somebody came
    }
    this.assertMayClose();
    this.threads.leave(this.#thread, this.journal);
    return false;
  }

  /**
   * Gives the reservation back; of a heap that was shared all but the tombstone, and a tombstone that is old. Where a process
   * has as many mappings as there may be, the system does not split one: then just the memory goes.
   */
  #giveBack(shared: boolean): void {
    const { system } = this, bytes = this.#reservedBytes, page = system.pageSize;
    const base = this.address(-this.stateBytes);
    const from = Math.floor(TOMBSTONE_OFFSET / page) * page;
    const to = Math.ceil((TOMBSTONE_OFFSET + TOMBSTONE_BYTES) / page) * page;
    let mapped = bytes;
    try {
      if (!shared) return system.release(base, bytes);
      system.release(base + BigInt(to), bytes - to);
      mapped = to;
      if (from > 0) system.release(base, from);
    } catch (error) {
      if (!(error instanceof OsError)) throw error;
      return system.leave(base, mapped);
    }
    tombstones.push(base + BigInt(from));
    system.outlive(base + BigInt(from), to - from, false); // when this thread ends, it is left behind with those of others
    if (tombstones.length > MAX_TOMBSTONES) system.release(tombstones.shift()!, to - from);
  }
}

/** Each is a mapping of its own, of which the system gives a process some ten thousand. */
const MAX_TOMBSTONES = 256;
/** The addresses of those that this thread has left. */
const tombstones: bigint[] = [];

/** Bytes of a heap with its rings. */
function withRings(bytes: number): number {
  return bytes + GAP_BYTES + RINGS_BYTES;
}

/** What a heap has room for behind its rings: samples of blocks, and books, of all blocks or of those that are guarded. */
interface Behind {
  readonly samples: boolean;
  readonly books: boolean;
}

/** See `Behind`. */
export function behindOf(build: Build, { guard, profile }: Flags): Behind {
  return { samples: profile === 1, books: build === "debug" || guard === 1 };
}

/** Bytes of a heap with its rings and its samples. */
function withSamples(bytes: number, { samples }: Behind): number {
  return withRings(bytes) + (samples ? samplesBytes(bytes) : 0);
}

/** What a heap of so many bytes reserves: the state is in front of it, and the books come last. */
export function reservedBytes(bytes: number, behind: Behind): number {
  const books = behind.books ? GAP_BYTES + booksLayout(bytes).bytes : 0;
  return stateBytes(bytes) + withSamples(bytes, behind) + books;
}

/** Reserves; where less will do, halves what is asked for until the system has it, down to 1 GiB. */
function reserve(
  system: VirtualMemory,
  bytes: number,
  orLess: boolean,
  behind: Behind,
): [base: bigint, bytes: number] {
  for (let size = bytes;; size /= 2) {
    try {
      return [system.reserve(reservedBytes(size, behind), SUPERSLAB_BYTES) + BigInt(stateBytes(size)), size];
    } catch (error) {
      if (!(error instanceof OsError) || !orLess || size / 2 < 1024 ** 3) throw error;
    }
  }
}
