/**
 * Between native addresses (bigint), Deno's pointer objects, and the memory behind them.
 *
 * @module
 */

import { OsError } from "../errors.ts";

/**
 * A view of native memory as one buffer, without a copy; up to 1 TiB.
 *
 * The buffer does not keep the memory mapped. Reading it after `release` kills the process: detach it before, with
 * `buffer.transfer(0)`.
 *
 * @param address native address of the first byte, not 0
 * @param bytes length of the view
 * @throws {OsError} for address 0
 */
export function viewMemory(address: bigint, bytes: number): ArrayBuffer {
  return Deno.UnsafePointerView.getArrayBuffer(pointerOf(address), bytes);
}

/**
 * The pointer object of a native address, for FFI calls that take one.
 *
 * @throws {OsError} for address 0, which has none
 */
export function pointerOf(address: bigint): Deno.PointerObject {
  const pointer = Deno.UnsafePointer.create(address);
  if (pointer === null) throw new OsError("EFAULT", "address 0 is NULL: it has no pointer object, and no memory");
  return pointer;
}

/** The native address that a pointer object holds. */
export function addressOf(pointer: Deno.PointerObject): bigint {
  return Deno.UnsafePointer.value(pointer);
}

const WORD = new BigUint64Array(1);
const HALVES = new Uint32Array(WORD.buffer); // the lower one first, as on all systems that we know

/**
 * How far an address is from a base, exact to 2^53; far away, about so far. A bigint that goes through memory takes half
 * the time of a call of C, or less.
 *
 * @param address from 0 to 2^64 - 1; others are taken modulo 2^64
 * @param base a multiple of 2 MiB
 */
export function offsetOfAddress(address: bigint, base: number): number {
  WORD[0] = address;
  return HALVES[1]! * 2 ** 32 - base + HALVES[0]!;
}

/** The native address of a view's first byte. */
export function addressOfView(view: Uint8Array): bigint {
  return addressOf(Deno.UnsafePointer.of(view as Uint8Array<ArrayBuffer>)!);
}

/** The pointer object of any address; null for 0. */
export function pointerObject(address: bigint): Deno.PointerValue {
  return Deno.UnsafePointer.create(address);
}

/**
 * Copies memory that is not ours, as much as `into` takes: a view would outlive what is there. What is not mapped kills the
 * process.
 *
 * @param offset from the pointer on, in bytes
 */
export function copyForeign(pointer: Deno.PointerObject, offset: number, into: Uint8Array<ArrayBuffer>): void {
  Deno.UnsafePointerView.copyInto(pointer, into, offset);
}

/** A C string that is not ours, in UTF-8, up to its NUL. What is not mapped kills the process. */
export function readForeignCString(pointer: Deno.PointerObject): string {
  return Deno.UnsafePointerView.getCString(pointer);
}
