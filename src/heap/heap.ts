/**
 * The public heap: checks what it is given, and calls its build. `malloc` and `free` are the build's functions
 * themselves, as fields, so that a call through the heap costs nothing more; the others are methods.
 *
 * A build is a `Blocks` (`blocks.ts`): release, which has the parts and the hot module (`release.ts`), or the debug build's
 * layer over it (`debug/build.ts`).
 *
 * @module
 */

import { addressOf, offsetOfAddress, openVirtualMemory } from "../os/mod.ts";
import type { Blocks, Leak, Ptr } from "./blocks.ts";
import type { HeapCounters } from "./state/counters.ts";
import { DebugBlocks, type DebugOptions, DEFAULT_QUARANTINE_BYTES } from "./debug/build.ts";
import {
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
} from "./errors.ts";
import { type Build, debugFlags, type Flags } from "./flags.ts";
import type { BlockInfo, HeapStats } from "./inspect/stats.ts";
import {
  DEFAULT_RESERVE_BYTES,
  MAX_ALIGNMENT,
  MAX_RESERVE_BYTES,
  MIN_RESERVE_BYTES,
  SUPERSLAB_BYTES,
} from "./state/layout.ts";
import { needStack } from "./state/journal.ts";
import { Log } from "./log.ts";
import { HeapMemory, type MakeJournal } from "./state/memory.ts";
import { reclaimWithoutSlot } from "./threads/reclaim.ts";
import { ReleaseBlocks } from "./release.ts";
import { readHandle, type SharedHeap } from "./state/share.ts";
import type { HeapSnapshot } from "./inspect/snapshot.ts";
import { loadHotPath } from "./hot/loader.ts";
import type { Compile } from "./hot/parts.ts";
import { DEFAULT_VARIANT, parseVariant, type Variant } from "./variants.ts";

/** What a heap is opened with. */
export interface HeapOptions {
  /** A variant's name, and flags that differ: `slab-map,refill=32`. Default: `slab-map`. */
  readonly variant?: string;
  /**
   * `release`, the default, is fast and finds what costs next to nothing to find. `debug` is much slower, needs more
   * memory, and finds the misuse of it; errors come with the stacks of allocation and first free.
   */
  readonly build?: Build;
  /**
   * Address space in bytes, 4 MiB to 1 TiB; it is rounded up to a multiple of 2 MiB, and costs no memory. Default:
   * 64 GiB, or less where the system has not got it.
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
   * Gets a line where something works, but not as well as it could; and of a debug build the report of leaks and what
   * the flag `verbose` says, which go to stderr otherwise. It is called when the call that has something to say is done, so it
   * may use the heap, and close it. What it throws passes on from `open`, which opens nothing then, and from `close`, which is
   * done by then; from other calls it goes to stderr, with the line.
   */
  readonly log?: (line: string) => void;
}

/** A block that is lent to C: see {@linkcode Heap.lend}. */
export interface LentBlock extends Disposable {
  /** Where it begins. */
  readonly ptr: Ptr;
  /** The same, for FFI calls. */
  readonly pointer: Deno.PointerValue;
  /** Ends the loan, as `using` does at the end of its block. It can be called again. */
  end(): void;
}

const OPTION_NAMES = ["variant", "build", "reserveBytes", "maxBytes", "stacks", "quarantineBytes", "log"];
const BUILDS: readonly Build[] = ["release", "debug"];

/** Opens a heap whose journals the caller makes: for those who try what a thread leaves that dies at any step. */
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
 * | a block over 32 KiB | some tens of nanoseconds where one of its size was freed before, up to 8 MiB; else a microsecond, and page faults |
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
export class Heap implements Disposable {
  /**
   * A block of at least `size` bytes, its native address a multiple of 16; its contents are anything (in debug builds,
   * 0xd0 in each byte).
   *
   * A function of its own: `const { malloc, free } = heap` works. Cost: some nanoseconds up to 32 KiB.
   *
   * @param size bytes, from 0; `malloc(0)` is a block like any other, of which nothing may be written.
   * @returns where it begins, or 0 if there is no memory.
   * @throws {InvalidSizeError} for a size that is negative, fractional, NaN or infinite.
   */
  readonly malloc: (size: number) => Ptr;

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
   */
  readonly free: (ptr: Ptr) => void;

