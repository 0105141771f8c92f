/**
 * Describes types of C: what programs write is checked, laid out, and made one object for each type. What the
 * descriptions mean is in `types.ts`.
 *
 * @module
 */

import { given, InvalidTypeError } from "../../errors.ts";
import { type FieldPlace, layOut, sizeOf } from "./layout.ts";
import type {
  ArrayType,
  BitsType,
  CharsType,
  EnumName,
  EnumType,
  Fields,
  FieldType,
  PointerType,
  StructType,
  UnsignedName,
} from "./types.ts";

/** Where the fields of a type are: what the compiler of accessors works from. */
const places = new WeakMap<StructType, readonly FieldPlace[]>();

/** @ignore */
export function placesOf(type: StructType): readonly FieldPlace[] {
  const known = isObject(type) ? places.get(type) : undefined;
  if (known === undefined) throw new InvalidTypeError(`${given(type)}: a struct is described by struct() or union().`);
  return known;
}

/**
 * A struct of C, fields in the order of its declaration; see the table of types in the module's documentation. To
 * describe one costs microseconds, and its accessors are compiled at its first use, so descriptions are constants.
 *
 * @throws {InvalidTypeError} for what is not a description, and for names that are not identifiers.
 *
 * @example
 * ```ts
 * import { Heap, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Point = struct({ x: "f32", y: "f32" });
 * const Item = struct({ id: "u8", at: Point, weight: "f64" });
 * assertEquals(Item.size, 24);
 * assertEquals(Item.offsets, { id: 0, at: 4, weight: 16 });
 *
 * using heap = await Heap.open();
 * using items = heap.structs(Item, 100);
 * items.at(7).at.x = 1.5;
 * assertEquals(heap.f32[(items.ptr + 7 * 24 + 4) / 4], 1.5);
 * ```
 */
export function struct<const F extends Fields>(fields: F): StructType<F> {
  return define("struct", fields);
}

/**
 * A union of C: all fields begin at its start.
 *
 * @throws {InvalidTypeError} as {@linkcode struct}.
 *
 * @example
 * ```ts
 * import { Heap, union } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using out = heap.out(union({ number: "f32", bits: "u32" }));
 * out.value.number = 1;
 * assertEquals(out.value.bits, 0x3f800000);
 * ```
 */
export function union<const F extends Fields>(fields: F): StructType<F> {
  return define("union", fields);
}

/**
 * An array of so many elements.
 *
 * @throws {InvalidTypeError} for a length that is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { array, Heap, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Shape = struct({ corners: array(struct({ x: "f32", y: "f32" }), 3), flags: array("u8", 4) });
 *
 * using heap = await Heap.open();
 * using shapes = heap.structs(Shape, 2);
 * const shape = shapes.at(1);
 * shape.corners.at(2).y = 1.5;
 * shape.flags.set([1, 2]); // a Uint8Array
 * assertEquals([shape.corners.length, shape.corners.at(2).y, shape.flags[1]], [3, 1.5, 2]);
 * ```
 */
export function array<Element extends FieldType>(element: Element, length: number): ArrayType<Element> {
  assertType(element, "an array");
  if (isObject(element) && element.kind === "bits") throw new InvalidTypeError("C has no arrays of bit fields.");
  return Object.freeze({ kind: "array", element, length: wholeNumber(length, "a length") } as const);
}

/**
 * An array of characters, `char name[length]`: a string in UTF-8, which has a NUL at its end unless it fills the array.
 *
 * @example
 * ```ts
 * import { chars, Heap, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using files = heap.structs(struct({ name: chars(8), size: "u32" }), 1);
 * files.at(0).name = "a.txt";
 * assertEquals(files.at(0).name, "a.txt");
 * assertEquals(heap.copyOut(files.ptr + 5, 3), new Uint8Array(3));
 * ```
 */
export function chars(length: number): CharsType {
  return Object.freeze({ kind: "chars", length: wholeNumber(length, "a length") } as const);
}

/**
 * A pointer into the same heap, which reads as a `Ptr`, and 0 for NULL. To read one that leads elsewhere throws
 * `INVALID_POINTER`: such a field is a `"pointer"`.
 *
 * @example
 * ```ts
 * import { Heap, pointer, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using nodes = heap.structs(struct({ value: "i32", next: pointer() }), 2);
 * nodes.at(0).next = nodes.ptrAt(1);
 * assertEquals(heap.u64[nodes.ptr / 8 + 1], heap.address(nodes.ptrAt(1))); // what C sees
 * assertEquals(nodes.at(1).next, 0);
 * ```
 */
