/**
 * The front gate: takes what the hot path's free turned away, finds out what the pointer is, and routes it. Small
 * blocks are known by the registry (the slab map) or by their header, large ones by their AllocHeader and the span
 * table; the flag `classify` says in which order they are asked. Anything else was never a block of this heap, and is
 * an error that says what it is instead.
 *
 * @module
 */

import type { Watcher } from "../state/counters.ts";
import { addressHint, DoubleFreeError, type HeapError, hex, InvalidPointerError } from "../errors.ts";
import type { Flags } from "../flags.ts";
import type { Headers } from "../core/headers.ts";
import { FIRST_BLOCK, HEADER_MAGIC, INVERSES_OFFSET, SLAB_BYTES, SLAB_CARVED, SLAB_SHIFT } from "../state/layout.ts";
import type { LargeBlocks } from "../core/large.ts";
import type { Links } from "../core/links.ts";
import type { HeapMemory } from "../state/memory.ts";
import type { SizeClasses } from "../core/size_classes.ts";
import type { Slabs } from "../core/slabs.ts";
import type { ThreadCache } from "../threads/thread_cache.ts";
import type { BoxFault } from "./parts.ts";
import { LOG_PUSH } from "../core/box_log.ts";

/** See the module. */
export class FrontGate {
  readonly #memory: HeapMemory;
  readonly #slabs: Slabs;
  readonly #classes: SizeClasses;
  readonly #cache: ThreadCache;
  readonly #large: LargeBlocks;
  readonly #headers: Headers;
  readonly #links: Links;
  readonly #flags: Flags;
  readonly #watcher: Watcher | undefined;

  constructor(
    memory: HeapMemory,
    slabs: Slabs,
    classes: SizeClasses,
    cache: ThreadCache,
    large: LargeBlocks,
    headers: Headers,
    links: Links,
    flags: Flags,
    watcher: Watcher | undefined,
  ) {
    this.#flags = flags;
    this.#watcher = watcher;
    this.#memory = memory;
    this.#slabs = slabs;
    this.#classes = classes;
    this.#cache = cache;
    this.#large = large;
    this.#headers = headers;
    this.#links = links;
  }

  /** Class of the slab that a pointer is in; 0 if it is in none. For any number. */
  classOf(ptr: number): number {
    return (ptr | 0) === ptr ? this.#slabs.classAt(ptr) : 0;
  }

