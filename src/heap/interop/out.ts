/**
 * Out-parameters: memory for one value, which C writes. `pointer` goes into the call, `value` comes out of it; `after`
 * does both.
 *
 * @module
 */

import type { Ptr } from "../blocks.ts";
import { given, InvalidTypeError, UseAfterFreeError } from "../errors.ts";
import type { HeapAccess, Source } from "./heap_access.ts";
import type { Making } from "./making.ts";
import { assertViews } from "./ranges.ts";
import { boxed, compile, Place } from "./structs/compiler.ts";
import type { StructMemory } from "./structs/memory.ts";
import type { FieldType, FieldValue } from "./structs/types.ts";

/**
 * What an out-parameter can be: any type that a field can be.
 *
 * @example
 * ```ts
 * import { Heap, type OutType } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const types: OutType[] = ["i32", "pointer", "cstring"];
 * using heap = await Heap.open();
 * using scope = heap.scope();
 * assertEquals(types.map((type) => scope.out(type).value), [0, null, null]);
 * ```
 */
export type OutType = FieldType;
/**
 * What its value is in TypeScript.
 *
 * @example
 * ```ts
 * import { Heap, type OutValue } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using out = heap.out("cstring");
 * const text: OutValue<"cstring"> = out.value; // string | null
 * assertEquals(text, null);
 * ```
 */
export type OutValue<Type extends OutType> = FieldValue<Type>;

/**
 * Memory for one value that C writes: see {@linkcode Heap.out}. Cost: some tens of nanoseconds.
 *
 * @example
 * ```ts
 * import { Heap, type OutParameter } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using count: OutParameter<number> = heap.out("i32");
 * // library.symbols.count(handle, count.pointer);
 * heap.i32[count.ptr / 4] = 5; // as C does
 * assertEquals(count.value, 5);
 * ```
 */
export class OutParameter<Value> implements Disposable {
  readonly #heap: HeapAccess;
  readonly #giveBack: ((ptr: Ptr) => void) | undefined;
  readonly #view: { value: Value };
  readonly #size: number;
  #ptr: Ptr;

  /** Users call `heap.out(type)`. */
  constructor(
    heap: HeapAccess,
    ptr: Ptr,
    size: number,
    view: { value: Value },
    giveBack: ((ptr: Ptr) => void) | undefined,
  ) {
    this.#heap = heap;
    this.#ptr = ptr;
    this.#size = size;
    this.#view = view;
    this.#giveBack = giveBack;
  }

  /** Where the value is. @throws {UseAfterFreeError} once it was freed; so do the others but `[Symbol.dispose]`. */
  get ptr(): Ptr {
    if (this.#ptr === 0) throw new UseAfterFreeError("this out-parameter was freed.", 0);
    return this.#ptr;
  }

  /** The pointer object, which a call takes. */
  get pointer(): Deno.PointerObject {
    return this.#heap.pointer(this.ptr)!; // null for 0 alone
  }

  /** What is there now: zero, or NULL, at first. Of a struct it is a view, and assigning an object writes its fields. */
  get value(): Value {
    void this.ptr;
    return this.#view.value;
  }

  set value(value: Value) {
    void this.ptr;
    this.#view.value = value;
  }

  /**
   * The value that a call of C writes. Before the call it is zero, or NULL: what C does not write is not what an earlier
   * call wrote.
   *
   * @param call gets the pointer object. What it returns is the program's affair, as a code of C's that says whether
   * there is a value; of a promise, as a `nonblocking` call gives it, there is a promise.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using handle = heap.out("pointer");
   * // const db = handle.after((out) => check(sqlite3_open(name, out)));
   * const open = (out: Deno.PointerObject) => heap.u64[heap.ptrAt(out) / 8] = 0x1000n; // as C does
   * assertEquals(handle.after(open), Deno.UnsafePointer.create(0x1000n));
   * assertEquals(handle.after(() => 1), null); // a call that wrote nothing
   * ```
   */
  after(call: (pointer: Deno.PointerObject) => Promise<unknown>): Promise<Value>;
  /**
   * The same of a call that is over when it returns.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using exponent = heap.out("i32");
   * assertEquals(exponent.after((out) => heap.i32[heap.ptrAt(out) / 4] = 6), 6); // as frexp(40, out) does
   * ```
   */
  after(call: (pointer: Deno.PointerObject) => unknown): Value;
  after(call: (pointer: Deno.PointerObject) => unknown): Value | Promise<Value> {
    const { ptr, pointer } = this;
    assertViews(this.#heap);
    if (typeof call !== "function") throw new InvalidTypeError(`${given(call)}: after takes a function.`);
    this.#heap.u8.fill(0, ptr, ptr + this.#size);
    const result = call(pointer);
    return result instanceof Promise ? result.then(() => this.value) : this.value;
  }

  /** Frees the memory, unless it is a scope's. */
  [Symbol.dispose](): void {
    if (this.#ptr === 0) return;
    this.#giveBack?.(this.#ptr);
    this.#ptr = 0;
  }
}

/** @param whole the whole heap. */
export function outParameter<Type extends OutType>(
  heap: HeapAccess,
  whole: StructMemory,
  making: Making,
  source: Source,
  giveBack: ((ptr: Ptr) => void) | undefined,
  type: Type,
): OutParameter<OutValue<Type>> {
  const box = boxed(type), place = new Place();
  assertViews(heap);
  return making.make(source, box.size, (ptr) => {
    heap.u8.fill(0, ptr, ptr + box.size);
    place.at = ptr / box.alignment;
    const view = new (compile(box))(whole, place) as { value: OutValue<Type> };
    return new OutParameter(heap, ptr, box.size, view, giveBack);
  });
}
