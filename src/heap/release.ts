/**
 * The release build: puts the parts together, and has what belongs neither to the hot path nor to one part.
 *
 * @module
 */

import type { Blocks, Leak, Ptr } from "./blocks.ts";
import { ClassSlabs } from "./core/class_slabs.ts";
import { Counters, type HeapCounters } from "./state/counters.ts";
import { assertPointer, assertSize, BufferOverflowError, hex } from "./errors.ts";
import { FrontGate } from "./hot/front_gate.ts";
import { Introspection } from "./inspect/introspect.ts";
import { Headers } from "./core/headers.ts";
import type { Pressure } from "./interop/pressure.ts";
import { type GuardedSpans, HEADER_BYTES, LargeBlocks } from "./core/large.ts";
import {
  BLOCK_ALIGNMENT,
  CACHE_GUARD,
  CACHE_HEADS,
  CACHE_ROOMS,
  CACHE_SAMPLE_LEFT,
  CLASS_BITS,
  INVERSES_OFFSET,
  KIB,
  MAX_CLASSES,
  MIB,
  PAGE_BYTES,
  SLAB_MAP_OFFSET,
  SMALL_SPACE_BYTES,
  tagOf,
  WORD_CHARGED_PAGES,
  WORD_CLASS_OF,
} from "./state/layout.ts";
import { Links } from "./core/links.ts";
import { needStack } from "./state/journal.ts";
import type { HeapMemory } from "./state/memory.ts";
import { PageHeap } from "./core/page_heap.ts";
import { Reclaimer } from "./threads/reclaim.ts";
import { inverseOf, type SizeClasses, sizeClasses } from "./core/size_classes.ts";
import { Slabs } from "./core/slabs.ts";
import type { HeapSnapshot } from "./inspect/snapshot.ts";
import type { BlockInfo, HeapStats } from "./inspect/stats.ts";
import { ThreadCache } from "./threads/thread_cache.ts";
import { countsDown } from "./hot/constants.ts";
import { compileLarge, type LargePath } from "./hot/large_path.ts";
import { compileKeeps, compileMoves, type Keeps, type Moves } from "./hot/in_place.ts";
import { type Compile, compiled } from "./hot/parts.ts";
import type { Variant } from "./variants.ts";
import { Narrator } from "./hot/verbose.ts";
import type { MakeSamples } from "./profile/mod.ts";
import type { HeapProfile } from "./profile/profile.ts";
import type { Samples } from "./profile/samples.ts";

/** A thread's lists are filled beforehand where as much as this is left to take. */
const PREWARM_LEAST_BYTES = 32 * MIB;

/** Of a large block with its AllocHeader: what lies on its first page. */
const FIRST_PAGE_BYTES = PAGE_BYTES - HEADER_BYTES;
/** From here on pages are moved rather than copied to new ones: 5 us in place of 119, with the faults. */
const MOVED_BYTES = 256 * KIB;
/** Not behind this: the system remembers each range that was moved, and takes 65,530 of them for all of a process. */
const MOVED_END = 4096 * MIB;
const MOVE_STACK: readonly number[] = new Array<number>(2048).fill(0);

/** Up to here a loop over words, or doubles, is faster than a call of V8's own fill and copy, */
const SHORT_BYTES = 256;
/** and up to here pointers are int32s, as the loop has them: large blocks may lie behind, and guarded ones. */
const MOST_INT = 2 ** 31 - 1 - SHORT_BYTES;

/**
 * A slow path that V8 does not inline, since it inlines no function of more than 460 bytes of its code, executed or not.
 * Otherwise it inlines what it can reach behind malloc into the loops of programs, and has no room left for what they
 * need: random-mixed ran 0.97 times as fast. A Proxy would do it, too, and take 10 ns longer.
 */
function outOfLine<Result>(slow: (value: number) => Result): (value: number) => Result {
  return (value) => {
    // deno-fmt-ignore
    if (value === -1) many(
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    );
    return slow(value);
  };
}

function many(..._numbers: readonly number[]): void {}

/** Who guards some blocks, asked off the hot path (`guard/`). */
export interface Guard {
  /**
   * A guarded block for a malloc that is to have one; 0 if it is not, or there can be none.
   *
   * @param isSmall whether it stands for a small one, which the hot path gives: so it has to be below 2 GiB.
   */
  malloc(size: number, alignment: number, isSmall: boolean): Ptr;
  /** Frees a guarded block; false for any other pointer. */
  free(ptr: number): boolean;
  /** Before the heap gives up: lets go of freed blocks. */
  flush(): void;
}

