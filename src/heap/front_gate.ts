/**
 * The front gate: takes what the hot path's free turned away, finds out what the pointer is, and routes it. Small
 * blocks are known by the slab map, large ones by the span table; anything else was never a block of this heap, and is
 * an error that says what it is instead.
 *
 * @module
 */

import { DoubleFreeError, hex, InvalidPointerError } from "./errors.ts";
import { SLAB_BYTES, SLAB_CARVED, SLAB_SHIFT } from "./layout.ts";
import type { LargeBlocks } from "./large.ts";
import type { HeapMemory } from "./memory.ts";
import type { SizeClasses } from "./size_classes.ts";
import type { Slabs } from "./slabs.ts";
import type { ThreadCache } from "./thread_cache.ts";

/** See the module. */
export class FrontGate {
  readonly #memory: HeapMemory;
  readonly #slabs: Slabs;
  readonly #classes: SizeClasses;
  readonly #cache: ThreadCache;
  readonly #large: LargeBlocks;

  constructor(memory: HeapMemory, slabs: Slabs, classes: SizeClasses, cache: ThreadCache, large: LargeBlocks) {
    this.#memory = memory;
    this.#slabs = slabs;
    this.#classes = classes;
    this.#cache = cache;
    this.#large = large;
  }

  /** Class of the slab that a pointer is in; 0 if it is in none. For any number. */
  classOf(ptr: number): number {
    return (ptr | 0) === ptr ? this.#slabs.map[ptr >>> SLAB_SHIFT]! : 0;
  }

  /** Class of the small block that begins at a pointer, live or not; 0 if none ever did. For any number. */
  smallClass(ptr: number): number {
    const sizeClass = this.classOf(ptr);
    if (sizeClass === 0) return 0;
    const stride = this.#classes.strides[sizeClass]!, blocks = this.#classes.blocks[sizeClass]!;
    const left = (SLAB_BYTES - (ptr & (SLAB_BYTES - 1))) / stride; // blocks from this one to the slab's end
    const carved = this.#memory.words[this.#slabs.record(ptr >>> SLAB_SHIFT) + SLAB_CARVED]!;
    return Number.isInteger(left) && left <= blocks && left > blocks - carved ? sizeClass : 0;
  }

  /**
   * Frees what the hot path did not.
   *
   * @throws {InvalidPointerError} for what is no block of this heap.
   * @throws {DoubleFreeError} for the block that was freed last in its class.
   * @throws {HeaderCorruptedError} for a large block whose header is damaged, or if a full free list is.
   */
  free(ptr: number): void {
    this.#memory.assertOpen();
    if (ptr === 0) return;
    const sizeClass = this.smallClass(ptr);
    if (sizeClass !== 0) return this.#freeSmall(ptr, sizeClass);
    const unit = this.#large.find(ptr);
    if (unit === 0) throw this.invalid(ptr);
    this.#large.free(unit);
  }

  #freeSmall(ptr: number, sizeClass: number): void {
    const { heads, rooms } = this.#cache;
    if (heads[sizeClass] === ptr) {
      throw new DoubleFreeError(`the block ${hex(ptr)} is free: it was the last to be freed in its class.`, ptr);
    }
    if (rooms[sizeClass]! <= 0) this.#cache.spill(sizeClass);
    this.#memory.words[ptr >> 2] = heads[sizeClass]!;
    heads[sizeClass] = ptr;
    rooms[sizeClass]!--;
  }

  /** Bytes of a block that its user may write; 0 for NULL. @throws {InvalidPointerError} for what is no block. */
  usableSize(ptr: number): number {
    if (ptr === 0) return 0;
    const sizeClass = this.smallClass(ptr);
    if (sizeClass !== 0) return this.#classes.usable[sizeClass]!;
    const unit = this.#large.find(ptr);
    if (unit === 0) throw this.invalid(ptr);
    return this.#large.usable(unit);
  }

  /** Whether a pointer is the start of a live block. */
  owns(ptr: number): boolean {
    const sizeClass = this.smallClass(ptr);
    if (sizeClass === 0) return this.#large.find(ptr) !== 0;
    for (const free of this.#cache.listed(sizeClass)) if (free === ptr) return false;
    for (const free of this.#cache.spilled(ptr >>> SLAB_SHIFT)) if (free === ptr) return false;
    return true;
  }

  /** What a pointer is that is no block. */
  invalid(ptr: number): InvalidPointerError {
    return new InvalidPointerError(`${hex(ptr)} is no block of this heap: ${this.#describe(ptr)}.`, ptr);
  }

  #describe(ptr: number): string {
    if (!Number.isSafeInteger(ptr)) return "a pointer is a whole number";
    if (ptr < 0 || ptr >= this.#memory.bytes) return `its pointers are from 0 to ${hex(this.#memory.bytes)}`;
    if (ptr < this.#memory.stateBytes) return "the heap's own state lies there";
    const sizeClass = this.classOf(ptr);
    if (sizeClass === 0) return "no live block begins there";
    const stride = this.#classes.strides[sizeClass]!;
    const into = stride - (SLAB_BYTES - (ptr & (SLAB_BYTES - 1))) % stride;
    return into === stride
      ? `the slab there has blocks of ${stride} bytes, but none was given out at that place`
      : `it is ${into} bytes into a block of ${stride} that begins at ${hex(ptr - into)}`;
  }
}
