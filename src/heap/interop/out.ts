/**
 * Out-parameters: memory for one value, which C writes. `pointer` goes into the call, `value` comes out of it.
 *
 * @module
 */

import type { Ptr } from "../blocks.ts";
import { UseAfterFreeError } from "../errors.ts";
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
  #ptr: Ptr;

  /** Users call `heap.out(type)`. */
  constructor(heap: HeapAccess, ptr: Ptr, view: { value: Value }, giveBack: ((ptr: Ptr) => void) | undefined) {
    this.#heap = heap;
    this.#ptr = ptr;
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
    return new OutParameter(heap, ptr, new (compile(box))(whole, place) as { value: OutValue<Type> }, giveBack);
  });
}
