/**
 * GMP's three functions, which must not fail: GMP does not look at what it gets, and would write to NULL. So what the heap
 * does not have comes from the system, in pages of its own, and the error is kept: the program learns it from the call that
 * comes back, and is alive to do so. Only where the system has nothing either GMP gets NULL.
 *
 * @module
 */

import { OsError, viewMemory, type VirtualMemory } from "../../../os/mod.ts";
import type { NativeCalls } from "./calls.ts";

const ALIGNMENT = 16;

/** See the module. */
export class GmpCalls {
  readonly #calls: NativeCalls;
  readonly #system: VirtualMemory;
  readonly #outOfMemory: (size: number) => unknown;
  /** What came from the system: bytes by address. */
  readonly #borrowed = new Map<bigint, number>();

  /** @param outOfMemory makes the error that is kept. */
  constructor(calls: NativeCalls, system: VirtualMemory, outOfMemory: (size: number) => unknown) {
    this.#calls = calls;
    this.#system = system;
    this.#outOfMemory = outOfMemory;
  }

  /** Blocks that the system has lent. */
  get borrowed(): number {
    return this.#borrowed.size;
  }

  /** `alloc_func(size)`. */
  allocate(size: number): number {
    return this.#calls.allocate(size) || this.#borrow(size);
  }

  /** `realloc_func(ptr, old, new)`. What is not a block has no contents to keep; the error is kept. */
  resize(address: bigint, oldSize: number, size: number): number {
    const borrowed = this.#borrowed.get(address);
    if (borrowed === undefined) {
      const resized = this.#calls.resize(address, size);
      if (resized !== 0) return resized;
    }
    const to = this.allocate(size);
    if (to === 0) return 0;
    const kept = Math.min(oldSize, size, borrowed ?? this.#calls.sizeOf(address));
    if (kept > 0) new Uint8Array(viewMemory(BigInt(to), kept)).set(new Uint8Array(viewMemory(address, kept)));
    this.release(address);
    return to;
  }

  /** `free_func(ptr, size)`. */
  release(address: bigint): void {
    const bytes = this.#borrowed.get(address);
    if (bytes === undefined) return this.#calls.release(address);
    this.#calls.running++;
    try {
      this.#system.release(address, bytes);
      this.#borrowed.delete(address);
    } catch (error) {
      this.#calls.keep(error); // it stays with C
    } finally {
      this.#calls.running--;
    }
  }

  #borrow(size: number): number {
    this.#calls.running++;
    try {
      // One tells all, and costs a walk over the heap.
      if (this.#calls.kept.length === 0) this.#calls.keep(this.#outOfMemory(size));
      const address = this.#system.reserve(Math.max(size, ALIGNMENT), ALIGNMENT);
      this.#borrowed.set(address, Math.max(size, ALIGNMENT));
      return Number(address);
    } catch (error) {
      if (!(error instanceof OsError)) this.#calls.keep(error);
      return 0;
    } finally {
      this.#calls.running--;
    }
  }
}
