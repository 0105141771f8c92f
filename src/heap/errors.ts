/**
 * The errors of the heap: one class a fault, each with a stable `code`, the pointer or the value that was wrong, what
 * was expected, and what to do next. Scripts tell them apart by `code`; the messages are for people and may change.
 *
 * A size that is valid but cannot be had is not an error of `malloc`, which gives 0; it is one of `alloc`.
 *
 * @module
 */

import type { NativeAccessCode } from "../os/mod.ts";

/**
 * What went wrong, as a word that scripts can rely on. Those of `NativeAccessError` are among them:
 * `NO_FFI_PERMISSION`, `UNSUPPORTED_SYSTEM` and `BAD_LIBRARY`.
 *
 * @example
 * ```ts
 * import { Heap, HeapError, type HeapErrorCode } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * function codeOf(call: () => unknown): HeapErrorCode | undefined {
 *   try {
 *     call();
 *     return undefined;
 *   } catch (error) {
 *     if (error instanceof HeapError) return error.code;
 *     throw error;
 *   }
 * }
 *
 * using heap = await Heap.open();
 * assertEquals(codeOf(() => heap.malloc(-1)), "INVALID_SIZE");
 * ```
 */
export type HeapErrorCode =
  | NativeAccessCode
  | "INVALID_POINTER"
  | "DOUBLE_FREE"
  | "HEADER_CORRUPTED"
  | "BUFFER_OVERFLOW"
  | "BUFFER_UNDERFLOW"
  | "USE_AFTER_FREE"
  | "INVALID_SIZE"
  | "INVALID_ALIGNMENT"
  | "INVALID_OPTION"
  | "HEAP_CLOSED"
  | "HEAP_DETACHED"
  | "HEAP_SHARED"
  | "HEAP_BUSY"
  | "INVALID_HANDLE"
  | "OUT_OF_MEMORY"
  | "INVALID_STRING"
  | "INVALID_TYPE";

/**
 * The base of everything that the heap throws.
 *
 * @example
 * ```ts
 * import { Heap, HeapError } from "@hakmem/hakmem";
 *
 * using heap = await Heap.open();
 * try {
 *   heap.free(12);
 * } catch (error) {
 *   if (!(error instanceof HeapError) || error.code !== "INVALID_POINTER") throw error;
 * }
 * ```
 */
export class HeapError extends Error {
  /** What went wrong. */
  readonly code: HeapErrorCode;
  /** The pointer at fault, where there is one. */
  readonly ptr: number | undefined;

  /** Makes an error; users only catch them. */
  constructor(code: HeapErrorCode, message: string, ptr?: number) {
    super(message);
    this.code = code;
    this.ptr = ptr;
    this.name = new.target.name;
  }
}

/**
 * A pointer that this heap never gave out, or one into the middle of a block.
 *
 * @example
 * ```ts
 * import { Heap, InvalidPointerError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open();
 * const ptr = heap.malloc(100);
 * assertThrows(() => heap.free(ptr + 16), InvalidPointerError);
 * ```
 */
export class InvalidPointerError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string, ptr?: number) {
    super("INVALID_POINTER", message, ptr);
  }
}

/**
 * A block that was freed already.
 *
 * @example
 * ```ts
 * import { Heap, DoubleFreeError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open();
 * const ptr = heap.malloc(100);
 * heap.free(ptr);
 * assertThrows(() => heap.free(ptr), DoubleFreeError);
 * ```
 */
export class DoubleFreeError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string, ptr: number) {
    super("DOUBLE_FREE", message, ptr);
  }
}

/**
 * The heap's own data in front of a block, or the link of a free block, was overwritten.
 *
 * @example
 * ```ts
 * import { Heap, HeaderCorruptedError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open();
 * const ptr = heap.malloc(100_000);
 * heap.u8.fill(255, ptr - 16, ptr); // a large block has its header in front of it
 * assertThrows(() => heap.free(ptr), HeaderCorruptedError);
 * ```
 */
export class HeaderCorruptedError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string, ptr: number) {
    super("HEADER_CORRUPTED", message, ptr);
  }
}

/**
 * An access past the end of a block.
 *
 * @example
 * ```ts
 * import { Heap, BufferOverflowError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open({ build: "debug", log: () => {} });
 * const ptr = heap.malloc(10);
 * heap.u8[ptr + 10] = 1; // a debug build finds it
 * assertThrows(() => heap.free(ptr), BufferOverflowError);
 * ```
 */
export class BufferOverflowError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string, ptr: number) {
    super("BUFFER_OVERFLOW", message, ptr);
  }
}

