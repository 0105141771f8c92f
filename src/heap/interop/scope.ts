/**
 * Scopes: everything that is made through one is freed at its end. An arena over the heap:
 *
 * ```
 *   chunk, a block of the heap:  | block | block | ... | room |          marks, a byte for each 16 bytes:  1 0 1 0 0 0 ...
 *                              base                next             end
 * ```
 *
 * To allocate is to move `next` and to mark where a block begins, two nanoseconds. The first chunk is of 8 KiB, others
 * are of 32, the largest that `malloc` gives in some nanoseconds; so the end of a scope is a `free` for each chunk,
 * whatever is in it, and `reset` keeps them all. What is larger than a quarter of that has a block of the heap to
 * itself. The marks say how long a block is: to the next mark. They are JavaScript's memory, used again by the next
 * scope: no overflow reaches them.
 *
 * In debug builds each block of a scope is a block of the heap, with its redzones and its stack, so that faults are
 * found where they would be otherwise.
 *
 * @module
 */

import type { Ptr } from "../blocks.ts";
import {
  assertPointer,
  assertSize,
  given,
  hex,
  InvalidPointerError,
  InvalidTypeError,
  OutOfMemoryError,
  UseAfterFreeError,
} from "../errors.ts";
import type { CStringOptions, CStrings } from "./text/cstrings.ts";
import type { HeapAccess, Scopes } from "./heap_access.ts";
import type { Making } from "./making.ts";
import { type OutParameter, outParameter, type OutType, type OutValue } from "./out.ts";
import { assertViews, bytesOf, type Ranges } from "./ranges.ts";
import { makeStructs, type StructArray } from "./structs/array.ts";
import type { StructMemory } from "./structs/memory.ts";
import type { Fields, StructType } from "./structs/types.ts";

const UNIT = 16; // what malloc aligns to
const LARGEST_CHUNK = 32 * 1024;
const FIRST_CHUNK = 8 * 1024;
/** Chunks end below 2 GiB, as small blocks do: so what `malloc` returns is an int32. */
const MOST_END = 2 ** 31;
/** Bytes of marks: a chunk has as many units at most. */
const MARKS = LARGEST_CHUNK / UNIT;
const NO_MARKS = new Uint8Array(0);
const MOST_MARKS = 64;

/** What is larger wastes too much of a chunk. */
const LARGEST_BUMP = LARGEST_CHUNK / 4;

/** What a scope works with, which its heap has. */
export interface ScopeParts {
  readonly heap: HeapAccess;
  readonly ranges: Ranges;
  readonly strings: CStrings;
  readonly scopes: OpenScopes;
  /** The whole heap, as structs see it. */
  readonly whole: StructMemory;
  readonly making: Making;
  outOfMemory(size: number): OutOfMemoryError;
}

/** A block of the heap that blocks of a scope lie in. Places are in units, that is pointers divided by 16. */
interface Chunk {
  readonly base: number;
  readonly end: number;
  /** Where blocks begin in it: 1 at a unit's number modulo MARKS, so that no two of its units have the same. */
  readonly marks: Uint8Array;
  /** Where the next block goes; of the chunk that is in use, the scope knows. */
  next: number;
}

/** What the list of open scopes asks of one. */
let bytesFrom: (scope: Scope, ptr: Ptr) => number;
/** The heap is closed: the scope has nothing any more, and nothing to free. */
let abandon: (scope: Scope) => void;

/**
 * Everything that is made through it is freed at its end: see {@linkcode Heap.scope}. Sizes are bytes. Cost: two
 * nanoseconds a block, and a tenth of a microsecond for the scope itself.
 *
 * @example
 * ```ts
 * import { Heap, type Scope } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * function join(scope: Scope, texts: readonly string[]): number {
 *   return scope.cstring(texts.join(" ")); // the caller's scope says how long it lives
 * }
 *
 * using heap = await Heap.open();
 * {
 *   using scope = heap.scope();
 *   assertEquals(heap.readCString(join(scope, ["a", "b"])), "a b");
 *   scope.reset(); // goes on with the memory that it has
 *   scope.malloc(100);
 * }
 * assertEquals(heap.stats().liveBlocks, 0);
 * ```
 */
