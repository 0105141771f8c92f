/**
 * What programs that call C need besides `malloc` and `free`: see `README.md`.
 *
 * @module
 */

export { NativeAllocator, type NativeFunctionName, type NativeFunctionPointer } from "./native/allocator.ts";
export type { CStringOptions, ReadCStringOptions } from "./text/cstrings.ts";
export type { CStringEncoding } from "./text/encodings.ts";
export { OutParameter, type OutType, type OutValue } from "./out.ts";
export { OwnedBlock } from "./owned.ts";
export type { PressureLevel } from "./pressure.ts";
export type { TypedArrayConstructor } from "./ranges.ts";
export { Scope } from "./scope.ts";
export { openLibrary, type Signature, signature, type SignatureParameters, type Signatures } from "./signatures.ts";
export { StructArray, StructCursor } from "./structs/array.ts";
export { array, bits, chars, enumeration, pointer, struct, union } from "./structs/describe.ts";
export type {
  ArrayType,
  BigIntName,
  BitsType,
  CharsType,
  EnumName,
  EnumType,
  FieldArray,
  Fields,
  FieldType,
  FieldValue,
  NumberArray,
  NumberName,
  PointerType,
  ScalarName,
  StructType,
  StructValues,
  StructView,
  UnsignedName,
} from "./structs/types.ts";