  /** The whole heap in bytes, indexed by pointer. It reads `undefined` after `close`. What must not be done: see `bytes`. */
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

  static {
    openWith = (makeJournal, options = {}) => Heap.#open(options, makeJournal);
    attachWith = (makeJournal, shared) => Heap.#attach(shared, makeJournal);
  }

  /** Only for `open` and `attach`; programs without types may call it, too. */
  private constructor(memory: HeapMemory, variant: Variant, build: Build, blocks: Blocks, log: Log) {
    if (!(memory instanceof HeapMemory)) {
      throw new InvalidOptionError("a heap is made by `await Heap.open()`, or `await Heap.attach(handle)`.");
    }
    this.#log = log;
    this.variant = variant.name;
    this.flags = variant.flags;
    this.build = build;
    this.#memory = memory;
    this.#blocks = blocks;
    this.#base = Number(memory.base);
    this.malloc = blocks.malloc;
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
  }

  /**
   * Opens a heap. The first in a process may build the native library, in about a second; then it takes some
   * milliseconds. It needs `--allow-ffi`.
   *
   * It is to be closed (`using`). What a program lets go of without is given back when neither the heap nor a view of it can
   * be reached, and what a Worker has when it ends, with its thread. Kept until the process ends are a heap that was
   * shared, one of which blocks are lent, and, if its thread goes on, one whose `address`, `pointer` or `base` was asked for.
   * Without the native library a Worker's heaps are kept, too.
   *
   * @throws {InvalidOptionError} for an option, a variant or a flag that does not exist, or a value out of range.
   * @throws {NativeAccessError} if a permission is missing, or the system is not one that is supported.
   * @throws {OsError} if the system has no address space.
   */
  static open(options: HeapOptions = {}): Promise<Heap> {
    return Heap.#open(options);
  }

