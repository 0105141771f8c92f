/**
 * C strings, both ways: text with a NUL after it, in a block of the heap; and text of whatever C has an address of.
 *
 * Reading stops at the NUL, and is bounded: by `max`, and by the end of the heap, in debug builds of the block. A page
 * of memory that is not this heap's is only looked into if it is mapped, so that a wild address is an error, if it is
 * given as a bigint, or with `max`: that takes a system call. A pointer object without `max` is believed, as
 * `Deno.UnsafePointerView` does.
 *
 * @module
 */

import { addressOf, copyForeign, pointerObject, readForeignCString, type VirtualMemory } from "../../../os/mod.ts";
import type { Ptr } from "../../blocks.ts";
import {
  assertPointer,
  assertSize,
  BufferOverflowError,
  given,
  hex,
  InvalidPointerError,
  InvalidSizeError,
  InvalidStringError,
} from "../../errors.ts";
import { type CStringEncoding, type Encoding, encodingOf, utf8 } from "./encodings.ts";
import type { HeapAccess, Source } from "../heap_access.ts";
import type { Making } from "../making.ts";
import { assertViews, type Ranges } from "../ranges.ts";

/**
 * How a C string is encoded.
 *
 * @example
 * ```ts
 * import { type CStringOptions, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const options: CStringOptions = { encoding: "latin1" };
 * using heap = await Heap.open();
 * using text = heap.adopt(heap.cstring("ä", options));
 * assertEquals([...heap.copyOut(text.ptr, 2)], [0xe4, 0]);
 * ```
 */
export interface CStringOptions {
  /** `utf8`, the default, `latin1`, `utf16` (2 bytes a unit) or `wchar_t` (4 bytes, as on Linux and macOS). */
  readonly encoding?: CStringEncoding;
}

/**
 * How a C string is read.
 *
 * @example
 * ```ts
 * import { Heap, type ReadCStringOptions } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ReadCStringOptions = { max: 4 };
 * using heap = await Heap.open();
 * using text = heap.adopt(heap.cstring("hello"));
 * assertEquals(heap.readCString(text.ptr, options), "hell");
 * assertEquals(heap.readCString(text.ptr, { length: 2 }), "he");
 * ```
 */
export interface ReadCStringOptions extends CStringOptions {
  /** Bytes of the text, where C says so: a NUL is a character like any other then. */
  readonly length?: number;
  /** Bytes to look at: a string that has no NUL by then ends there, as one in an array of C may. */
  readonly max?: number;
}

/** What is read at once of memory that is not ours. */
const PIECE_BYTES = 256;

/** Where the scan for a NUL goes on in a call of V8's. */
const SHORT_SCAN = 64;

/** See the module. One for each heap. */
export class CStrings {
  readonly #heap: HeapAccess;
  readonly #ranges: Ranges;
  readonly #making: Making;
  readonly #system: VirtualMemory;
  readonly #base: bigint;

  /** @param base of the heap: to read does not give its addresses away */
  constructor(heap: HeapAccess, ranges: Ranges, making: Making, system: VirtualMemory, base: bigint) {
    this.#making = making;
    this.#heap = heap;
    this.#base = base;
    this.#ranges = ranges;
    this.#system = system;
  }

