/**
 * Compiles a description of a struct to a class, whose members read and write the heap's memory as one would by hand:
 *
 * ```
 *   const Item = struct({ id: "i32", score: "f64" })       class {
 *                                                            get id() { return this.i32[this.place.at * 2]; }
 *                                                            get score() { return this.f64[this.place.at + 1]; }
 * ```
 *
 * `at` counts in units of the struct's alignment, so that an index is an addition and at most one multiplication with a
 * constant, in int32. What V8 makes of a class is its own for each type: nothing here is polymorphic. The place is an
 * object, since a struct in a struct has another.
 *
 * The text is made of offsets, names that are identifiers, and nothing else of the program's.
 *
 * @module
 */

import type { Ptr } from "../../blocks.ts";
import { BufferOverflowError, given, hex, InvalidTypeError } from "../../errors.ts";
import { alignmentOf, sizeOf } from "./layout.ts";
import type { StructMemory, ViewName } from "./memory.ts";
import { placesOf, struct } from "./describe.ts";
import type { ArrayType, BigIntName, FieldArray, FieldType, NumberName, StructType } from "./types.ts";

/**
 * Where a view is, in units of its struct's alignment. The member is declared, not defined as a field of the class: of
 * those V8 makes half as many instructions again.
 */
export class Place {
  declare at: number;

  constructor() {
    this.at = 0;
  }
}

/** A struct with one field. */
type Box = StructType<{ value: FieldType }>;

/** What is compiled of a type: makes views. */
export type Compiled = new (memory: StructMemory, place: Place) => object;

const compiled = new WeakMap<StructType, Compiled>();
const boxes = new Map<string, Box>(), boxesOfObjects = new WeakMap<object, Box>();

/** The class of a struct's views. The first time it is compiled, in some ten microseconds. */
export function compile(type: StructType): Compiled {
  let known = compiled.get(type);
  if (known === undefined) {
    known = build(type);
    compiled.set(type, known);
  }
  return known;
}

/** A struct whose only field, `value`, is of a type: for what is alone in memory, or an element of an array. */
export function boxed(type: FieldType): Box {
  const known = typeof type === "string" ? boxes.get(type) : boxesOfObjects.get(type);
  if (known !== undefined) return known;
  const box: Box = struct({ value: type });
  if (typeof type === "string") boxes.set(type, box);
  else boxesOfObjects.set(type, box);
  return box;
}

/** What views have besides their fields, which come first where the names are the same. */
abstract class View {
  [Symbol.for("Deno.customInspect")](inspect: typeof Deno.inspect, options: Deno.InspectOptions): string {
    return inspect(fieldsOf(this), options);
  }

  /** For `JSON.stringify`, which would write the views of the heap. */
  toJSON(): object {
    return fieldsOf(this);
  }
}

/** The fields of a view, by name. */
function fieldsOf(view: object): object {
  const accessors = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(view)));
  const names = accessors.filter(([_, { get }]) => get !== undefined).map(([name]) => name);
  return Object.fromEntries(names.map((name) => [name, plain(view[name as keyof typeof view])]));
}

/** Each at once: a view is moved on. */
function plain(value: unknown): unknown {
  if (value instanceof View) return fieldsOf(value);
  return value instanceof ElementArray ? Array.from(value, plain) : value;
}

/** Names of the views of memory, by what is read through them. */
const VIEW_OF = {
  i8: "i8",
  u8: "u8",
  i16: "i16",
  u16: "u16",
  i32: "i32",
  u32: "u32",
  i64: "i64",
  u64: "u64",
  f32: "f32",
  f64: "f64",
  isize: "i64",
  usize: "u64",
  bool: "u8",
} as const;

/**
 * What a view has besides its fields: by names that no field can have. Private ones cost V8 a third more instructions
 * here.
 */
const own = (name: string): string => `this["%${name}"]`;
const PLACE = own("place"), MEMORY = own("memory");

