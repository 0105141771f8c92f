/**
 * The debug build: a layer over the release build that is certain to find every misuse of memory, or says how long it
 * can. It changes no part of the allocator, so what it runs on is what is tested.
 *
 * - Each block is a release block with redzones around what its user sees (`block.ts`). They are verified on free,
 *   realloc and `check()`. `usableSize` is exactly the size asked for.
 * - The books are outside of the heap's memory (`books.ts`). So no write can damage them, no user data can look
 *   like them, and a number is either the start of a live block, or told for what it is.
 * - New memory is filled with 0xd0, freed memory with 0xdf. Freed blocks wait in a quarantine; a block that was
 *   written to meanwhile is found by `check()`, or when it leaves.
 * - What the release build's free lists give is compared with what was taken (`inner.ts`).
 *
 * **A call that throws has not done its work**, and may be made again: whatever a call must put out of the quarantine
 * goes before anything else, and the first block found written to ends the call. That block is out then, so each is
 * reported once.
 *
 * **Threads** that share the heap share the books. Each call is a section of theirs from start to end, what it does
 * in the release build included, so all calls of all threads are one after another: nothing is in between that a
 * check could take for damage. A thread that dies in a call has made it or not made it, and loses nothing: the next
 * one undoes what it had written to the books, fills the block that it had freed, and gives back what it had taken
 * and not booked. A section of the heap's own tables may be in one of the books, never the other way round.
 *
 * Cost, for each block: a record, a stack of the allocation and one of the free, 32 bytes and more of redzones; and the
 * quarantine's memory. The books' map takes up to a quarter of the heap's memory, which `stats()` does not count. It is
 * much slower than the release build, and most of that is what the stacks cost.
 *
 * @module
 */

import type { HeapCounters } from "../state/counters.ts";
import {
  type DebugBlock,
  fill,
  FILL_FREED,
  FILL_NEW,
  freedDamage,
  frontDamage,
  rearDamage,
  REDZONE_BYTES,
  writeRedzones,
} from "./block.ts";
import { DebugBooks, LIVE, QUARANTINED } from "./books.ts";
import { InnerBlocks } from "./inner.ts";
import { groupLeaks, leakReport } from "./leaks.ts";
import { debugStats } from "./stats.ts";
import { DebugReport } from "./report.ts";
import { DebugStacks, type Origin } from "./stacks.ts";
import { assertPointer, assertSize, type BufferOverflowError, HeapError } from "../errors.ts";
import type { Blocks, CallSites, Leak } from "../blocks.ts";
import type { ReleaseBlocks } from "../release.ts";
import type { Journal } from "../state/journal.ts";
import { BLOCK_ALIGNMENT, MIB } from "../state/layout.ts";
import type { Pressure } from "../interop/pressure.ts";
import type { Log } from "../log.ts";
import type { BooksMemory, HeapMemory } from "../state/memory.ts";
import type { HeapSnapshot } from "../inspect/snapshot.ts";
import type { BlockInfo, HeapStats } from "../inspect/stats.ts";
import { debugSnapshot } from "./snapshot.ts";

/** What freed blocks may hold back by default. */
export const DEFAULT_QUARANTINE_BYTES = MIB;

/** What a debug build is made with, by the thread that opens the heap. */
export interface DebugOptions {
  /** One allocation in so many has stacks; 0: none. */
  readonly stacks: number;
  readonly quarantineBytes: number;
}

/** An allocation: with so many bytes in front of the block, by a function of the release build, filled with a byte. */
interface Allocation {
  readonly size: number;
  readonly front: number;
  readonly byte: number;
  readonly stack: Origin | undefined;
  readonly allocateInner: (bytes: number) => number;
}

/**
 * See the module. What it is asked about a pointer that is not a live block, `free` and `realloc` answer with
 * `DOUBLE_FREE` and the others with `USE_AFTER_FREE` if it was one.
 */
export class DebugBlocks implements Blocks {
  readonly #memory: HeapMemory;
  readonly #journal: Journal;
  readonly #inner: ReleaseBlocks;
  readonly #log: Log;
  readonly #stacks: DebugStacks;
  readonly #report: DebugReport;
  readonly #books: DebugBooks;
  /** The release blocks that those in the books are in. */
  readonly #inners: InnerBlocks;
  readonly #pressure: Pressure | undefined;

