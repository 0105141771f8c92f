/**
 * Where C puts the fields of a struct, by the rules that all compilers on 64-bit Linux and macOS follow (System V, AAPCS64):
 *
 * - A field begins at the next multiple of its alignment. That of a number or a pointer is its size, that of an array its
 *   element's, that of a struct the largest of its fields'. The size of a struct is rounded up to its alignment.
 * - A union has all of its fields at 0.
 * - A bit field takes the next bits, unless it would cross a boundary of what it is declared as: then it begins there.
 *
 * `tests/heap/interop/struct_layout_test.ts` compares a thousand random structs with those of the C compiler.
 *
 * @module
 */

import type { FieldType, ScalarName } from "./types.ts";

/** Bytes of what a name describes, which is also its alignment. */
export const sizeOf: Readonly<Record<ScalarName, number>> = {
  i8: 1,
  u8: 1,
  bool: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  u32: 4,
  f32: 4,
  i64: 8,
  u64: 8,
  isize: 8,
  usize: 8,
  f64: 8,
  pointer: 8,
  cstring: 8,
};

/** A field, and where it is. */
export interface FieldPlace {
  readonly name: string;
  readonly type: FieldType;
  /** Bytes from the start of the struct. */
  readonly offset: number;
  /** Of a bit field: bits from the lowest of the unit that it is in. */
  readonly shift: number;
}

/** Bytes of a type. */
export function bytesOfType(type: FieldType): number {
  if (typeof type === "string") return sizeOf[type];
  switch (type.kind) {
    case "pointer":
      return 8;
    case "enum":
    case "bits":
      return sizeOf[type.storage];
    case "chars":
      return type.length;
    case "array":
      return bytesOfType(type.element) * type.length;
    default:
      return type.size;
  }
}

/** What the address of a type is a multiple of. */
export function alignmentOf(type: FieldType): number {
  if (typeof type === "string") return sizeOf[type];
  switch (type.kind) {
    case "chars":
      return 1;
    case "array":
      return alignmentOf(type.element);
    case "struct":
    case "union":
      return type.alignment;
    default:
      return bytesOfType(type);
  }
}

/** Places fields one after another, or all at the start. */
export function layOut(
  kind: "struct" | "union",
  fields: readonly (readonly [name: string, type: FieldType])[],
): { size: number; alignment: number; placed: FieldPlace[] } {
  const placed: FieldPlace[] = [];
  let bit = 0, end = 0, alignment = 1; // the next free bit; the last byte that is used, of a union the largest
  for (const [name, type] of fields) {
    const align = alignmentOf(type), bytes = bytesOfType(type);
    alignment = Math.max(alignment, align);
    if (kind === "union") bit = 0;
    if (typeof type === "object" && type.kind === "bits") {
      const unit = bytes * 8;
      if (bit % unit + type.width > unit) bit = roundUp(bit, unit);
      placed.push({ name, type, offset: Math.floor(bit / unit) * bytes, shift: bit % unit });
      bit += type.width;
    } else {
      const offset = roundUp(Math.ceil(bit / 8), align);
      placed.push({ name, type, offset, shift: 0 });
      bit = (offset + bytes) * 8;
    }
    end = Math.max(end, Math.ceil(bit / 8));
  }
  return { size: roundUp(end, alignment), alignment, placed };
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