/**
 * A write before the start of a block. Debug builds tell it from other damage.
 *
 * @example
 * ```ts
 * import { Heap, BufferUnderflowError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open({ build: "debug", log: () => {} });
 * const ptr = heap.malloc(10);
 * heap.u8[ptr - 1] = 1;
 * assertThrows(() => heap.free(ptr), BufferUnderflowError);
 * ```
 */
export class BufferUnderflowError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string, ptr: number) {
    super("BUFFER_UNDERFLOW", message, ptr);
  }
}

/**
 * A block that was used after it was freed. Only debug builds know.
 *
 * @example
 * ```ts
 * import { Heap, UseAfterFreeError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open({ build: "debug", log: () => {} });
 * const ptr = heap.malloc(10);
 * heap.free(ptr);
 * heap.u8[ptr] = 1;
 * assertThrows(() => heap.check(), UseAfterFreeError);
 * ```
 */
export class UseAfterFreeError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string, ptr: number) {
    super("USE_AFTER_FREE", message, ptr);
  }
}

/**
 * A size that is negative, fractional, NaN or infinite.
 *
 * @example
 * ```ts
 * import { Heap, InvalidSizeError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open();
 * assertThrows(() => heap.malloc(1.5), InvalidSizeError);
 * ```
 */
export class InvalidSizeError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string) {
    super("INVALID_SIZE", message);
  }
}

/**
 * An alignment that is not a power of two, or over 1 GiB.
 *
 * @example
 * ```ts
 * import { Heap, InvalidAlignmentError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open();
 * assertThrows(() => heap.alignedAlloc(48, 100), InvalidAlignmentError);
 * ```
 */
export class InvalidAlignmentError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string) {
    super("INVALID_ALIGNMENT", message);
  }
}

/**
 * An option of `Heap.open` that does not exist, or a value that it does not take.
 *
 * @example
 * ```ts
 * import { Heap, InvalidOptionError } from "@hakmem/hakmem";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => Heap.open({ maxBytes: -1 }), InvalidOptionError);
 * ```
 */
export class InvalidOptionError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string) {
    super("INVALID_OPTION", message);
  }
}

/**
 * A heap that was closed, or what was closed with it.
 *
 * @example
 * ```ts
 * import { Heap, HeapClosedError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * const heap = await Heap.open();
 * heap.close();
 * assertThrows(() => heap.malloc(1), HeapClosedError);
 * ```
 */
export class HeapClosedError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(
    message: string = "this heap is closed: its memory went back to the system. Open another with Heap.open().",
  ) {
    super("HEAP_CLOSED", message);
  }
}

/**
 * The buffer of a heap's views was transferred away, so it has none any more. Everything else works.
 *
 * @example
 * ```ts
 * import { Heap, HeapDetachedError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open();
 * const ptr = heap.malloc(10);
 * heap.u8.buffer.transfer();
 * assertThrows(() => heap.bytes(ptr), HeapDetachedError);
 * heap.free(ptr); // what needs no view goes on
 * ```
 */
export class HeapDetachedError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor() {
    super(
      "HEAP_DETACHED",
      "this heap has no views any more: their buffer was transferred away, by postMessage or structuredClone with " +
        "`transfer`, buffer.transfer() or a byte stream's read(view). Give away a copy, heap.bytes(ptr).slice().",
    );
  }
}

/**
 * A heap that other threads have too: it cannot be closed yet. Or one that so many have that no more can.
 *
 * @example
 * ```ts
 * import { Heap, HeapSharedError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using _attached = await Heap.attach(heap.share());
 * assertThrows(() => heap.close(), HeapSharedError);
 * ```
 */
export class HeapSharedError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string) {
    super("HEAP_SHARED", message);
  }
}

/**
 * C may be at work in the heap, so that it cannot be closed: blocks are lent, which cannot be freed either, and `ptr`
 * is one of them; or C has blocks of a native allocator.
 *
 * @example
 * ```ts
 * import { Heap, HeapBusyError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using _lent = heap.lend(heap.malloc(10));
 * assertThrows(() => heap.close(), HeapBusyError);
 * ```
 */
export class HeapBusyError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(lent: readonly number[], message: string = lentText(lent)) {
    super("HEAP_BUSY", message, lent[0]);
  }
}

function lentText(lent: readonly number[]): string {
  const what = lent.length === 1 ? "a block is" : `${lent.length} blocks are`;
  const which = lent.slice(0, 10).map(hex).join(", ") + (lent.length > 10 ? ", ..." : "");
  return `${what} lent (heap.lend), and C may be at work there: ${which}. End the loan first.`;
}

