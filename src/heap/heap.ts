/**
 * The public heap: checks what it is given, and calls its build. `malloc` and `free` are the build's functions
 * themselves, as fields, so that a call through the heap costs nothing more; the others are methods.
 *
 * A build is a `Blocks` (`blocks.ts`): release, which has the parts and the hot module (`release.ts`), or the debug
 * build's layer over it (`debug/build.ts`).
 *
 * @module
 */

import { addressOf, offsetOfAddress, openVirtualMemory, openVirtualMemorySync, type VirtualMemory } from "../os/mod.ts";
import type { Blocks, Leak, Ptr } from "./blocks.ts";
import type { HeapCounters } from "./state/counters.ts";
import { DEFAULT_ONE_IN, GuardedBlocks, MOST_ONE_IN } from "./guard/build.ts";
import { DebugBlocks, type DebugOptions, DEFAULT_QUARANTINE_BYTES } from "./debug/build.ts";
import {
  addressHint,
  assertPointer,
  assertSize,
  given,
  HeapBusyError,
  HeapDetachedError,
  HeapSharedError,
  hex,
  InvalidAlignmentError,
  InvalidOptionError,
  InvalidPointerError,
  OutOfMemoryError,
} from "./errors.ts";
import { type Build, debugFlags, type Flags } from "./flags.ts";
import type { BlockInfo, HeapStats } from "./inspect/stats.ts";
import type { CStringOptions, ReadCStringOptions } from "./interop/text/cstrings.ts";
import { purgeWhenIdle } from "./interop/idle_purge.ts";
import { Interop } from "./interop/interop.ts";
import type { OutParameter, OutType, OutValue } from "./interop/out.ts";
import { type OwnedBlock, OwnedTracker } from "./interop/owned.ts";
import { Pressure, type PressureLevel } from "./interop/pressure.ts";
import type { TypedArrayConstructor } from "./interop/ranges.ts";
import type { Scope } from "./interop/scope.ts";
import { statsText } from "./interop/stats_text.ts";
import { NativeAllocator, type OpenAllocator } from "./interop/native/allocator.ts";
import type { StructArray, StructCursor } from "./interop/structs/array.ts";
import type { Fields, StructType } from "./interop/structs/types.ts";
import {
  DEFAULT_RESERVE_BYTES,
  MAX_ALIGNMENT,
  MAX_RESERVE_BYTES,
  MIN_RESERVE_BYTES,
  SUPERSLAB_BYTES,
} from "./state/layout.ts";
import type { ProfileFormat, Profiling } from "./profile/mod.ts";
import type { HeapProfile } from "./profile/profile.ts";
import { DEFAULT_EVERY_BYTES } from "./profile/rate.ts";
import { needStack } from "./state/journal.ts";
import { Log } from "./log.ts";
import { behindOf, HeapMemory, type MakeJournal } from "./state/memory.ts";
import { reclaimWithoutEntry } from "./threads/reclaim.ts";
import { ReleaseBlocks } from "./release.ts";
import { readHandle, type SharedHeap } from "./state/share.ts";
import type { HeapSnapshot } from "./inspect/snapshot.ts";
import { loadedHotPath, loadHotPath } from "./hot/loader.ts";
import type { Compile } from "./hot/parts.ts";
import { DEFAULT_VARIANT, parseVariant, type Variant } from "./variants.ts";

/**
 * What each thread that has a heap says for itself: options of {@linkcode Heap.attach}, and of {@linkcode Heap.open}.
 *
 * @example
 * ```ts
 * import { Heap, type ThreadOptions } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const lines: string[] = [];
 * const options: ThreadOptions = { log: (line) => lines.push(line), purgeAfterMs: 60_000 };
 * using heap = await Heap.open();
 * using attached = await Heap.attach(heap.share(), options); // in a Worker
 * assertEquals(attached.stats().liveBlocks, 0);
 * ```
 */
export interface ThreadOptions {
  /**
   * Gets a line where something works, but not as well as it could; and of a debug build the report of leaks and what
   * the flag `verbose` says, which go to stderr otherwise. It is called when the call that has something to say is
   * done, so it may use the heap, and close it. What it throws passes on from `open` and `attach`, which open nothing
   * then, and from `close`, which is done by then; from other calls it goes to stderr, with the line.
   */
  readonly log?: (line: string) => void;
  /**
   * Called before a call gives 0 because there is no memory: what the program frees then may be what is missing. It may
   * use the heap. It is called at 1, and again at 2 if that was not enough; not for a size over `maxBytes`, and not
   * while it is at work. What it throws passes on from the call that wanted memory, which has changed nothing. It is
   * asked of the thread that wants memory, and of no other.
   */
  readonly onPressure?: (level: PressureLevel) => void;
  /**
   * Gives free memory back to the system every so many milliseconds, as {@linkcode Heap.collect} does, by a timer that
   * does not keep the process alive. Default: never; what is free goes back when the heap grows.
   */
  readonly purgeAfterMs?: number;
  /**
   * Says of each owned block ({@linkcode Heap.own}) that was collected as garbage without being freed, and where it was
   * allocated, in a line to `log` or stderr. `"free"` frees it, too; `true` does not, since C may have its address. It
   * costs microseconds for each. Default: `true` in debug builds, `false` in others.
   */
  readonly trackOwned?: boolean | "free";
}

/**
 * What a heap is opened with.
 *
 * @example
 * ```ts
 * import { Heap, type HeapOptions } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const options: HeapOptions = { build: "debug", maxBytes: 64 * 1024 * 1024, stacks: 100 };
 * using heap = await Heap.open(options);
 * assertEquals(heap.stats().maxBytes, 64 * 1024 * 1024);
 * ```
 */
export interface HeapOptions extends ThreadOptions {
  /** A variant's name, and flags that differ: `slab-map,refill=32`. Default: `slab-map`. */
  readonly variant?: string;
  /**
   * `release`, the default, is fast and finds what costs next to nothing to find. `debug` is much slower, needs more
   * memory, and finds the misuse of it; errors come with the stacks of allocation and first free.
   */
  readonly build?: Build;
  /**
   * Address space in bytes, 4 MiB to 1 TiB; it is rounded up to a multiple of 2 MiB, and costs no memory. Default:
   * 64 GiB, or less where the system does not have it.
   */
  readonly reserveBytes?: number;
  /** Bytes that blocks may take, in slabs of 64 KiB and pages of 4 KiB. Default: the whole reservation. */
  readonly maxBytes?: number;
  /**
   * Debug builds: `true`, the default, captures a stack at each allocation and at the free of each such block, `false`
   * none, and a number n one in n; capturing takes time at each of them. Release builds have none.
   */
  readonly stacks?: boolean | number;
  /** Debug builds: the bytes that freed blocks may hold back, so that their misuse is found. Default: 1 MiB. */
  readonly quarantineBytes?: number;
  /**
   * Release builds: samples blocks, with the stacks that allocated them, for {@linkcode Heap.profile}; in all threads
   * that attach, too. `everyBytes` is how many bytes there are from one sample to the next, on average: a whole number
   * from 1 to 2^30. `true` is 524288; fewer give finer figures, and take more time: ten to thirty
   * microseconds for each sample, and a page of memory as long as the block lives. Default: `false`, which costs nothing.
   */
  readonly profile?: boolean | { readonly everyBytes?: number };
  /**
   * Release builds: guards one allocation in `oneIn` on average, from 1 to 2^30; `true` is one in 1000. Such a block has
   * pages of its own, and what JavaScript or C writes past its end or after it was freed is found ("Guarded blocks" in
   * `src/heap/README.md`). Default: none is.
   */
  readonly guard?: boolean | GuardOptions;
}

/**
 * Which allocations are guarded: an option of {@linkcode Heap.open}.
 *
 * @example
 * ```ts
 * import { type GuardOptions, Heap } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * const guard: GuardOptions = { oneIn: 1 };
 * using heap = await Heap.open({ guard, log: () => {} });
 * const ptr = heap.malloc(100);
 * heap.u8[ptr + 100] = 1; // past its end
 * assertThrows(() => heap.free(ptr), Error, "past its end");
 * ```
 */
export interface GuardOptions {
  /** One allocation in so many is guarded, on average and at random, in each thread; from 1 to 2^30. */
  readonly oneIn: number;
}

/**
 * A block that is lent to C: see {@linkcode Heap.lend}.
 *
 * @example
 * ```ts
 * import { Heap, type LentBlock } from "@hakmem/hakmem";
 * import { assert } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using block = heap.own(100);
 * const lent: LentBlock = heap.lend(block.ptr);
 * assert(lent.pointer !== null); // await library.symbols.fill(lent.pointer)
 * lent.end();
 * ```
 */
export interface LentBlock extends Disposable {
  /** Where it begins. */
  readonly ptr: Ptr;
  /** The same, for FFI calls. */
  readonly pointer: Deno.PointerValue;
  /** Ends the loan, as `using` does at the end of its block. It can be called again. */
  end(): void;
}

