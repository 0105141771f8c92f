/**
 * The memory that views of structs read and write: typed arrays over one block, or over the whole heap, and the fields
 * that take more than reading an element. Views of one block are short, so that indices are small whole numbers
 * wherever the block lies, and nothing beyond it can be reached.
 *
 * @module
 */

import { addressOf, pointerObject } from "../../../os/mod.ts";
import type { Ptr } from "../../blocks.ts";
import {
  assertPointer,
  BufferOverflowError,
  given,
  InvalidPointerError,
  InvalidStringError,
  InvalidTypeError,
} from "../../errors.ts";
import type { CStrings } from "../text/cstrings.ts";
import { utf8 } from "../text/encodings.ts";
import type { HeapAccess, Source } from "../heap_access.ts";
import { assertViews } from "../ranges.ts";

const HIGH = 2 ** 32;

const CONSTRUCTORS = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
};

/** Names of views. */
export type ViewName = keyof typeof CONSTRUCTORS;

/** See the module. Indices of the methods are in the units of what they read, counted from the start of the memory. */
export class StructMemory {
  readonly #heap: HeapAccess;
  readonly #strings: CStrings;
  readonly #start: Ptr;
  /** Bytes from there on; undefined: the whole heap. */
  readonly #bytes: number | undefined;
  readonly #texts: Source | undefined;
  readonly #views: { [Name in ViewName]?: HeapAccess[Name] } = {};
  #base = 0;

  /**
   * @param bytes from `start` on; undefined: the whole heap.
   * @param texts where strings go that are assigned to fields; undefined: nowhere, it is an error.
   */
  constructor(heap: HeapAccess, strings: CStrings, start: Ptr, bytes: number | undefined, texts: Source | undefined) {
    this.#heap = heap;
    this.#strings = strings;
    this.#start = start;
    this.#bytes = bytes;
    this.#texts = texts;
  }

  /** All of it in elements of one kind, as many as fit; made at the first use. */
  view<Name extends ViewName>(name: Name): HeapAccess[Name] {
    const heap: HeapAccess = this.#heap, bytes = this.#bytes;
    if (bytes === undefined) return heap[name];
    const made = this.#views[name];
    if (made !== undefined) return made as HeapAccess[Name];
    const View = CONSTRUCTORS[name], length = Math.floor(bytes / View.BYTES_PER_ELEMENT);
    if (bytes > 0) assertViews(heap);
    const view = (bytes > 0 ? new View(heap.u8.buffer, this.#start, length) : new View(0)) as HeapAccess[Name];
    Object.assign(this.#views, { [name]: view });
    return view;
  }

  get u8(): Uint8Array<ArrayBuffer> {
    return this.view("u8");
  }

  /** The same without anything in it. */
  none(): StructMemory {
    return new StructMemory(this.#heap, this.#strings, this.#start, 0, undefined);
  }

  /** There is no such struct, or not any more: says which. */
  missing(): never {
    assertViews(this.#heap);
    throw new BufferOverflowError(
      "there is no struct: the index is beyond the array (debug builds say which at once), or the array was freed.",
      this.#start,
    );
  }

  /** A pointer into the heap, without a bigint. */
  ptr(index: number): Ptr {
    const words = this.view("u32"), low = words[index * 2], high = words[index * 2 + 1]!;
    if (low === undefined) this.missing();
    if (high === 0 && low === 0) return 0;
    const ptr = high * HIGH - this.#baseNumber + low;
    if (ptr > 0 && ptr < this.#heap.u8.length) return ptr;
    return this.#heap.ptrAt(this.view("u64")[index]!); // says what is there instead
  }

  set_ptr(index: number, value: Ptr): void {
    let address = 0;
    if (value !== 0) {
      if (!(Number.isInteger(value) && value > 0 && value < this.#heap.u8.length)) this.#heap.address(value); // throws
      address = this.#baseNumber + value;
    }
    const words = this.view("u32");
    words[index * 2] = address;
    words[index * 2 + 1] = address / HIGH;
  }

  #address(index: number): bigint {
    return this.view("u64")[index] ?? this.missing();
  }

  /** The base as a double, which holds it. To ask the heap for it says that C may have its addresses. */
  get #baseNumber(): number {
    if (this.#base === 0) this.#base = Number(this.#heap.base);
    return this.#base;
  }

  pointer(index: number): Deno.PointerValue {
    return pointerObject(this.#address(index));
  }

  set_pointer(index: number, value: Deno.PointerValue): void {
    if (typeof value !== "object") {
      throw new InvalidTypeError(
        `${given(value)}: a "pointer" is a pointer object or null; heap.pointer() gives that of a Ptr.`,
      );
    }
    this.view("u64")[index] = value === null ? 0n : addressOf(value);
  }

  cstring(index: number): string | null {
    const address = this.#address(index);
    return address === 0n ? null : this.#strings.read(address);
  }

  set_cstring(index: number, value: string | null): void {
    if (value !== null && this.#texts === undefined) {
      throw new InvalidTypeError(
        "a string can be assigned to a field of structs that this heap or a scope made, which own it then; these are somebody " +
          "else's. Use a field of type pointer(), and heap.cstring().",
      );
    }
    this.set_ptr(index, value === null ? 0 : this.#strings.make(this.#texts!, value));
  }

  chars(index: number, length: number): string {
    const u8 = this.#charsAt(index, length);
    let bytes = 0;
    while (bytes < length && u8[index + bytes] !== 0) bytes++;
    return utf8.read(u8, index, bytes);
  }

  /** An index below 0 would count from the end, and NaN would be 0. */
  #charsAt(index: number, length: number): Uint8Array<ArrayBuffer> {
    const { u8 } = this;
    if (!(index >= 0 && index + length <= u8.length)) this.missing();
    return u8;
  }

  set_chars(index: number, length: number, value: string): void {
    if (typeof value !== "string") throw new InvalidStringError(`${given(value)}: chars(${length}) are a string.`);
    const u8 = this.#charsAt(index, length), bytes = utf8.bytes(value);
    if (bytes > length) {
      throw new BufferOverflowError(`${bytes} bytes of text for chars(${length}).`, this.#start + index);
    }
    utf8.write({ u8 }, value, index, bytes);
    u8.fill(0, index + bytes, index + length);
  }

  /** Where a pointer is, from the start of this memory. @throws {InvalidPointerError} if it is not in it, or not aligned. */
  offsetOf(ptr: Ptr, size: number, alignment: number): number {
    assertPointer(ptr);
    const offset = ptr - this.#start;
    if (ptr > 0 && offset >= 0 && offset + size <= (this.#bytes ?? this.#heap.u8.length) && offset % alignment === 0) {
      return offset;
    }
    assertViews(this.#heap);
    const why = offset % alignment === 0 ? "outside of this memory" : `not at a multiple of ${alignment} bytes`;
    throw new InvalidPointerError(`${given(ptr)}: no struct of this type begins there: it is ${why}.`, ptr);
  }
}