/**
 * What `Heap.attach` was given is not a handle, or not one that this process can use.
 *
 * @example
 * ```ts
 * import { Heap, InvalidHandleError } from "@hakmem/hakmem";
 * import { assertRejects } from "@std/assert";
 *
 * using heap = await Heap.open();
 * await assertRejects(() => Heap.attach({ ...heap.share(), process: 1 }), InvalidHandleError);
 * ```
 */
export class InvalidHandleError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string) {
    super("INVALID_HANDLE", message);
  }
}

/**
 * There is no memory, where a call gives memory or an error: `alloc`, and all that is made of it; or V8 has none for a
 * copy (`copyOut`).
 *
 * @example
 * ```ts
 * import { Heap, OutOfMemoryError } from "@hakmem/hakmem";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open({ maxBytes: 1024 * 1024 });
 * const { size, maxBytes } = assertThrows(() => heap.alloc(2_000_000), OutOfMemoryError);
 * assertEquals([size, maxBytes], [2_000_000, 1024 * 1024]);
 * ```
 */
export class OutOfMemoryError extends HeapError {
  /** The bytes that were asked for. */
  readonly size: number;
  /** Usable bytes of all live blocks. */
  readonly liveBytes: number;
  /** What slabs and large blocks may take together: the option `maxBytes`. */
  readonly maxBytes: number;

  /** See {@linkcode HeapError}. */
  constructor(
    size: number,
    liveBytes: number,
    maxBytes: number,
    message: string =
      `no memory for ${size} bytes: ${liveBytes} bytes are live, and the heap may take ${maxBytes} (maxBytes). ` +
      "Free something, or open the heap with more; onPressure is called before it comes to this.",
  ) {
    super("OUT_OF_MEMORY", message);
    this.size = size;
    this.liveBytes = liveBytes;
    this.maxBytes = maxBytes;
  }
}

/**
 * A text that cannot be written as a C string of its encoding.
 *
 * @example
 * ```ts
 * import { Heap, InvalidStringError } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * using heap = await Heap.open();
 * assertThrows(() => heap.cstring("a\0b"), InvalidStringError);
 * ```
 */
export class InvalidStringError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string) {
    super("INVALID_STRING", message);
  }
}

/**
 * A description of a type that C would not have, or a value that its type cannot hold.
 *
 * @example
 * ```ts
 * import { InvalidTypeError, struct } from "@hakmem/hakmem";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => struct({ "not a name": "i32" }), InvalidTypeError);
 * ```
 */
export class InvalidTypeError extends HeapError {
  /** See {@linkcode HeapError}. */
  constructor(message: string) {
    super("INVALID_TYPE", message);
  }
}

/** No heap is larger, so that no pointer is: see `MAX_RESERVE_BYTES`. */
const LARGEST_HEAP = 2 ** 40;

/** What to say of a number that no heap has as a pointer. */
export function addressHint(ptr: number): string {
  return ptr >= LARGEST_HEAP ? "; it looks like a native address: heap.ptrAt() takes one, as a bigint" : "";
}

/** A pointer as people read it: in hexadecimal where it is a whole number, otherwise as it is. */
export function hex(ptr: number): string {
  return Number.isSafeInteger(ptr) ? `${ptr < 0 ? "-" : ""}0x${Math.abs(ptr).toString(16)}` : String(ptr);
}

/** Any value as a message names it, with its type unless it is a number: `10n, a bigint`. */
export function given(value: unknown): string {
  switch (typeof value) {
    case "bigint":
      return `${value}n, a bigint`;
    case "string":
      return `${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)}, a string`;
    case "boolean":
      return `${value}, a boolean`;
    case "number":
    case "undefined":
      return String(value);
    case "symbol":
    case "function":
      return `a ${typeof value}`;
    default:
      return value === null ? "null" : "an object";
  }
}

/** @throws {InvalidSizeError} for what is not a size. */
export function assertSize(size: number, what: string): void {
  // Above 2**53 not every whole number is one of JavaScript's, but all are sizes that cannot be had.
  if (!Number.isInteger(size) || size < 0) {
    throw new InvalidSizeError(`${given(size)}: a ${what} is a whole number from 0.`);
  }
}

/**
 * @throws {InvalidPointerError} for what is not even a number: in most cases an address, or NULL as C's wrappers have
 * it.
 */
export function assertPointer(ptr: number): void {
  if (typeof ptr === "number") return;
  const isAddress = typeof ptr === "bigint" || (typeof ptr === "object" && ptr !== null);
  const hint = isAddress ? "; heap.ptrAt() gives that of a native address" : "";
  throw new InvalidPointerError(`${given(ptr)}: a pointer is a number, an offset into the heap${hint}.`);
}