  /** A new block with a text. */
  make(source: Source, text: string, options?: CStringOptions): Ptr {
    const encoding = encodingOf(options?.encoding), bytes = bytesIn(encoding, text);
    assertViews(this.#heap);
    return this.#making.make(source, bytes + encoding.unit, (ptr) => {
      this.#put(encoding, text, ptr, bytes);
      return ptr;
    });
  }

  /** A new block with an array of addresses, NULL after the last, and the texts that they lead to. */
  makeAll(source: Source, texts: Iterable<string>, options?: CStringOptions): Ptr {
    // A view gives numbers, and one whose buffer was transferred away throws an error of its own.
    if (typeof texts?.[Symbol.iterator] !== "function" || ArrayBuffer.isView(texts)) {
      throw new InvalidStringError(
        `${given(texts)}: C strings are made of an array of strings, or of another iterable of them.`,
      );
    }
    const encoding = encodingOf(options?.encoding), list = [...texts], { unit } = encoding;
    const sizes = list.map((text) => bytesIn(encoding, text)), table = (list.length + 1) * 8;
    assertViews(this.#heap);
    const { u64, base } = this.#heap;
    return this.#making.make(source, sizes.reduce((sum, bytes) => sum + bytes + unit, table), (ptr) => {
      let at = ptr + table;
      list.forEach((text, index) => {
        u64[ptr / 8 + index] = base + BigInt(at);
        this.#put(encoding, text, at, sizes[index]!);
        at += sizes[index]! + unit;
      });
      u64[ptr / 8 + list.length] = 0n;
      return ptr;
    });
  }

  /** Writes a text to memory that is there. @returns bytes written, without the NUL. */
  write(ptr: Ptr, text: string, max: number, options?: CStringOptions): number {
    const encoding = encodingOf(options?.encoding), bytes = bytesIn(encoding, text);
    assertSize(max, "max");
    if (bytes + encoding.unit > max) {
      throw new BufferOverflowError(
        `a C string of ${bytes + encoding.unit} bytes with its NUL, where ${max} may be written.`,
        ptr,
      );
    }
    assertAligned(ptr, encoding.unit);
    this.#ranges.assert(ptr, bytes + encoding.unit);
    this.#put(encoding, text, ptr, bytes);
    return bytes;
  }

  /** The text at a place: see `Heap.readCString`. */
  read(at: Ptr | bigint | Deno.PointerValue, options?: ReadCStringOptions): string {
    const encoding = encodingOf(options?.encoding), max = options?.max, length = options?.length;
    if (length !== undefined) return this.#readBytes(at, encoding, length);
    if (max !== undefined) assertSize(max, "max");
    if (typeof at === "number") return this.#readHere(at, encoding, max);
    const ptr = this.#placeHere(at);
    return ptr === 0 ? this.#readForeign(at!, encoding, max) : this.#readHere(ptr, encoding, max);
  }

  #readBytes(at: Ptr | bigint | Deno.PointerValue, encoding: Encoding, length: number): string {
    assertSize(length, "length");
    if (length === 0) return ""; // of which there may be no address
    if (length % encoding.unit !== 0) {
      throw new InvalidSizeError(
        `${given(length)}: a text in characters of ${encoding.unit} bytes has a multiple of that.`,
      );
    }
    assertFits(encoding, length);
    return textOf(encoding, this.copyOut(at, length), 0, length);
  }

  /** A copy of bytes, in this heap or anywhere. */
  copyOut(at: Ptr | bigint | Deno.PointerValue, length: number): Uint8Array<ArrayBuffer> {
    const ptr = typeof at === "number" ? at : this.#placeHere(at);
    if (ptr !== 0 || typeof at === "number") return this.#ranges.copyOut(ptr, length);
    assertSize(length, "length");
    const address = addressIn(at!), pointer = this.#foreign(address), page = BigInt(this.#system.pageSize);
    for (let next = address; next < address + BigInt(length); next += page - next % page) this.#assertMapped(next);
    const bytes = this.#ranges.copied(length, () => new Uint8Array(length));
    copyForeign(pointer, 0, bytes);
    return bytes;
  }

  /** The texts that an array of addresses leads to, up to its NULL, or so many. */
  readAll(
    at: Ptr | bigint | Deno.PointerValue,
    options?: ReadCStringOptions & { readonly count?: number },
  ): string[] {
    const count = options?.count, texts: string[] = [];
    if (count !== undefined) assertSize(count, "count");
    const ptr = typeof at === "number" ? at : this.#placeHere(at);
    const addressAt = ptr === 0 && typeof at !== "number" ? this.#foreignWords(at!) : this.#words(ptr);
    for (let index = 0; count === undefined || index < count; index++) {
      const address = addressAt(index);
      if (address === 0n) break;
      texts.push(this.read(address, options));
    }
    return texts;
  }

  /** The addresses of an array in the heap. */
  #words(ptr: Ptr): (index: number) => bigint {
    const most = Math.floor(this.#ranges.bytesFrom(ptr) / 8);
    if (ptr === 0) throw new InvalidPointerError("NULL: there is nothing to read.", 0);
    assertAligned(ptr, 8);
    return (index) => {
      if (index < most) return this.#heap.u64[ptr / 8 + index]!;
      const message = `the ${most} addresses that the block at ${hex(ptr)} has room for end with no NULL.`;
      throw new BufferOverflowError(message, ptr);
    };
  }

  /** The same of C's own, such as the `argv` that a callback gets. */
  #foreignWords(at: bigint | Deno.PointerObject): (index: number) => bigint {
    const start = addressIn(at);
    return (index) => new BigUint64Array(this.copyOut(start + BigInt(index * 8), 8).buffer)[0]!;
  }

  #put(encoding: Encoding, text: string, ptr: Ptr, bytes: number): void {
    assertViews(this.#heap);
    encoding.write(this.#heap, text, ptr, bytes);
    const { u8 } = this.#heap, end = ptr + bytes + encoding.unit;
    for (let nul = ptr + bytes; nul < end; nul++) u8[nul] = 0;
  }

  /** Where an address is in this heap; 0 if it is not in it. */
  #placeHere(at: bigint | Deno.PointerValue): Ptr {
    if (at === null || at === 0n) throw new InvalidPointerError("NULL: there is nothing to read.", 0);
    const offset = addressIn(at) - this.#base;
    return offset > 0n && offset < this.#heap.u8.length ? Number(offset) : 0;
  }

  #readHere(ptr: Ptr, encoding: Encoding, max: number | undefined): string {
    assertPointer(ptr);
    const { u8, build } = this.#heap, { unit } = encoding;
    if (!(Number.isInteger(ptr) && ptr >= 0 && ptr < u8.length)) {
      this.#heap.address(ptr); // throws, unless there are no views
      assertViews(this.#heap);
    }
    if (ptr === 0) throw new InvalidPointerError("NULL: there is nothing to read.", 0);
    assertAligned(ptr, unit);
    // A debug build knows the block: what leads into none is a mistake, and what has no NUL in it, too.
    const most = build === "debug" ? this.#ranges.bytesFrom(ptr) : u8.length - ptr;
    if (max !== undefined && build === "debug" && max > most && lengthOf(u8, ptr, most, unit) >= most) {
      throw noNul(ptr, most);
    }
    const limit = max === undefined ? most : Math.min(max, most) - Math.min(max, most) % unit;
    const bytes = lengthOf(u8, ptr, limit, unit);
    if (bytes >= limit && max === undefined) throw noNul(ptr, limit);
    return textOf(encoding, u8, ptr, bytes);
  }

  #readForeign(at: bigint | Deno.PointerObject, encoding: Encoding, max: number | undefined): string {
    if (max === undefined && typeof at !== "bigint" && encoding.unit === 1 && encoding === utf8) {
      return readForeignCString(at);
    }
    const address = addressIn(at), limit = max ?? Infinity, { unit } = encoding;
    const { pageSize } = this.#system, pointer = this.#foreign(address);
    let bytes = new Uint8Array(PIECE_BYTES * 2), length = 0;
    while (length < limit) {
      const next = address + BigInt(length), inPage = Number(next % BigInt(pageSize));
      if (length === 0 || inPage === 0) this.#assertMapped(next);
      const piece = Math.min(PIECE_BYTES, pageSize - inPage, limit - length);
      if (length + piece > bytes.length) {
        const longer = new Uint8Array(bytes.length * 2);
        longer.set(bytes);
        bytes = longer;
      }
      copyForeign(pointer, length, bytes.subarray(length, length + piece));
      const from = length - length % unit, end = length + piece;
      const nul = from + lengthOf(bytes, from, end - from - (end - from) % unit, unit);
      length = end;
      if (nul + unit <= end) return textOf(encoding, bytes, 0, nul);
    }
    return textOf(encoding, bytes, 0, length - length % unit);
  }

  #foreign(address: bigint): Deno.PointerObject {
    if (address <= 0n || address >= 1n << 63n) throw this.#notMapped(address);
    return pointerObject(address)!; // null for 0 alone
  }

  #assertMapped(address: bigint): void {
    if (!this.#system.isMapped(address)) throw this.#notMapped(address);
  }

  #notMapped(address: bigint): InvalidPointerError {
    return new InvalidPointerError(`there is nothing to read at 0x${address.toString(16)}: no memory is mapped there.`);
  }
}

