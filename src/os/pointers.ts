/**
 * Between native addresses (bigint), Deno's pointer objects, and the memory behind them.
 *
 * @module
 */

/**
 * A view of native memory as one buffer, without a copy; up to 1 TiB.
 *
 * The buffer does not keep the memory mapped. Reading it after `release` kills the process: detach it before, with
 * `buffer.transfer(0)`.
 *
 * @param address native address of the first byte, not 0
 * @param bytes length of the view
 * @throws {RangeError} for address 0
 */
export function viewMemory(address: bigint, bytes: number): ArrayBuffer {
  return Deno.UnsafePointerView.getArrayBuffer(pointerOf(address), bytes);
}

/**
 * The pointer object of a native address, for FFI calls that take one.
 *
 * @throws {RangeError} for address 0, which has none
 */
export function pointerOf(address: bigint): Deno.PointerObject {
  const pointer = Deno.UnsafePointer.create(address);
  if (pointer === null) throw new RangeError("Address 0 has no pointer object");
  return pointer;
}

/** The native address that a pointer object holds. */
export function addressOf(pointer: Deno.PointerObject): bigint {
  return Deno.UnsafePointer.value(pointer);
}

/** The native address of a view's first byte. */
export function addressOfView(view: Uint8Array): bigint {
  return addressOf(Deno.UnsafePointer.of(view as Uint8Array<ArrayBuffer>)!);
}
