/**
 * A heap's allocator for C: function pointers, in the shapes that libraries ask for. Each is made when it is first asked
 * for. What the functions do is in `calls.ts`; here is which library calls them how, and how long they live.
 *
 * A callback takes a tenth of a microsecond, ten times what `malloc` itself does: `CLIENTS.md` has the measurements, and says
 * when that is worth it.
 *
 * @module
 */

import {
  addressOf,
  type NativeFunction,
  nativeFunction,
  offsetOfAddress,
  type VirtualMemory,
} from "../../../os/mod.ts";
import type { CallSites, Ptr } from "../../blocks.ts";
import {
  given,
  HeapBusyError,
  HeapClosedError,
  HeapError,
  InvalidOptionError,
  InvalidTypeError,
  type OutOfMemoryError,
} from "../../errors.ts";
import type { HeapAccess } from "../heap_access.ts";
import { type CallbackHeap, NativeCalls } from "./calls.ts";
import { GmpCalls } from "./gmp.ts";
import type { Making } from "../making.ts";
import { assertViews } from "../ranges.ts";

/** What the allocator needs of a heap: its calls, and memory for structs. */
export interface AllocatorHeap extends HeapAccess, CallbackHeap {}

/** Parts of the heap's that it uses. */
export interface AllocatorParts {
  readonly making: Making;
  readonly outOfMemory: (size: number) => OutOfMemoryError;
}

/** An allocator as its heap sees it, which closes it. */
export interface OpenAllocator {
  /** @throws {HeapBusyError} unless C is done with it. */
  assertIdle(): void;
  /** Frees what it has in the heap for itself; made again when it is asked for. */
  withdraw(): void;
  /** Closes the functions, when the heap is gone. */
  end(): void;
}

/**
 * The functions that a table may have.
 *
 * @example
 * ```ts
 * import { Heap, type NativeFunctionName } from "@hakmem/hakmem";
 * import { assert } from "@std/assert";
 *
 * const names: NativeFunctionName[] = ["malloc", "free"];
 * using heap = await Heap.open();
 * using allocator = heap.nativeAllocator();
 * assert(allocator.table(...names) !== null); // cJSON_InitHooks takes it
 * ```
 */
export type NativeFunctionName = "malloc" | "calloc" | "realloc" | "free";

const FUNCTION_NAMES: readonly NativeFunctionName[] = ["malloc", "calloc", "realloc", "free"];

/**
 * A function pointer, of a type that fits wherever FFI calls take one; it cannot be called from here.
 *
 * @example
 * ```ts
 * import { Heap, type NativeFunctionPointer } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using allocator = heap.nativeAllocator();
 * const free: NativeFunctionPointer = allocator.free;
 * assertEquals(Deno.UnsafePointer.equals(free, allocator.free), true); // made once
 * ```
 */
export type NativeFunctionPointer = Deno.PointerObject<never>;

/** The last multiple of 8 that SQLite's `int` can have. */
const MOST_SQLITE_SIZE = 2 ** 31 - 8;

/** A `size_t` as a number; above 2^53 it is not exact, but no such size can be had. */
function sizeOf(word: bigint): number {
  return offsetOfAddress(word, 0);
}

/**
 * The functions of a heap for C: `malloc`, `calloc`, `realloc`, `free`, and what Lua, zlib, zstd, libpng, SQLite, expat, cJSON
 * and GMP ask for. Get one from {@linkcode Heap.nativeAllocator}.
 *
 * - **Nothing is thrown through C.** What a call of the heap throws, C gets as NULL, and a `free` that is refused does nothing.
 *   The error is kept: {@linkcode NativeAllocator.call} throws it when the call of C comes back.
 * - C must call them on the thread that made them. A nonblocking FFI call, or another thread of C's, is served as soon as
 *   this thread is in its event loop, which takes about 12 microseconds each time; if this thread waits for that one in C,
 *   both wait for ever. Deno does not tell a callback which thread it was called on, so nothing can refuse that.
 * - It is closed with the heap, or before. As long as C has blocks of it, `close` throws `HEAP_BUSY`. Afterwards C must not
 *   call the functions: the process would die of it. A Worker's functions end with the Worker.
 * - A size of 0 gives a block, `realloc(ptr, 0)` too. Alignment is 16.
 *
 * Cost: a tenth of a microsecond for a call, besides what the heap's own takes.
 *
 * @example
 * ```ts
 * import { Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using allocator = heap.nativeAllocator();
 * // A library would be given allocator.malloc and allocator.free; here they are called as C does.
 * const malloc = new Deno.UnsafeFnPointer(allocator.malloc, { parameters: ["usize"], result: "pointer" });
 * const free = new Deno.UnsafeFnPointer(allocator.free, { parameters: ["pointer"], result: "void" });
 * const block = allocator.call(() => malloc.call(100n));
 * assertEquals([heap.stats().liveBlocks, allocator.blocks], [1, 1]);
 * allocator.call(() => free.call(block));
 * assertEquals(heap.stats().liveBlocks, 0);
 * ```
 */
