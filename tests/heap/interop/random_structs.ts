/** Random descriptions of structs, with their declarations in C: of a seed always the same. */

import {
  array,
  bits,
  chars,
  enumeration,
  type Fields,
  type FieldType,
  pointer,
  struct,
  type StructType,
  union,
} from "../../../src/heap/mod.ts";

/** Random numbers from 0 to below 1 (mulberry32). */
export function randomOf(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SCALARS = {
  i8: "int8_t",
  u8: "uint8_t",
  i16: "int16_t",
  u16: "uint16_t",
  i32: "int32_t",
  u32: "uint32_t",
  i64: "int64_t",
  u64: "uint64_t",
  isize: "ssize_t",
  usize: "size_t",
  f32: "float",
  f64: "double",
  bool: "bool",
  pointer: "void *",
  cstring: "char *",
} as const;
const SCALAR_NAMES = Object.keys(SCALARS) as (keyof typeof SCALARS)[];

/** A type, and how C declares a field of it. */
interface Declared {
  readonly type: FieldType;
  declare(name: string): string;
}

/** A random struct or union, and its declaration without a name. */
export function randomStruct(random: () => number, depth = 0): { type: StructType; c: string } {
  const below = (count: number): number => Math.floor(random() * count);
  const isUnion = random() < 0.15, fields: Record<string, FieldType> = {}, members: string[] = [];
  const count = 1 + below(depth === 0 ? 10 : 4);
  for (let index = 0; index < count; index++) {
    const name = `f${index}`, { type, declare } = randomField(random, below, depth);
    fields[name] = type;
    members.push(`${declare(name)};`);
  }
  const type = isUnion ? union(fields as Fields) : struct(fields as Fields);
  return { type, c: `${isUnion ? "union" : "struct"} { ${members.join(" ")} }` };
}

function randomField(random: () => number, below: (count: number) => number, depth: number): Declared {
  const kind = random();
  if (kind < 0.5) {
    const name = SCALAR_NAMES[below(SCALAR_NAMES.length)]!;
    return { type: name, declare: (field) => `${SCALARS[name]} ${field}` };
  }
  if (kind < 0.65) {
    const storage = (["u8", "u16", "u32"] as const)[below(3)]!, width = 1 + below(Number(storage.slice(1)));
    return { type: bits(storage, width), declare: (field) => `${SCALARS[storage]} ${field} : ${width}` };
  }
  if (kind < 0.7) return { type: pointer(), declare: (field) => `void *${field}` };
  if (kind < 0.75) {
    const length = 1 + below(20);
    return { type: chars(length), declare: (field) => `char ${field}[${length}]` };
  }
  if (kind < 0.8) {
    const storage = (["i8", "u16", "i32"] as const)[below(3)]!;
    return { type: enumeration({ A: 1, B: 2 }, storage), declare: (field) => `${SCALARS[storage]} ${field}` };
  }
  if (kind < 0.9 || depth === 2) {
    let element = randomField(random, below, 2);
    while (typeof element.type === "object" && element.type.kind === "bits") element = randomField(random, below, 2);
    const length = 1 + below(5), { type } = element;
    return {
      type: array(type as Exclude<FieldType, never>, length),
      declare: (field) => element.declare(`${field}[${length}]`),
    };
  }
  const { type, c } = randomStruct(random, depth + 1);
  return { type, declare: (field) => `${c} ${field}` };
}