export class Scope implements Disposable {
  readonly #parts: ScopeParts;
  readonly #heap: HeapAccess;
  readonly #isArena: boolean;
  // What `malloc` uses is private to TypeScript alone, and declared, not defined: see `StructCursor`.
  /** The chunk that is in use. */
  declare private next: number;
  declare private end: number;
  declare private marks: Uint8Array;
  readonly #chunks: Chunk[] = [];
  #current = -1;
  /** Blocks of the heap's own. */
  #blocks: Set<Ptr> | undefined = undefined;
  /** Objects over its memory, which end with it, and say so if they are used after that. */
  #objects: Disposable[] | undefined = undefined;
  #isOver = false;

  static {
    bytesFrom = (scope, ptr) => scope.#bytesFrom(ptr);
    abandon = (scope) => scope.#abandon();
  }

  /** Users call `heap.scope()`. */
  constructor(parts: ScopeParts) {
    this.#parts = parts;
    this.#heap = parts.heap;
    this.next = this.end = 0;
    this.marks = NO_MARKS;
    this.#isArena = parts.heap.build === "release";
    parts.scopes.add(this);
  }

  /**
   * A block, as {@linkcode Heap.malloc} gives it, that lives until the scope ends. It cannot be freed or resized by
   * itself. Cost: two nanoseconds.
   *
   * @returns where it begins, or 0 if there is no memory.
   * @throws {InvalidSizeError} for a size that is negative, fractional, NaN or infinite.
   * @throws {UseAfterFreeError} when the scope has ended.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const ptr = scope.malloc(100);
   * heap.u8[ptr] = 42;
   * ```
   */
  malloc(size: number): Ptr {
    // As in the hot path: `- 0` says that a number comes of the call, without which V8 boxes the others, too, which
    // takes a fifth more; and what `| 0` may throw is caught in no machine code.
    let whole: number;
    try {
      whole = size | 0;
    } catch {
      whole = NaN; // a bigint or a symbol
    }
    const unit = this.next, next = unit + ((whole + (UNIT - 1)) >>> 4); // 16 is UNIT
    if (whole !== size || whole <= 0 || next > this.end) return this.#mallocSlow(size) - 0;
    this.marks[unit & (MARKS - 1)] = 1;
    this.next = next;
    return unit << 4; // below MOST_END
  }

  /**
   * As `malloc`.
   *
   * @throws {OutOfMemoryError} where that gives 0.
   *
   * @example
   * ```ts
   * import { Heap, OutOfMemoryError } from "@hakmem/hakmem";
   * import { assert, assertThrows } from "@std/assert";
   *
   * using heap = await Heap.open({ maxBytes: 1024 * 1024 });
   * using scope = heap.scope();
   * assert(scope.alloc(100) !== 0);
   * assertThrows(() => scope.alloc(2_000_000), OutOfMemoryError);
   * ```
   */
  alloc(size: number): Ptr {
    const ptr = this.malloc(size);
    if (ptr === 0) throw this.#parts.outOfMemory(size);
    return ptr;
  }