export class NativeAllocator implements Disposable {
  readonly #heap: AllocatorHeap;
  readonly #making: Making;
  readonly #calls: NativeCalls;
  readonly #gmp: GmpCalls;
  readonly #end: () => void;
  readonly #functions = new Map<string, NativeFunction>();
  readonly #tables = new Map<string, Ptr>();
  #isClosed = false;
  /** Calls by `call` that are not over. */
  #depth = 0;

  /** Users call `heap.nativeAllocator()`. @param open those that the heap closes @param callSites of a build that keeps stacks */
  constructor(
    heap: AllocatorHeap,
    system: VirtualMemory,
    { outOfMemory, making }: AllocatorParts,
    open: Set<OpenAllocator>,
    callSites?: CallSites,
  ) {
    this.#heap = heap;
    this.#making = making;
    this.#calls = new NativeCalls(heap, callSites);
    this.#gmp = new GmpCalls(this.#calls, system, outOfMemory);
    const own: OpenAllocator = {
      assertIdle: () => this.#assertIdle(),
      withdraw: () => this.#withdraw(),
      end: () => this.#end(),
    };
    this.#end = () => {
      this.#isClosed = true;
      for (const made of this.#functions.values()) made.close();
      this.#functions.clear();
      open.delete(own);
    };
    open.add(own);
  }

  /** `void *malloc(size_t size)`. */
  get malloc(): NativeFunctionPointer {
    return this.#function(
      "malloc",
      () => nativeFunction(["u64"], "u64", (size) => this.#calls.allocate(sizeOf(size))),
    );
  }

  /** `void *calloc(size_t count, size_t size)`. */
  get calloc(): NativeFunctionPointer {
    return this.#function(
      "calloc",
      () =>
        nativeFunction(["u64", "u64"], "u64", (count, size) => this.#calls.allocateZeroed(sizeOf(count), sizeOf(size))),
    );
  }

  /** `void *realloc(void *block, size_t size)`. */
  get realloc(): NativeFunctionPointer {
    return this.#function(
      "realloc",
      () => nativeFunction(["u64", "u64"], "u64", (address, size) => this.#calls.resize(address, sizeOf(size))),
    );
  }

  /** `void free(void *block)`; also the destructor that `sqlite3_bind_blob` and its like take, for a block of {@linkcode give}. */
  get free(): NativeFunctionPointer {
    return this.#function("free", () => nativeFunction(["u64"], "void", (address) => this.#calls.release(address)));
  }

