/**
 * Address space, threads and clocks from the operating system, as an interface with two sources: the library built from
 * `native/vm.c` (`native_memory.ts`) and libc's own functions (`libc_memory.ts`). Both do all of it; `open.ts` chooses.
 *
 * @module
 */

/**
 * The operating system's memory, and the clocks. Addresses are native ones; sizes are in bytes. A size that is not an
 * integer throws a RangeError, and whatever the system refuses an `OsError`.
 */
export interface VirtualMemory {
  /** Where the functions come from. */
  readonly source: "native" | "libc";
  /** One line: why not native, or a warning such as an unusable cache. Undefined when all is well. */
  readonly note: string | undefined;
  /** The library's file; undefined for libc. */
  readonly path: string | undefined;
  /** Bytes of a page. */
  readonly pageSize: number;

  /**
   * Reserves address space: readable, writable, zero, and costing no memory until it is touched.
   *
   * What a Worker has reserved is left behind (`leave`) when its thread ends, however that ends; not where this is
   * libc's.
   *
   * @param bytes rounded up to whole pages
   * @param alignment of the address, a power of two; at least a page is given
   * @throws {OsError} `ENOMEM`: no such address space. `EINVAL`: size 0, or an alignment that is not a power of two
   */
  reserve(bytes: number, alignment: number): bigint;

  /**
   * Gives pages back to the system. They read as zero afterwards, and stay mapped.
   *
   * @throws {OsError} `EINVAL` when the range is not whole pages, `ENOMEM` when part of it is not mapped
   */
  purge(address: bigint, bytes: number): void;

  /**
   * Moves whole pages, with what is in them, to where other pages of a reservation are, whose contents are lost. The pages
   * where they were read as zero afterwards, and stay mapped. Some microseconds, and a part of a page fault for each
   * page; a copy to pages that nobody has touched takes a hundred times as long. The system remembers each range that was
   * moved by itself, and has 65,530 of them for a process.
   *
   * @throws {OsError} `EINVAL` when the ranges are not whole pages, overlap, or the system is Linux before 5.7; `ENOSYS`
   * on other systems; `EFAULT` when a page is not mapped, `ENOMEM` when there are too many ranges. Nothing has changed then
   */
  move(from: bigint, to: bigint, bytes: number): void;

  /**
   * Unmaps a range, part of a reservation or all of it. Views of it must have been detached: reading one kills the
   * process.
   *
   * @param address of a page
   * @param bytes rounded up to whole pages
   * @throws {OsError} `EINVAL` when `address` is not a page's, or the size is 0
   */
  release(address: bigint, bytes: number): void;

  /** Whether a reservation of this thread outlives it, as one does that other threads, or C, have: no, at first. */
  outlive(address: bigint, bytes: number, outlives: boolean): void;

  /**
   * Gives back the memory of a reservation that nobody has any more, as far as can be known: it reads as zero, and
   * stays mapped until 256 others have been left behind, or there is no address space.
   */
  leave(address: bigint, bytes: number): void;

  /** Whether the page of an address is mapped. That does not mean readable: protected pages count. About 1 µs. */
  isMapped(address: bigint): boolean;

  /**
   * Whether four bytes can be read, are this word, and can be written (they are, with the same word). The system does
   * it, so any address is safe to ask about: nothing is there, it is protected, or the file behind it has become
   * shorter. It uses a pipe, some microseconds.
   *
   * @param word a word that does not change, from 0 to 2^31 - 1
   * @throws {OsError} `EMFILE` and the like when there can be no pipe
   */
  holds(address: bigint, word: number): boolean;

  /**
   * How many of the pages that a range touches are in memory. The cost grows with the range, touched or not.
   *
   * @throws {OsError} `ENOMEM` when part of the range is not mapped
   */
  residentPages(address: bigint, bytes: number): number;

  /**
   * The pointer object of an address, for FFI calls: five times as fast as `Deno.UnsafePointer` where it is native.
   *
   * @param base a multiple of 2 MiB, which a double holds exactly
   * @param offset from there, a whole number; not 0 if `base` is
   */
  pointerAt(base: number, offset: number): Deno.PointerObject | null;

  /** How far a pointer is from a base; far away, about so far. @throws {TypeError} for what is not a pointer object */
  offsetOf(pointer: Deno.PointerObject, base: number): number;

  /** Lets other threads run: gives the processor away for 0, otherwise sleeps so many microseconds. */
  pause(microseconds: number): void;

  /** The operating system's number of the thread that calls: a Worker has a thread of its own from start to end. */
  threadId(): number;

  /**
   * When a thread of this process was started: a positive number which no later thread with the same number has. 0 when
   * there is no such thread: a terminated Worker has one until it really ends. Some microseconds.
   *
   * @throws {OsError} when the system does not tell, as of a thread that there is when the process is out of file descriptors
   */
  threadStart(id: number): number;

  /**
   * For a thread that sleeps now, a positive number, which stays the same as long as it has hardly run; otherwise 0, as
   * for all threads on macOS. Some microseconds.
   *
   * @throws {OsError} as `threadStart`
   */
  threadSleep(id: number): number;

  /** Pages that nobody may touch. */
  readonly guard: PageGuard;

  /** A clock that never steps back. */
  monotonicNanoseconds(): bigint;

  /** The processor's own steady counter (TSC, or the counter of aarch64) in its own unit; nanoseconds from `libc`. */
  ticks(): bigint;

  /** Memory that this process has in use now. */
  residentBytes(): number;

  /** The most it had. From `libc` it is at least what the process that started this one had. */
  peakResidentBytes(): number;

  /**
   * To be called once for each `openVirtualMemory`: the library is unloaded with the last. None of the functions above
   * may be called after closing.
   */
  close(): void;
}

/** Pages that nobody may touch, and the handler for those that do (`native/guard/guard.c`). */
export interface PageGuard {
  /**
   * Watches over a heap until its memory goes. From then on an access to what is hidden in it is let through and noted, if
   * JavaScript made it, and reported if C did, of which the process dies. Where nobody watches, nothing may be hidden: the
   * process would die of any access.
   *
   * @param base native address of pointer 0
   * @param bytes of the heap's blocks
   * @param books of the heap (`src/heap/debug/books.ts`)
   * @param records in the books
   * @param stacks the table of stacks in the books (`src/heap/debug/stacks.ts`)
   * @returns whether it does: from `libc` nothing does, nor off Linux, nor with more than a thousand heaps
   */
  watch(base: bigint, bytes: number, books: bigint, records: bigint, stacks: bigint): boolean;

  /** Takes all access to whole pages away, or gives it back; whether the system did. */
  hide(address: bigint, bytes: number, hide: boolean): boolean;

  /**
   * The same for what is around pages that are hidden and shown again and again, which then takes half as long; or to
   * give access to all of it back. What is hidden so is left out of core dumps.
   */
  fence(address: bigint, bytes: number, hide: boolean): boolean;

  /** The lowest address of a range that JavaScript has written while it was hidden, or 0n; forgotten then if so asked. */
  written(address: bigint, bytes: number, forget: boolean): bigint;
}
