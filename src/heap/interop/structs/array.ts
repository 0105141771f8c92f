/**
 * Arrays of structs. `at(i)` moves a view and returns it, the same object each time, so a loop over a million structs
 * makes none:
 *
 * ```
 *   people.at(i)  ->  place.at = i * units; return view          view.score  ->  f64[place.at + 1]
 * ```
 *
 * Code that needs two elements at once takes a second cursor.
 *
 * @module
 */

import type { Ptr } from "../../blocks.ts";
import { assertSize, UseAfterFreeError } from "../../errors.ts";
import type { CStrings } from "../text/cstrings.ts";
import type { HeapAccess, Source } from "../heap_access.ts";
import type { Making } from "../making.ts";
import { assertViews } from "../ranges.ts";
import { assign, beyond, compile, Place } from "./compiler.ts";
import { StructMemory } from "./memory.ts";
import { placesOf } from "./describe.ts";
import type { Fields, StructType, StructValues, StructView } from "./types.ts";

/** What an array of structs that it has made is freed with; a scope's goes with the scope. */
export interface Ownership {
  /** Strings that are assigned to fields. */
  readonly texts: Source;
  /** Frees the array. */
  free(ptr: Ptr): void;
  /** Frees the strings, as far as they can be. */
  freeTexts(): void;
}

/** Beyond most arrays; a whole number, so that V8 goes on to take places for such. */
const NOWHERE = 2 ** 30;

/**
 * Leads to structs in memory, to one at a time. One that {@linkcode StructCursor.cursor} made knows nothing of the
 * array's end. Cost: a microsecond to make; to move it, a store.
 *
 * @example
 * ```ts
 * import { Heap, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using numbers = heap.structs(struct({ value: "i32" }), 10);
 * const [a, b] = [numbers.cursor(), numbers.cursor()]; // two elements at once
 * a.at(3).value = 30;
 * b.at(4).value = a.at(3).value + 10;
 * assertEquals(b.of(numbers.ptrAt(4)).value, 40);
 * ```
 */
export class StructCursor<F extends Fields> {
  /** The description. */
  readonly type: StructType<F>;
  // What `at` uses is private to TypeScript alone, and declared, not defined: of private names and of fields of a class
  // V8 makes half as many instructions again.
  declare private place: Place;
  declare private view: StructView<F>;
  declare private readonly units: number;
  readonly #heap: HeapAccess;
  readonly #memory: StructMemory;
  readonly #ptr: Ptr;
  #length: number;
  /** Cursors that were made of this one, and end with it. */
  #cursors: WeakRef<StructCursor<F>>[] = [];

  /** Users call `heap.structs`, `heap.structsAt`, `heap.cursor` and `cursor`. */
  constructor(heap: HeapAccess, memory: StructMemory, type: StructType<F>, ptr: Ptr, length: number) {
    this.type = type;
    this.place = new Place();
    this.view = new (compile(type))(memory, this.place) as StructView<F>;
    this.units = type.size / type.alignment | 0;
    this.#heap = heap;
    this.#memory = memory;
    this.#ptr = ptr;
    this.#length = length;
    if (heap.build === "release") return;
    const at = (index: number): StructView<F> => {
      this.assertIndex(index);
      return StructCursor.prototype.at.call(this, index) as StructView<F>;
    };
    Object.defineProperty(this, "at", { value: at });
  }

  /** How many structs there are; of a cursor over the whole heap 0: it has `of` alone. */
  get length(): number {
    return this.#length;
  }

  /**
   * Leads to a struct by its index, in a store and no check: beyond the end it is as with a typed array, where nothing
   * can be written; to read a field there is an error. An index that is not a whole number may lead into the middle of
   * a struct. In debug builds either is an error at once.
   *
   * @returns the same object each time.
   * @throws {BufferOverflowError} in debug builds, for an index that there is not.
   *
   * @example
   * ```ts
   * import { Heap, struct } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const Point = struct({ x: "f64", y: "f64" });
   * using points = heap.structs(Point, 10);
   * for (let i = 0; i < points.length; i++) points.at(i).x = i;
   * assertEquals(points.at(9).x, 9);
   * ```
   */
  at(index: number): StructView<F> {
    this.place.at = index * this.units;
    return this.view;
  }

  /**
   * Leads to a struct by where it is: a pointer, an address, or a pointer object that C gave.
   *
   * @returns the same object as `at`.
   * @throws {InvalidPointerError} if it is not in this memory, or not at a multiple of the struct's alignment.
   *
   * @example
   * ```ts
   * import { Heap, struct } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const Point = struct({ x: "f64", y: "f64" });
   * using points = heap.structs(Point, 10);
   * points.at(3).x = 5;
   * const address = heap.address(points.ptrAt(3)); // as a callback gets it
   * assertEquals(points.of(address).x, 5);
   * ```
   */
  of(at: Ptr | bigint | Deno.PointerObject): StructView<F> {
    const { size, alignment } = this.type, ptr = typeof at === "number" ? at : this.#heap.ptrAt(at);
    this.place.at = this.#memory.offsetOf(ptr, size, alignment) / alignment;
    return this.view;
  }

  /**
   * Writes the fields that `values` has.
   *
   * @throws {BufferOverflowError} for an index that there is not.
   *
   * @example
   * ```ts
   * import { Heap, struct } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const Point = struct({ x: "f64", y: "f64" });
   * using points = heap.structs(Point, 10);
   * points.set(3, { x: 1, y: 2 });
   * assertEquals(points.at(3).y, 2);
   * ```
   */
  set(index: number, values: StructValues<F>): void {
    this.assertIndex(index);
    assign(this.at(index), values, Object.keys(this.type.fields));
  }