  /** Lua's `lua_Alloc`, for `lua_newstate(allocator.luaAlloc, NULL)`. */
  get luaAlloc(): NativeFunctionPointer {
    return this.#function(
      "luaAlloc",
      () =>
        nativeFunction(["u32", "u64", "u32", "u64"], "u64", (_userData, address, _oldSize, size) => {
          if (size === 0n) {
            this.#calls.release(address);
            return 0;
          }
          const bytes = sizeOf(size), resized = this.#calls.resize(address, bytes);
          // Lua takes it that a block can always become smaller; a debug build, which moves it then, may have no memory.
          return resized === 0 && bytes <= this.#calls.sizeOf(address) ? Number(address) : resized;
        }),
    );
  }

  /** zlib's `alloc_func`, for `zalloc` of a `z_stream`; its `opaque` is not looked at. */
  get zlibAlloc(): NativeFunctionPointer {
    return this.#function(
      "zlibAlloc",
      () => nativeFunction(["u32", "u32", "u32"], "u64", (_opaque, items, size) => this.#calls.allocate(items * size)),
    );
  }

  /** zlib's `free_func`, for `zfree` of a `z_stream`. */
  get zlibFree(): NativeFunctionPointer {
    return this.opaqueFree;
  }

  /** `void *(void *opaque, size_t size)`: `customAlloc` of zstd's `ZSTD_customMem`, libpng's `png_malloc_ptr`. */
  get opaqueAlloc(): NativeFunctionPointer {
    return this.#function(
      "opaqueAlloc",
      () => nativeFunction(["u32", "u64"], "u64", (_opaque, size) => this.#calls.allocate(sizeOf(size))),
    );
  }

  /** `void (void *opaque, void *block)`: `customFree` of zstd's `ZSTD_customMem`, libpng's `png_free_ptr`. */
  get opaqueFree(): NativeFunctionPointer {
    return this.#function(
      "opaqueFree",
      () => nativeFunction(["u32", "u64"], "void", (_opaque, address) => this.#calls.release(address)),
    );
  }

  /**
   * GMP's three, for `mp_set_memory_functions`; they cannot fail, so what the heap does not have comes from the system,
   * and the error is kept. `mp_set_memory_functions(NULL, NULL, NULL)` sets malloc's again, which must be done before
   * this is closed.
   */
  get gmpAllocate(): NativeFunctionPointer {
    return this.#function(
      "gmpAllocate",
      () => nativeFunction(["u64"], "u64", (size) => this.#gmp.allocate(sizeOf(size))),
    );
  }

  /** See {@linkcode gmpAllocate}. */
  get gmpReallocate(): NativeFunctionPointer {
    return this.#function("gmpReallocate", () =>
      nativeFunction(
        ["u64", "u64", "u64"],
        "u64",
        (address, oldSize, size) => this.#gmp.resize(address, sizeOf(oldSize), sizeOf(size)),
      ));
  }

  /** See {@linkcode gmpAllocate}. */
  get gmpFree(): NativeFunctionPointer {
    return this.#function(
      "gmpFree",
      () => nativeFunction(["u64", "u32"], "void", (address, _size) => this.#gmp.release(address)),
    );
  }

  /**
   * SQLite's `sqlite3_mem_methods`, a struct in the heap, for `sqlite3_config(SQLITE_CONFIG_MALLOC, …)`. SQLite copies it, and
   * has it for good: set the methods that were there (`SQLITE_CONFIG_GETMALLOC`) again after `sqlite3_shutdown`, before this is
   * closed.
   */
  get sqliteMethods(): Deno.PointerObject {
    const size = this.#function(
      "sqliteSize",
      () => nativeFunction(["u64"], "i32", (address) => this.#calls.sizeOf(address)),
    );
    // SQLite asks how much it would get for a size, and then for that much; it wants a multiple of 8.
    const roundUp = this.#function(
      "sqliteRoundUp",
      () =>
        nativeFunction(["i32"], "i32", (size) => {
          const good = this.#heap.goodSize(Math.max(size, 0));
          return Math.min(Math.ceil(good / 8) * 8, MOST_SQLITE_SIZE);
        }),
    );
    const nothing = this.#function("sqliteInit", () => nativeFunction(["u32"], "i32", () => 0));
    const allocate = this.#function(
      "sqliteAllocate",
      () => nativeFunction(["i32"], "u64", (size) => this.#calls.allocate(Math.max(size, 0))),
    );
    const resize = this.#function(
      "sqliteResize",
      () => nativeFunction(["u64", "i32"], "u64", (address, size) => this.#calls.resize(address, Math.max(size, 0))),
    );
    return this.#table("sqliteMethods", [allocate, this.free, resize, size, roundUp, nothing, nothing, null]);
  }

  /** expat's `XML_Memory_Handling_Suite`, a struct in the heap, for `XML_ParserCreate_MM`, which copies it. */
  get expatSuite(): Deno.PointerObject {
    return this.table("malloc", "realloc", "free");
  }

  /**
   * A struct in the heap with these functions in this order, as libraries have them that take one: `table("malloc", "free")` is a
   * `cJSON_Hooks`. It is there until the allocator is closed.
   *
   * @throws {OutOfMemoryError} if the heap has no room for it, and {InvalidTypeError} for another name
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using allocator = heap.nativeAllocator();
   * const hooks = allocator.table("malloc", "free"); // cJSON_InitHooks(hooks)
   * const [malloc] = heap.view(BigUint64Array, heap.ptrAt(hooks), 2);
   * assertEquals(malloc, Deno.UnsafePointer.value(allocator.malloc));
   * ```
   */
  table(...names: readonly NativeFunctionName[]): Deno.PointerObject {
    for (const name of names) {
      if (FUNCTION_NAMES.includes(name)) continue;
      throw new InvalidTypeError(`${given(name)}: the functions of a table are ${FUNCTION_NAMES.join(", ")}.`);
    }
    return this.#table(names.join(), names.map((name) => this[name]));
  }

  /**
   * Blocks that C has: those it was given and has not freed. A block that C has of one allocator and frees by another's function
   * counts with the first; `take` and `give` mend that.
   */
  get blocks(): number {
    return this.#calls.blocks + this.#gmp.borrowed;
  }

  /** What was thrown in callbacks and not by `call` or `rethrow` yet, in order; the first hundred. */
  get errors(): readonly unknown[] {
    return this.#calls.kept;
  }

  /**
   * Makes a call of C, and throws what was thrown in callbacks meanwhile: the first error, if there are several. Of an
   * asynchronous call it gives a promise that does so.
   *
   * If `body` throws as well, what was kept is thrown, being the reason in most cases.
   *
   * In a debug build what C allocates and frees in here has the stack of this call, which is captured once. So put it
   * around each call of C, not around the whole program, whose leaks would then all have the same line. Outside of it,
   * and when an asynchronous call goes on, each block has a stack of its own, which takes microseconds.
   *
   * @example
   * ```ts
   * import { Heap, InvalidPointerError } from "@hakmem/hakmem";
   * import { assertThrows } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using allocator = heap.nativeAllocator();
   * const free = new Deno.UnsafeFnPointer(allocator.free, { parameters: ["u64"], result: "void" });
   * // What would end a C program:
   * assertThrows(() => allocator.call(() => free.call(0x1234n)), InvalidPointerError);
   * ```
   */
  call<Result>(body: () => Result): Result {
    this.#assertOpen();
    if (typeof body !== "function") throw new InvalidTypeError(`${given(body)}: call takes a function.`);
    const before = this.#calls.enterSite(this.call);
    this.#depth++;
    let result: Result;
    try {
      result = body();
    } catch (error) {
      this.#depth--;
      this.rethrow();
      throw error;
    } finally {
      this.#calls.site = before;
    }
    if (result instanceof Promise) return this.#settled(result) as Result;
    this.#depth--;
    this.rethrow();
    return result;
  }

  async #settled<Result>(promise: Promise<Result>): Promise<Result> {
    try {
      return await promise;
    } finally {
      this.#depth--;
      this.rethrow();
    }
  }

  /**
   * Throws the first error that was kept, if any was, and forgets all: for code that does not go through `call`.
   *
   * @example
   * ```ts
   * import { Heap, InvalidPointerError } from "@hakmem/hakmem";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using allocator = heap.nativeAllocator();
   * const free = new Deno.UnsafeFnPointer(allocator.free, { parameters: ["u64"], result: "void" });
   * free.call(0x1234n); // throws nothing
   * assertEquals(allocator.errors.length, 1);
   * assertThrows(() => allocator.rethrow(), InvalidPointerError);
   * ```
   */
  rethrow(): void {
    const { kept } = this.#calls;
    if (kept.length === 0) return;
    this.#calls.kept = [];
    throw kept[0];
  }

  /**
   * Makes a block C's, which will free it by one of these functions: it counts among `blocks` from here on.
   *
   * @returns its pointer object; null for 0
   * @throws {InvalidPointerError} for what is not the start of a block
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using allocator = heap.nativeAllocator();
   * const given = allocator.give(heap.cstring("hello")); // C frees it: sqlite3_bind_text(..., given, -1, allocator.free)
   * assertEquals(allocator.blocks, 1);
   * heap.free(allocator.take(given)); // here nobody did
   * ```
   */
  give(ptr: Ptr): Deno.PointerValue {
    this.#assertOpen();
    if (ptr === 0) return null;
    this.#heap.usableSize(ptr);
    const pointer = this.#heap.pointer(ptr);
    this.#calls.blocks++;
    return pointer;
  }

  /**
   * Makes a block of C's the program's, which frees it: `heap.free(allocator.take(library.symbols.print()))`.
   *
   * @returns its pointer; 0 for NULL
   * @throws {InvalidPointerError} for what is not the start of a block of this heap
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using allocator = heap.nativeAllocator();
   * const malloc = new Deno.UnsafeFnPointer(allocator.malloc, { parameters: ["usize"], result: "pointer" });
   * const ptr = allocator.take(malloc.call(100n)); // what a library made, as cJSON_Print does
   * assertEquals(allocator.blocks, 0);
   * heap.free(ptr);
   * ```
   */
  take(block: bigint | Deno.PointerValue): Ptr {
    this.#assertOpen();
    const ptr = this.#heap.ptrAt(block);
    if (ptr === 0) return 0;
    this.#heap.usableSize(ptr);
    this.#calls.blocks--;
    return ptr;
  }

  /**
   * Closes the functions. It can be called again.
   *
   * @param options `abandon`: also if C has blocks that it has not freed. They stay, as blocks of the heap.
   * @throws {HeapBusyError} as long as C has blocks of it, or a call is under way. Nothing changes.
   * @throws {InvalidOptionError} for options that are no object.
   *
   * @example
   * ```ts
   * import { Heap, HeapBusyError } from "@hakmem/hakmem";
   * import { assertThrows } from "@std/assert";
   *
   * using heap = await Heap.open();
   * const allocator = heap.nativeAllocator();
   * const malloc = new Deno.UnsafeFnPointer(allocator.malloc, { parameters: ["usize"], result: "pointer" });
   * malloc.call(100n); // C does not free it
   * assertThrows(() => allocator.close(), HeapBusyError);
   * allocator.close({ abandon: true });
   * ```
   */
  close(options: { readonly abandon?: boolean } = {}): void {
    if (this.#isClosed) return;
    if (typeof options !== "object" || options === null) {
      throw new InvalidOptionError(`${given(options)}: close takes { abandon: true }, or nothing.`);
    }
    this.#assertIdle(options.abandon);
    this.#withdraw();
    this.#end();
  }

  /** `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #assertOpen(): void {
    if (this.#isClosed) {
      throw new HeapClosedError("this native allocator is closed. heap.nativeAllocator() gives another.");
    }
  }

  #assertIdle(abandon = false): void {
    const { blocks } = this;
    if (this.#calls.running > 0 || this.#depth > 0) {
      throw new HeapBusyError([], "a call of C is under way that uses this heap's native allocator. End it first.");
    }
    if (blocks <= 0 || abandon) return;
    throw new HeapBusyError(
      [],
      `C has ${
        blocks === 1 ? "a block" : `${blocks} blocks`
      } of this heap's native allocator. Have the library free what ` +
        "it has, or close the allocator with { abandon: true } if C never touches it again.",
    );
  }

  #withdraw(): void {
    for (const [name, ptr] of this.#tables) {
      try {
        this.#heap.free(ptr);
      } catch (error) {
        // C has written past it: the block stays, and is reported as others are, by check() and when the heap closes.
        if (!(error instanceof HeapError)) throw error;
      }
      this.#tables.delete(name);
    }
  }

  #function(name: string, make: () => NativeFunction): NativeFunctionPointer {
    this.#assertOpen();
    let made = this.#functions.get(name);
    if (made === undefined) this.#functions.set(name, made = make());
    return made.pointer as NativeFunctionPointer;
  }

  #table(name: string, pointers: readonly Deno.PointerValue[]): Deno.PointerObject {
    let ptr = this.#tables.get(name);
    if (ptr === undefined) {
      assertViews(this.#heap);
      ptr = this.#making.make(this.#heap, pointers.length * 8, (ptr) => {
        this.#heap.u64.set(pointers.map((pointer) => pointer === null ? 0n : addressOf(pointer)), ptr / 8);
        this.#tables.set(name, ptr);
        return ptr;
      });
    }
    return this.#heap.pointer(ptr)!; // null for 0 alone
  }
}
