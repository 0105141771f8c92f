/**
 * Blocks that an object owns, for `using`: freed when the scope ends in which they were declared, even if that is by an
 * exception.
 *
 * What is forgotten is not freed behind the program's back: where owned blocks are *tracked*, a FinalizationRegistry says
 * which were collected by the garbage collector without having been freed, and where they were allocated. It frees them only
 * where that is asked for, since C may still have their addresses.
 *
 * A block and its object are made at once: the object first, and what is taken last is the memory, so that nothing that
 * ends the call half way, such as a stack that is full, loses a block.
 *
 * Cost: `own` and dispose take as long as `malloc` and `free`, and V8 makes no object where it sees both. The keyword `using`
 * itself takes V8 some hundred nanoseconds: a hot loop calls `block[Symbol.dispose]()`. A tracked block costs microseconds, for
 * its stack is made text at once: a stack as V8 captures it would keep the very object alive.
 *
 * @module
 */

import type { Ptr } from "../blocks.ts";
import { hex, UseAfterFreeError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { HeapAccess } from "./heap_access.ts";
import { elementOf, type Ranges, type TypedArrayConstructor } from "./ranges.ts";

/** What owned blocks of a heap work with. */
export interface OwnedParts {
  readonly heap: HeapAccess;
  readonly ranges: Ranges;
  /** If they are tracked. */
  readonly tracker: OwnedTracker | undefined;
}

/** No block begins there. */
const RELEASED = -1;

/**
 * A block that is freed at the end of the scope: see {@linkcode Heap.own}.
 *
 * @example
 * ```ts
 * import { Heap, type OwnedBlock } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * function zeros(heap: Heap, count: number): OwnedBlock {
 *   using block = heap.own(count * 8); // freed if what follows throws
 *   block.view(Float64Array).fill(0);
 *   return heap.adopt(block.release());
 * }
 *
 * using heap = await Heap.open();
 * using block = zeros(heap, 10);
 * assertEquals([block.bytes.length, heap.stats().liveBlocks], [80, 1]);
 * ```
 */
export class OwnedBlock implements Disposable {
  readonly #parts: OwnedParts;
  readonly #size: number;
  /** 0 once it was freed, RELEASED once it was released. */
  #ptr: Ptr;

  /** Users call `heap.own(size)` and `heap.adopt(ptr)`. @param ptr 0: a new block */
  constructor(parts: OwnedParts, size: number, ptr: Ptr) {
    this.#parts = parts;
    this.#size = size;
    this.#ptr = ptr === 0 ? parts.heap.alloc(size) : ptr; // nothing comes after it
  }

  /**
   * Where the block begins.
   *
   * @throws {UseAfterFreeError} once it was freed or released; so do all others but `[Symbol.dispose]`.
   */
  get ptr(): Ptr {
    if (this.#ptr <= 0) throw this.#ended();
    return this.#ptr;
  }

  /** Bytes of the block: those that were asked for; of an adopted one all that may be written. */
  get size(): number {
    return this.#size;
  }

  /** A view of the block, as {@linkcode Heap.bytes} makes it: a new object at each call. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#parts.ranges.view(Uint8Array, this.ptr, this.#size);
  }

  /**
   * A view of the block in elements of any kind, as many as fit.
   *
   * @param ctor a typed array's constructor, such as `Float64Array`.
   * @throws {InvalidAlignmentError} for what does not say how long its elements are.
   * @throws {InvalidTypeError} for what does and is not a constructor, such as a typed array.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * using block = heap.own(80);
   * const numbers = block.view(Float64Array);
   * assertEquals(numbers.length, 10);
   * ```
   */
  view<View>(ctor: TypedArrayConstructor<View>): View {
    return this.#parts.ranges.view(ctor, this.ptr, Math.floor(this.#size / elementOf(ctor)));
  }

  /** The block's pointer object, for FFI calls. */
  get pointer(): Deno.PointerObject {
    return this.#parts.heap.pointer(this.ptr)!; // null for 0 alone
  }

  /**
   * Gives the ownership up: nothing is freed at the end of the scope.
   *
   * @returns the pointer, which the caller has to free.
   *
   * @example
   * ```ts
   * import { Heap } from "@hakmem/hakmem";
   * import { assertEquals } from "@std/assert";
   *
   * using heap = await Heap.open();
   * let ptr = 0;
   * {
   *   using block = heap.own(100);
   *   ptr = block.release();
   * }
   * assertEquals(heap.owns(ptr), true); // the scope's end did not free it
   * heap.free(ptr);
   * ```
   */
  release(): Ptr {
    const { ptr } = this;
    this.#ptr = RELEASED;
    this.#parts.tracker?.forget(this);
    return ptr;
  }

  /** Frees the block, unless it was freed or released. If `free` throws, the block stays, and is still owned. */
  [Symbol.dispose](): void {
    if (this.#ptr <= 0) return;
    this.#parts.heap.free(this.#ptr);
    this.#ptr = 0;
    this.#parts.tracker?.forget(this);
  }

  #ended(): UseAfterFreeError {
    return new UseAfterFreeError(
      this.#ptr === RELEASED
        ? "this owned block was released: what release() returned has to be used from then on."
        : "this owned block was freed, as it is at the end of the scope of its `using`; release() keeps a block.",
      0,
    );
  }
}

/** What is known of a block when its object is gone. It must not lead to the object. */
interface Tracked {
  readonly ptr: Ptr;
  readonly size: number;
  readonly site: string | undefined;
}

/** Looks after the owned blocks of one heap. */
export class OwnedTracker {
  readonly #registry: FinalizationRegistry<Tracked>;
  readonly #hasSites: boolean;

  /**
   * @param log gets the reports.
   * @param hasSites whether to capture where each was allocated.
   * @param free frees what was lost; undefined leaves it. It is not called for a heap that is closed.
   */
  constructor(log: Log, hasSites: boolean, isOpen: () => boolean, free: ((ptr: Ptr) => void) | undefined) {
    this.#hasSites = hasSites;
    this.#registry = new FinalizationRegistry((lost) => {
      if (!isOpen()) return; // close() has reported what was live
      log.during(() => {
        for (const line of report(lost, free !== undefined).split("\n")) log.say(line);
        try {
          free?.(lost.ptr);
        } catch (error) {
          log.say(`hakmem: ${error instanceof Error ? error.message : error}`); // there is nobody to throw to
        }
      });
    });
  }

  /** @param callee the function that the program called: its frame and those below are not part of the site. */
  watch(block: OwnedBlock, ptr: Ptr, size: number, callee: (...args: never[]) => unknown): void {
    this.#registry.register(block, { ptr, size, site: this.#hasSites ? siteOf(callee) : undefined }, block);
  }

  forget(block: OwnedBlock): void {
    this.#registry.unregister(block);
  }
}

function siteOf(callee: (...args: never[]) => unknown): string | undefined {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callee);
  return holder.stack?.split("\n").slice(1).join("\n");
}

function report({ ptr, size, site }: Tracked, isFreed: boolean): string {
  const what = `hakmem: an owned block of ${size} bytes at ${hex(ptr)} was collected without being freed; it is ${
    isFreed ? "freed now" : "still live"
  }`;
  return site === undefined || site === "" ? `${what}.` : `${what}. It was allocated\n${site}`;
}