export function pointer(): PointerType {
  return POINTER;
}

const POINTER: PointerType = Object.freeze({ kind: "pointer" } as const);

/**
 * An enum: a number in memory, one of its values in TypeScript. What C has written is not checked.
 *
 * @param values the names and their numbers, `as const` unless they are written here.
 * @param storage how wide it is. C has an `int`, unless the compiler is told otherwise.
 *
 * @example
 * ```ts
 * import { enumeration, Heap, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Color = { RED: 0, GREEN: 1, BLUE: 2 } as const;
 * const Pixel = struct({ color: enumeration(Color, "u8"), depth: "u8" });
 *
 * using heap = await Heap.open();
 * using pixels = heap.structs(Pixel, 10);
 * pixels.at(3).color = Color.BLUE; // 0 | 1 | 2
 * assertEquals(pixels.at(3).color, 2);
 * ```
 */
export function enumeration<const Value extends number>(
  values: Readonly<Record<string, Value>>,
  storage: EnumName = "i32",
): EnumType<Value> {
  if (typeof storage !== "string" || !/^[iu](8|16|32)$/.test(storage)) {
    throw new InvalidTypeError(`${given(storage)}: an enum is i8, u8, i16, u16, i32 or u32.`);
  }
  if (!isObject(values)) {
    throw new InvalidTypeError(`${given(values)}: an enum is an object of names and their numbers.`);
  }
  const span = 2 ** Number(storage.slice(1)), least = storage.startsWith("i") ? -span / 2 : 0;
  for (const [name, value] of Object.entries(values)) {
    if (Number.isInteger(value) && value >= least && value < least + span) continue;
    throw new InvalidTypeError(`${name} = ${given(value)}: not a whole number that ${storage} holds.`);
  }
  return Object.freeze({ kind: "enum", values, storage } as const);
}

/**
 * A bit field, `uint32_t name : width`, unsigned; packed as compilers on Linux and macOS do.
 *
 * @example
 * ```ts
 * import { bits, Heap, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Color = struct({ red: bits("u16", 5), green: bits("u16", 6), blue: bits("u16", 5) });
 *
 * using heap = await Heap.open();
 * using colors = heap.structs(Color, 1);
 * colors.set(0, { red: 31, green: 1, blue: 0 });
 * assertEquals([Color.size, heap.u16[colors.ptr / 2]], [2, 31 | 1 << 5]);
 * ```
 */
export function bits(storage: UnsignedName, width: number): BitsType {
  if (!["u8", "u16", "u32"].includes(storage)) {
    throw new InvalidTypeError(`${given(storage)}: a bit field is u8, u16 or u32.`);
  }
  const most = Number(storage.slice(1));
  if (wholeNumber(width, "a width") > most) {
    throw new InvalidTypeError(`${width} bits of ${storage}, which has ${most}.`);
  }
  return Object.freeze({ kind: "bits", storage, width } as const);
}

function define<F extends Fields>(kind: "struct" | "union", fields: F): StructType<F> {
  if (!isObject(fields)) throw new InvalidTypeError(`${given(fields)}: a ${kind} is described by an object of fields.`);
  const copy = { ...fields }, names = Object.keys(copy);
  if (names.length === 0) throw new InvalidTypeError(`a ${kind} has one field at least.`);
  for (const name of names) {
    // Numbers for names would also change the order of the fields.
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) {
      throw new InvalidTypeError(`${given(name)}: the name of a field is an identifier.`);
    }
    assertType(copy[name], `the field ${name}`);
  }
  const { size, alignment, placed } = layOut(kind, Object.entries(copy));
  const offsets = Object.fromEntries(placed.map(({ name, offset }) => [name, offset])) as Record<
    keyof F & string,
    number
  >;
  const type: StructType<F> = Object.freeze({ kind, fields: Object.freeze(copy), size, alignment, offsets });
  places.set(type, placed);
  return type;
}

function assertType(type: unknown, where: string): asserts type is FieldType {
  if (typeof type === "string" && Object.hasOwn(sizeOf, type)) return;
  if (isObject(type) && "kind" in type && (KINDS.includes(String(type.kind)) || places.has(type as StructType))) return;
  throw new InvalidTypeError(
    `${where} is ${given(type)}: a type is one of ${Object.keys(sizeOf).join(", ")}, or made by ` +
      "struct, union, array, chars, pointer, enumeration or bits.",
  );
}

const KINDS = ["pointer", "enum", "bits", "chars", "array"];

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function wholeNumber(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 1 && value < 2 ** 31) return value;
  throw new InvalidTypeError(`${given(value)}: ${what} is a whole number from 1.`);
}
