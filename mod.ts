/**
 * hakmem: native memory for Deno, faster than C's malloc and safe where that is not.
 *
 * {@linkcode Heap} has all of it. A pointer is a number, an offset into the heap; programs read and write through views
 * of the whole heap, and give native addresses to C. What goes wrong is a {@linkcode HeapError} with a `code`.
 *
 * Needs `--allow-ffi`; what more makes it better is in the README.
 *
 * @example
 * ```ts
 * import { Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * const ptr = heap.malloc(16);
 * heap.f64[ptr / 8] = Math.PI;
 * assertEquals(heap.data.getFloat64(ptr, true), Math.PI);
 * heap.free(ptr);
 * ```
 *
 * @module
 */

import "./src/os/require_deno.ts";
export {
  array,
  type ArrayType,
  type BigIntName,
  bits,
  type BitsType,
  type BlockInfo,
  BufferOverflowError,
  BufferUnderflowError,
  type Build,
  chars,
  type CharsType,
  type ClassSet,
  type ClassSnapshot,
  type ClassStats,
  type CounterName,
  type CStringEncoding,
  type CStringOptions,
  DoubleFreeError,
  enumeration,
  type EnumName,
  type EnumType,
  type FieldArray,
  type Fields,
  type FieldType,
  type FieldValue,
  type Flags,
  type FreeSpanSnapshot,
  type GuardOptions,
  HeaderCorruptedError,
  Heap,
  HeapBusyError,
  HeapClosedError,
  type HeapCounters,
  HeapDetachedError,
  HeapError,
  type HeapErrorCode,
  type HeapOptions,
  type HeapProfile,
  HeapSharedError,
  type HeapSnapshot,
  type HeapStats,
  InvalidAlignmentError,
  InvalidHandleError,
  InvalidOptionError,
  InvalidPointerError,
  InvalidSizeError,
  InvalidStringError,
  InvalidTypeError,
  type LargeSnapshot,
  type Leak,
  type LentBlock,
  NativeAllocator,
  type NativeFunctionName,
  type NativeFunctionPointer,
  type NumberArray,
  type NumberName,
  openLibrary,
  OutOfMemoryError,
  OutParameter,
  type OutType,
  type OutValue,
  OwnedBlock,
  pointer,
  type PointerType,
  type PressureLevel,
  type ProfiledBlock,
  type ProfiledFrame,
  type ProfiledStack,
  type ProfileFormat,
  type ProfileSums,
  type Ptr,
  type ReadCStringOptions,
  type ScalarName,
  Scope,
  type SharedHeap,
  type Signature,
  signature,
  type SignatureParameters,
  type Signatures,
  type SlabSnapshot,
  struct,
  StructArray,
  StructCursor,
  type StructType,
  type StructValues,
  type StructView,
  type SuperslabSnapshot,
  type ThreadOptions,
  type TypedArrayConstructor,
  union,
  type UnsignedName,
  UseAfterFreeError,
} from "./src/heap/mod.ts";
export { type Library, type NativeAccessCode, NativeAccessError, OsError } from "./src/os/mod.ts";
