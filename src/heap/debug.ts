/**
 * The debug build: a layer over the release build that finds every misuse of memory for certain, or says until when it
 * does. It changes no part of the allocator, so what it runs on is what is tested.
 *
 * - Each block is a release block with redzones around what its user sees (`debug_block.ts`). They are verified on free,
 *   realloc and `check()`. `usableSize` is exactly the size asked for.
 * - The books are outside of the heap's memory, in a Map by pointer. So no write can damage them, no user data can look
 *   like them, and a number is either the start of a live block, or told for what it is.
 * - New memory is filled with 0xd0, freed memory with 0xdf. Freed blocks wait in a quarantine (`debug_quarantine.ts`);
 *   a block that was written to meanwhile is found by `check()`, or when it leaves.
 * - What the release build's free lists give is compared with what was taken (`debug_inner.ts`).
 *
 * **A call that throws has not done its work**, and may be made again: whatever a call must put out of the quarantine
 * goes before anything else, and the first block found written to ends the call. That block is out then, so each is
 * reported once.
 *
 * Cost, for each block: a record, a stack of the allocation and one of the free, 32 bytes and more of redzones; and the
 * quarantine's memory. It is much slower than the release build.
 *
 * @module
 */

import type { HeapCounters } from "./counters.ts";
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
} from "./debug_block.ts";
import { InnerBlocks } from "./debug_inner.ts";
import { groupLeaks, type Leak, leakReport } from "./debug_leaks.ts";
import { History, Quarantine } from "./debug_quarantine.ts";
import { debugStats } from "./debug_stats.ts";
import { DebugReport } from "./debug_report.ts";
import { captureStack, StackSampler } from "./debug_stacks.ts";
import { assertSize, type BufferOverflowError, HeapError } from "./errors.ts";
import type { Blocks } from "./blocks.ts";
import type { ReleaseBlocks } from "./release.ts";
import type { BlockInfo, HeapStats } from "./introspect.ts";
import { BLOCK_ALIGNMENT, MIB, SLAB_SHIFT } from "./layout.ts";
import type { HeapMemory } from "./memory.ts";
import { debugSnapshot, type HeapSnapshot } from "./snapshot.ts";

/** What freed blocks may hold back when nothing else is asked for. */
export const DEFAULT_QUARANTINE_BYTES = MIB;
/** Freed blocks that are remembered when their memory is in use again. */
const HISTORY_BLOCKS = 4096;

/** What a debug build is made with. */
export interface DebugOptions {
  /** One allocation in so many has stacks; 0: none. */
  readonly stacks: number;
  readonly quarantineBytes: number;
  readonly log: (line: string) => void;
}

/**
 * See the module. What it is asked about a pointer that is no live block, `free` and `realloc` answer with `DOUBLE_FREE`
 * and the others with `USE_AFTER_FREE` if it was one.
 */
export class DebugBlocks implements Blocks {
  readonly #memory: HeapMemory;
  readonly #inner: ReleaseBlocks;
  readonly #options: DebugOptions;
  readonly #sampler: StackSampler;
  readonly #report: DebugReport;
  /** Live blocks and those in quarantine, by pointer. */
  readonly #blocks = new Map<number, DebugBlock>();
  /** The release blocks that those are in. */
  readonly #inners: InnerBlocks;
  readonly #quarantine = new Quarantine();
  readonly #history = new History(HISTORY_BLOCKS);

  constructor(memory: HeapMemory, inner: ReleaseBlocks, options: DebugOptions) {
    this.#memory = memory;
    this.#inner = inner;
    this.#inners = new InnerBlocks(inner);
    this.#options = options;
    this.#sampler = new StackSampler(options.stacks);
    this.#report = new DebugReport(memory.u8, options.stacks);
  }

  readonly malloc = (size: number): number => {
    this.#memory.assertOpen();
    assertSize(size, "size");
    return this.#allocate(size, REDZONE_BYTES, this.#inner.malloc);
  };

  readonly free = (ptr: number): void => {
    this.#memory.assertOpen();
    if (ptr === 0) return;
    const block = this.#freeable(ptr);
    this.#retire(block);
  };

  calloc(count: number, size: number): number {
    return this.#allocate(count * size, REDZONE_BYTES, (bytes) => this.#inner.calloc(1, bytes), 0);
  }

  realloc(ptr: number, size: number): number {
    const block = this.#freeable(ptr);
    const moved = this.malloc(size);
    if (moved === 0) return 0;
    this.#memory.u8.copyWithin(moved, ptr, ptr + Math.min(block.size, size));
    this.#retire(block);
    return moved;
  }

  alignedAlloc(alignment: number, size: number): number {
    if (alignment <= BLOCK_ALIGNMENT) return this.malloc(size);
    return this.#allocate(size, alignment, (bytes) => this.#inner.alignedAlloc(alignment, bytes));
  }

  usableSize(ptr: number): number {
    return ptr === 0 ? 0 : this.#used(ptr).size;
  }

  goodSize(size: number): number {
    return size;
  }

  owns(ptr: number): boolean {
    return this.#blocks.get(ptr)?.live === true;
  }

  blockOf(ptr: number): number {
    for (const [start, block] of this.#blocks) {
      if (block.live && ptr >= start && ptr < start + Math.max(1, block.size)) return Number.isInteger(ptr) ? start : 0;
    }
    return 0;
  }