function build(whole: StructType): Compiled {
  const setUp: string[] = [], members: string[] = [], used = new Set<ViewName>(), helpers: unknown[] = [];
  const { alignment } = whole;

  /** What a field's offset is as an index of elements of so many bytes. */
  const index = (offset: number, bytes: number): string => {
    const factor = alignment / bytes, scaled = factor === 1 ? `${PLACE}.at` : `${PLACE}.at * ${factor}`;
    return offset === 0 ? scaled : `${scaled} + ${offset / bytes}`;
  };
  const viewOf = (name: keyof typeof VIEW_OF): string => {
    used.add(VIEW_OF[name]);
    return own(VIEW_OF[name]);
  };
  const helper = (value: unknown): string => `helpers[${helpers.push(value) - 1}]`;
  const member = (name: string, get: string, set: string): void => {
    members.push(`get ["${name}"]() { ${get} }`, `set ["${name}"](value) { ${set} }`);
  };
  /** Makes `value` a number, or a bigint, which it is as a rule: that takes no call. */
  const converted = (name: string, view: ViewName): string =>
    `if (typeof value !== "${isBig(view) ? "bigint" : "number"}") value = ${helper(converter(name, view))}(value);`;
  /** What there is nothing of, since the memory is at its end or gone, reads as undefined. V8 knows that elements never do. */
  const read = (element: string, result = "value"): string =>
    `const value = ${element}; if (value === undefined) ${MEMORY}.missing(); return ${result};`;
  /** A field that the memory has methods for. */
  const call = (name: string, method: string, place: string): void => {
    member(name, `return ${MEMORY}.${method}(${place});`, `${MEMORY}.set_${method}(${place}, value);`);
  };
  /** A part with a place of its own: made once, moved at each access. @param set what `value` is for it */
  const part = (name: string, offset: number, of: number, make: unknown, set: (part: string) => string): void => {
    const place = own(`place of ${name}`), part = own(`part ${name}`); // no field is called as one of ours
    const move = `${place}.at = ${PLACE}.at * ${alignment / of} + ${offset / of};`;
    setUp.push(`${place} = new Place(); ${part} = ${helper(make)}(memory, ${place});`);
    member(name, `${move} return ${part};`, `${move} ${set(part)}`);
  };

  for (const { name, type, offset, shift } of placesOf(whole)) {
    if (typeof type === "string") {
      if (type === "pointer" || type === "cstring") {
        call(name, type, index(offset, 8));
      } else {
        const element = `${viewOf(type)}[${index(offset, sizeOf[type])}]`;
        if (type === "bool") member(name, read(element, "value !== 0"), `${element} = value ? 1 : 0;`);
        else member(name, read(element), `${converted(name, VIEW_OF[type])} ${element} = value;`);
      }
      continue;
    }
    switch (type.kind) {
      case "pointer":
        call(name, "ptr", index(offset, 8));
        break;
      case "enum": {
        const element = `${viewOf(type.storage)}[${index(offset, sizeOf[type.storage])}]`;
        member(name, read(element), `${converted(name, type.storage)} ${element} = value;`);
        break;
      }
      case "bits": {
        const at = index(offset, sizeOf[type.storage]), view = viewOf(type.storage), mask = 2 ** type.width - 1;
        member(
          name,
          read(`${view}[${at}]`, `(value >>> ${shift} & ${mask}) >>> 0`),
          `${
            converted(name, type.storage)
          } const at = ${at}; ${view}[at] = ${view}[at] & ~(${mask} << ${shift}) | (value & ${mask}) << ${shift};`,
        );
        break;
      }
      case "chars":
        call(name, "chars", `${index(offset, 1)}, ${type.length}`);
        break;
      case "array": {
        const { element, length } = type;
        if (isNumber(element)) {
          const from = index(offset, sizeOf[element]),
            view = viewOf(element),
            check = helper(elementsOf(name, length, converter(name, VIEW_OF[element])));
          // An index below 0 would count from the end, and NaN would be 0.
          const bounded = `const from = ${from}, view = ${view}.subarray(from, from + ${length});
             if (!(from >= 0 && view.length === ${length})) ${MEMORY}.missing();`;
          member(
            name,
            `${bounded} return view;`,
            `const elements = ${check}(value); ${bounded} view.set(elements);`,
          );
        } else {
          const make = (memory: StructMemory, place: Place): ElementArray => new ElementArray(memory, place, type);
          part(name, offset, alignmentOf(element), make, (part) => `${part}.assign(value);`);
        }
        break;
      }
      default: {
        const Part = compile(type), names = helper(Object.keys(type.fields));
        const make = (memory: StructMemory, place: Place): object => new Part(memory, place);
        part(name, offset, type.alignment, make, (part) => `${helper(assign)}(${part}, value, ${names});`);
      }
    }
  }

  for (const name of used) setUp.push(`${own(name)} = memory.view("${name}");`);
  const source = `"use strict";
    return class extends View {
      constructor(memory, place) { super(); ${MEMORY} = memory; ${PLACE} = place; ${setUp.join(" ")} }
      ${members.join("\n      ")}
    };`;
  return new Function("View", "Place", "helpers", source)(View, Place, helpers) as Compiled;
}