  /**
   * A block of zeros for `count` things of `size` bytes, as {@linkcode Heap.calloc} gives it.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const counts = scope.calloc(256, 4);
   * assertEquals(heap.u32[counts / 4 + 255], 0);
   * ```
   */
  calloc(count: number, size: number): Ptr {
    assertSize(count, "count");
    assertSize(size, "size");
    assertViews(this.#heap);
    const ptr = this.malloc(count * size);
    if (ptr !== 0) this.#heap.u8.fill(0, ptr, ptr + count * size);
    return ptr;
  }

  /**
   * A block whose native address is a multiple of `alignment`, as {@linkcode Heap.alignedAlloc} gives it.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const vector = scope.alignedAlloc(64, 256);
   * assertEquals(heap.address(vector) % 64n, 0n);
   * ```
   */
  alignedAlloc(alignment: number, size: number): Ptr {
    this.#assertOpen();
    return this.#mallocOwn(size, alignment);
  }

  /**
   * A C string, as {@linkcode Heap.cstring} makes it.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const name = scope.cstring("hello");
   * assertEquals(heap.readCString(name), "hello");
   * ```
   */
  cstring(text: string, options?: CStringOptions): Ptr {
    return this.#parts.strings.make(this, text, options);
  }

  /**
   * An array of C strings, as {@linkcode Heap.cstrings} makes it.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const argv = scope.cstrings(["ls", "-l"]);
   * assertEquals(heap.readCStrings(argv), ["ls", "-l"]);
   * ```
   */
  cstrings(texts: Iterable<string>, options?: CStringOptions): Ptr {
    return this.#parts.strings.makeAll(this, texts, options);
  }

  /**
   * A block with a copy of these bytes, as {@linkcode Heap.copyIn} makes it.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const ptr = scope.copyIn(new Uint8Array([1, 2, 3]));
   * assertEquals(heap.u8[ptr + 2], 3);
   * ```
   */
  copyIn(bytes: ArrayBuffer | SharedArrayBuffer | ArrayBufferView): Ptr {
    const source = bytesOf(bytes);
    assertViews(this.#heap);
    return this.#parts.ranges.write(this.alloc(source.length), source);
  }

  /**
   * What an FFI call takes for a text, as a C string in UTF-8, or for bytes: the pointer object of a copy that lives as
   * long as the scope. `heap.pointer(scope.cstring(text))` in a word.
   *
   * @throws {InvalidTypeError} for what is neither, and as `cstring` and `copyIn`.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * // library.symbols.sqlite3_open(scope.pointer(":memory:"), out.pointer)
   * assertEquals(heap.readCString(scope.pointer(":memory:")), ":memory:");
   * assertEquals(heap.copyOut(scope.pointer(new Uint8Array([1, 2])), 2), new Uint8Array([1, 2]));
   * ```
   */
  pointer(value: string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView): Deno.PointerObject {
    if (typeof value !== "string" && (typeof value !== "object" || value === null)) {
      throw new InvalidTypeError(`${given(value)}: a text or bytes are copied for C; heap.pointer() takes a Ptr.`);
    }
    const ptr = typeof value === "string" ? this.cstring(value) : this.copyIn(value);
    return this.#heap.pointer(ptr)!; // null for 0 alone
  }

  /**
   * An out-parameter, as {@linkcode Heap.out} makes it; its memory goes with the scope.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const database = scope.out("pointer");
   * // sqlite3_open(scope.pointer(":memory:"), database.pointer)
   * assertEquals(database.value, null);
   * ```
   */
  out<Type extends OutType>(type: Type): OutParameter<OutValue<Type>> {
    return this.#ending(outParameter(this.#heap, this.#parts.whole, this.#parts.making, this, undefined, type));
  }

  /**
   * An array of structs, as {@linkcode Heap.structs} makes it; its memory goes with the scope.
   *
   * @example
   * ```ts
   * import { Heap, struct } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const points = scope.structs(struct({ x: "f64", y: "f64" }), 3);
   * points.at(1).x = 2;
   * assertEquals([points.at(1).x, points.at(1).y], [2, 0]);
   * ```
   */
  structs<F extends Fields>(type: StructType<F>, length: number): StructArray<F> {
    return this.#ending(
      makeStructs(this.#heap, this.#parts.strings, this.#parts.making, this, undefined, type, length),
    );
  }

  /**
   * Bytes of a block of this scope that may be written: at least the size asked for.
   *
   * @throws {InvalidPointerError} for what is not the start of a block of this scope.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * const ptr = scope.malloc(100);
   * assertEquals(scope.usableSize(ptr), 112);
   * ```
   */
  usableSize(ptr: Ptr): number {
    assertPointer(ptr);
    this.#assertOpen();
    if (this.#blocks?.has(ptr)) return this.#heap.usableSize(ptr);
    const bytes = this.#isStart(ptr) ? this.#bytesFrom(ptr) : 0;
    if (bytes === 0) throw new InvalidPointerError(`${hex(ptr)} is not a block of this scope.`, ptr);
    return bytes;
  }

  /**
   * Takes a block out of the scope: what it returns stays when the scope ends, and the caller frees it. Where the block
   * shares a chunk with others it moves, and `ptr` is no longer to be used; nor is an address of it that C has. Cost: a
   * `malloc` and a copy.
   *
   * @returns where the block is from now on.
   * @throws {InvalidPointerError} for what is not the start of a block of this scope.
   * @throws {OutOfMemoryError} if there is no memory for it. Nothing changes.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * let name = 0;
   * {
   *   using scope = heap.scope();
   *   name = scope.keep(scope.cstring("kept"));
   * }
   * assertEquals(heap.readCString(name), "kept");
   * heap.free(name);
   * ```
   */
  keep(ptr: Ptr): Ptr {
    const size = this.usableSize(ptr);
    assertViews(this.#heap);
    if (this.#blocks?.has(ptr)) {
      // A debug build moves it all the same, so that code that uses the old pointer learns of it.
      const kept = this.#isArena ? ptr : this.#heap.realloc(ptr, size);
      if (kept === 0) throw this.#parts.outOfMemory(size);
      this.#blocks.delete(ptr);
      return kept;
    }
    return this.#parts.making.make(this.#heap, size, (kept) => {
      this.#heap.u8.copyWithin(kept, ptr, ptr + size);
      return kept;
    });
  }

  /**
   * Frees all that was made so far; the scope goes on, with the memory that it has. Cost: no `free` of small blocks,
   * and one for each of more than 8 KiB.
   *
   * @throws as `[Symbol.dispose]`.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assert } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using scope = heap.scope();
   * for (let round = 0; round < 1000; round++) {
   *   scope.cstring(`round ${round}`);
   *   scope.reset(); // the next round has the same memory
   * }
   * assert(heap.stats().liveBytes < 100_000);
   * ```
   */
  reset(): void {
    this.#assertOpen();
    this.next = this.end = 0; // the next block is for the first chunk
    this.#current = -1;
    this.#endObjects();
    this.#freeBlocks();
  }

  /**
   * Frees everything; nothing if the heap is closed by then. Out-parameters and arrays of structs that were made
   * through the scope say from then on that they are freed. It can be called again. Debug builds look at each block as
   * `free` does: all are tried, and the first fault is thrown.
   */
  [Symbol.dispose](): void {
    const chunks = this.#chunks, { scopes } = this.#parts;
    if (this.#isOver && chunks.length === 0 && this.#blocks === undefined) return;
    this.#isOver = true;
    this.next = this.end = 0; // the next block takes the slow path, which says that it is over
    this.marks = NO_MARKS;
    scopes.delete(this);
    this.#endObjects();
    // Each leaves the list once it is free, so what a full stack has ended goes on with the next call.
    for (let left = chunks.length; left > 0; left--) {
      const { base, marks } = chunks[left - 1]!;
      this.#heap.free(base * UNIT);
      chunks.length = left - 1;
      scopes.giveMarks(marks);
    }
    this.#freeBlocks();
  }

  #abandon(): void {
    this.next = this.end = 0;
    this.marks = NO_MARKS;
    this.#chunks.length = 0;
    this.#current = -1;
    this.#endObjects();
    this.#blocks = undefined;
  }

  /** Bytes from a pointer to the end of the block in a chunk that it leads into; 0 if it is in none. */
  #bytesFrom(ptr: Ptr): number {
    for (let index = 0; index <= this.#current; index++) {
      const { base, marks, next: before } = this.#chunks[index]!, next = index === this.#current ? this.next : before;
      if (!(ptr >= base * UNIT && ptr < next * UNIT)) continue;
      let end = Math.floor(ptr / UNIT) + 1;
      while (end < next && marks[end & (MARKS - 1)] === 0) end++;
      return end * UNIT - ptr;
    }
    return 0;
  }

  #isStart(ptr: Ptr): boolean {
    const unit = ptr / UNIT, chunk = this.#chunks.find(({ base, end }) => unit >= base && unit < end);
    return Number.isInteger(unit) && chunk?.marks[unit & (MARKS - 1)] === 1;
  }

