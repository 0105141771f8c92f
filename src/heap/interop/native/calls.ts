/**
 * The heap's calls as C makes them: addresses in and out, NULL where there is no memory, and nothing is ever thrown. What a
 * call of the heap throws is kept for the program, and C gets NULL; a `free` that is refused has done nothing.
 *
 * Counted are the blocks that C has, and the calls that are under way, in which a program's `log` or `onPressure` may be
 * called: the functions must not be closed from in there.
 *
 * @module
 */

import type { CallSite, CallSites, Ptr } from "../../blocks.ts";

/** What this needs of a heap. */
export interface CallbackHeap {
  readonly base: bigint;
  readonly malloc: (size: number) => Ptr;
  readonly free: (ptr: Ptr) => void;
  calloc(count: number, size: number): Ptr;
  realloc(ptr: Ptr, size: number): Ptr;
  usableSize(ptr: Ptr): number;
  goodSize(size: number): number;
  ptrAt(address: bigint | Deno.PointerValue): Ptr;
}

/** So many errors are kept, those that came first; a program in C may go on long after the first. */
const KEPT_MOST = 100;

/** See the module. */
export class NativeCalls {
  /** What was thrown in callbacks, in order. */
  kept: unknown[] = [];
  /** Blocks that C has of this allocator. */
  blocks = 0;
  /** Calls of C's that are under way. */
  running = 0;
  /** Where the program has called C; undefined where that is not known. */
  site: CallSite | undefined = undefined;
  readonly #heap: CallbackHeap;
  readonly #base: number;
  readonly #callSites: CallSites | undefined;

  constructor(heap: CallbackHeap, callSites?: CallSites) {
    this.#heap = heap;
    this.#callSites = callSites;
    this.#base = Number(heap.base); // a multiple of 2 MiB below 2^53
  }

  /** Keeps what was thrown. */
  keep(error: unknown): void {
    if (this.kept.length < KEPT_MOST) this.kept.push(error);
  }

  /** C is called by a function that is under way. @returns where it was called before, for when that is over. */
  enterSite(callee: (...args: never[]) => unknown): CallSite | undefined {
    const before = this.site;
    this.site = this.#callSites?.site(callee);
    return before;
  }

  /** `malloc`: the address, or 0. */
  allocate(size: number): number {
    return this.#make(mallocOf, 1, size);
  }

  /** `calloc`. */
  allocateZeroed(count: number, size: number): number {
    return this.#make(callocOf, count, size);
  }

  #make(make: (heap: CallbackHeap, count: number, size: number) => Ptr, count: number, size: number): number {
    this.running++;
    if (this.site !== undefined) this.#callSites!.next = this.site;
    try {
      const ptr = make(this.#heap, count, size);
      if (ptr === 0) return 0;
      this.blocks++;
      return this.#base + ptr;
    } catch (error) {
      this.keep(error);
      return 0;
    } finally {
      this.running--; // with no call: there may be no stack left
      if (this.site !== undefined) this.#callSites!.next = undefined;
    }
  }

  /** `realloc` of a block; NULL has none. Where it fails, the block is as it was. */
  resize(address: bigint, size: number): number {
    if (address === 0n) return this.allocate(size);
    this.running++;
    if (this.site !== undefined) this.#callSites!.next = this.site;
    try {
      const ptr = this.#heap.realloc(this.#heap.ptrAt(address), size);
      return ptr === 0 ? 0 : this.#base + ptr;
    } catch (error) {
      this.keep(error);
      return 0;
    } finally {
      this.running--; // with no call: there may be no stack left
      if (this.site !== undefined) this.#callSites!.next = undefined;
    }
  }

  /** `free`. */
  release(address: bigint): void {
    if (address === 0n) return;
    this.running++;
    if (this.site !== undefined) this.#callSites!.next = this.site;
    try {
      this.#heap.free(this.#heap.ptrAt(address));
      this.blocks--;
    } catch (error) {
      this.keep(error);
    } finally {
      this.running--; // with no call: there may be no stack left
      if (this.site !== undefined) this.#callSites!.next = undefined;
    }
  }

  /** Bytes of a block that C may use; 0 for NULL, and for what is not a block. */
  sizeOf(address: bigint): number {
    this.running++;
    try {
      return this.#heap.usableSize(this.#heap.ptrAt(address));
    } catch (error) {
      this.keep(error);
      return 0;
    } finally {
      this.running--;
    }
  }
}

function mallocOf(heap: CallbackHeap, _count: number, size: number): Ptr {
  return heap.malloc(size);
}

function callocOf(heap: CallbackHeap, count: number, size: number): Ptr {
  return heap.calloc(count, size);
}