const THREAD_OPTIONS = ["log", "onPressure", "purgeAfterMs", "trackOwned"];
const OPTIONS = [
  "variant",
  "build",
  "reserveBytes",
  "maxBytes",
  "stacks",
  "quarantineBytes",
  "profile",
  "guard",
  ...THREAD_OPTIONS,
];
const BUILDS: readonly Build[] = ["release", "debug"];

/** Opens a heap whose journals the caller makes: for tests of what a thread leaves that dies at any step. */
export let openWith: (makeJournal: MakeJournal, options?: HeapOptions) => Promise<Heap>;

/** Attaches a heap, likewise. */
export let attachWith: (makeJournal: MakeJournal, shared: SharedHeap) => Promise<Heap>;

/**
 * A heap: native memory for programs that talk to C, and for those that want none of the garbage collector.
 *
 * | call | cost |
 * |---|---|
 * | `malloc`, `free` | some nanoseconds |
 * | `pointer`, `address`, `ptrAt` of a pointer object | some nanoseconds; without the native library some tens |
 * | `bytes` | some tens of nanoseconds: it makes an object. Use `u8[ptr + i]` where it matters |
 * | a block over 32 KiB | some tens of nanoseconds where one of its size was freed before, up to 8 MiB; otherwise a microsecond, and page faults |
 * | `owns` | a walk over the free list of one class and one slab |
 * | `stats`, `check`, `blocks`, `leaks` | a walk over everything |
 *
 * Pointers of another heap cannot be told from this heap's own: both are small numbers.
 *
 * @example
 * ```ts
 * import { Heap } from "@hakmem/hakmem";
 *
 * using heap = await Heap.open();
 * const ptr = heap.malloc(100);
 * heap.u8[ptr] = 42;
 * // heap.pointer(ptr) is what an FFI call takes
 * heap.free(ptr);
 * ```
 */
export class Heap implements Disposable, AsyncDisposable {
  /**
   * A block of at least `size` bytes, its native address a multiple of 16; its contents are anything (in debug builds,
   * 0xd0 in each byte).
   *
   * A function of its own: `const { malloc, free } = heap` works. Cost: some nanoseconds up to 32 KiB.
   *
   * @param size bytes, from 0; `malloc(0)` is a block like any other, of which nothing may be written.
   * @returns where it begins, or 0 if there is no memory.
   * @throws {InvalidSizeError} for a size that is negative, fractional, NaN or infinite.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const { malloc, free } = heap;
   * const ptr = malloc(100);
   * if (ptr === 0) throw new Error("no memory"); // or heap.alloc(100), which throws
   * assertEquals(ptr % 16, 0);
   * free(ptr);
   * ```
   */
  readonly malloc: (size: number) => Ptr;
  readonly #keeps: (ptr: Ptr, size: number) => boolean;
  readonly #moves: (ptr: Ptr, size: number) => Ptr;

  /**
   * Gives a block back; `free(0)` does nothing.
   *
   * A function of its own, as `malloc` is. Cost: some nanoseconds up to 32 KiB.
   *
   * @throws {InvalidPointerError} for what is not the start of a block of this heap. Nothing changes.
   * @throws {HeaderCorruptedError} for a block whose header is not as it was written: large blocks have one, and small
   * ones in the variants with headers. It stays.
   * @throws {DoubleFreeError} for the block that this thread freed just before. A later second free, or one by another
   * thread, may go unnoticed, but not by a debug build.
   * @throws {BufferOverflowError} and {BufferUnderflowError} in a debug build, for a block whose surroundings were
   * written to; it stays. {UseAfterFreeError} for one that has to leave the quarantine and was written to; `ptr` is not
   * freed yet.
   *
   * @example
   * ```ts
   * import { DoubleFreeError, Heap } from "@hakmem/hakmem";
   * import { assertThrows } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * heap.free(ptr);
   * heap.free(0); // nothing
   * assertThrows(() => heap.free(ptr), DoubleFreeError);
   * ```
   */
  readonly free: (ptr: Ptr) => void;

  /**
   * The whole heap in bytes, indexed by pointer. It reads `undefined` after `close`. What must not be done: see
   * `bytes`.
   */
  readonly u8: Uint8Array<ArrayBuffer>;
  /** The whole heap in signed bytes, indexed by pointer. */
  readonly i8: Int8Array<ArrayBuffer>;
  /** The whole heap in 16-bit units: index `ptr / 2`. */
  readonly u16: Uint16Array<ArrayBuffer>;
  /** The whole heap in signed 16-bit units: index `ptr / 2`. */
  readonly i16: Int16Array<ArrayBuffer>;
  /** The whole heap in 32-bit units: index `ptr / 4`. */
  readonly u32: Uint32Array<ArrayBuffer>;
  /** The whole heap in signed 32-bit units: index `ptr / 4`. */
  readonly i32: Int32Array<ArrayBuffer>;
  /** The whole heap in 64-bit units, each a bigint: index `ptr / 8`. */
  readonly u64: BigUint64Array<ArrayBuffer>;
  /** The whole heap in signed 64-bit units, each a bigint: index `ptr / 8`. */
  readonly i64: BigInt64Array<ArrayBuffer>;
  /** The whole heap in 32-bit floats: index `ptr / 4`. */
  readonly f32: Float32Array<ArrayBuffer>;
  /** The whole heap in 64-bit floats: index `ptr / 8`. */
  readonly f64: Float64Array<ArrayBuffer>;
  /** The whole heap, for access at any alignment and either byte order: offset `ptr`. */
  readonly data: DataView<ArrayBuffer>;

  /** The variant that this heap is built from, with the flags that were changed. */
  readonly variant: string;
  /** Every flag that it is built with. */
  readonly flags: Flags;

  /** What it checks. */
  readonly build: Build;

  readonly #base: number;
  readonly #buffer: ArrayBuffer;
  readonly #memory: HeapMemory;
  readonly #blocks: Blocks;
  readonly #log: Log;
  /** Blocks that are lent, and how many times. */
  readonly #lent: Map<Ptr, number> = new Map();
  readonly #interop: Interop;
  /** Ends the timer that purges, if there is one. */
  #endPurging: (() => void) | undefined = undefined;
  /** Of a profiled heap. */
  readonly #profiling: Profiling | undefined;
  /** What C has functions of; they are closed with the heap. */
  readonly #allocators: Set<OpenAllocator> = new Set();

  static {
    openWith = async (makeJournal, options = {}) => {
      const settings = readOptions(options), compile = await loadHotPath(settings.variant.flags);
      return Heap.#open(settings, compile, await openVirtualMemory(), await profilingOf(settings), makeJournal);
    };
    attachWith = (makeJournal, shared) => Heap.#attach(shared, {}, makeJournal);
  }

