/**
 * Ranges of bytes that a program names by a pointer and a length: views of any kind, copies in and out. A range has to
 * lie in one live block, anywhere in it. That is asked of the heap's tables: of the open scopes, whose blocks lie in
 * chunks; of the start of a block, which is known at once; and last of a pointer into a block, which may take a walk
 * over a free list.
 *
 * @module
 */

import type { Ptr } from "../blocks.ts";
import {
  assertPointer,
  assertSize,
  BufferOverflowError,
  given,
  HeapDetachedError,
  hex,
  InvalidAlignmentError,
  InvalidPointerError,
  InvalidSizeError,
  InvalidTypeError,
  type OutOfMemoryError,
} from "../errors.ts";
import type { HeapAccess, Scopes } from "./heap_access.ts";

/**
 * The constructor of a typed array, or any that takes a buffer, an offset in bytes and a length in elements.
 *
 * @example
 * ```ts
 * import { Heap, type TypedArrayConstructor } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * function first<View>(heap: Heap, ptr: number, ctor: TypedArrayConstructor<View>): View {
 *   return heap.view(ctor, ptr, 1);
 * }
 *
 * using heap = await Heap.open();
 * using block = heap.own(8);
 * first(heap, block.ptr, Float64Array)[0] = 1;
 * assertEquals(first(heap, block.ptr, BigUint64Array)[0], 0x3ff0000000000000n);
 * ```
 */
export interface TypedArrayConstructor<View> {
  /** Bytes of an element. */
  readonly BYTES_PER_ELEMENT: number;
  /** Makes a view. */
  new (buffer: ArrayBuffer, byteOffset: number, length: number): View;
}

/** See the module. One for each heap. */
export class Ranges {
  readonly #heap: HeapAccess;
  readonly #scopes: Scopes;
  readonly #outOfMemory: (size: number, message: string) => OutOfMemoryError;

  constructor(
    heap: HeapAccess,
    scopes: Scopes,
    outOfMemory: (size: number, message: string) => OutOfMemoryError,
  ) {
    this.#heap = heap;
    this.#scopes = scopes;
    this.#outOfMemory = outOfMemory;
  }

  /**
   * Bytes from a pointer to the end of the live block that it leads into.
   *
   * @throws {InvalidPointerError} if it leads into none.
   */
  bytesFrom(ptr: Ptr): number {
    assertPointer(ptr);
    const inScope = this.#scopes.bytesFrom(ptr);
    if (inScope > 0) return inScope;
    try {
      return this.#heap.usableSize(ptr);
    } catch (error) {
      if (!(error instanceof InvalidPointerError)) throw error;
      const start = this.#heap.blockOf(ptr);
      if (start === 0) throw error;
      return start + this.#heap.usableSize(start) - ptr;
    }
  }

  /** @throws {BufferOverflowError} for a range that is longer than what is there. */
  assert(ptr: Ptr, length: number): void {
    assertSize(length, "length");
    const most = this.bytesFrom(ptr);
    if (length <= most) return;
    if (ptr === 0) {
      throw new InvalidPointerError("NULL: there is no memory there. alloc() throws where malloc() returns NULL.", 0);
    }
    throw new BufferOverflowError(
      `${length} bytes from ${hex(ptr)}: the block there has ${most} from that place.`,
      ptr,
    );
  }

  view<View>(ctor: TypedArrayConstructor<View>, ptr: Ptr, length: number): View {
    const element = elementOf(ctor);
    assertSize(length, "length");
    this.assert(ptr, length * element);
    if (ptr % element !== 0) {
      throw new InvalidAlignmentError(
        `${hex(ptr)}: a view of elements of ${element} bytes begins at a multiple of that.`,
      );
    }
    const buffer = this.#buffer();
    try {
      return new ctor(buffer, ptr, length);
    } catch (error) {
      if (error instanceof TypeError && !isConstructor(ctor)) throw new InvalidTypeError(noConstructor(ctor));
      if (isRefusal(error) && Object.prototype.isPrototypeOf.call(TypedArray, ctor)) {
        const says = `${given(ctor)}, a typed array's constructor whose elements are said to have ${element} bytes`;
        throw new InvalidTypeError(`${says}: ${error.message}.`);
      }
      throw error;
    }
  }