/** @throws {InvalidPointerError} for what is not an address. */
function addressIn(at: bigint | Deno.PointerObject): bigint {
  if (typeof at === "bigint") return at;
  try {
    return addressOf(at);
  } catch {
    throw new InvalidPointerError(
      `${given(at)}: a C string is at a pointer, an address as a bigint, or a pointer object.`,
    );
  }
}

/** Bytes that a text takes in an encoding, without its NUL. */
function bytesIn(encoding: Encoding, text: string): number {
  if (typeof text !== "string") throw new InvalidStringError(`${given(text)}: a C string is made of a string.`);
  return encoding.bytes(text);
}

/** No string of V8's has more characters. */
const MOST_CHARACTERS = 2 ** 29 - 24;
/** So many bytes of UTF-8 may be one character, and no more. */
const MOST_UNIT_BYTES = 3;

/** Before so many bytes are copied. @throws {InvalidStringError} if they are more characters than a string may have. */
function assertFits(encoding: Encoding, bytes: number): void {
  if (bytes / (encoding === utf8 ? MOST_UNIT_BYTES : encoding.unit) > MOST_CHARACTERS) throw tooLongFor(bytes);
}

/** The text that bytes are. @throws {InvalidStringError} likewise. */
function textOf(encoding: Encoding, u8: Uint8Array, ptr: Ptr, bytes: number): string {
  try {
    return encoding.read(u8, ptr, bytes);
  } catch (error) {
    if (bytes / encoding.unit <= MOST_CHARACTERS) throw error; // a full stack
    throw tooLongFor(bytes);
  }
}