  /** Only for `open` and `attach`; programs without types may call it, too. */
  private constructor(
    memory: HeapMemory,
    variant: Variant,
    build: Build,
    blocks: Blocks,
    log: Log,
    tracking: Tracking,
    profiling: Profiling | undefined,
  ) {
    if (!(memory instanceof HeapMemory)) {
      throw new InvalidOptionError("a heap is made by `await Heap.open()`, or `await Heap.attach(handle)`.");
    }
    this.#log = log;
    this.#profiling = profiling;
    this.variant = variant.name;
    this.flags = variant.flags;
    this.build = build;
    this.#memory = memory;
    this.#blocks = blocks;
    this.#base = Number(memory.base);
    this.malloc = blocks.malloc;
    this.#keeps = blocks.keeps;
    this.#moves = blocks.moves;
    this.free = build === "release" ? blocks.free : (ptr) => {
      this.#assertNotLent(ptr);
      blocks.free(ptr);
    };

    const buffer = this.#buffer = memory.blockBuffer;
    this.u8 = new Uint8Array(buffer);
    this.i8 = new Int8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i16 = new Int16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.data = new DataView(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.i64 = new BigInt64Array(buffer);

    const { trackOwned, hasSites } = tracking;
    const free = trackOwned === "free" ? this.free : undefined;
    const tracker = trackOwned === false ? undefined : new OwnedTracker(log, hasSites, () => !memory.closed, free);
    this.#interop = new Interop(this, memory.system, memory.base, tracker, blocks.callSites, (size, message) => {
      return new OutOfMemoryError(size, this.stats().liveBytes, memory.maxBytes, message);
    });
  }

  /**
   * Opens a heap. The first in a process may build the native library, in about a second; then it takes some
   * milliseconds. It needs `--allow-ffi`.
   *
   * It is to be closed (`using`). What a program lets go of without is given back when neither the heap nor a view of
   * it can be reached, and what a Worker has when it ends, with its thread. Kept until the process ends are a heap that
   * was shared, one of which blocks are lent, and, if its thread goes on, one whose `address`, `pointer` or `base` was
   * asked for. Without the native library a Worker's heaps are kept, too.
   *
   * @throws {InvalidOptionError} for an option, a variant or a flag that does not exist, or a value out of range.
   * @throws {NativeAccessError} if a permission is missing, or the system is not one that is supported.
   * @throws {OsError} if the system has no address space.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open({ build: "debug", maxBytes: 64 * 1024 * 1024 });
   * assertEquals(heap.build, "debug");
   * ```
   */
  static async open(options: HeapOptions = {}): Promise<Heap> {
    const settings = readOptions(options), compile = await loadHotPath(settings.variant.flags);
    return Heap.#open(settings, compile, await openVirtualMemory(), await profilingOf(settings));
  }

  /**
   * Opens a heap without waiting, where there is nothing to wait for: of the default variant, in a release build. It
   * never compiles: where the native library has not been built yet, by `open` in this process or an earlier one, the
   * heap works over libc, and `pointer`, `address` and `ptrAt` take some tens of nanoseconds; `log` says so.
   *
   * @throws {InvalidOptionError} for a debug build and other variants, which `open` opens, and as `open` does.
   * @throws {NativeAccessError} and {OsError} as `open` does.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   *
   * using heap = Heap.openSync();
   * heap.free(heap.malloc(100));
   * ```
   */
  static openSync(options: HeapOptions = {}): Heap {
    const settings = readOptions(options), compile = loadedHotPath(settings.variant.flags);
    if (settings.build !== "release" || compile === undefined) {
      throw new InvalidOptionError(
        "Heap.openSync opens the default variant in a release build; `await Heap.open(options)` opens all.",
      );
    }
    return Heap.#open(settings, compile, openVirtualMemorySync());
  }

  static #open(
    settings: Settings,
    compile: Compile,
    system: VirtualMemory,
    profiling?: Profiling,
    makeJournal?: MakeJournal,
  ): Heap {
    const { variant, build, log, reserveBytes, orLess, maxBytes, purgeAfterMs, stacks } = settings;
    let opened: { close(): void } = system;
    const lines = new Log(log);
    try {
      return lines.during(() => {
        if (system.note !== undefined && log !== undefined) lines.say(system.note);
        const memory = opened = HeapMemory.reserve(
          system,
          reserveBytes,
          orLess,
          maxBytes,
          build,
          makeJournal,
          behindOf(build, variant.flags),
        );
        const blocks = makeBlocks(memory, variant, compile, lines, settings.pressure, profiling, settings);
        const heap = opened = new Heap(memory, variant, build, blocks, lines, {
          trackOwned: settings.trackOwned,
          hasSites: build === "release" || stacks > 0,
        }, profiling);
        if (variant.flags.shared === 1) heap.share();
        if (purgeAfterMs !== undefined) heap.#endPurging = purgeWhenIdle(heap, purgeAfterMs, lines);
        return heap;
      }, true);
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /**
   * The heap of a handle, with a thread cache of this thread's own: in a Worker, or anywhere in the same process. What
   * one thread allocates any other may read, write, resize and free. It takes some milliseconds.
   *
   * `close` lets go of it, and nothing else does while the thread lives. A thread that ends without loses nothing: what
   * it had cached is given back when the next attaches, or collects, or runs out of memory.
   *
   * The build, `stacks` and `quarantineBytes` are those with which the heap was opened; the other options are each
   * thread's own.
   *
   * @param shared from {@linkcode Heap.share}, as it was posted.
   * @param options of this thread: `log`, `onPressure`, `purgeAfterMs`, `trackOwned`.
   * @throws {InvalidOptionError} for an option that does not exist, or a value out of range.
   * @throws {HeapClosedError} if the heap is closed.
   * @throws {InvalidHandleError} for what is not a handle, or one of another process.
   * @throws {HeapSharedError} if 128 threads have the heap that have not ended.
   * @throws {HeaderCorruptedError} if damage is found when the free lists are filled (`prewarm`); what is damaged is
   * given up, and the next thread that attaches does not find it.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   *
   * using heap = await Heap.open();
   * const shared = heap.share();
   * // In a Worker, which got it by postMessage:
   * using attached = await Heap.attach(shared);
   * const ptr = attached.malloc(100);
   * heap.free(ptr); // by any thread that has the heap
   * ```
   */
  static attach(shared: SharedHeap, options: ThreadOptions = {}): Promise<Heap> {
    return Heap.#attach(shared, options);
  }

  static async #attach(shared: SharedHeap, options: ThreadOptions, makeJournal?: MakeJournal): Promise<Heap> {
    const { handle, variant } = readHandle(shared), { build } = handle;
    const { log, pressure, purgeAfterMs, trackOwned } = readThreadOptions(
      chosenOf(options, "Heap.attach", THREAD_OPTIONS),
      build,
    );
    const compile = await loadHotPath(variant.flags);
    const profiling = await profilingOf({ variant, everyBytes: 0 });
    const system = await openVirtualMemory();
    let opened: { close(): void } = system;
    const lines = new Log(log);
    try {
      return lines.during(() => {
        const { flags } = variant;
        if (system.note !== undefined && log !== undefined) lines.say(system.note);
        const makeRoom = (memory: HeapMemory) => reclaimWithoutEntry(memory, flags);
        const memory = opened = HeapMemory.attach(system, handle, flags, makeRoom, makeJournal);
        const blocks = makeBlocks(memory, variant, compile, lines, pressure, profiling);
        const heap = opened = new Heap(
          memory,
          variant,
          build,
          blocks,
          lines,
          { trackOwned, hasSites: true },
          profiling,
        );
        if (purgeAfterMs !== undefined) heap.#endPurging = purgeWhenIdle(heap, purgeAfterMs, lines);
        return heap;
      }, true);
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /** One line for `console.log(heap)`, which would print each of its views. */
  [Symbol.for("Deno.customInspect")](inspect: typeof Deno.inspect, options: Deno.InspectOptions): string {
    return `Heap ${inspect(this.toJSON(), { ...options, breakLength: Infinity, compact: true })}`;
  }

  /**
   * The same for `JSON.stringify`, which would write each byte of each view, or run out of memory.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * assertEquals(JSON.stringify({ heap }), '{"heap":{"variant":"slab-map","build":"release","closed":false}}');
   * ```
   */
  toJSON(): { variant: string; build: Build; closed: boolean } {
    const { variant, build } = this, { closed } = this.#memory;
    return { variant, build, closed };
  }

  /**
   * Lets other threads of this process have the heap too: a handle that can be posted to Workers, which give it to
   * {@linkcode Heap.attach}. It can be used any number of times.
   *
   * `malloc` and `free` cost the same afterwards; what they do once in some dozens of calls takes a lock, which is some
   * tens of nanoseconds more if no other thread has it. `blocks`, `stats` and `check` are exact while other threads are
   * quiet.
   *
   * Of a debug build all threads have the same books, and each call has the lock from start to end: `blocks`, `stats`,
   * `leaks` and `check` are exact at any time, a fault is found whichever threads made it, and the stacks in an error
   * are those of the threads that allocated and freed.
   *
   * @throws {OsError} where the system does not tell which threads there are, as without `/proc` on Linux.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const shared = heap.share(); // worker.postMessage(shared)
   * {
   *   using other = await Heap.attach(shared); // in the Worker
   *   const ptr = other.malloc(100);
   *   other.u8[ptr] = 42;
   *   assertEquals(heap.u8[ptr], 42);
   *   heap.free(ptr);
   * }
   * ```
   */
  share(): SharedHeap {
    this.#memory.assertOpen();
    this.#blocks.beforeShare?.();
    return this.#memory.share({ name: this.variant, flags: this.flags });
  }

  /**
   * A block of zeros for `count` things of `size` bytes.
   *
   * @returns where it begins, or 0 if there is no memory or `count * size` is over any limit.
   * @throws {InvalidSizeError} for a count or a size that is negative, fractional, NaN or infinite.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const numbers = heap.calloc(10, 8);
   * assertEquals(heap.f64[numbers / 8 + 9], 0);
   * heap.free(numbers);
   * ```
   */
  calloc(count: number, size: number): Ptr {
    assertSize(count, "count");
    assertSize(size, "size");
    this.#memory.assertOpen();
    return count * size > this.#memory.bytes ? 0 : this.#blocks.calloc(count, size);
  }

  /**
   * Changes the size of a block; what fits of its contents is kept. `realloc(0, n)` is `malloc(n)`, and
   * `realloc(ptr, 0)` gives a block of zero bytes. Large blocks grow where they are if they can.
   *
   * @returns where the block is now, and `ptr` is no longer a block unless it is the same; or 0 if there is no memory,
   * and `ptr` is as it was.
   * @throws {InvalidSizeError} as `malloc` does, and {InvalidPointerError} and {HeaderCorruptedError} as
   * `free` does.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * let ptr = heap.malloc(100);
   * heap.u8[ptr] = 42;
   * const grown = heap.realloc(ptr, 1000);
   * if (grown !== 0) ptr = grown; // if it is 0, ptr is as it was
   * assertEquals(heap.u8[ptr], 42);
   * heap.free(ptr);
   * ```
   */
  realloc(ptr: Ptr, size: number): Ptr {
    if (ptr === 0) return this.malloc(size);
    return this.#keeps(ptr, size) && this.#lent.size === 0 ? ptr : this.#realloc(ptr, size);
  }

  #realloc(ptr: Ptr, size: number): Ptr {
    const moved = this.#lent.size === 0 ? this.#moves(ptr, size) : -1;
    if (moved !== -1) return moved;
    assertSize(size, "size");
    assertPointer(ptr);
    this.#memory.assertOpen();
    this.#assertNotLent(ptr);
    return this.#blocks.realloc(ptr, size);
  }

  /**
   * A block whose native address is a multiple of `alignment`, as `malloc` otherwise.
   *
   * @param alignment a power of two, from 1 to 1 GiB.
   * @throws {InvalidAlignmentError} for any other, and {InvalidSizeError} as `malloc` does.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const page = heap.alignedAlloc(4096, 100);
   * assertEquals(heap.address(page) % 4096n, 0n);
   * heap.free(page);
   * ```
   */
  alignedAlloc(alignment: number, size: number): Ptr {
    if (!Number.isInteger(alignment) || !Number.isInteger(Math.log2(alignment)) || alignment > MAX_ALIGNMENT) {
      throw new InvalidAlignmentError(
        `${given(alignment)}: an alignment is a power of two from 1 to ${MAX_ALIGNMENT}.`,
      );
    }
    assertSize(size, "size");
    this.#memory.assertOpen();
    return this.#blocks.alignedAlloc(alignment, size);
  }

  /**
   * Bytes of a block that may be written: at least the size asked for. 0 for NULL.
   *
   * @throws {InvalidPointerError} for what is not the start of a block.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * assertEquals(heap.usableSize(ptr), 112);
   * heap.free(ptr);
   * ```
   */
  usableSize(ptr: Ptr): number {
    assertPointer(ptr);
    this.#memory.assertOpen();
    return this.#blocks.usableSize(ptr);
  }

  /**
   * `usableSize` of a block that `malloc(size)` gives.
   *
   * @throws {InvalidSizeError} as `malloc` does.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const size = heap.goodSize(100); // 112: what a buffer may have for the same memory
   * const ptr = heap.malloc(size);
   * assertEquals(heap.usableSize(ptr), size);
   * heap.free(ptr);
   * ```
   */
  goodSize(size: number): number {
    assertSize(size, "size");
    this.#memory.assertOpen();
    return this.#blocks.goodSize(size);
  }

  /**
   * Whether a number is the start of a live block of this heap. Exact; it may walk a free list. It throws for no
   * number.
   *
   * @throws {InvalidPointerError} for what is not a number, such as a native address.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * assertEquals([heap.owns(ptr), heap.owns(ptr + 16)], [true, false]);
   * heap.free(ptr);
   * assertEquals(heap.owns(ptr), false);
   * ```
   */
  owns(ptr: number): boolean {
    assertPointer(ptr);
    this.#memory.assertOpen();
    return this.#blocks.owns(ptr);
  }

  /**
   * The live block that a pointer leads into, at any byte that its user may write, for any number.
   *
   * @returns where the block begins, or 0 if there is none. Cost: as `owns`; for a large block, a walk over all of
   * them.
   * @throws {InvalidPointerError} for what is not a number.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * assertEquals([heap.blockOf(ptr + 99), heap.blockOf(ptr + 200)], [ptr, 0]);
   * heap.free(ptr);
   * ```
   */
  blockOf(ptr: number): Ptr {
    assertPointer(ptr);
    this.#memory.assertOpen();
    return this.#blocks.blockOf(ptr);
  }

  /**
   * A view of a block, no copy. It is dead memory once the block is freed, and reads `undefined` after `close`.
   *
   * All views of a heap are of one ArrayBuffer, the whole heap, which must stay here. **Send a copy**,
   * `bytes(ptr).slice()`:
   *
   * - `structuredClone` and `postMessage` of a view copy the buffer, not the view: seconds and gigabytes, or an error.
   * - What _transfers_ it takes all views away: `{ transfer }`, `buffer.transfer()`, a `read(view)` of a byte stream.
   *   The blocks stay, and all calls but this go on. Whoever has the buffer then must not touch it after `close`.
   * - A nonblocking FFI call that has the view works on the memory without it: the block must not be freed, nor the
   *   heap closed, before the call is over. The process would die of it. `lend` has that counted.
   *
   * @param length bytes; all that may be written if it is not given.
   * @throws {InvalidPointerError} for what is not the start of a block.
   * @throws {BufferOverflowError} for a length over `usableSize(ptr)`.
   * @throws {HeapDetachedError} if the buffer was transferred away.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.calloc(1, 100);
   * const bytes = heap.bytes(ptr, 100);
   * bytes[99] = 7;
   * assertEquals(heap.u8[ptr + 99], 7); // one memory
   * heap.free(ptr); // bytes must not be used from here on
   * ```
   */
  bytes(ptr: Ptr, length?: number): Uint8Array<ArrayBuffer> {
    const usable = this.usableSize(ptr);
    if (length !== undefined) assertSize(length, "length");
    if (length !== undefined && length > usable) throw this.#blocks.tooLong(ptr, length);
    if (this.u8.length === 0) throw new HeapDetachedError();
    return new Uint8Array(this.#buffer, ptr, length ?? usable);
  }

  /**
   * A block as `malloc` gives it, or an error where that gives 0.
   *
   * @throws {OutOfMemoryError} if there is no memory; it says what was asked, what is live, and the limit.
   * @throws {InvalidSizeError} as `malloc` does.
   *
   * @example
   * ```ts
   * import { Heap, OutOfMemoryError } from "@hakmem/hakmem";
   * import { assertThrows } from "@std/assert";
   *
   * using heap = await Heap.open({ maxBytes: 1024 * 1024 });
   * const ptr = heap.alloc(1000); // never 0
   * assertThrows(() => heap.alloc(2_000_000), OutOfMemoryError);
   * heap.free(ptr);
   * ```
   */
  alloc(size: number): Ptr {
    const ptr = this.malloc(size);
    if (ptr === 0) throw this.#interop.outOfMemory(size);
    return ptr;
  }

  /**
   * A block that is freed at the end of the scope, for `using`.
   *
   * Cost: that of `malloc` and `free`. V8 takes some hundred nanoseconds for the keyword `using` itself; a hot loop
   * calls `block[Symbol.dispose]()`. In debug builds, and with `trackOwned`, a block that is forgotten is reported.
   *
   * @throws {OutOfMemoryError} and {InvalidSizeError} as `alloc` does.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * {
   *   using block = heap.own(800);
   *   const numbers = block.view(Float64Array); // 100 of them
   *   numbers.fill(1.5);
   *   assertEquals(heap.f64[block.ptr / 8 + 99], 1.5);
   *   // block.pointer is what an FFI call takes
   * }
   * assertEquals(heap.stats().liveBlocks, 0);
   * ```
   */
  own(size: number): OwnedBlock {
    return this.#interop.own(size, this.own);
  }

  /**
   * Makes a block that exists one that is freed at the end of the scope.
   *
   * @throws {InvalidPointerError} for what is not the start of a block, and for 0; a release build does not know
   * whether it is live.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   *
   * using heap = await Heap.open();
   * using text = heap.adopt(heap.cstring("hello"));
   * heap.readCString(text.ptr);
   * ```
   */
  adopt(ptr: Ptr): OwnedBlock {
    return this.#interop.adopt(ptr, this.adopt);
  }

  /**
   * A scope: everything that is made through it is freed at its end, even if that is an exception. Scopes may be
   * nested, and end in any order.
   *
   * In release builds it is an arena: an allocation takes about a nanosecond, and the end costs a `free` for each 32
   * KiB. Its blocks lie in blocks of the heap, so `heap.free`, `realloc`, `bytes` and `owns` do not know them, while
   * `heap.view`, `copyOut`, `fill` and `dataView` do. In debug builds each is a block of the heap, and a fault is found
   * as everywhere.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * let kept = 0;
   * {
   *   using scope = heap.scope();
   *   const words = ["to", "be", "kept"].map((word) => scope.cstring(word));
   *   kept = scope.keep(words[2]!);
   * }
   * assertEquals(heap.readCString(kept), "kept");
   * heap.free(kept);
   * ```
   */
  scope(): Scope {
    this.#memory.assertOpen();
    return this.#interop.scope();
  }

  /**
   * A view of any kind of a range, no copy: `count` elements from a pointer on. The range lies in one live block,
   * anywhere in it; for what must not be done with a view, see `bytes`.
   *
   * @param ctor a typed array's constructor.
   * @param length elements, not bytes.
   * @throws {InvalidPointerError} for what does not lead into a live block.
   * @throws {BufferOverflowError} for a range that is longer than what is there.
   * @throws {InvalidAlignmentError} for a pointer that is not a multiple of the element's size, and for a constructor that
   * does not say how long its elements are.
   * @throws {InvalidTypeError} for what does and is not a constructor, such as a typed array.
   * @throws {HeapDetachedError} as `bytes` does.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.calloc(10, 8);
   * const last = heap.view(Float64Array, ptr + 5 * 8, 5);
   * assertEquals(last, new Float64Array(5));
   * heap.free(ptr);
   * ```
   */
  view<View>(ctor: TypedArrayConstructor<View>, ptr: Ptr, length: number): View {
    return this.#interop.ranges.view(ctor, ptr, length);
  }

  /**
   * A DataView of a range, for access at any alignment and either byte order.
   *
   * @throws as `view`.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * const header = heap.dataView(ptr, 20);
   * header.setUint16(2, 443); // big-endian, as networks have it
   * assertEquals(heap.copyOut(ptr + 2, 2), new Uint8Array([1, 187]));
   * heap.free(ptr);
   * ```
   */
  dataView(ptr: Ptr, length: number): DataView<ArrayBuffer> {
    return this.#interop.ranges.dataView(ptr, length);
  }

  /**
   * A new block with a copy of these bytes.
   *
   * @throws {OutOfMemoryError} if there is no memory, and {InvalidSizeError} for what has no bytes.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.copyIn(new Uint8Array([1, 2, 3]));
   * heap.fill(ptr + 1, 9, 2);
   * assertEquals(heap.copyOut(ptr, 3), new Uint8Array([1, 9, 9])); // a copy, which may be kept, sent and transferred
   * heap.free(ptr);
   * ```
   */
  copyIn(bytes: ArrayBuffer | SharedArrayBuffer | ArrayBufferView): Ptr {
    return this.#interop.copyIn(bytes);
  }

  /**
   * A copy of bytes, in memory of JavaScript's own: of a range as `view` takes it, or of what is at an address or a
   * pointer object, also outside of the heap, where each page is asked for first, which takes a system call.
   *
   * @throws as `view`; {InvalidPointerError} for NULL, and where nothing is mapped.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.copyIn(new Uint8Array([1, 2, 3]));
   * const copy = heap.copyOut(heap.address(ptr), 3); // of an address that C gave
   * heap.free(ptr);
   * assertEquals(copy, new Uint8Array([1, 2, 3]));
   * ```
   */
  copyOut(at: Ptr | bigint | Deno.PointerObject, length: number): Uint8Array<ArrayBuffer> {
    this.#memory.assertOpen();
    return this.#interop.strings.copyOut(at, length);
  }

  /**
   * Writes the same byte to a range.
   *
   * @throws as `view`; {InvalidSizeError} for what is not a byte.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * heap.fill(ptr, 0xff, 100);
   * assertEquals(heap.i32[ptr / 4], -1);
   * heap.free(ptr);
   * ```
   */
  fill(ptr: Ptr, byte: number, length: number): void {
    this.#interop.ranges.fill(ptr, byte, length);
  }

  /**
   * A new block with a C string: the text in UTF-8, or in another encoding, and a NUL. A lone surrogate becomes U+FFFD.
   *
   * @throws {InvalidStringError} for a text with a NUL in it, where C would take it to end, and for one that `latin1`
   * cannot express.
   * @throws {OutOfMemoryError} if there is no memory.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const name = scope.cstring("häkmem");
   * const wide = heap.cstring("häkmem", { encoding: "wchar_t" });
   * // library.symbols.open(heap.pointer(name), ...)
   * assertEquals([heap.readCString(name), heap.readCString(wide, { encoding: "wchar_t" })], ["häkmem", "häkmem"]);
   * heap.free(wide);
   * ```
   */
  cstring(text: string, options?: CStringOptions): Ptr {
    return this.#interop.strings.make(this, text, options);
  }

  /**
   * Many C strings in one new block: an array of their addresses, as `argv` is, NULL after the last, and the strings
   * after that.
   *
   * @throws as `cstring`.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using argv = heap.adopt(heap.cstrings(["ls", "-l"]));
   * assertEquals(heap.readCStrings(argv.ptr), ["ls", "-l"]);
   * ```
   */
  cstrings(texts: Iterable<string>, options?: CStringOptions): Ptr {
    return this.#interop.strings.makeAll(this, texts, options);
  }

  /**
   * Writes a C string to memory that is there, without an allocation.
   *
   * @param max bytes that may be written, the NUL's among them.
   * @returns bytes written, without the NUL.
   * @throws {BufferOverflowError} if it does not fit, in `max` or in the block; nothing is written.
   * {InvalidStringError} as `cstring`.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using buffer = heap.own(256); // one for many calls
   * assertEquals(heap.writeCString(buffer.ptr, "häkmem", buffer.size), 7);
   * assertEquals(heap.readCString(buffer.ptr), "häkmem");
   * ```
   */
  writeCString(ptr: Ptr, text: string, max: number, options?: CStringOptions): number {
    return this.#interop.strings.write(ptr, text, max, options);
  }

  /**
   * The text at a pointer, an address, or a pointer object, in this heap or anywhere, up to its NUL.
   *
   * Without `max` a string ends where its block does, which debug builds know; in others, where the heap ends. Of
   * memory that is not this heap's, each page is only read if it is mapped, which takes a system call; but a pointer
   * object without `max` is taken to be right, as Deno takes it.
   *
   * @param options `max`: bytes to look at; a string without a NUL by then ends there. `length`: bytes of the text,
   * where C says how many, so that it needs no NUL and may have one in it. And the encoding.
   * @throws {InvalidPointerError} for NULL, and where nothing is mapped.
   * @throws {BufferOverflowError} if there is no NUL, and no `max`.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using name = heap.adopt(heap.cstring("hello"));
   * assertEquals(heap.readCString(name.ptr), "hello");
   * assertEquals(heap.readCString(heap.address(name.ptr), { max: 4 }), "hell");
   * ```
   */
  readCString(at: Ptr | bigint | Deno.PointerObject, options?: ReadCStringOptions): string {
    this.#memory.assertOpen();
    return this.#interop.strings.read(at, options);
  }

  /**
   * The texts that an array of addresses leads to: the first `count`, or up to its NULL, which ends it in any case. The
   * array is a block, or C's own, by its address or pointer object: an `argv` that a callback gets.
   *
   * @throws as `readCString` of each; {BufferOverflowError} if a block ends with no NULL.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const names = scope.cstrings(["a", "b", "c"]);
   * assertEquals(heap.readCStrings(names), ["a", "b", "c"]);
   * assertEquals(heap.readCStrings(names, { count: 2 }), ["a", "b"]);
   * ```
   */
  readCStrings(
    at: Ptr | bigint | Deno.PointerObject,
    options?: ReadCStringOptions & { readonly count?: number },
  ): string[] {
    this.#memory.assertOpen();
    return this.#interop.strings.readAll(at, options);
  }

  /**
   * Memory for a value that C writes: `pointer` goes into the call, `value` comes out. It is zero, or NULL, at first.
   *
   * @param type any type that a field of a struct can have: `"pointer"`, `"i32"`, `"u64"`, `"cstring"`, or a struct.
   * @throws {OutOfMemoryError} if there is no memory, and {InvalidTypeError} for what is not a type.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using end = heap.out("pointer");
   * // strtol(heap.pointer(text), end.pointer, 10)
   * assertEquals(end.value, null);
   * ```
   */
  out<Type extends OutType>(type: Type): OutParameter<OutValue<Type>> {
    return this.#interop.out(type);
  }

  /**
   * An array of structs, all zeros. `at(i)` makes no object: it moves a view. Strings that are assigned to fields of
   * type `"cstring"` are freed with the array.
   *
   * @param type what {@linkcode struct} made.
   * @throws {OutOfMemoryError} if there is no memory, and {InvalidTypeError} for what is not a struct.
   *
   * @example
   * ```ts
   * import { Heap, struct } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * const Person = struct({ id: "i32", score: "f64", name: "cstring" });
   *
   * using heap = await Heap.open();
   * using people = heap.structs(Person, 1000);
   * for (let i = 0; i < people.length; i++) {
   *   const person = people.at(i);
   *   person.id = i;
   *   person.score = i / 2;
   *   person.name = `n${i}`;
   * }
   * // qsort(people.pointer, 1000n, BigInt(Person.size), compare.pointer)
   * assertEquals(people.at(999).score, 499.5);
   * assertEquals(people.at(7).name, "n7");
   * ```
   */
  structs<F extends Fields>(type: StructType<F>, length: number): StructArray<F> {
    return this.#interop.structs(type, length);
  }

  /**
   * Structs that are there already, one after another in a live block. They are not freed by the array, and strings
   * cannot be assigned.
   *
   * @throws {InvalidPointerError} and {BufferOverflowError} if there are not so many, {InvalidTypeError} for what is
   * not a struct.
   *
   * @example
   * ```ts
   * import { Heap, struct } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const Point = struct({ x: "f64", y: "f64" });
   * using block = heap.own(3 * Point.size);
   * heap.f64.set([1, 2, 3, 4, 5, 6], block.ptr / 8); // as C fills it
   * const points = heap.structsAt(Point, block.ptr, 3);
   * assertEquals(points.at(2).y, 6);
   * ```
   */
  structsAt<F extends Fields>(type: StructType<F>, ptr: Ptr, length = 1): StructArray<F> {
    return this.#interop.structsAt(type, ptr, length);
  }

  /**
   * Leads to structs anywhere in the heap, one at a time, by their pointers or addresses: for lists, trees, and what
   * callbacks get. Cost: to move it takes some nanoseconds. It does not look whether a block is live.
   *
   * @example
   * ```ts
   * import { Heap, pointer, struct } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * const Node = struct({ value: "i32", next: pointer() });
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const node = heap.cursor(Node);
   * let list = 0, sum = 0;
   * for (let value = 1; value <= 10; value++) {
   *   const ptr = scope.alloc(Node.size);
   *   Object.assign(node.of(ptr), { value, next: list });
   *   list = ptr;
   * }
   * for (let ptr = list; ptr !== 0; ptr = node.of(ptr).next) sum += node.of(ptr).value;
   * assertEquals(sum, 55);
   * ```
   */
  cursor<F extends Fields>(type: StructType<F>): StructCursor<F> {
    this.#memory.assertOpen();
    return this.#interop.cursor(type);
  }

  /**
   * The native address of offset 0, a multiple of 2 MiB: what C sees of `ptr` is at `base + BigInt(ptr)`.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * assertEquals(heap.base + BigInt(ptr), heap.address(ptr));
   * heap.free(ptr);
   * ```
   */
  get base(): bigint {
    this.#memory.give();
    return this.#memory.base;
  }

  /**
   * The native address of a pointer, for structs and for calls that take a number; 0n for 0, which is NULL.
   *
   * @throws {InvalidPointerError} for what is not inside the heap.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * const iovec = heap.malloc(16); // struct iovec { void *base; size_t length; }
   * heap.u64[iovec / 8] = heap.address(ptr);
   * heap.u64[iovec / 8 + 1] = 100n;
   * assertEquals(heap.ptrAt(heap.u64[iovec / 8]!), ptr);
   * heap.free(iovec);
   * heap.free(ptr);
   * ```
   */
  address(ptr: Ptr): bigint {
    this.#memory.assertOpen();
    this.#assertInside(ptr);
    this.#memory.give();
    return ptr === 0 ? 0n : this.#memory.address(ptr);
  }

  /**
   * The pointer object of a pointer, for FFI calls that take one; null for 0, which is NULL. This is the fastest way to
   * give a block to C.
   *
   * @throws {InvalidPointerError} for what is not inside the heap.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using block = heap.own(100);
   * // library.symbols.read(fd, heap.pointer(block.ptr), 100n);
   * assertEquals([heap.ptrAt(heap.pointer(block.ptr)), heap.pointer(0)], [block.ptr, null]);
   * ```
   */
  pointer(ptr: Ptr): Deno.PointerValue {
    this.#memory.assertOpen();
    this.#assertInside(ptr);
    this.#memory.give();
    return ptr === 0 ? null : this.#memory.system.pointerAt(this.#base, ptr);
  }

  /**
   * Lends a block to C, for a call that is not over when it returns (`nonblocking: true`), or that keeps the pointer.
   * Until the loan ends `close` throws `HEAP_BUSY`, and so does what would take the block away: `realloc`, and in debug
   * builds `free`. A block can be lent any number of times.
   *
   * @throws {InvalidPointerError} for what is not the start of a block.
   *
   * @example
   * ```ts
   * import { Heap, HeapBusyError } from "@hakmem/hakmem";
   * import { assertThrows } from "@std/assert";
   *
   * const heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * {
   *   using lent = heap.lend(ptr);
   *   // await library.symbols.fill(lent.pointer, 100n);
   *   assertThrows(() => heap.close(), HeapBusyError);
   * }
   * heap.close();
   * ```
   */
  lend(ptr: Ptr): LentBlock {
    this.usableSize(ptr);
    needStack(...LOAN_STACK);
    const lent = this.#lent, memory = this.#memory;
    lent.set(ptr, (lent.get(ptr) ?? 0) + 1);
    memory.lend(1);
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      needStack(...STACK);
      isOver = true;
      const left = lent.get(ptr)! - 1;
      if (left === 0) lent.delete(ptr);
      else lent.set(ptr, left);
      memory.lend(-1);
    };
    return { ptr, pointer: this.pointer(ptr), end, [Symbol.dispose]: end };
  }

  /**
   * Function pointers of this heap for C: `malloc`, `calloc`, `realloc`, `free`, and the shapes that Lua, zlib, zstd,
   * SQLite, expat, GMP, libpng and cJSON ask for. They are closed with the heap, or before by `using`.
   *
   * Cost of a call by C: a tenth of a microsecond. See {@linkcode NativeAllocator} for what it is to keep to.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assert } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using allocator = heap.nativeAllocator();
   * // const state = allocator.call(() => lua.symbols.lua_newstate(allocator.luaAlloc, null));
   * assert(allocator.luaAlloc !== null);
   * ```
   */
  nativeAllocator(): NativeAllocator {
    this.#memory.assertOpen();
    this.#memory.give();
    const { callSites } = this.#blocks;
    return new NativeAllocator(this, this.#memory.system, this.#interop, this.#allocators, callSites);
  }

  #assertNotLent(ptr: Ptr): void {
    if (this.#lent.size !== 0 && this.#lent.has(ptr)) throw new HeapBusyError([ptr]);
  }

  /**
   * The pointer that a native address is, in this heap; of any byte in it, not just the start of a block. 0 for null
   * and 0n, which are NULL.
   *
   * @throws {InvalidPointerError} for an address outside this heap; it says whether there is memory at all. And for
   * what is not an address.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * assertEquals(heap.ptrAt(heap.address(ptr) + 5n), ptr + 5);
   * assertEquals(heap.ptrAt(null), 0);
   * heap.free(ptr);
   * ```
   */
  ptrAt(address: bigint | Deno.PointerValue): Ptr {
    const { system, bytes } = this.#memory;
    this.#memory.assertOpen();
    if (address === null || address === 0n) return 0;
    const offset = typeof address === "bigint"
      ? address > 0n && address < 0x8000_0000_0000_0000n ? offsetOfAddress(address, this.#base) : NaN
      : this.#offsetOf(address);
    if (offset > 0 && offset < bytes) return offset;
    const native = typeof address === "bigint" ? address : addressOf(address);
    const inReach = native > 0n && native < 1n << 64n;
    const mapped = inReach && system.isMapped(native) ? "mapped, but not by this heap" : "not mapped at all";
    throw new InvalidPointerError(
      `the address 0x${native.toString(16)} is ${mapped}.`,
      Number(native - this.#memory.base),
    );
  }

  #offsetOf(pointer: Deno.PointerObject): number {
    try {
      return this.#memory.system.offsetOf(pointer, this.#base);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new InvalidPointerError(
        `${
          given(pointer)
        }: an address is a bigint, or a pointer object of Deno's. heap.address() gives that of a pointer.`,
      );
    }
  }

  /**
   * The sums of the heap, as an object whose `schema` says its version, or as a few lines of text, which may change.
   * Cost: a walk over its slabs, and `mincore` over what it has touched.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * assertEquals(heap.stats().schema, "hakmem.stats/1");
   * console.log(heap.stats("text")); // slab-map: 1 live block, 112 bytes ...
   * heap.free(ptr);
   * ```
   */
  stats(): HeapStats;
  /** The sums as a few lines of text, which may change. */
  stats(format: "text"): string;
  stats(format?: "text"): HeapStats | string {
    this.#memory.assertOpen();
    const stats = this.#blocks.stats();
    return format === "text" ? statsText(stats) : stats;
  }

  /**
   * What lies where in the heap: each slab with its blocks, the large blocks, what is free, and how much of each is in
   * memory. Bytes, and pointers where something begins; it is plain data, which can be posted and written as JSON.
   *
   * Cost: that of `stats`, a walk over the free lists, and a microsecond or two for each slab. Exact while other
   * threads are quiet, as `stats` is.
   *
   * @throws {HeaderCorruptedError} if a free list is damaged.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assert, assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * heap.malloc(1000);
   * const { superslabs, fragmentation } = heap.snapshot();
   * const slab = superslabs.flatMap(({ slabs }) => slabs).find(({ liveBlocks }) => liveBlocks === 1);
   * assertEquals(slab?.blocks, 64); // of 1 KiB each
   * assert(fragmentation > 0.9); // one block, and the heap's tables
   * ```
   */
  snapshot(): HeapSnapshot {
    this.#memory.assertOpen();
    return this.#blocks.snapshot();
  }

  /**
   * What a counting build has counted: one of a variant with `counters=1`. Undefined for all others.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open({ variant: "slab-map,counters=1" });
   * heap.free(heap.malloc(100));
   * assertEquals(heap.counters()?.mallocs, 1);
   * ```
   */
  counters(): HeapCounters | undefined {
    this.#memory.assertOpen();
    return this.#blocks.counters();
  }

  /**
   * Every live block in order of address, as they are at the first.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * heap.malloc(100);
   * heap.malloc(1000);
   * const sizes = Array.from(heap.blocks(), ({ size }) => size);
   * assertEquals(sizes.sort((a, b) => a - b), [112, 1024]);
   * ```
   */
  blocks(): Iterable<BlockInfo> {
    this.#memory.assertOpen();
    return this.#blocks.blocks();
  }

  /**
   * The live blocks by the line of the program that allocated them, the most bytes first. A release build does not know
   * the lines: all its live blocks are one entry without a stack.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open({ build: "debug", log: () => {} }); // close() would log them
   * for (let count = 0; count < 3; count++) heap.malloc(100);
   * const [leak] = heap.leaks();
   * assertEquals([leak?.blocks, leak?.bytes], [3, 300]);
   * // leak.stack has the line above
   * ```
   */
  leaks(): Leak[] {
    this.#memory.assertOpen();
    return this.#blocks.leaks();
  }

  /**
   * Who allocated what: the live blocks, and all that was allocated since the heap was opened, by the stacks that
   * allocated them, estimated from samples. Only for a heap that was opened with `profile`. All threads of a shared
   * heap get the same profile, with the samples of Workers that have ended.
   *
   * Cost: a walk over all spans and all stacks, as `stats` takes.
   *
   * @throws {InvalidOptionError} for a heap that is not profiled, or a format that does not exist; and for `pprof` where
   * the package that writes it could not be loaded when the heap was opened.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open({ profile: { everyBytes: 1 } }); // of a program that runs long: profile: true
   * heap.malloc(100);
   * const [most] = heap.profile().stacks; // most.frames says who allocated it
   * assertEquals([most?.inUseBytes, most?.live.length], [100, 1]);
   * ```
   */
  profile(): HeapProfile;
  /**
   * The same as a file, for other people's viewers.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open({ profile: true });
   * const bytes = heap.profile({ format: "pprof" }); // await Deno.writeFile("heap.pb.gz", bytes); go tool pprof -top heap.pb.gz
   * assertEquals([bytes[0], bytes[1]], [0x1f, 0x8b]); // gzip
   * ```
   */
  profile(options: { readonly format: ProfileFormat }): Uint8Array<ArrayBuffer>;
  profile(options: { readonly format?: ProfileFormat } = {}): HeapProfile | Uint8Array<ArrayBuffer> {
    this.#memory.assertOpen();
    const { format } = chosenOf(options, "heap.profile", ["format"]), profile = this.#blocks.profile?.();
    if (profile === undefined || this.#profiling === undefined) {
      throw new InvalidOptionError("this heap is not profiled: await Heap.open({ profile: true }) opens one that is.");
    }
    return format === undefined ? profile : this.#profiling.write(profile, format);
  }

  /**
   * Walks everything, and in debug builds looks at the surroundings of each block and at all freed memory in
   * quarantine.
   *
   * @throws {HeaderCorruptedError} at the first inconsistency.
   * @throws {BufferOverflowError}, {BufferUnderflowError} and {UseAfterFreeError} in debug builds.
   *
   * @example
   * ```ts
   * import { BufferOverflowError, Heap } from "@hakmem/hakmem";
   * import { assertThrows } from "@std/assert";
   *
   * using heap = await Heap.open({ build: "debug", log: () => {} });
   * const ptr = heap.malloc(100);
   * heap.check();
   * heap.u8[ptr + 100] = 1; // one byte too far
   * assertThrows(() => heap.check(), BufferOverflowError);
   * ```
   */
  check(): void {
    this.#memory.assertOpen();
    this.#blocks.check();
  }

  /**
   * Gives all memory that no live block needs back to the system, the thread's cached blocks and those in quarantine
   * among it.
   *
   * @returns bytes of the ranges given back; those pages in them that were in memory are free now.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assert } from "@std/assert";
   *
   * using heap = await Heap.open();
   * heap.free(heap.malloc(1_000_000));
   * assert(heap.collect() >= 1_000_000);
   * ```
   */
  collect(): number {
    this.#memory.assertOpen();
    return this.#blocks.collect();
  }

  /**
   * Gives everything back. All views of the heap are empty from now on, and every call throws `HEAP_CLOSED`. A debug
   * build logs what it finds wrong, and the live blocks by the line that allocated them; it throws for none of it.
   *
   * C that is still at work in the heap's memory, as a nonblocking FFI call is, kills the process: await such calls
   * before, or have them counted by `lend`.
   *
   * A heap that is attached is only let go of; its memory goes when the last thread closes, which is the opener, unless
   * it ended without. A debug build logs what it has to say then.
   *
   * @throws {HeapBusyError} as long as blocks are lent by this thread, or C has blocks of a native allocator of its
   * own. Nothing changes.
   * @throws {HeapSharedError} where the heap was opened, as long as other threads have it: those that have neither
   * closed it nor ended. Nothing changes; a Worker that was terminated may run on for seconds.
   *
   * @example
   * ```ts
   * import { Heap, HeapClosedError } from "@hakmem/hakmem";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * const heap = await Heap.open();
   * const ptr = heap.malloc(100);
   * heap.close();
   * assertEquals(heap.u8[ptr], undefined);
   * assertThrows(() => heap.malloc(100), HeapClosedError);
   * ```
   */
  close(): void {
    if (this.#memory.closed) return;
    if (this.#lent.size > 0) throw new HeapBusyError([...this.#lent.keys()]);
    for (const allocator of this.#allocators) allocator.assertIdle();
    needStack(...STACK);
    try {
      this.#log.during(() => {
        try {
          this.#interop.making.giveBack();
          for (const allocator of this.#allocators) allocator.withdraw();
          this.#blocks.close();
        } catch (error) {
          // With a full stack nothing more would work either: the heap stays open, and can be closed by whoever has
          // room.
          if (!(error instanceof HeapSharedError || error instanceof RangeError)) this.#memory.close();
          throw error;
        }
        this.#memory.close(() => this.#blocks.report?.());
      }, true);
    } finally {
      if (this.#memory.closed) this.#end();
    }
  }

  /** What goes with the heap. */
  #end(): void {
    this.#endPurging?.();
    this.#interop.scopes.abandon();
    for (const allocator of this.#allocators) allocator.end();
  }

  /** `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * `close`, for `await using`: waits for the Workers that have the heap to close it or to end, and for loans to be
   * over, for ten seconds at most. So a heap that is shared can be declared where it is opened, and nobody has to
   * count.
   *
   * @throws {HeapSharedError} and {HeapBusyError} if they are not by then. The heap stays open.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   *
   * await using heap = await Heap.open();
   * const shared = heap.share();
   * // worker.postMessage(shared); the Worker attaches, works, and ends
   * ```
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const end = performance.now() + DISPOSE_MILLISECONDS;
    for (let pause = 1;; pause = Math.min(pause * 2, 50)) {
      try {
        return this.close();
      } catch (error) {
        const isForNow = error instanceof HeapSharedError || error instanceof HeapBusyError;
        if (!isForNow || performance.now() > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  #assertInside(ptr: number): void {
    if (Number.isSafeInteger(ptr) && ptr >= 0 && ptr < this.#memory.bytes) return;
    assertPointer(ptr);
    const rule = Number.isSafeInteger(ptr)
      ? `its pointers are from 0 to ${hex(this.#memory.bytes)}${addressHint(ptr)}`
      : "a pointer is a whole number";
    throw new InvalidPointerError(`${hex(ptr)} is not a block of this heap: ${rule}.`, ptr);
  }
}

/** How long `await using` waits for others. */
const DISPOSE_MILLISECONDS = 10_000;

/**
 * As much stack as `close` needs, and the end of a loan; and the same and more, for who lends. It is asked for
 * where, being nearly full, it would end what cannot be undone in the middle.
 */
const STACK: readonly number[] = new Array<number>(2048).fill(0);
const LOAN_STACK: readonly number[] = new Array<number>(3072).fill(0);

/** @param options of a heap that is new. */
function makeBlocks(
  memory: HeapMemory,
  variant: Variant,
  compile: Compile,
  log: Log,
  pressure: Pressure | undefined,
  profiling: Profiling | undefined,
  options?: DebugOptions & Pick<Settings, "oneIn">,
): Blocks {
  const { books } = memory;
  const make = (asked?: Pressure): ReleaseBlocks =>
    new ReleaseBlocks(memory, variant, compile, log.say, asked, profiling?.samples);
  if (books === undefined) return make(pressure);
  if (memory.build === "release") return new GuardedBlocks(memory, books, make(pressure), log, options?.oneIn);
  // It fills the free lists: what it has taken, and not put on one yet, is in no record, as in a call.
  return new DebugBlocks(memory, books, books.journal.run(make), log, pressure, options);
}

/** What a profiled heap needs, which others do not load. */
async function profilingOf({ variant, everyBytes }: Pick<Settings, "variant" | "everyBytes">) {
  if (variant.flags.profile === 0) return undefined;
  const { loadProfiling } = await import("./profile/mod.ts");
  return loadProfiling(everyBytes);
}

/** Whether owned blocks are tracked, and where they were allocated. */
interface Tracking {
  readonly trackOwned: boolean | "free";
  readonly hasSites: boolean;
}

/** Options of a thread, checked, with what is left out. */
interface ThreadSettings {
  readonly log: ((line: string) => void) | undefined;
  readonly pressure: Pressure | undefined;
  readonly purgeAfterMs: number | undefined;
  readonly trackOwned: boolean | "free";
}

/** Options, checked, with what is left out. */
interface Settings extends ThreadSettings {
  readonly variant: Variant;
  readonly build: Build;
  readonly reserveBytes: number;
  /** Whether less address space will do. */
  readonly orLess: boolean;
  readonly maxBytes: number;
  readonly quarantineBytes: number;
  readonly stacks: number;
  /** Of a profiled heap. */
  readonly everyBytes: number;
  /** One allocation in so many is guarded, where any is. */
  readonly oneIn: number;
}

/** The most bytes from one sample to the next that can be asked for. */
const MOST_EVERY_BYTES = 2 ** 30;

/** The longest time that a timer of Deno's takes. */
const MOST_MILLISECONDS = 2 ** 31 - 1;

/**
 * Options, read once: a getter may say something else the next time. Those that an object inherits count, too, as in
 * `Object.create(defaults)`, or of a class.
 *
 * @throws {InvalidOptionError} for names that are not `known`.
 */
function chosenOf<Options extends object>(options: Options, call: string, known: readonly string[]): Options {
  if (typeof options !== "object" || options === null) {
    throw new InvalidOptionError(`${given(options)}: ${call} takes an object of options, or nothing.`);
  }
  for (const name in options) {
    if (!known.includes(name) && !(name in Object.prototype)) {
      throw new InvalidOptionError(`${call} has no option "${name}". The options are: ${known.join(", ")}.`);
    }
  }
  const chosen = known.map((name) => [name, options[name as keyof Options]]);
  return Object.fromEntries(chosen.filter(([, value]) => value !== undefined)) as Options;
}

/** @throws {InvalidOptionError} as `Heap.attach` does. */
function readThreadOptions(chosen: ThreadOptions, build: Build): ThreadSettings {
  const { log, onPressure, purgeAfterMs, trackOwned = build === "debug" } = chosen;
  if (log !== undefined && typeof log !== "function") {
    throw new InvalidOptionError(`${given(log)}: log is a function that gets a line.`);
  }
  if (onPressure !== undefined && typeof onPressure !== "function") {
    throw new InvalidOptionError(`${given(onPressure)}: onPressure is a function that gets a level.`);
  }
  if (
    purgeAfterMs !== undefined &&
    !(Number.isFinite(purgeAfterMs) && purgeAfterMs >= 1 && purgeAfterMs <= MOST_MILLISECONDS)
  ) {
    throw new InvalidOptionError(`${given(purgeAfterMs)}: purgeAfterMs is from 1 to ${MOST_MILLISECONDS}.`);
  }
  if (typeof trackOwned !== "boolean" && trackOwned !== "free") {
    throw new InvalidOptionError(`${given(trackOwned)}: trackOwned is true, false or "free".`);
  }
  const pressure = onPressure === undefined ? undefined : new Pressure(onPressure);
  return { log, pressure, purgeAfterMs, trackOwned };
}

/** @throws {InvalidOptionError} as `Heap.open` does. */
function readOptions(options: HeapOptions): Settings {
  const chosen = chosenOf(options, "Heap.open", OPTIONS),
    { variant: text = DEFAULT_VARIANT, build = "release" } = chosen;
  if (!BUILDS.includes(build)) throw new InvalidOptionError(`${given(build)}: a build is ${BUILDS.join(" or ")}.`);
  const ofThread = readThreadOptions(chosen, build), everyBytes = profileOption(chosen), oneIn = guardOption(chosen);
  const named = parseVariant(text), { flags } = named;
  const released = parseVariant([
    named.name,
    ...everyBytes !== undefined && flags.profile === 0 ? ["profile=1"] : [],
    ...oneIn !== undefined && flags.guard === 0 ? ["guard=1"] : [],
  ].join());
  if (build === "debug" && released.flags.profile === 1) {
    throw new InvalidOptionError(
      "profile is for release builds: a debug build has the stack of each live block, which heap.leaks() shows.",
    );
  }
  if (build === "debug" && released.flags.guard === 1) {
    throw new InvalidOptionError("guard is for release builds: a debug build watches all blocks.");
  }
  if (build === "release" && released.flags.verbose === 1) {
    throw new InvalidOptionError(
      'verbose=1 is for debug builds, Heap.open({ build: "debug" }): others print nothing.',
    );
  }
  const variant = build === "debug" ? { ...released, flags: debugFlags(released.flags) } : released;
  const reserve = bytesOption(chosen, "reserveBytes", MIN_RESERVE_BYTES, MAX_RESERVE_BYTES, DEFAULT_RESERVE_BYTES);
  const reserveBytes = Math.ceil(reserve / SUPERSLAB_BYTES) * SUPERSLAB_BYTES;
  return {
    ...ofThread,
    variant,
    build,
    reserveBytes,
    orLess: chosen.reserveBytes === undefined,
    maxBytes: bytesOption(chosen, "maxBytes", 0, MAX_RESERVE_BYTES, reserveBytes),
    quarantineBytes: bytesOption(chosen, "quarantineBytes", 0, MAX_RESERVE_BYTES, DEFAULT_QUARANTINE_BYTES),
    stacks: stacksOption(chosen),
    everyBytes: everyBytes ?? DEFAULT_EVERY_BYTES,
    oneIn: oneIn ?? DEFAULT_ONE_IN,
  };
}

function bytesOption(
  options: HeapOptions,
  name: "reserveBytes" | "maxBytes" | "quarantineBytes",
  least: number,
  most: number,
  fallback: number,
): number {
  const { [name]: value = fallback } = options;
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new InvalidOptionError(`${given(value)}: ${name} is a whole number of bytes from ${least} to ${most}.`);
}

/** One allocation in so many is guarded; undefined where that is left to the variant. */
function guardOption({ guard = false }: HeapOptions): number | undefined {
  if (typeof guard === "boolean") return guard ? DEFAULT_ONE_IN : undefined;
  const oneIn = typeof guard === "object" && guard !== null && Object.keys(guard).length === 1 ? guard.oneIn : NaN;
  if (Number.isSafeInteger(oneIn) && oneIn >= 1 && oneIn <= MOST_ONE_IN) return oneIn;
  throw new InvalidOptionError(
    `${given(guard)}: guard is true, false or { oneIn: N }, a whole number from 1 to ${MOST_ONE_IN}.`,
  );
}

/** One allocation in so many has a stack; 0: none. */
function stacksOption({ stacks = true }: HeapOptions): number {
  if (typeof stacks === "boolean") return stacks ? 1 : 0;
  if (Number.isSafeInteger(stacks) && stacks >= 0) return Math.min(stacks, 2 ** 31 - 1);
  throw new InvalidOptionError(`${given(stacks)}: stacks is true, false or a whole number from 0.`);
}

/** Bytes from one sample to the next; undefined if nothing is to be sampled. */
function profileOption({ profile = false }: HeapOptions): number | undefined {
  if (typeof profile === "boolean") return profile ? DEFAULT_EVERY_BYTES : undefined;
  if (typeof profile !== "object" || profile === null) {
    throw new InvalidOptionError(`${given(profile)}: profile is true, false or { everyBytes: N }.`);
  }
  const { everyBytes = DEFAULT_EVERY_BYTES } = chosenOf(profile, "the option profile", ["everyBytes"]);
  if (Number.isSafeInteger(everyBytes) && everyBytes >= 1 && everyBytes <= MOST_EVERY_BYTES) return everyBytes;
  throw new InvalidOptionError(
    `${given(everyBytes)}: everyBytes is a whole number of bytes from 1 to ${MOST_EVERY_BYTES}.`,
  );
}