  dataView(ptr: Ptr, length: number): DataView<ArrayBuffer> {
    this.assert(ptr, length);
    return new DataView(this.#buffer(), ptr, length);
  }

  copyOut(ptr: Ptr, length: number): Uint8Array<ArrayBuffer> {
    this.assert(ptr, length);
    this.#buffer();
    return this.copied(length, () => this.#heap.u8.slice(ptr, ptr + length));
  }

  /** Makes a copy of so many bytes. @throws {OutOfMemoryError} if V8 has no memory for it. */
  copied(length: number, copy: () => Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    try {
      return copy();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const message = `no memory for a copy of ${length} bytes, which would be V8's and not the heap's ` +
        `(${error.message}). heap.bytes() and heap.view() give views, which are no copies.`;
      throw this.#outOfMemory(length, message);
    }
  }

  fill(ptr: Ptr, value: number, length: number): void {
    if (!Number.isInteger(value) || value < -128 || value > 255) {
      throw new InvalidSizeError(`${given(value)}: a byte to fill with is a whole number from -128 to 255.`);
    }
    this.assert(ptr, length);
    this.#buffer();
    this.#heap.u8.fill(value, ptr, ptr + length);
  }

  /** Writes bytes to a block that has been made for them, and gives it. */
  write(ptr: Ptr, bytes: Uint8Array): Ptr {
    this.#buffer();
    this.#heap.u8.set(bytes, ptr);
    return ptr;
  }

  /** The buffer of all views. */
  #buffer(): ArrayBuffer {
    assertViews(this.#heap);
    return this.#heap.u8.buffer;
  }
}

/**
 * Bytes of an element of the views that a constructor makes.
 *
 * @throws {InvalidAlignmentError} for what has no such number, and {InvalidTypeError} for an object that has one and is
 * not a function, such as a typed array.
 */
export function elementOf<View>(ctor: TypedArrayConstructor<View>): number {
  const element = ctor?.BYTES_PER_ELEMENT;
  if (!(Number.isInteger(element) && element >= 1)) throw new InvalidAlignmentError(noConstructor(ctor));
  if (typeof ctor !== "function") throw new InvalidTypeError(noConstructor(ctor));
  return element;
}

/** What all constructors of typed arrays are derived from. */
const TypedArray: unknown = Object.getPrototypeOf(Uint8Array);

/** Whether V8 has refused a length or a place; a full stack is a RangeError, too, and passes on. */
export function isRefusal(error: unknown): error is RangeError {
  return error instanceof RangeError && !error.message.startsWith("Maximum call stack");
}

function noConstructor(ctor: unknown): string {
  return `${given(ctor)}: a view is made by a typed array's constructor.`;
}

/** Whether `new` takes it, which is known by having it made the `new.target` of a call that does nothing with it. */
function isConstructor(value: TypedArrayConstructor<unknown>): boolean {
  try {
    Reflect.construct(Object, [], value);
    return true;
  } catch {
    return false;
  }
}

/**
 * Comes before an allocation that is to be written to, which would be lost otherwise.
 *
 * @throws {HeapClosedError} if the heap is closed, and {HeapDetachedError} if the program has given the buffer of its
 * views away.
 */
export function assertViews(heap: HeapAccess): void {
  if (heap.u8.length > 0) return;
  heap.usableSize(0); // throws for a heap that is closed
  throw new HeapDetachedError();
}

/**
 * The bytes of a buffer or of a view of one.
 *
 * @throws {InvalidSizeError} for what is neither, for a buffer that was given away, and for a view that says of itself
 * what is not so.
 */
export function bytesOf(source: ArrayBuffer | SharedArrayBuffer | ArrayBufferView): Uint8Array {
  try {
    if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    if (source instanceof ArrayBuffer || source instanceof SharedArrayBuffer) return new Uint8Array(source);
  } catch (error) {
    if (!(error instanceof TypeError || isRefusal(error))) throw error;
    throw new InvalidSizeError(`${given(source)}, whose bytes cannot be read: ${error.message}.`);
  }
  throw new InvalidSizeError(`${given(source)}: bytes come from an ArrayBuffer or a view of one.`);
}
