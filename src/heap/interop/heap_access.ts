/**
 * What this folder needs of a heap: the calls and views of `Heap` that it uses. So nothing here knows of slabs or the hot
 * path, and `heap.ts` imports these files, not the other way round.
 *
 * @module
 */

import type { Ptr } from "../blocks.ts";
import type { Build } from "../flags.ts";

/** The calls and views of a heap that this folder uses. */
export interface HeapAccess {
  readonly build: Build;
  readonly malloc: (size: number) => Ptr;
  readonly free: (ptr: Ptr) => void;
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly i8: Int8Array<ArrayBuffer>;
  readonly u16: Uint16Array<ArrayBuffer>;
  readonly i16: Int16Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly u64: BigUint64Array<ArrayBuffer>;
  readonly i64: BigInt64Array<ArrayBuffer>;
  readonly f32: Float32Array<ArrayBuffer>;
  readonly f64: Float64Array<ArrayBuffer>;
  /** Native address of offset 0. To read it says that C may have addresses of the heap from now on. */
  readonly base: bigint;
  alloc(size: number): Ptr;
  realloc(ptr: Ptr, size: number): Ptr;
  alignedAlloc(alignment: number, size: number): Ptr;
  usableSize(ptr: Ptr): number;
  blockOf(ptr: number): Ptr;
  address(ptr: Ptr): bigint;
  pointer(ptr: Ptr): Deno.PointerValue;
  ptrAt(address: bigint | Deno.PointerValue): Ptr;
}

/** Where memory comes from that something is made in: the heap, or a scope. */
export interface Source {
  /** @throws {OutOfMemoryError} if there is no memory. */
  alloc(size: number): Ptr;
}

/** The scopes that are open, as seen by a function that gets a pointer of one. */
export interface Scopes {
  /** Bytes from a pointer to the end of the block of a scope that it leads into; 0 if it is in none. */
  bytesFrom(ptr: Ptr): number;
}