  /** Class of the small block that begins at a pointer, live or not; 0 if none ever did. For any number. */
  smallClass(ptr: number): number {
    const sizeClass = this.classOf(ptr);
    if (sizeClass === 0) return 0;
    const words = this.#memory.words, stride = this.#classes.strides[sizeClass]!;
    const left = -(ptr | -SLAB_BYTES); // bytes from there to the slab's end, where blocks end too
    const inverse = words[INVERSES_OFFSET / 4 + sizeClass]! >>> 0; // as on the hot path: a division takes longer
    const blocks = this.#classes.blocks[sizeClass]!;
    const untouched = blocks - words[this.#slabs.record(ptr >>> SLAB_SHIFT) + SLAB_CARVED]!;
    const isStart = Math.imul(-left, inverse) >>> 0 < inverse;
    return isStart && left <= blocks * stride && left > untouched * stride ? sizeClass : 0;
  }

  /**
   * Frees what the hot path did not.
   *
   * @throws {InvalidPointerError} for what is not a block of this heap.
   * @throws {DoubleFreeError} for the block that was freed last in its class.
   * @throws {HeaderCorruptedError} for a block whose header is damaged, which stays; or if a full free list is.
   */
  free(ptr: number): void {
    this.#memory.assertOpen();
    if (ptr === 0) return;
    this.#watcher?.add("frontGateCalls", ptr);
    switch (this.#flags.classify) {
      case "registry-first":
        if (this.#freeByRegistry(ptr) || this.#freeLarge(ptr)) return;
        break;
      case "registry-last":
        if (this.#freeByHeader(ptr) || this.#freeByRegistry(ptr) || this.#freeLarge(ptr)) return;
        break;
      case "probe":
        if (this.#freeByHeader(ptr) || this.#freeLarge(ptr) || this.#freeByRegistry(ptr)) return;
    }
    throw this.invalid(ptr);
  }

  #freeByRegistry(ptr: number): boolean {
    this.#watcher?.add("registryLookups", ptr);
    const sizeClass = this.smallClass(ptr);
    if (sizeClass === 0) return false;
    this.#headers.assertSound(ptr, sizeClass); // sound if the list was merely full; if not, that is why we are here
    this.#freeSmall(ptr, sizeClass);
    return true;
  }

  /** A header is believed, as on the hot path. The last byte of an AllocHeader is never taken for one: its high bits differ. */
  #freeByHeader(ptr: number): boolean {
    if (this.#flags.header === "none" || (ptr | 0) !== ptr || ptr < FIRST_BLOCK) return false;
    const header = this.#memory.u8[ptr - 1] ?? 0, sizeClass = (header & 0x0f) + 1;
    if ((header & 0xf0) !== HEADER_MAGIC || sizeClass >= this.#classes.strides.length) return false;
    this.#freeSmall(ptr, sizeClass);
    return true;
  }

  #freeLarge(ptr: number): boolean {
    const granule = this.#large.find(ptr);
    if (granule !== 0) this.#large.free(granule);
    return granule !== 0;
  }

  #freeSmall(ptr: number, sizeClass: number): void {
    const { heads, rooms } = this.#cache;
    if (heads[sizeClass] === ptr || this.#cache.remote.isLast(ptr)) throw this.#again(ptr);
    if (this.#flags.push === "box") this.#boxCheck(ptr, sizeClass);
    if (rooms[sizeClass]! <= 0) this.#cache.makeRoom(sizeClass);
    this.#links.seal(ptr);
    // No call from here on: one for which there is no stack would throw with the block freed.
    this.#memory.blocks[ptr >> 2] = heads[sizeClass]!;
    heads[sizeClass] = ptr;
    rooms[sizeClass]!--;
  }

  /** The Box's push off the hot path: what is pushed is a block of the class, and with the scan, not on the list. */
  #boxCheck(ptr: number, sizeClass: number): void {
    this.#links.note(LOG_PUSH, sizeClass, ptr);
    if (this.smallClass(ptr) !== sizeClass) throw this.#noBlock(ptr);
    if (this.#flags.integrity < 3) return;
    for (const free of this.#cache.listed(sizeClass)) if (free === ptr) throw this.#again(ptr);
  }

  /** What a pointer is whose header says a class that it is not of. */
  #noBlock(ptr: number): HeapError {
    const sizeClass = this.smallClass(ptr);
    const error = (sizeClass === 0 ? undefined : this.#headers.damage(ptr, sizeClass)) ?? this.invalid(ptr);
    error.message += this.#links.logged();
    return error;
  }

  #again(ptr: number): DoubleFreeError {
    const what = `the block ${hex(ptr)} is free: it is on the free list of its class already.`;
    return new DoubleFreeError(what + this.#links.logged(), ptr);
  }

  /** What the Box found, as an error; a list that is damaged is given up, so that the heap goes on without it. */
  reject(fault: BoxFault, sizeClass: number, ptr: number): never {
    if (fault === "list") {
      this.#cache.abandon(sizeClass);
      throw this.#links.damaged(sizeClass, ptr);
    }
    throw fault === "again" ? this.#again(ptr) : this.#noBlock(ptr);
  }

  /** Bytes of a block that its user may write; 0 for NULL. @throws {InvalidPointerError} for what is not a block. */
  usableSize(ptr: number): number {
    if (ptr === 0) return 0;
    const sizeClass = this.smallClass(ptr);
    if (sizeClass !== 0) return this.#classes.usable[sizeClass]!;
    const granule = this.#large.find(ptr);
    if (granule === 0) throw this.invalid(ptr);
    return this.#large.usable(granule);
  }

  /** Whether a pointer is the start of a live block. */
  owns(ptr: number): boolean {
    const sizeClass = this.smallClass(ptr);
    if (sizeClass === 0) return this.#large.find(ptr) !== 0;
    return this.#memory.journal.run(() => !this.#cache.isFree(sizeClass, ptr));
  }

  /** Start of the live block that a pointer leads into, at any byte that its user may write; 0 if there is none. */
  blockOf(ptr: number): number {
    const sizeClass = this.classOf(ptr);
    if (sizeClass !== 0) {
      const stride = this.#classes.strides[sizeClass]!;
      const left = SLAB_BYTES - (ptr & (SLAB_BYTES - 1)); // from the pointer to the slab's end, where blocks end too
      const start = ptr + left - Math.ceil(left / stride) * stride;
      return ptr - start < Math.max(1, this.#classes.usable[sizeClass]!) && this.owns(start) ? start : 0;
    }
    if (!Number.isSafeInteger(ptr)) return 0;
    return this.#memory.journal.run(() => {
      for (const granule of this.#large.granules()) {
        const start = this.#large.ptrOf(granule);
        if (ptr >= start && ptr < start + this.#large.usable(granule)) return start;
      }
      return 0;
    });
  }

  /** What a pointer is that is not a block. */
  invalid(ptr: number): InvalidPointerError {
    return new InvalidPointerError(`${hex(ptr)} is not a block of this heap: ${this.#describe(ptr)}.`, ptr);
  }

  #describe(ptr: number): string {
    if (!Number.isSafeInteger(ptr)) return "a pointer is a whole number";
    if (ptr < 0 || ptr >= this.#memory.bytes) {
      return `its pointers are from 0 to ${hex(this.#memory.bytes)}${addressHint(ptr)}`;
    }
    if (ptr < FIRST_BLOCK) return "no block lies so near to NULL";
    const sizeClass = this.classOf(ptr);
    if (sizeClass === 0) return "no live block begins there";
    const stride = this.#classes.strides[sizeClass]!;
    const into = stride - (SLAB_BYTES - (ptr & (SLAB_BYTES - 1))) % stride;
    return into === stride
      ? `the slab there has blocks of ${stride} bytes, but none was given out at that place`
      : `it is ${into} bytes into a block of ${stride} that begins at ${hex(ptr - into)}`;
  }
}