function tooLongFor(bytes: number): InvalidStringError {
  return new InvalidStringError(
    `${bytes} bytes: a string has ${MOST_CHARACTERS} characters at most. copyOut() and bytes() give the bytes.`,
  );
}

/** Bytes up to the NUL; `limit`, a multiple of the unit, if there is none. */
function lengthOf(u8: Uint8Array, ptr: Ptr, limit: number, unit: number): number {
  if (unit === 1) {
    const near = limit < SHORT_SCAN ? limit : SHORT_SCAN;
    for (let at = 0; at < near; at++) if (u8[ptr + at] === 0) return at;
    if (limit <= SHORT_SCAN) return limit;
    const nul = u8.subarray(ptr + SHORT_SCAN, ptr + limit).indexOf(0);
    return nul < 0 ? limit : SHORT_SCAN + nul;
  }
  for (let at = 0; at < limit; at += unit) {
    let all = 0;
    for (let byte = 0; byte < unit; byte++) all |= u8[ptr + at + byte]!;
    if (all === 0) return at;
  }
  return limit;
}

function noNul(ptr: Ptr, bytes: number): BufferOverflowError {
  return new BufferOverflowError(
    `no NUL ends the C string at ${hex(ptr)} within ${bytes} bytes, where the block ends.`,
    ptr,
  );
}

function assertAligned(ptr: Ptr, unit: number): void {
  if (ptr % unit === 0) return;
  throw new InvalidPointerError(`${hex(ptr)}: characters of ${unit} bytes lie at a multiple of that.`, ptr);
}