/** The release build: the parts, and the functions of the hot module. */
export class ReleaseBlocks implements Blocks {
  readonly malloc: (size: number) => Ptr;
  readonly free: (ptr: Ptr) => void;
  readonly #memory: HeapMemory;
  /** The heap from its first block on, to be cleared eight bytes at a time. */
  readonly #doubles: Float64Array;
  readonly #variant: string;
  readonly #slabs: Slabs;
  readonly #pages: PageHeap;
  readonly #classes: SizeClasses;
  readonly #cache: ThreadCache;
  readonly #large: LargeBlocks;
  readonly #headers: Headers;
  readonly #links: Links;
  readonly #gate: FrontGate;
  readonly #introspection: Introspection;
  readonly #counters: Counters | undefined;
  readonly #reclaimer: Reclaimer;
  readonly #pressure: Pressure | undefined;
  readonly #largePath: LargePath;
  readonly keeps: Keeps;
  readonly moves: Moves;
  /** Of a profiled heap. */
  readonly #samples: Samples | undefined;
  /** What a small block that is sampled or guarded is aligned to; more than usual during `alignedAlloc`. */
  #alignment = BLOCK_ALIGNMENT;
  /** Of guarded builds, from when they are made on. */
  guard: Guard | undefined;
  /**
   * A block of a call that failed, which the next call frees, or none. Not that one: with a full stack it can call nothing
   * more, and what is not called cannot fail.
   */
  #unfreed = 0;

  /**
   * @param log gets what the flag `verbose` says.
   * @param pressure is asked before there is no memory, if the program wants it.
   * @param makeSamples makes those of a profiled heap.
   */
  constructor(
    memory: HeapMemory,
    variant: Variant,
    compile: Compile,
    log: (line: string) => void,
    pressure?: Pressure,
    makeSamples?: MakeSamples,
  ) {
    const { flags } = variant;
    const classes = sizeClasses(flags.classes, flags.header === "byte");
    this.#memory = memory;
    this.#doubles = new Float64Array(memory.buffer, memory.stateBytes, memory.bytes / 8);
    this.#pressure = pressure;
    this.#variant = variant.name;
    this.#classes = classes;
    this.#pages = new PageHeap(memory);
    this.#slabs = new Slabs(memory, this.#pages, classes);
    this.#counters = flags.counters === 1 ? new Counters(memory) : undefined;
    const narrator = flags.verbose === 1 ? new Narrator(log, this.#counters) : undefined;
    const watcher = narrator ?? this.#counters;
    const headers = this.#headers = new Headers(memory.u8, flags, classes);
    const links = this.#links = new Links(memory, this.#slabs, classes, flags);
    const source = new ClassSlabs(memory, this.#slabs, classes, links, watcher);
    const cache = this.#cache = new ThreadCache(
      memory,
      this.#slabs,
      source,
      classes,
      flags,
      headers.carved,
      links,
      watcher,
    );
    memory.journal.watcher = watcher;
    const large = this.#large = new LargeBlocks(memory, this.#pages, flags);
    this.#reclaimer = new Reclaimer(memory, source, cache.remote, cache.magazines, large, cache.capacities);
    this.#gate = new FrontGate(memory, this.#slabs, classes, cache, large, headers, links, flags, watcher);
    this.#introspection = new Introspection(memory, this.#pages, this.#slabs, classes, cache, large, headers);

    if (memory.isNew) {
      memory.words.set(classes.table, WORD_CLASS_OF);
      memory.words.set(classes.strides.map(inverseOf), INVERSES_OFFSET / 4);
    }
    const words = memory.words.subarray(0, (memory.stateBytes + Math.min(memory.bytes, SMALL_SPACE_BYTES)) / 4);
    this.#samples = makeSamples?.(memory, classes, large);
    const { reuse, cache: cacheLarge } = this.#largePath = compileLarge(words, memory, large, flags, classes.largest);
    const hotPath = compiled(compile, {
      words,
      u8: memory.u8,
      heads: this.#cache.firstWord + CACHE_HEADS,
      rooms: this.#cache.firstWord + CACHE_ROOMS,
      tag: tagOf(memory.thread),
      bias: classes.bias + WORD_CLASS_OF * 16,
      largest: classes.largest,
      refill: outOfLine(
        countsDown(flags)
          ? (turnedAway) => this.#sampleOrRefill(turnedAway >>> CLASS_BITS, turnedAway & (MAX_CLASSES - 1))
          : (sizeClass) => this.#refill(sizeClass),
      ),
      mallocSlow: outOfLine(
        countsDown(flags) ? (size) => this.#mallocSlow(size) : (size) => reuse(size) || this.#mallocSlow(size),
      ),
      freeSlow: outOfLine((ptr) => {
        if (ptr === 0 && !memory.closed) return; // programs free NULL often: 4 % of the frees of Android's SystemUI
        if (watcher === undefined && cacheLarge(ptr)) return;
        assertPointer(ptr);
        if (flags.guard === 1 && this.guard!.free(ptr)) return;
        // A header does not say whose a block is: in those variants a list has any owner's.
        if (flags.header !== "none" || !cache.remote.free(ptr)) this.#gate.free(ptr);
      }),
      isMapped: (ptr) => !memory.closed && memory.system.isMapped(memory.address(ptr)),
      reject: (fault, sizeClass, ptr) => this.#gate.reject(fault, sizeClass, ptr),
      counts: this.#counters?.values ?? new Float64Array(0),
      trace: links.log,
      slabMap: SLAB_MAP_OFFSET / 4,
      inverses: INVERSES_OFFSET / 4,
      front: memory.stateBytes,
    });
    this.keeps = compileKeeps(words, memory, classes, flags);
    this.moves = compileMoves(words, memory, classes, flags, (ptr, before, size) => this.move(ptr, before, size));
    const { malloc, free } = narrator?.wrap(hotPath, classes.largest) ?? hotPath;
    this.malloc = malloc;
    this.free = free;
    this.#reclaimer.reclaim();
    const left = memory.maxBytes - memory.words[WORD_CHARGED_PAGES]! * PAGE_BYTES;
    if (flags.prewarm === 1 && left >= PREWARM_LEAST_BYTES) this.#prewarm();
  }

  /** What was taken goes back if it throws: a thread that attaches may meet damage that is older than it. */
  #prewarm(): void {
    try {
      this.#cache.prewarm();
    } catch (error) {
      this.#cache.leave();
      throw error;
    }
  }