  static async #open(options: HeapOptions, makeJournal?: MakeJournal): Promise<Heap> {
    if (typeof options !== "object" || options === null) {
      throw new InvalidOptionError(`${given(options)}: Heap.open takes an object of options, or nothing.`);
    }
    const chosen = { ...options }; // read once: a getter may say something else the next time
    const { variant: text = DEFAULT_VARIANT, build = "release", log } = chosen;
    for (const name of Object.keys(chosen)) {
      if (!OPTION_NAMES.includes(name)) {
        throw new InvalidOptionError(`Heap.open has no option "${name}". The options are: ${OPTION_NAMES.join(", ")}.`);
      }
    }
    if (!BUILDS.includes(build)) throw new InvalidOptionError(`${given(build)}: a build is ${BUILDS.join(" or ")}.`);
    if (log !== undefined && typeof log !== "function") {
      throw new InvalidOptionError(`${given(log)}: log is a function that gets a line.`);
    }
    const released = parseVariant(text);
    if (build === "release" && released.flags.verbose === 1) {
      throw new InvalidOptionError(
        'verbose=1 is for debug builds, Heap.open({ build: "debug" }): others print nothing.',
      );
    }
    const variant = build === "debug" ? { ...released, flags: debugFlags(released.flags) } : released;
    const reserve = bytesOption(chosen, "reserveBytes", MIN_RESERVE_BYTES, MAX_RESERVE_BYTES, DEFAULT_RESERVE_BYTES);
    const reserveBytes = Math.ceil(reserve / SUPERSLAB_BYTES) * SUPERSLAB_BYTES;
    const maxBytes = bytesOption(chosen, "maxBytes", 0, MAX_RESERVE_BYTES, reserveBytes);
    const quarantineBytes = bytesOption(chosen, "quarantineBytes", 0, MAX_RESERVE_BYTES, DEFAULT_QUARANTINE_BYTES);
    const stacks = stacksOption(chosen);
    const compile = await loadHotPath(variant.flags);
    const system = await openVirtualMemory();
    let opened: { close(): void } = system;
    const lines = new Log(log);
    try {
      return lines.during(() => {
        if (system.note !== undefined && log !== undefined) lines.say(system.note);
        const orLess = chosen.reserveBytes === undefined;
        const memory = opened = HeapMemory.reserve(system, reserveBytes, orLess, maxBytes, build, makeJournal);
        const blocks = makeBlocks(memory, variant, compile, lines, { stacks, quarantineBytes });
        const heap = opened = new Heap(memory, variant, build, blocks, lines);
        if (variant.flags.shared === 1) heap.share();
        return heap;
      }, true);
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /**
   * The heap of a handle, with a thread cache of this thread's own: in a Worker, or anywhere in the same process. What one
   * thread allocates any other may read, write, resize and free. It takes some milliseconds.
   *
   * `close` lets go of it, and nothing else does while the thread lives. A thread that ends without loses nothing: what it
   * had cached is given back when the next attaches, or collects, or runs out of memory.
   *
   * The build, `stacks` and `quarantineBytes` are those of who opened the heap; a debug build here logs to stderr.
   *
   * @param shared from {@linkcode Heap.share}, as it was posted.
   * @throws {HeapClosedError} if the heap is closed.
   * @throws {InvalidHandleError} for what is no handle, or one of another process.
   * @throws {HeapSharedError} if 128 threads have the heap that have not ended.
   * @throws {HeaderCorruptedError} if damage is found when the free lists are filled (`prewarm`); what is damaged is given
   * up, and the next who attaches does not find it.
   */
  static attach(shared: SharedHeap): Promise<Heap> {
    return Heap.#attach(shared);
  }

  static async #attach(shared: SharedHeap, makeJournal?: MakeJournal): Promise<Heap> {
    const { handle, variant } = readHandle(shared);
    const compile = await loadHotPath(variant.flags);
    const system = await openVirtualMemory();
    let opened: { close(): void } = system;
    const log = new Log();
    try {
      return log.during(() => {
        const { flags } = variant;
        const makeRoom = (memory: HeapMemory) => reclaimWithoutSlot(memory, flags);
        const memory = opened = HeapMemory.attach(system, handle, flags, makeRoom, makeJournal);
        return new Heap(memory, variant, handle.build, makeBlocks(memory, variant, compile, log), log);
      });
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /** One line for `console.log(heap)`, which would print each of its views. */
  [Symbol.for("Deno.customInspect")](inspect: typeof Deno.inspect, options: Deno.InspectOptions): string {
    return `Heap ${inspect(this.toJSON(), { ...options, breakLength: Infinity, compact: true })}`;
  }

  /** The same for `JSON.stringify`, which would write each byte of each view, or run out of memory. */
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
   */
  realloc(ptr: Ptr, size: number): Ptr {
    assertSize(size, "size");
    assertPointer(ptr);
    if (ptr === 0) return this.malloc(size);
    this.#memory.assertOpen();
    this.#assertNotLent(ptr);
    return this.#blocks.realloc(ptr, size);
  }

  /**
   * A block whose native address is a multiple of `alignment`, as `malloc` otherwise.
   *
   * @param alignment a power of two, from 1 to 1 GiB.
   * @throws {InvalidAlignmentError} for any other, and {InvalidSizeError} as `malloc` does.
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
   */
  usableSize(ptr: Ptr): number {
    assertPointer(ptr);
    this.#memory.assertOpen();
    return this.#blocks.usableSize(ptr);
  }

  /** `usableSize` of a block that `malloc(size)` gives. @throws {InvalidSizeError} as `malloc` does. */
  goodSize(size: number): number {
    assertSize(size, "size");
    this.#memory.assertOpen();
    return this.#blocks.goodSize(size);
  }

  /**
   * Whether a number is the start of a live block of this heap. Exact; it may walk a free list. It throws for no number.
   *
   * @throws {InvalidPointerError} for what is not a number, such as a native address.
   */
  owns(ptr: number): boolean {
    assertPointer(ptr);
    this.#memory.assertOpen();
    return this.#blocks.owns(ptr);
  }

  /**
   * The live block that a pointer leads into, at any byte that its user may write, for any number.
   *
   * @returns where the block begins, or 0 if there is none. Cost: as `owns`; for a large block, a walk over all of them.
   * @throws {InvalidPointerError} for what is not a number.
   */
  blockOf(ptr: number): Ptr {
    assertPointer(ptr);
    this.#memory.assertOpen();
    return this.#blocks.blockOf(ptr);
  }

  /**
   * A view of a block, no copy. It is dead memory once the block is freed, and reads `undefined` after `close`.
   *
   * All views of a heap are of one ArrayBuffer, the whole heap, which must stay here. **Send a copy**, `bytes(ptr).slice()`:
   *
   * - `structuredClone` and `postMessage` of a view copy the buffer, not the view: seconds and gigabytes, or an error.
   * - What _transfers_ it takes all views away: `{ transfer }`, `buffer.transfer()`, a `read(view)` of a byte stream. The
   *   blocks stay, and all calls but this go on. Whoever has the buffer then must not touch it after `close`.
   * - A nonblocking FFI call that has the view works on the memory without it: the block must not be freed, nor the heap
   *   closed, before the call is over. The process would die of it. `lend` has that counted.
   *
   * @param length bytes; all that may be written if it is not given.
   * @throws {InvalidPointerError} for what is not the start of a block.
   * @throws {BufferOverflowError} for a length over `usableSize(ptr)`.
   * @throws {HeapDetachedError} if the buffer was transferred away.
   */
  bytes(ptr: Ptr, length?: number): Uint8Array<ArrayBuffer> {
    const usable = this.usableSize(ptr);
    if (length !== undefined) assertSize(length, "length");
    if (length !== undefined && length > usable) throw this.#blocks.tooLong(ptr, length);
    if (this.u8.length === 0) throw new HeapDetachedError();
    return new Uint8Array(this.#buffer, ptr, length ?? usable);
  }

  /** The native address of offset 0, a multiple of 2 MiB: what C sees of `ptr` is at `base + BigInt(ptr)`. */
  get base(): bigint {
    this.#memory.give();
    return this.#memory.base;
  }

  /**
   * The native address of a pointer, for structs and for calls that take a number; 0n for 0, which is NULL.
   *
   * @throws {InvalidPointerError} for what is not inside the heap.
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
   */
  pointer(ptr: Ptr): Deno.PointerValue {
    this.#memory.assertOpen();
    this.#assertInside(ptr);
    this.#memory.give();
    return ptr === 0 ? null : this.#memory.system.pointerAt(this.#base, ptr);
  }

  /**
   * Lends a block to C, for a call that is not over when it returns (`nonblocking: true`), or that keeps the pointer. Until
   * the loan ends `close` throws `HEAP_BUSY`, and so does what would take the block away: `realloc`, and in debug builds
   * `free`. A block can be lent any number of times.
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

  #assertNotLent(ptr: Ptr): void {
    if (this.#lent.size !== 0 && this.#lent.has(ptr)) throw new HeapBusyError([ptr]);
  }

  /**
   * The pointer that a native address is, in this heap; of any byte in it, not just the start of a block. 0 for null and
   * 0n, which are NULL.
   *
   * @throws {InvalidPointerError} for an address outside this heap; it says whether there is memory at all. And for what
   * is no address.
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

  /** The sums of the heap. Cost: a walk over its slabs, and `mincore` over what it has touched. */
  stats(): HeapStats {
    this.#memory.assertOpen();
    return this.#blocks.stats();
  }

  /**
   * What lies where in the heap: each slab with its blocks, the large blocks, what is free, and how much of each is in
   * memory. Bytes, and pointers where something begins; it is plain data, which can be posted and written as JSON.
   *
   * Cost: that of `stats`, a walk over the free lists, and a microsecond or two for each slab. Exact while other threads are
   * quiet, as `stats` is.
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

  /** What a counting build has counted: one of a variant with `counters=1`. Undefined for all others. */
  counters(): HeapCounters | undefined {
    this.#memory.assertOpen();
    return this.#blocks.counters();
  }

  /** Every live block in order of address, as they are at the first. */
  blocks(): Iterable<BlockInfo> {
    this.#memory.assertOpen();
    return this.#blocks.blocks();
  }

  /**
   * The live blocks by the place in the program that allocated them, the most bytes first. A release build does not know
   * the places: all its live blocks are one entry without a stack.
   */
  leaks(): Leak[] {
    this.#memory.assertOpen();
    return this.#blocks.leaks();
  }

  /**
   * Walks everything, and in debug builds looks at the surroundings of each block and at all freed memory in quarantine.
   *
   * @throws {HeaderCorruptedError} at the first inconsistency.
   * @throws {BufferOverflowError}, {BufferUnderflowError} and {UseAfterFreeError} in debug builds.
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
   */
  collect(): number {
    this.#memory.assertOpen();
    return this.#blocks.collect();
  }

  /**
   * Gives everything back. All views of the heap are empty from now on, and every call throws `HEAP_CLOSED`. A debug
   * build logs what it finds wrong, and the live blocks by the place that allocated them; it throws for none of it.
   *
   * C that is still at work in the heap's memory, as a nonblocking FFI call is, kills the process: await such calls before,
   * or have them counted by `lend`.
   *
   * A heap that is attached is only let go of; its memory goes when the last thread closes, and who opened it is that,
   * unless it ended without. A debug build logs what it has to say then.
   *
   * @throws {HeapBusyError} as long as blocks are lent by this thread. Nothing changes.
   * @throws {HeapSharedError} where the heap was opened, as long as other threads have it: those that have neither closed
   * it nor ended. Nothing changes; a Worker that was terminated may run on for seconds.
   */
  close(): void {
    if (this.#memory.closed) return;
    if (this.#lent.size > 0) throw new HeapBusyError([...this.#lent.keys()]);
    needStack(...STACK);
    this.#log.during(() => {
      try {
        this.#blocks.close();
      } catch (error) {
        // With a full stack nothing more would work either: the heap stays open, and can be closed by whoever has room.
        if (!(error instanceof HeapSharedError || error instanceof RangeError)) this.#memory.close();
        throw error;
      }
      this.#memory.close(() => this.#blocks.report?.());
    }, true);
  }

  /** `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #assertInside(ptr: number): void {
    if (Number.isSafeInteger(ptr) && ptr >= 0 && ptr < this.#memory.bytes) return;
    assertPointer(ptr);
    const rule = Number.isSafeInteger(ptr)
      ? `its pointers are from 0 to ${hex(this.#memory.bytes)}`
      : "a pointer is a whole number";
    throw new InvalidPointerError(`${hex(ptr)} is no block of this heap: ${rule}.`, ptr);
  }
}

/**
 * As much stack as `close` needs, and the end of a loan; and the same and more, for who lends. It is asked for
 * where, being nearly full, it would end what cannot be undone in the middle.
 */
const STACK: readonly number[] = new Array<number>(2048).fill(0);
const LOAN_STACK: readonly number[] = new Array<number>(3072).fill(0);

/** @param options of a debug build that is new. */
function makeBlocks(
  memory: HeapMemory,
  variant: Variant,
  compile: Compile,
  log: Log,
  options?: DebugOptions,
): Blocks {
  const { books } = memory;
  const make = (): ReleaseBlocks => new ReleaseBlocks(memory, variant, compile, log.say);
  if (books === undefined) return make();
  // It fills the free lists: what it has taken, and not put on one yet, is in no record, as in a call.
  return new DebugBlocks(memory, books, books.journal.run(make), log, options);
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

/** One allocation in so many has a stack; 0: none. */
function stacksOption({ stacks = true }: HeapOptions): number {
  if (typeof stacks === "boolean") return stacks ? 1 : 0;
  if (Number.isSafeInteger(stacks) && stacks >= 0) return Math.min(stacks, 2 ** 31 - 1);
  throw new InvalidOptionError(`${given(stacks)}: stacks is true, false or a whole number from 0.`);
}
