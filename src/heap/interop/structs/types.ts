/**
 * Descriptions of C's types, and the types of TypeScript that follow from them. A description says what a header says, in the same
 * order; sizes and offsets are worked out as C compilers do on 64-bit systems (`layout.ts`).
 *
 * | description | C | in TypeScript |
 * |---|---|---|
 * | `"i8"` `"u8"` `"i16"` `"u16"` `"i32"` `"u32"` `"f32"` `"f64"` | `int8_t` ... `float`, `double` | `number` |
 * | `"i64"` `"u64"` `"isize"` `"usize"` | `int64_t`, `uint64_t`, `ssize_t`, `size_t` | `bigint` |
 * | `"bool"` | `bool` | `boolean` |
 * | `"pointer"` | `void *`, of anything | a pointer object of Deno's, or null |
 * | `pointer()` | a pointer into the same heap | `Ptr`, 0 for NULL |
 * | `"cstring"` | `char *`, NUL at the end, in UTF-8 | `string`, or null for NULL |
 * | `chars(n)` | `char name[n]` | `string` |
 * | `array(type, n)` | `type name[n]` | a typed array, or a {@linkcode FieldArray} |
 * | `struct({...})`, `union({...})` | the same | an object with these members |
 * | `enumeration(values, "u8")` | an enum, as wide as that | one of the values |
 * | `bits("u32", 3)` | `uint32_t name : 3` | `number` |
 *
 * @module
 */

import type { Ptr } from "../../blocks.ts";

/** Numbers, by the names that Deno's FFI has for them. */
export type NumberName = "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "f32" | "f64";
/** Numbers of 64 bits. */
export type BigIntName = "i64" | "u64" | "isize" | "usize";
/** What a name alone describes. */
export type ScalarName = NumberName | BigIntName | "bool" | "pointer" | "cstring";
/** What an enum or a bit field may be part of. */
export type UnsignedName = "u8" | "u16" | "u32";
/** What an enum may be as wide as. */
export type EnumName = UnsignedName | "i8" | "i16" | "i32";

/** A pointer into the same heap: see {@linkcode pointer}. */
export interface PointerType {
  /** Tells it from other descriptions. */
  readonly kind: "pointer";
}

/** An enum: see {@linkcode enumeration}. */
export interface EnumType<Value extends number = number> {
  /** Tells it from other descriptions. */
  readonly kind: "enum";
  /** The names and their values. */
  readonly values: Readonly<Record<string, Value>>;
  /** What it is stored as. */
  readonly storage: EnumName;
}

/** A bit field: see {@linkcode bits}. */
export interface BitsType {
  /** Tells it from other descriptions. */
  readonly kind: "bits";
  /** What it is declared as, whose units it does not cross. */
  readonly storage: UnsignedName;
  /** How many bits it has. */
  readonly width: number;
}

/** An array of characters: see {@linkcode chars}. */
export interface CharsType {
  /** Tells it from other descriptions. */
  readonly kind: "chars";
  /** Bytes of the array. */
  readonly length: number;
}

/** An array: see {@linkcode array}. */
export interface ArrayType<Element extends FieldType = FieldType> {
  /** Tells it from other descriptions. */
  readonly kind: "array";
  /** What it is an array of. */
  readonly element: Element;
  /** How many of them. */
  readonly length: number;
}

/** A struct or a union: see {@linkcode struct} and {@linkcode union}. */
export interface StructType<F extends Fields = Fields> {
  /** Which of the two. */
  readonly kind: "struct" | "union";
  /** Its description. */
  readonly fields: F;
  /** Bytes of one, the padding at its end among them: C's `sizeof`. */
  readonly size: number;
  /** What its address is a multiple of: C's `alignof`. */
  readonly alignment: number;
  /** Where each field begins, in bytes: C's `offsetof`. Of a bit field, where the unit begins that it is in. */
  readonly offsets: Readonly<Record<keyof F & string, number>>;
}

/** Whatever a field can be. */
export type FieldType =
  | ScalarName
  | PointerType
  | EnumType
  | BitsType
  | CharsType
  | ArrayType
  | StructType;

/** The fields of a struct, in the order of C's declaration. */
export interface Fields {
  /** A field. */
  readonly [name: string]: FieldType;
}

/** An array in a struct whose elements are not plain numbers. */
export interface FieldArray<Value> extends Iterable<Value> {
  /** How many elements it has. */
  readonly length: number;
  /** An element. Of structs it is the same object each time, which leads to another. @throws {BufferOverflowError} beyond. */
  at(index: number): Value;
  /** Writes an element. @throws {BufferOverflowError} beyond. */
  set(index: number, value: Value): void;
}

/** The typed array that an array of numbers is. */
export type NumberArray<Name> = Name extends "i8" ? Int8Array
  : Name extends "u8" ? Uint8Array
  : Name extends "i16" ? Int16Array
  : Name extends "u16" ? Uint16Array
  : Name extends "i32" ? Int32Array
  : Name extends "u32" ? Uint32Array
  : Name extends "f32" ? Float32Array
  : Name extends "f64" ? Float64Array
  : Name extends "i64" | "isize" ? BigInt64Array
  : Name extends "u64" | "usize" ? BigUint64Array
  : never;

/** What a field of a type is in TypeScript. */
export type FieldValue<Type> = Type extends NumberName ? number
  : Type extends BigIntName ? bigint
  : Type extends "bool" ? boolean
  : Type extends "pointer" ? Deno.PointerValue
  : Type extends "cstring" ? string | null
  : Type extends PointerType ? Ptr
  : Type extends EnumType<infer Value> ? Value
  : Type extends BitsType ? number
  : Type extends CharsType ? string
  : Type extends ArrayType<infer Element> ? Element extends NumberName | BigIntName ? NumberArray<Element>
    : FieldArray<FieldValue<Element>>
  : Type extends StructType<infer F> ? StructView<F>
  : never;

/** A struct as the program reads and writes it: each member is one of the fields, in the heap's memory. */
export type StructView<F extends Fields> = { -readonly [Name in keyof F]: FieldValue<F[Name]> };

/** Values of some of a struct's fields. */
export type StructValues<F extends Fields> = Partial<StructView<F>>;