  /**
   * Another cursor over the same memory, with a view of its own. It ends with the array.
   *
   * @example
   * ```ts
   * import { Heap, struct } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const Point = struct({ x: "f64", y: "f64" });
   * using points = heap.structs(Point, 10);
   * const other = points.cursor();
   * points.at(0).x = 1;
   * other.at(1).x = points.at(0).x + 1; // both at once
   * assertEquals(points.at(1).x, 2);
   * ```
   */
  cursor(): StructCursor<F> {
    const { length } = this.#cursors;
    // At each power of two those are left out that nobody has any more.
    if ((length & (length - 1)) === 0) this.#cursors = this.#cursors.filter((cursor) => cursor.deref() !== undefined);
    const made = new StructCursor(this.#heap, this.#memory, this.type, this.#ptr, this.#length);
    this.#cursors.push(new WeakRef(made));
    return made;
  }

  /** All of them, in order: the same object each time. */
  *[Symbol.iterator](): Generator<StructView<F>> {
    for (let index = 0; index < this.#length; index++) yield this.at(index);
  }

  /** What `at` does in debug builds first. @throws {BufferOverflowError} for an index that there is not. */
  protected assertIndex(index: number): void {
    if (!(Number.isInteger(index) && index >= 0 && index < this.#length)) {
      throw beyond(index, this.#length, this.#ptr);
    }
  }

  /**
   * From now on there are none: whatever is read is missing, also of the view that the program may still have, and of
   * other cursors.
   */
  protected end(): void {
    for (const cursor of this.#cursors) cursor.deref()?.end();
    this.place.at = Math.max(NOWHERE, this.#length * this.units); // that of the old view, for ever
    this.#length = 0;
    this.place = new Place();
    this.view = new (compile(this.type))(this.#memory.none(), this.place) as StructView<F>;
  }
}

/**
 * An array of structs in memory: see {@linkcode Heap.structs}.
 *
 * @example
 * ```ts
 * import { Heap, struct, type StructArray } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Sample = struct({ time: "f64", level: "f32" });
 *
 * function loudest(samples: StructArray<typeof Sample.fields>): number {
 *   let most = 0;
 *   for (let i = 0; i < samples.length; i++) most = Math.max(most, samples.at(i).level);
 *   return most;
 * }
 *
 * using heap = await Heap.open();
 * using samples = heap.structs(Sample, 100);
 * samples.at(7).level = 0.5;
 * assertEquals(loudest(samples), 0.5);
 * ```
 */
export class StructArray<F extends Fields> extends StructCursor<F> implements Disposable {
  readonly #heap: HeapAccess;
  readonly #ownership: Ownership | undefined;
  #ptr: Ptr;

  /** Users call `heap.structs` and `heap.structsAt`. */
  constructor(
    heap: HeapAccess,
    memory: StructMemory,
    type: StructType<F>,
    ptr: Ptr,
    length: number,
    ownership: Ownership | undefined,
  ) {
    super(heap, memory, type, ptr, length);
    this.#heap = heap;
    this.#ptr = ptr;
    this.#ownership = ownership;
  }

  /** Where the array begins. @throws {UseAfterFreeError} once it was freed. */
  get ptr(): Ptr {
    if (this.#ptr === 0) throw new UseAfterFreeError("this array of structs was freed.", 0);
    return this.#ptr;
  }

  /** Its pointer object, for FFI calls. */
  get pointer(): Deno.PointerObject {
    return this.#heap.pointer(this.ptr)!; // null for 0 alone
  }

  /**
   * Where an element begins.
   *
   * @throws {BufferOverflowError} as `at`.
   *
   * @example
   * ```ts
   * import { Heap, struct } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const Point = struct({ x: "f64", y: "f64" });
   * using points = heap.structs(Point, 10);
   * assertEquals(points.ptrAt(3), points.ptr + 3 * Point.size);
   * // library.symbols.draw(heap.pointer(points.ptrAt(3)))
   * ```
   */
  ptrAt(index: number): Ptr {
    const { ptr } = this;
    this.assertIndex(index);
    return ptr + index * this.type.size;
  }

  /** Frees the array, and strings that were assigned to its fields, unless they are a scope's or somebody else's. */
  [Symbol.dispose](): void {
    try {
      if (this.#ptr === 0) return;
      this.#ownership?.free(this.#ptr);
      this.#ptr = 0; // at once: what comes next may throw, and then this may be called again
      this.end();
    } finally {
      this.#ownership?.freeTexts();
    }
  }
}

/** Makes an array of zeros. @param source of the memory, and of strings if there is no `own` */
export function makeStructs<F extends Fields>(
  heap: HeapAccess,
  strings: CStrings,
  making: Making,
  source: Source,
  own: (() => Ownership) | undefined,
  type: StructType<F>,
  length: number,
): StructArray<F> {
  assertSize(length, "length");
  placesOf(type);
  assertViews(heap);
  return making.make(source, type.size * length, (ptr) => {
    const ownership = own?.();
    const memory = new StructMemory(heap, strings, ptr, type.size * length, ownership?.texts ?? source);
    memory.u8.fill(0);
    return new StructArray(heap, memory, type, ptr, length, ownership);
  });
}

/** Structs that are there already. */
export function structsAt<F extends Fields>(
  heap: HeapAccess,
  strings: CStrings,
  type: StructType<F>,
  ptr: Ptr,
  length: number,
): StructArray<F> {
  const memory = new StructMemory(heap, strings, ptr, type.size * length, undefined);
  return new StructArray(heap, memory, type, ptr, length, undefined);
}