  /**
   * @param pressure is asked before there is no memory, if the program wants it.
   * @param options of a heap that is new.
   */
  constructor(
    memory: HeapMemory,
    books: BooksMemory,
    inner: ReleaseBlocks,
    log: Log,
    pressure: Pressure | undefined,
    options?: DebugOptions,
  ) {
    this.#memory = memory;
    this.#journal = books.journal;
    this.#inner = inner;
    this.#log = log;
    this.#stacks = new DebugStacks(books, options?.stacks, (body) => this.#section(body));
    this.#report = new DebugReport(memory.u8, this.#stacks);
    this.#books = new DebugBooks(books, memory.bytes, options?.quarantineBytes);
    this.#inners = new InnerBlocks(inner, books, this.#books);
    this.#pressure = pressure;
    neighbours.add(new WeakRef(this));
  }

  readonly malloc = (size: number): number => {
    this.#memory.assertOpen();
    assertSize(size, "size");
    return this.#allocate({ ...this.#plain(size, this.malloc), allocateInner: this.#inner.malloc });
  };

  readonly free = (ptr: number): void => {
    assertPointer(ptr);
    this.#memory.assertOpen();
    if (ptr === 0) return;
    const site = this.#stacks.takeNext();
    const stack = site ?? (this.#stacks.every === 1 ? this.#stacks.capture(this.free) : undefined); // here it takes half as long
    this.#section(() => this.#retire(this.#freeable(ptr), this.free, stack));
  };

  calloc(count: number, size: number): number {
    const allocateInner = (bytes: number): number => this.#inner.calloc(1, bytes);
    return this.#allocate({ ...this.#plain(count * size, this.calloc), byte: 0, allocateInner });
  }

  /** Each realloc has its stack, and looks at the redzones. */
  readonly keeps = (): boolean => false;
  readonly moves = (): number => -1;

  realloc(ptr: number, size: number): number {
    const allocation = { ...this.#plain(size, this.realloc), allocateInner: this.#inner.malloc };
    return this.#relieved(allocation, () =>
      this.#section(() => {
        const block = this.#freeable(ptr);
        if (this.#stays(block, size)) return this.#lengthen(block, allocation);
        const moved = this.#take(allocation);
        if (moved === 0) {
          this.#books.settle();
          return 0;
        }
        this.#memory.u8.copyWithin(moved, ptr, ptr + Math.min(block.size, size));
        this.#retire(block, this.realloc, allocation.stack);
        return moved;
      }));
  }

  alignedAlloc(alignment: number, size: number): number {
    if (alignment <= BLOCK_ALIGNMENT) return this.malloc(size);
    const allocateInner = (bytes: number): number => this.#inner.alignedAlloc(alignment, bytes);
    return this.#allocate({ ...this.#plain(size, this.alignedAlloc), front: alignment, allocateInner });
  }

  get callSites(): CallSites {
    return this.#stacks;
  }

  usableSize(ptr: number): number {
    return ptr === 0 ? 0 : this.#section(() => this.#used(ptr).size);
  }

  goodSize(size: number): number {
    return size;
  }

  owns(ptr: number): boolean {
    return this.#section(() => this.#books.find(ptr)?.live === true);
  }