  calloc(count: number, size: number): Ptr {
    if (this.#unfreed !== 0) this.#freeUnfreed();
    const bytes = count * size;
    const ptr = this.malloc(bytes);
    if (ptr === 0 || (bytes > this.#classes.largest && this.#large.isZero(ptr))) return ptr;
    try {
      if (bytes > SHORT_BYTES || ptr > MOST_INT) this.#memory.u8.fill(0, ptr, ptr + bytes);
      else this.#clear(ptr, bytes);
    } catch (error) {
      if (this.#memory.build === "release") this.#unfreed = ptr; // a debug build finds it by its books
      throw error;
    }
    return ptr;
  }

  realloc(ptr: Ptr, size: number): Ptr {
    const sizeClass = this.#gate.smallClass(ptr);
    let before = this.#classes.usable[sizeClass]!;
    if (sizeClass === 0) {
      const granule = this.#large.find(ptr);
      if (granule === 0) throw this.#gate.invalid(ptr);
      this.#large.assertHeader(granule);
      before = this.#large.usable(granule);
      const isSampled = this.#large.isSampled(granule);
      if (isSampled && before <= this.#classes.largest) { // a small one that is sampled
        if (size <= before && this.goodSize(size) === before) return ptr;
      } else if (isSampled && size > this.#classes.largest && this.#large.hasPagesOf(granule, size)) {
        return ptr;
      } else if (size > this.#classes.largest && this.#large.resize(granule, size)) {
        try {
          this.#resized(ptr, size);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error; // it has its new size, and is not sampled
        }
        return ptr;
      }
    } else {
      this.#headers.assertSound(ptr, sizeClass);
      if (size <= before && this.goodSize(size) === before) return ptr;
    }
    return this.move(ptr, before, size);
  }

  /** What `realloc` does with a block of `before` bytes that cannot stay. */
  move(ptr: Ptr, before: number, size: number): Ptr {
    if (this.#unfreed !== 0) this.#freeUnfreed();
    const moved = this.malloc(size), bytes = size < before ? size : before;
    if (moved === 0) return size <= before ? ptr : 0; // it fits where it is, if not as well
    let pages = 0;
    try {
      if (bytes <= SHORT_BYTES) this.#copy(moved, ptr, bytes);
      else pages = this.#bring(moved, ptr, bytes);
      this.free(ptr);
    } catch (error) {
      if (pages > 0) this.#memory.move(moved + FIRST_PAGE_BYTES, ptr + FIRST_PAGE_BYTES, pages);
      this.#unfreed = moved; // a block that cannot be freed stays as it was, and is the only one
      if (!(error instanceof RangeError)) this.#freeUnfreed();
      throw error;
    }
    return moved;
  }

  /** What is to be done before anybody looks at the blocks. */
  #freeUnfreed(): void {
    const ptr = this.#unfreed;
    if (ptr === 0) return;
    try {
      this.free(ptr);
      this.#unfreed = 0;
    } catch (error) {
      if (!(error instanceof RangeError)) this.#unfreed = 0; // it is damaged, and stays
      throw error;
    }
  }

  #clear(ptr: Ptr, bytes: number): void {
    const { u8 } = this.#memory, doubles = this.#doubles, whole = bytes & ~7;
    for (let at = ptr >> 3; at < (ptr + whole) >> 3; at++) doubles[at] = 0;
    for (let at = ptr + whole; at < ptr + bytes; at++) u8[at] = 0;
  }

  /**
   * Brings the contents of a block to another. Of a large one whole pages go, if those there were never touched: a copy
   * would have to wait for each of them. The first stays, as it has the AllocHeader. Returns the bytes of pages that went.
   */
  #bring(to: Ptr, from: Ptr, bytes: number): number {
    const behind = bytes - FIRST_PAGE_BYTES, pages = behind - behind % PAGE_BYTES, end = FIRST_PAGE_BYTES + pages;
    const mayGo = bytes >= MOVED_BYTES && this.#large.isZero(to) && Math.max(to, from) < MOVED_END - bytes &&
      to % PAGE_BYTES === HEADER_BYTES && from % PAGE_BYTES === HEADER_BYTES;
    if (mayGo) {
      this.#copy(to, from, FIRST_PAGE_BYTES);
      this.#copy(to + end, from + end, bytes - end);
      needStack(...MOVE_STACK); // what comes now must not end half way
      if (this.#memory.move(from + FIRST_PAGE_BYTES, to + FIRST_PAGE_BYTES, pages)) return pages;
    }
    this.#copy(to, from, bytes);
    return 0;
  }

  #copy(to: Ptr, from: Ptr, bytes: number): void {
    const { u8, blocks } = this.#memory, whole = bytes & ~3, by = to - from;
    if (bytes > SHORT_BYTES || to > MOST_INT || from > MOST_INT) {
      u8.copyWithin(to, from, from + bytes);
      return;
    }
    for (let at = from >> 2; at < (from + whole) >> 2; at++) blocks[at + (by >> 2)] = blocks[at]!;
    for (let at = from + whole; at < from + bytes; at++) u8[at + by] = u8[at]!;
  }

  alignedAlloc(alignment: number, size: number): Ptr {
    if (alignment <= BLOCK_ALIGNMENT) return this.malloc(size);
    const { strides, usable, table, bias, largest } = this.#classes;
    // Blocks end where their slab ends, so a stride that is a multiple of the alignment aligns them all. None is shorter.
    const least = Math.max(size, alignment - (bias - BLOCK_ALIGNMENT + 1)); // a header is part of the stride
    const first = least > largest ? strides.length : table[(least + bias) >> 4]!;
    for (let sizeClass = first; sizeClass < strides.length; sizeClass++) {
      if (strides[sizeClass]! % alignment !== 0) continue;
      const before = this.#alignment; // of a call in whose middle this one is, where the program is asked for memory
      this.#alignment = alignment;
      try {
        return this.malloc(usable[sizeClass]!);
      } finally {
        this.#alignment = before;
      }
    }
    return this.#mallocLarge(size, alignment);
  }

  usableSize(ptr: Ptr): number {
    return this.#gate.usableSize(ptr);
  }

  goodSize(size: number): number {
    if (size <= this.#classes.largest) {
      return this.#classes.usable[this.#classes.table[(size + this.#classes.bias) >> 4]!]!;
    }
    return this.#large.goodSize(size);
  }

  owns(ptr: number): boolean {
    return this.#gate.owns(ptr);
  }

  blockOf(ptr: number): Ptr {
    return this.#gate.blockOf(ptr);
  }

  tooLong(ptr: Ptr, length: number): BufferOverflowError {
    const usable = this.usableSize(ptr);
    return new BufferOverflowError(`a view of ${length} bytes of the block ${hex(ptr)}, which has ${usable}.`, ptr);
  }

  stats(): HeapStats {
    this.#freeUnfreed();
    return this.#introspection.stats(this.#variant);
  }

  snapshot(): HeapSnapshot {
    this.#freeUnfreed();
    return this.#introspection.snapshot(this.#variant);
  }

  counters(): HeapCounters | undefined {
    return this.#counters?.read();
  }

  blocks(): Iterable<BlockInfo> {
    this.#freeUnfreed();
    return this.#introspection.blocks();
  }

  profile(): HeapProfile | undefined {
    this.#freeUnfreed();
    return this.#samples?.profile();
  }

  leaks(): Leak[] {
    const live = [...this.blocks()];
    if (live.length === 0) return [];
    const bytes = live.reduce((sum, block) => sum + block.size, 0);
    return [{ blocks: live.length, bytes, ptr: live[0]!.ptr, stack: undefined }];
  }

  check(): void {
    this.#freeUnfreed();
    this.#introspection.check();
  }

  collect(): number {
    this.#freeUnfreed();
    this.#reclaimer.reclaim();
    this.#large.flush();
    this.#cache.flush();
    const bytes = this.#cache.trim() + this.#slabs.purge() + this.#pages.purge();
    this.#pages.purgeTable();
    return bytes;
  }

  close(): void {
    if (!this.#memory.journal.shared) return;
    this.#freeUnfreed();
    this.#reclaimer.reclaim();
    this.#memory.assertMayClose();
    this.#large.flush();
    this.#cache.leave();
  }

  /** Gives back what threads had cached that have ended. */
  reclaim(): void {
    this.#reclaimer.reclaim();
  }

  /**
   * Looks at the block that `malloc(size)` would take off its free list.
   *
   * @throws {HeaderCorruptedError} if it is not a block of the class, or not free; the list is given up.
   */
  assertNext(size: number, isFree: (ptr: Ptr) => boolean): void {
    if (size > this.#classes.largest) return;
    const sizeClass = this.#classes.table[(size + this.#classes.bias) >> 4]!, next = this.#cache.next(sizeClass);
    if (next === 0 || (this.#gate.smallClass(next) === sizeClass && isFree(next))) return;
    this.#cache.abandon(sizeClass);
    throw this.#links.damaged(sizeClass, next);
  }

  /** Class of the small block that begins at a pointer, live or not; 0 if none ever did. */
  classOf(ptr: Ptr): number {
    return this.#gate.smallClass(ptr);
  }

  /** Whether a block, live or not, begins at a pointer. */
  isBlock(ptr: Ptr): boolean {
    return this.#gate.smallClass(ptr) !== 0 || this.#large.find(ptr) !== 0;
  }

  /** @throws {HeaderCorruptedError} for a block whose header is damaged. */
  assertHeader(ptr: Ptr): void {
    const sizeClass = this.#gate.smallClass(ptr);
    if (sizeClass !== 0) return this.#headers.assertSound(ptr, sizeClass);
    const granule = this.#large.find(ptr);
    if (granule !== 0) this.#large.assertHeader(granule);
  }

  /** See `GuardedSpans`. */
  get guardedSpans(): GuardedSpans {
    return this.#large;
  }

  #mallocSlow(size: number): Ptr {
    assertSize(size, "size");
    this.#memory.assertOpen();
    if (size > this.#classes.largest) return this.#mallocLarge(size, BLOCK_ALIGNMENT);
    // A small size comes here when a countdown is over, of a profiled heap or of a guarded one.
    const samples = this.#samples;
    if (samples?.isDue() === true) {
      const ptr = this.#sampled(size, this.#alignment, samples, true);
      if (ptr > 0) return ptr;
    } else {
      const ptr = this.guard?.malloc(size, this.#alignment, true) ?? 0;
      if (ptr !== 0) return ptr;
    }
    samples?.refund(size);
    return this.malloc(size);
  }

  #mallocLarge(size: number, alignment: number): Ptr {
    const samples = this.#samples;
    if (samples?.isDueFor(size) !== true) {
      const guarded = alignment === BLOCK_ALIGNMENT ? this.guard?.malloc(size, alignment, false) ?? 0 : 0;
      return guarded || this.#unsampledLarge(size, alignment);
    }
    const ptr = this.#sampled(size, alignment, samples, false);
    return ptr >= 0 ? ptr : this.#unsampledLarge(size, alignment);
  }

  #unsampledLarge(size: number, alignment: number): Ptr {
    return (alignment === BLOCK_ALIGNMENT ? this.#largePath.reuse(size) : 0) || this.#allocLarge(size, alignment);
  }

  /**
   * A block that is sampled; 0 if there is no memory for it, and -1 if it cannot be sampled.
   *
   * @param isSmall whether it stands for a small one.
   * @param there the block, if it is there already.
   */
  #sampled(size: number, alignment: number, samples: Samples, isSmall: boolean, there?: Ptr): Ptr {
    const sample = samples.begin(size);
    if (sample === undefined) return -1;
    let ptr = 0;
    try {
      ptr = there ?? (isSmall ? this.#large.alloc(size, alignment, true) : this.#unsampledLarge(size, alignment));
    } finally {
      if (ptr === 0) samples.cancel(size, sample);
    }
    if (ptr !== 0) samples.end(ptr, size, sample);
    return ptr;
  }

  /** A large block has another size where it is: to the profile it was freed, and this one is allocated. */
  #resized(ptr: Ptr, size: number): void {
    const samples = this.#samples;
    if (samples?.isDueFor(size) === true) this.#sampled(size, 0, samples, false, ptr);
  }

  #allocLarge(size: number, alignment: number): Ptr {
    if (size > this.#memory.bytes) return 0;
    const ptr = this.#tryLarge(size, alignment);
    if (ptr !== 0 || this.#pressure === undefined || size > this.#memory.maxBytes) return ptr;
    return this.#pressure.relieve(() => this.#tryLarge(size, alignment));
  }

  #tryLarge(size: number, alignment: number): Ptr {
    if (this.#pages.hasGrown) this.#giveBack();
    const ptr = this.#large.alloc(size, alignment);
    if (ptr !== 0) return ptr;
    if (this.#pages.purge() > 0) {
      const again = this.#large.alloc(size, alignment);
      if (again !== 0) return again;
    }
    this.#reclaim();
    return this.#large.alloc(size, alignment);
  }

  /** What malloc of a profiled or a guarded heap turns away: a countdown is over, or a list is empty. */
  #sampleOrRefill(size: number, sizeClass: number): Ptr {
    const words = this.#memory.words, first = this.#cache.firstWord;
    const isDue = words[first + CACHE_SAMPLE_LEFT]! < 0 || words[first + CACHE_GUARD]! < 0;
    return isDue ? this.#mallocSlow(size) : this.#refill(sizeClass);
  }

  #refill(sizeClass: number): Ptr {
    const ptr = this.#tryRefill(sizeClass);
    if (ptr !== 0 || this.#pressure === undefined) return ptr;
    // Through malloc: what the program has freed is on the list, which then needs no refill.
    return this.#pressure.relieve(() => this.malloc(this.#classes.usable[sizeClass]!));
  }

  /**
   * Before giving up: what this thread's cache holds may be what is missing, or what one held that has ended.
   */
  #tryRefill(sizeClass: number): Ptr {
    if (this.#pages.hasGrown) this.#giveBack();
    const ptr = this.#cache.refill(sizeClass);
    if (ptr !== 0) return ptr;
    this.#reclaim();
    return this.#cache.refill(sizeClass);
  }

  /** Before the heap grows further: what this thread and the heap keep, and nobody uses, goes back to the system. */
  #giveBack(): void {
    const { goal, touched } = this.#pages;
    this.#large.flush();
    this.#cache.trim();
    this.#slabs.purge(goal);
    this.#pages.purge(goal);
    this.#pages.raiseLimit(touched - this.#pages.touched);
  }

  #reclaim(): void {
    this.guard?.flush();
    this.#reclaimer.reclaim();
    this.#large.flush();
    this.#cache.flush();
    this.#slabs.purge();
    this.#pages.purge();
  }
}