  tooLong(ptr: number, length: number): BufferOverflowError {
    return this.#report.tooLong(this.#used(ptr), length);
  }

  stats(): HeapStats {
    return debugStats(this.#inner.stats(), this.#live());
  }

  snapshot(): HeapSnapshot {
    return debugSnapshot(this.#inner.snapshot(), [...this.#live()]);
  }

  counters(): HeapCounters | undefined {
    return this.#inner.counters();
  }

  *blocks(): Generator<BlockInfo> {
    const blocks = [...this.#live()].sort((a, b) => a.ptr - b.ptr);
    for (const { ptr, size, sizeClass, slab } of blocks) yield { ptr, size, sizeClass, slab };
  }

  leaks(): Leak[] {
    return groupLeaks(this.#live());
  }

  /** Redzones, the quarantine, the release build's tables, and whether those have just the blocks that the books have. */
  check(): void {
    for (const block of this.#live()) this.#assertRedzones(block);
    for (const block of this.#quarantine) {
      const damage = freedDamage(this.#memory.u8, block);
      if (damage !== undefined) throw this.#report.writtenAfterFree(block, damage);
    }
    this.#inners.check();
  }

  collect(): number {
    this.#makeRoom(Infinity);
    return this.#inner.collect();
  }

  /** Logs what `check()` would throw and what leaks, and never throws for it. */
  close(): void {
    try {
      this.check();
    } catch (error) {
      if (!(error instanceof HeapError)) throw error;
      for (const line of `hakmem: ${error.code}: ${error.message}`.split("\n")) this.#options.log(line);
    }
    for (const line of leakReport(this.leaks())) this.#options.log(line);
    this.#blocks.clear();
  }

  *#live(): Generator<DebugBlock> {
    for (const block of this.#blocks.values()) if (block.live) yield block;
  }

  /** A block with `front` bytes before it, from a function of the release build. */
  #allocate(size: number, front: number, allocateInner: (bytes: number) => number, byte = FILL_NEW): number {
    const bytes = front + size + REDZONE_BYTES;
    if (bytes > this.#memory.maxBytes) return 0;
    let inner = this.#inners.take(bytes, allocateInner);
    if (inner === 0 && this.#quarantine.bytes > 0) {
      this.#makeRoom(Infinity);
      inner = this.#inners.take(bytes, allocateInner);
    }
    if (inner === 0) return 0;
    const sizeClass = this.#inner.classOf(inner);
    const block: DebugBlock = {
      ptr: inner + front,
      size,
      inner,
      innerBytes: this.#inner.usableSize(inner),
      sizeClass,
      slab: sizeClass === 0 ? -1 : inner >>> SLAB_SHIFT,
      allocated: this.#sampler.next(),
      freed: undefined,
      live: true,
    };
    this.#history.forget(block.ptr);
    this.#blocks.set(block.ptr, block);
    writeRedzones(this.#memory.u8, block);
    if (byte !== 0) fill(this.#memory.u8, block, byte);
    return block.ptr;
  }

  /** Frees a live block: into the quarantine, which has room, or to the release build at once if it never fits. */
  #retire(block: DebugBlock): void {
    block.live = false;
    if (block.allocated !== undefined) block.freed = captureStack();
    fill(this.#memory.u8, block, FILL_FREED);
    if (block.innerBytes <= this.#options.quarantineBytes) this.#quarantine.push(block);
    else this.#giveBack(block);
  }

  /** Empties the quarantine, the oldest first, until so many bytes fit; for what never fits, it leaves it alone. */
  #makeRoom(bytes: number): void {
    const most = this.#options.quarantineBytes;
    if (bytes > most && bytes !== Infinity) return;
    while (this.#quarantine.bytes + bytes > most) {
      const block = this.#quarantine.shift();
      if (block === undefined) return;
      const damage = freedDamage(this.#memory.u8, block);
      const error = damage && this.#report.writtenAfterFree(block, damage);
      try {
        this.#giveBack(block);
      } catch (corrupted) {
        throw error ?? corrupted;
      }
      if (error !== undefined) throw error;
    }
  }

  #giveBack(block: DebugBlock): void {
    this.#blocks.delete(block.ptr);
    this.#history.add(block);
    this.#inners.give(block.inner);
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
    const block = this.#blocks.get(ptr) ?? this.#history.get(ptr);
    if (block === undefined) throw this.#invalid(ptr);
    if (!block.live) throw this.#report.doubleFree(block);
    this.#assertRedzones(block);
    this.#makeRoom(block.innerBytes);
    return block;
  }

  /** The live block that begins there. */
  #used(ptr: number): DebugBlock {
    const block = this.#blocks.get(ptr) ?? this.#history.get(ptr);
    if (block === undefined) throw this.#invalid(ptr);
    if (!block.live) throw this.#report.usedAfterFree(block);
    return block;
  }

  #invalid(ptr: number): HeapError {
    for (const block of this.#blocks.values()) {
      if (ptr >= block.inner && ptr < block.inner + block.innerBytes) return this.#report.invalid(ptr, block);
    }
    return this.#report.invalid(ptr, undefined);
  }
}