  blockOf(ptr: number): number {
    if (!Number.isInteger(ptr)) return 0;
    return this.#section(() => {
      for (const block of this.#books.on(LIVE)) {
        if (ptr >= block.ptr && ptr < block.ptr + Math.max(1, block.size)) return block.ptr;
      }
      return 0;
    });
  }

  tooLong(ptr: number, length: number): BufferOverflowError {
    return this.#section(() => this.#report.tooLong(this.#used(ptr), length));
  }

  stats(): HeapStats {
    return this.#section(() => debugStats(this.#inner.stats(), this.#books.on(LIVE)));
  }

  snapshot(): HeapSnapshot {
    return this.#section(() => debugSnapshot(this.#inner.snapshot(), [...this.#books.on(LIVE)]));
  }

  counters(): HeapCounters | undefined {
    return this.#inner.counters();
  }

  *blocks(): Generator<BlockInfo> {
    const blocks = this.#section(() => [...this.#books.on(LIVE)]).sort((a, b) => a.ptr - b.ptr);
    for (const { ptr, size, sizeClass, slab } of blocks) yield { ptr, size, sizeClass, slab };
  }

  leaks(): Leak[] {
    return this.#section(() => {
      this.#stacks.settle();
      return groupLeaks(this.#books.on(LIVE), this.#stacks);
    });
  }

  beforeShare(): void {
    this.#section(() => this.#stacks.settle());
  }

  /**
   * Redzones, the quarantine, the release build's tables, and whether those have just the blocks that the books have.
   */
  check(): void {
    this.#section(() => {
      for (const block of this.#books.on(LIVE)) this.#assertRedzones(block);
      for (const block of this.#books.on(QUARANTINED)) {
        const damage = freedDamage(this.#memory.u8, block);
        if (damage !== undefined) throw this.#report.writtenAfterFree(block, damage);
      }
      this.#inners.check();
    });
  }

  collect(): number {
    return this.#section(() => {
      this.#makeRoom(Infinity);
      return this.#inner.collect();
    });
  }

  close(): void {
    this.#section(() => this.#inner.close());
  }

  /** Logs what `check()` would throw and what leaks, and never throws for it. */
  report(): void {
    try {
      this.check();
    } catch (error) {
      if (!(error instanceof HeapError)) throw error;
      for (const line of `hakmem: ${error.code}: ${error.message}`.split("\n")) this.#log.say(line);
    }
    for (const line of leakReport(this.leaks())) this.#log.say(line);
  }

  /** What every call is in. */
  #section<Result>(body: () => Result): Result {
    return this.#log.during(() =>
      this.#journal.run(() => {
        this.#recover();
        if (this.#stacks.isDue) this.#stacks.settle();
        return body();
      })
    );
  }

  /** Brings to an end what another thread did not. */
  #recover(): void {
    const { unfilled } = this.#books;
    if (unfilled !== undefined) this.#fillFreed(unfilled);
    if (this.#books.isUnsettled) this.#inners.recover();
  }

  #plain(size: number, callee: (...args: never[]) => number): Omit<Allocation, "allocateInner"> {
    return { size, front: REDZONE_BYTES, byte: FILL_NEW, stack: this.#stacks.sample(callee) };
  }

  #allocate(allocation: Allocation): number {
    return this.#relieved(allocation, () =>
      this.#section(() => {
        const ptr = this.#take(allocation);
        this.#books.settle();
        return ptr;
      }));
  }

  /** Outside of any section, so that the program may do what it likes when it is asked. */
  #relieved({ size }: Allocation, allocate: () => number): number {
    const ptr = allocate();
    if (ptr !== 0 || this.#pressure === undefined || size > this.#memory.maxBytes) return ptr;
    return this.#pressure.relieve(allocate);
  }

  /** Books a block, but does not commit it; 0 if there is no memory. */
  #take({ size, front, byte, stack, allocateInner }: Allocation): number {
    const bytes = front + size + REDZONE_BYTES;
    if (bytes > this.#memory.maxBytes) return 0;
    let inner = this.#inners.take(bytes, allocateInner);
    if (inner === 0 && this.#books.quarantineBytes > 0) {
      this.#makeRoom(Infinity);
      inner = this.#inners.take(bytes, allocateInner);
    }
    if (inner === 0) return 0;
    const block = {
      ptr: inner + front,
      size,
      inner,
      innerBytes: this.#inner.usableSize(inner),
      sizeClass: this.#inner.classOf(inner),
      allocated: 0,
    };
    writeRedzones(this.#memory.u8, block);
    if (byte !== 0) fill(this.#memory.u8, block, byte);
    const record = this.#books.add(block);
    if (stack !== undefined) this.#stacks.note(stack, this.#books.allocatedWord(record));
    return block.ptr;
  }

  /**
   * Whether a block is to grow where it is. A small one never does: code that goes on using the old pointer is to be
   * found. A large one stays while it has room, or growing it by a little at a time would take seconds.
   */
  #stays({ ptr, size: before, inner, innerBytes, sizeClass }: DebugBlock, size: number): boolean {
    return sizeClass === 0 && size >= before && ptr + size + REDZONE_BYTES <= inner + innerBytes;
  }

  /** The rest of the redzone after it is as it should be: its bytes follow from where they are. */
  #lengthen(block: DebugBlock, { size, stack }: Allocation): number {
    this.#books.lengthen(block, size - block.size);
    if (stack !== undefined) this.#stacks.note(stack, this.#books.allocatedWord(block.record));
    this.#books.settle();
    // It has grown. Where this does not happen, the redzone's bytes are left there.
    asFarAsThereIsStack(() => fill(this.#memory.u8, { ...block, size }, FILL_NEW, block.size));
    return block.ptr;
  }

  /**
   * Frees a live block: into the quarantine, which has room, or to the release build at once if it never fits. It is
   * filled after the commit: a thread that dies before has changed nothing, and for one that dies after it the next one
   * does it.
   */
  #retire(block: DebugBlock, callee: (...args: never[]) => unknown, stack?: Origin): void {
    const freed = block.allocated === 0 ? undefined : stack ?? this.#stacks.capture(callee);
    const fits = block.innerBytes <= this.#books.quarantineMost;
    if (fits) {
      this.#books.quarantine(block, 0);
      if (freed !== undefined) this.#stacks.note(freed, this.#books.freedWord(block.record));
      this.#books.settle();
    } else {
      this.#books.retire(block);
      if (freed !== undefined) this.#stacks.note(freed, this.#books.freedWord(block.record));
      this.#inners.untake(block.inner);
    }
    // The block is freed. The next call does what there is no stack left for now.
    asFarAsThereIsStack(() => {
      this.#fillFreed(block);
      if (!fits) this.#inners.give(block.inner);
    });
  }

  #fillFreed(block: DebugBlock): void {
    fill(this.#memory.u8, block, FILL_FREED);
    this.#books.filled();
  }

  /** Empties the quarantine, the oldest first, until so many bytes fit; for what never fits, it leaves it alone. */
  #makeRoom(bytes: number): void {
    const most = this.#books.quarantineMost;
    if (bytes > most && bytes !== Infinity) return;
    while (this.#books.quarantineBytes + bytes > most) {
      const block = this.#books.oldest(QUARANTINED);
      if (block === undefined) return;
      const damage = freedDamage(this.#memory.u8, block);
      const error = damage && this.#report.writtenAfterFree(block, damage);
      this.#books.retire(block);
      this.#inners.untake(block.inner);
      try {
        this.#inners.give(block.inner);
      } catch (corrupted) {
        throw error ?? corrupted;
      }
      if (error !== undefined) throw error;
    }
  }

  #assertRedzones(block: DebugBlock): void {
    const before = frontDamage(this.#memory.u8, block);
    if (before !== undefined) throw this.#report.underflow(block, before);
    const after = rearDamage(this.#memory.u8, block);
    if (after !== undefined) throw this.#report.overflow(block, after);
    this.#inner.assertHeader(block.inner);
  }

  /** The live block that begins there, sound, and the quarantine with room for it. */
  #freeable(ptr: number): DebugBlock {
    const block = this.#books.find(ptr);
    if (block === undefined) throw this.#invalid(ptr);
    if (!block.live) throw this.#report.doubleFree(block);
    this.#assertRedzones(block);
    this.#makeRoom(block.innerBytes);
    return block;
  }

  /** The live block that begins there. */
  #used(ptr: number): DebugBlock {
    const block = this.#books.find(ptr);
    if (block === undefined) throw this.#invalid(ptr);
    if (!block.live) throw this.#report.usedAfterFree(block);
    return block;
  }

  #invalid(ptr: number): HeapError {
    for (const list of [LIVE, QUARANTINED] as const) {
      for (const block of this.#books.on(list)) {
        if (ptr >= block.inner && ptr < block.inner + block.innerBytes) return this.#report.invalid(ptr, block);
      }
    }
    return this.#report.invalid(ptr, undefined, this.#isOfAnother(ptr));
  }

  /** Whether another debug heap of this thread has a live block there. */
  #isOfAnother(ptr: number): boolean {
    for (const held of neighbours) {
      const other = held.deref();
      if (other === undefined || other.#memory.closed) neighbours.delete(held);
      else if (other !== this && other.#books.mayBeLive(ptr)) return true;
    }
    return false;
  }
}

/** For what follows when a call has done its work. */
function asFarAsThereIsStack(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

/** The debug heaps of this thread: a pointer that this heap does not have may be another heap's. */
const neighbours = new Set<WeakRef<DebugBlocks>>();
