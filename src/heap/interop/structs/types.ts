/**
 * Descriptions of C's types, and the types of TypeScript that follow from them. A description says what a header says, in the
 * same order; sizes and offsets are worked out as C compilers do on 64-bit systems (`layout.ts`).
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

/**
 * Numbers, by the names that Deno's FFI has for them.
 *
 * @example
 * ```ts
 * import { array, type ArrayType, Heap, type NumberName } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * function vector<Name extends NumberName>(name: Name): ArrayType<Name> {
 *   return array(name, 3);
 * }
 *
 * using heap = await Heap.open();
 * using out = heap.out(vector("f64"));
 * assertEquals(out.value, new Float64Array(3));
 * ```
 */
export type NumberName = "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "f32" | "f64";
/**
 * Numbers of 64 bits.
 *
 * @example
 * ```ts
 * import { type BigIntName, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * for (const name of ["i64", "u64", "isize", "usize"] satisfies BigIntName[]) {
 *   using out = heap.out(name);
 *   assertEquals(out.value, 0n);
 * }
 * ```
 */
export type BigIntName = "i64" | "u64" | "isize" | "usize";
/**
 * What a name alone describes.
 *
 * @example
 * ```ts
 * import { type ScalarName, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const size = (name: ScalarName): number => struct({ value: name }).size;
 * assertEquals([size("u8"), size("f32"), size("cstring")], [1, 4, 8]);
 * ```
 */
export type ScalarName = NumberName | BigIntName | "bool" | "pointer" | "cstring";
/**
 * What an enum or a bit field may be part of.
 *
 * @example
 * ```ts
 * import { bits, struct, type UnsignedName } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const flag = (storage: UnsignedName) => struct({ flag: bits(storage, 1) }).size;
 * assertEquals([flag("u8"), flag("u32")], [1, 4]);
 * ```
 */
export type UnsignedName = "u8" | "u16" | "u32";
/**
 * What an enum may be as wide as.
 *
 * @example
 * ```ts
 * import { type EnumName, enumeration, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const size = (storage: EnumName) => struct({ value: enumeration({ OFF: 0, ON: 1 }, storage) }).size;
 * assertEquals([size("u8"), size("i32")], [1, 4]);
 * ```
 */
export type EnumName = UnsignedName | "i8" | "i16" | "i32";

/**
 * A pointer into the same heap: see {@linkcode pointer}.
 *
 * @example
 * ```ts
 * import { pointer, type PointerType } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const type: PointerType = pointer();
 * assertEquals(type.kind, "pointer");
 * ```
 */
export interface PointerType {
  /** Tells it from other descriptions. */
  readonly kind: "pointer";
}

/**
 * An enum: see {@linkcode enumeration}.
 *
 * @example
 * ```ts
 * import { enumeration, type EnumType } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Switch: EnumType<0 | 1> = enumeration({ OFF: 0, ON: 1 });
 * assertEquals(Switch.storage, "i32");
 * ```
 */
export interface EnumType<Value extends number = number> {
  /** Tells it from other descriptions. */
  readonly kind: "enum";
  /** The names and their values. */
  readonly values: Readonly<Record<string, Value>>;
  /** What it is stored as. */
  readonly storage: EnumName;
}

/**
 * A bit field: see {@linkcode bits}.
 *
 * @example
 * ```ts
 * import { bits, type BitsType } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const type: BitsType = bits("u32", 3);
 * assertEquals([type.storage, type.width], ["u32", 3]);
 * ```
 */
export interface BitsType {
  /** Tells it from other descriptions. */
  readonly kind: "bits";
  /** What it is declared as, whose units it does not cross. */
  readonly storage: UnsignedName;
  /** How many bits it has. */
  readonly width: number;
}

/**
 * An array of characters: see {@linkcode chars}.
 *
 * @example
 * ```ts
 * import { chars, type CharsType } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const type: CharsType = chars(16);
 * assertEquals(type.length, 16);
 * ```
 */
export interface CharsType {
  /** Tells it from other descriptions. */
  readonly kind: "chars";
  /** Bytes of the array. */
  readonly length: number;
}

/**
 * An array: see {@linkcode array}.
 *
 * @example
 * ```ts
 * import { array, type ArrayType } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const type: ArrayType<"f32"> = array("f32", 4);
 * assertEquals([type.element, type.length], ["f32", 4]);
 * ```
 */