  /**
   * What does not fit in the chunk that is in use. It is one function, and so longer than V8 inlines: in the loops of
   * programs there is no room for it.
   */
  #mallocSlow(size: number): Ptr {
    assertSize(size, "size");
    this.#assertOpen();
    if (!this.#isArena || size > LARGEST_BUMP) return this.#mallocOwn(size);
    const units = Math.max(1, Math.ceil(size / UNIT)); // one for 0, of which nothing may be written
    const chunks = this.#chunks, { scopes } = this.#parts;
    // After a reset there are chunks that wait; the first may be too small.
    while (this.next + units > this.end) {
      if (this.#current >= 0) chunks[this.#current]!.next = this.next;
      if (this.#current + 1 === chunks.length) {
        // What may want stack comes first: of a block that the heap has given nothing is called any more.
        const marks = scopes.takeMarks(), chunk = { base: 0, end: 0, marks, next: 0 };
        const room = chunks.length === 0 && size <= FIRST_CHUNK ? FIRST_CHUNK : LARGEST_CHUNK;
        const ptr = this.#heap.malloc(room), base = ptr / UNIT;
        if (ptr === 0 || ptr + room > MOST_END) {
          this.#heap.free(ptr); // of variants whose small blocks are smaller
          return this.#mallocOwn(size);
        }
        chunk.base = chunk.next = base;
        chunk.end = base + room / UNIT;
        chunks[chunks.length] = chunk;
      }
      this.#current++;
      const { base, end, marks } = chunks[this.#current]!;
      marks.fill(0);
      this.next = base;
      this.end = end;
      this.marks = marks;
    }
    return this.malloc(units * UNIT);
  }

  #mallocOwn(size: number, alignment = 1): Ptr {
    const blocks = this.#blocks ??= new Set(), heap = this.#heap;
    const ptr = alignment === 1 ? heap.malloc(size) : heap.alignedAlloc(alignment, size);
    if (ptr !== 0) blocks.add(ptr);
    return ptr;
  }

  #ending<Made extends Disposable>(made: Made): Made {
    (this.#objects ??= []).push(made);
    return made;
  }

  #endObjects(): void {
    if (this.#objects === undefined) return;
    for (const made of this.#objects) made[Symbol.dispose]();
    this.#objects = undefined;
  }

  /** All of them, whatever is found wrong with some. */
  #freeBlocks(): void {
    let first: { error: unknown } | undefined;
    const blocks = this.#blocks;
    if (blocks === undefined) return;
    for (const ptr of blocks) {
      try {
        this.#heap.free(ptr);
      } catch (error) {
        if (error instanceof RangeError) throw error; // with a full stack it stays, for the next call
        first ??= { error };
      }
      blocks.delete(ptr);
    }
    this.#blocks = undefined;
    if (first !== undefined) throw first.error;
  }

  #assertOpen(): void {
    if (!this.#isOver) return;
    throw new UseAfterFreeError("this scope has ended, and all that was made through it is freed.", 0);
  }
}

/** The scopes of a heap that are open: of whose blocks ranges can be told, and which have nothing once it is closed. */
export class OpenScopes implements Scopes {
  readonly #scopes: Scope[] = [];
  /** Marks of chunks that are gone, for the next ones: no more than some megabytes of chunks have. */
  readonly #marks: Uint8Array[] = [];

  takeMarks(): Uint8Array {
    return this.#marks.pop() ?? new Uint8Array(MARKS);
  }

  giveMarks(marks: Uint8Array): void {
    if (this.#marks.length < MOST_MARKS) this.#marks.push(marks);
  }

  add(scope: Scope): void {
    this.#scopes.push(scope);
  }

  /** Scopes end in the reverse order, as a rule. */
  delete(scope: Scope): void {
    const scopes = this.#scopes;
    if (scopes.at(-1) === scope) {
      scopes.pop(); // `splice` makes an array
      return;
    }
    const at = scopes.lastIndexOf(scope);
    if (at >= 0) scopes.splice(at, 1); // the heap may have been closed
  }

  /** The heap is closed. */
  abandon(): void {
    for (const scope of this.#scopes.splice(0)) abandon(scope);
  }

  /** Bytes from a pointer to the end of the block of a scope that it leads into; 0 if it is in none. */
  bytesFrom(ptr: Ptr): number {
    for (let index = this.#scopes.length - 1; index >= 0; index--) {
      const bytes = bytesFrom(this.#scopes[index]!, ptr);
      if (bytes > 0) return bytes;
    }
    return 0;
  }
}