function isNumber(type: FieldType): type is NumberName | BigIntName {
  return typeof type === "string" && type !== "bool" && type !== "pointer" && type !== "cstring";
}

/** Writes those of these fields that `values` has. */
export function assign(view: object, values: object, names: readonly string[]): void {
  if (typeof values !== "object" || values === null) {
    throw new InvalidTypeError("a struct is assigned an object with its fields.");
  }
  const to = view as Record<string, unknown>, from = values as Record<string, unknown>;
  for (const name of names) if (from[name] !== undefined) to[name] = from[name];
}

function isBig(view: ViewName): boolean {
  return view === "u64" || view === "i64";
}

const numbers = new Float64Array(1), bigints = new BigInt64Array(1);

/** What a typed array makes of any value that is assigned to an element. */
function converter(name: string, view: ViewName): (value: unknown) => number | bigint {
  const isWide = isBig(view), to = (isWide ? bigints : numbers) as Record<number, unknown>;
  return (value) => {
    if (isWide ? typeof value === "bigint" : typeof value === "number") return value as number | bigint;
    try {
      to[0] = value;
      return to[0] as number | bigint;
    } catch (error) {
      // What V8 says of a bigint, of a number for one, and of a text that is none; else it is what the value has thrown.
      if (!(error instanceof TypeError || error instanceof SyntaxError) || !error.message.startsWith("Cannot ")) {
        throw error;
      }
      throw new InvalidTypeError(`${given(value)}: the field ${name} takes a ${isWide ? "bigint" : "number"}.`);
    }
  };
}

/** Of what is assigned to an array of numbers: its elements, in an array that says the same length each time. */
function elementsOf(
  name: string,
  most: number,
  convert: (value: unknown) => number | bigint,
): (value: ArrayLike<unknown>) => ArrayLike<unknown> {
  return (value) => {
    const length = value?.length, elements: unknown[] = [];
    if (typeof length !== "number") {
      throw new InvalidTypeError(`${given(value)}: what is assigned to ${name} is an array.`);
    }
    if (!(length <= most)) throw new InvalidTypeError(`${length} elements for the array ${name}, which has ${most}.`);
    for (let index = 0; index < length; index++) elements.push(convert(value[index]));
    return elements;
  };
}

/** An array in a struct whose elements are not plain numbers: each is a view, or the `value` of one, at a place. */
class ElementArray implements FieldArray<unknown> {
  readonly length: number;
  readonly #start: Place;
  readonly #place = new Place();
  readonly #units: number;
  readonly #view: object;
  readonly #names: readonly string[] | undefined;

  /** @param start where the array begins, which changes with the struct that it is in. */
  constructor(memory: StructMemory, start: Place, { element, length }: ArrayType) {
    const isStruct = typeof element === "object" && (element.kind === "struct" || element.kind === "union");
    const type: StructType = isStruct ? element : boxed(element);
    this.length = length;
    this.#start = start;
    this.#units = type.size / type.alignment;
    this.#view = new (compile(type))(memory, this.#place);
    this.#names = isStruct ? Object.keys(type.fields) : undefined;
  }

  at(index: number): unknown {
    this.#move(index);
    return this.#names === undefined ? (this.#view as { value: unknown }).value : this.#view;
  }

  set(index: number, value: unknown): void {
    this.#move(index);
    if (this.#names === undefined) (this.#view as { value: unknown }).value = value;
    else assign(this.#view, value as object, this.#names);
  }

  /** Writes the first elements. */
  assign(values: Iterable<unknown>): void {
    if (typeof values?.[Symbol.iterator] !== "function") {
      throw new InvalidTypeError(
        `${given(values)}: an array in a struct is assigned an array, or whatever else gives values.`,
      );
    }
    let index = 0;
    for (const value of values) this.set(index++, value);
  }

  *[Symbol.iterator](): Generator<unknown> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }

  [Symbol.for("Deno.customInspect")](inspect: typeof Deno.inspect, options: Deno.InspectOptions): string {
    return inspect(plain(this), options);
  }

  toJSON(): unknown {
    return plain(this);
  }

  #move(index: number): void {
    if (!(index >>> 0 === index && index < this.length)) throw beyond(index, this.length);
    this.#place.at = this.#start.at + index * this.#units;
  }
}

/** The error for an index beyond an array. */
export function beyond(index: number, length: number, ptr: Ptr = 0): BufferOverflowError {
  const where = ptr === 0 ? "an array in a struct" : `the array at ${hex(ptr)}`;
  return new BufferOverflowError(`${given(index)}: ${where} has the elements 0 to ${length - 1}.`, ptr);
}