export interface ArrayType<Element extends FieldType = FieldType> {
  /** Tells it from other descriptions. */
  readonly kind: "array";
  /** What it is an array of. */
  readonly element: Element;
  /** How many of them. */
  readonly length: number;
}

/**
 * A struct or a union: see {@linkcode struct} and {@linkcode union}.
 *
 * @example
 * ```ts
 * import { Heap, struct, type StructType } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * function bytesOf(type: StructType, length: number): number {
 *   return type.size * length;
 * }
 *
 * using heap = await Heap.open();
 * const Point = struct({ x: "f32", y: "f32" });
 * using points = heap.structs(Point, 10);
 * assertEquals([bytesOf(Point, points.length), Point.alignment, Point.offsets.y], [80, 4, 4]);
 * ```
 */
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

/**
 * Whatever a field can be.
 *
 * @example
 * ```ts
 * import { type FieldType, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const sizeOf = (type: FieldType): number => struct({ value: type }).size;
 * assertEquals(sizeOf(struct({ id: "u8", weight: "f64" })), 16);
 * ```
 */
export type FieldType =
  | ScalarName
  | PointerType
  | EnumType
  | BitsType
  | CharsType
  | ArrayType
  | StructType;

/**
 * The fields of a struct, in the order of C's declaration.
 *
 * @example
 * ```ts
 * import { type Fields, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const header = { id: "u32", length: "u32" } as const satisfies Fields;
 * assertEquals(struct({ ...header, body: "pointer" }).offsets.body, 8);
 * ```
 */
export interface Fields {
  /** A field. */
  readonly [name: string]: FieldType;
}

/**
 * An array in a struct whose elements are not plain numbers.
 *
 * @example
 * ```ts
 * import { array, type FieldArray, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using out = heap.out(array("bool", 3));
 * const flags: FieldArray<boolean> = out.value;
 * flags.set(1, true);
 * assertEquals([...flags], [false, true, false]);
 * ```
 */
export interface FieldArray<Value> extends Iterable<Value> {
  /** How many elements it has. */
  readonly length: number;
  /** An element. Of structs it is the same object each time, which leads to another. @throws {BufferOverflowError} beyond. */
  at(index: number): Value;
  /** Writes an element. @throws {BufferOverflowError} beyond. */
  set(index: number, value: Value): void;
}

/**
 * The typed array that an array of numbers is.
 *
 * @example
 * ```ts
 * import { array, Heap, type NumberArray } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using out = heap.out(array("i16", 3));
 * const numbers: NumberArray<"i16"> = out.value; // an Int16Array over the heap
 * numbers.fill(-1);
 * assertEquals(heap.i16[out.ptr / 2], -1);
 * ```
 */
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

/**
 * What a field of a type is in TypeScript.
 *
 * @example
 * ```ts
 * import { type FieldValue, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using out = heap.out("u64");
 * const value: FieldValue<"u64"> = out.value; // a bigint
 * assertEquals(value, 0n);
 * ```
 */
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

/**
 * A struct as the program reads and writes it: each member is one of the fields, in the heap's memory.
 *
 * @example
 * ```ts
 * import { Heap, struct, type StructView } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Point = struct({ x: "f32", y: "f32" });
 * const length = ({ x, y }: StructView<typeof Point.fields>): number => Math.hypot(x, y);
 *
 * using heap = await Heap.open();
 * using points = heap.structs(Point, 2);
 * points.set(1, { x: 3, y: 4 });
 * assertEquals(length(points.at(1)), 5);
 * ```
 */
export type StructView<F extends Fields> = { -readonly [Name in keyof F]: FieldValue<F[Name]> };

/**
 * Values of some of a struct's fields.
 *
 * @example
 * ```ts
 * import { Heap, struct, type StructValues } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Point = struct({ x: "f32", y: "f32" });
 * const diagonal = (length: number): StructValues<typeof Point.fields> => ({ x: length, y: length });
 *
 * using heap = await Heap.open();
 * using points = heap.structs(Point, 2);
 * points.set(0, diagonal(2));
 * assertEquals(points.at(0).y, 2);
 * ```
 */
export type StructValues<F extends Fields> = Partial<StructView<F>>;
