/**
 * A heap's memory: one reservation of address space, the views of it, and the way back to the system. Every other part
 * of the heap reads and writes its state through these views; only this one asks the system for anything.
 *
 * All views are of one ArrayBuffer, which is detached before the memory goes: a view that a program still holds reads
 * `undefined` then, where it would have killed the process.
 *
 * @module
 */

import { OsError, pointerOf, viewMemory, type VirtualMemory } from "../os/mod.ts";
import { HeapClosedError } from "./errors.ts";
import { Journal } from "./journal.ts";
import {
  HEAP_MAGIC,
  PAGE_BYTES,
  SLAB_BYTES,
  stateBytes,
  SUPERSLAB_BYTES,
  WORD_CHARGED_PAGES,
  WORD_MAGIC,
} from "./layout.ts";

/** The reservation of one heap. */
export class HeapMemory {
  /** Bytes reserved, a multiple of 2 MiB. */
  readonly bytes: number;
  /** Bytes at the start that hold the heap's state. */
  readonly stateBytes: number;
  /** Native address of offset 0, a multiple of 2 MiB. */
  readonly base: bigint;
  readonly buffer: ArrayBuffer;
  readonly u8: Uint8Array;
  /** All of the heap in words: `words[ptr / 4]`. */
  readonly words: Int32Array;
  /** Through which all that threads share is written. */
  readonly journal: Journal;
  /** Which thread cache is this thread's. */
  readonly thread: number = 0;
  /** Whether this object made the heap; others attach to it. */
  readonly isNew: boolean = true;

  /**
   * @param bytes address space to reserve, a multiple of 2 MiB; half of it, and so on, if there is less and `orLess`.
   * @param maxBytes how much of it slabs and large blocks may take.
   * @throws {OsError} if the system has not got it.
   */
  constructor(readonly system: VirtualMemory, bytes: number, orLess: boolean, readonly maxBytes: number) {
    [this.base, this.bytes] = reserve(system, bytes, orLess);
    this.stateBytes = stateBytes(this.bytes);
    this.buffer = viewMemory(this.base, this.bytes);
    this.u8 = new Uint8Array(this.buffer);
    this.words = new Int32Array(this.buffer);
    this.journal = new Journal(this.words);
    this.words[WORD_MAGIC] = HEAP_MAGIC;
  }

  get closed(): boolean {
    return this.buffer.byteLength === 0;
  }

  /** @throws {HeapClosedError} after `close`. */
  assertOpen(): void {
    if (this.closed) throw new HeapClosedError();
  }

  /** Native address of an offset. */
  address(offset: number): bigint {
    return this.base + BigInt(offset);
  }

  /** The same for FFI calls. */
  pointer(offset: number): Deno.PointerObject {
    return pointerOf(this.address(offset));
  }

  /**
   * Gives the pages of a range back; it reads as zero afterwards. One system call.
   *
   * @returns whether the system took them. If not, they stay as they are, which loses nothing.
   */
  purge(offset: number, bytes: number): boolean {
    try {
      this.system.purge(this.address(offset), bytes);
      return true;
    } catch (error) {
      if (error instanceof OsError) return false;
      throw error;
    }
  }

  /** Bytes of a range that are in memory now. */
  residentBytes(offset: number, bytes: number): number {
    return this.system.residentPages(this.address(offset), bytes) * this.system.pageSize;
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

  /** Units of the page heap. */
  get units(): number {
    return this.bytes / SLAB_BYTES;
  }

  /** Detaches every view, then gives the reservation and the system back. */
  close(): void {
    this.words[WORD_MAGIC] = 0;
    this.buffer.transfer(0);
    this.system.release(this.base, this.bytes);
    this.system.close();
  }
}

/** Reserves; where less will do, halves what is asked for until the system has it, down to 1 GiB. */
function reserve(system: VirtualMemory, bytes: number, orLess: boolean): [base: bigint, bytes: number] {
  for (let size = bytes;; size /= 2) {
    try {
      return [system.reserve(size, SUPERSLAB_BYTES), size];
    } catch (error) {
      if (!(error instanceof OsError) || !orLess || size / 2 < 1024 ** 3) throw error;
    }
  }
}
