/**
 * What a heap has for programs that call C, in one object: `Heap`'s methods for them are calls of it.
 *
 * @module
 */

import type { VirtualMemory } from "../../os/mod.ts";
import type { CallSites, Ptr } from "../blocks.ts";
import { assertSize, hex, InvalidPointerError, type OutOfMemoryError } from "../errors.ts";
import { CStrings } from "./text/cstrings.ts";
import type { HeapAccess, Source } from "./heap_access.ts";
import { Making } from "./making.ts";
import { type OutParameter, outParameter, type OutType, type OutValue } from "./out.ts";
import { OwnedBlock, type OwnedParts, type OwnedTracker } from "./owned.ts";
import { assertViews, bytesOf, Ranges } from "./ranges.ts";
import { OpenScopes, Scope, type ScopeParts } from "./scope.ts";
import { makeStructs, type Ownership, type StructArray, StructCursor, structsAt } from "./structs/array.ts";
import { StructMemory } from "./structs/memory.ts";
import { placesOf } from "./structs/describe.ts";
import type { Fields, StructType } from "./structs/types.ts";

/** See the module. */
export class Interop implements ScopeParts, OwnedParts {
  readonly heap: HeapAccess;
  readonly scopes: OpenScopes = new OpenScopes();
  readonly ranges: Ranges;
  readonly making: Making;
  readonly strings: CStrings;
  readonly outOfMemory: (size: number, message?: string) => OutOfMemoryError;
  readonly tracker: OwnedTracker | undefined;
  #whole: StructMemory | undefined;

  /**
   * @param base native address of the heap.
   * @param tracker if owned blocks are tracked.
   * @param callSites of a build that keeps stacks.
   */
  constructor(
    heap: HeapAccess,
    system: VirtualMemory,
    base: bigint,
    tracker: OwnedTracker | undefined,
    callSites: CallSites | undefined,
    outOfMemory: (size: number, message?: string) => OutOfMemoryError,
  ) {
    this.heap = heap;
    this.ranges = new Ranges(heap, this.scopes, outOfMemory);
    this.making = new Making(heap, callSites);
    this.strings = new CStrings(heap, this.ranges, this.making, system, base);
    this.tracker = tracker;
    this.outOfMemory = outOfMemory;
  }

  get whole(): StructMemory {
    return this.#whole ??= new StructMemory(this.heap, this.strings, 0, undefined, undefined);
  }

  /** @param callee which the program called. */
  own(size: number, callee: (size: number) => unknown): OwnedBlock {
    const { tracker } = this;
    this.making.giveBack();
    if (tracker === undefined) return new OwnedBlock(this, size, 0);
    return this.making.make(this.heap, size, (ptr) => this.#tracked(tracker, ptr, size, callee));
  }

  adopt(ptr: Ptr, callee: (ptr: Ptr) => unknown): OwnedBlock {
    const size = this.heap.usableSize(ptr), { tracker } = this;
    if (ptr === 0) {
      throw new InvalidPointerError("NULL: there is no block to adopt. alloc() throws where malloc() returns NULL.", 0);
    }
    return tracker === undefined ? new OwnedBlock(this, size, ptr) : this.#tracked(tracker, ptr, size, callee);
  }

  #tracked(tracker: OwnedTracker, ptr: Ptr, size: number, callee: (value: number) => unknown): OwnedBlock {
    const block = new OwnedBlock(this, size, ptr);
    tracker.watch(block, ptr, size, callee);
    return block;
  }

  scope(): Scope {
    return new Scope(this);
  }

  copyIn(bytes: ArrayBuffer | SharedArrayBuffer | ArrayBufferView): Ptr {
    const source = bytesOf(bytes);
    assertViews(this.heap);
    return this.making.make(this.heap, source.length, (ptr) => this.ranges.write(ptr, source));
  }

  out<Type extends OutType>(type: Type): OutParameter<OutValue<Type>> {
    return outParameter(this.heap, this.whole, this.making, this.heap, this.heap.free, type);
  }

  structs<F extends Fields>(type: StructType<F>, length: number): StructArray<F> {
    return makeStructs(this.heap, this.strings, this.making, this.heap, () => this.#ownership(), type, length);
  }

  structsAt<F extends Fields>(type: StructType<F>, ptr: Ptr, length: number): StructArray<F> {
    placesOf(type);
    assertSize(length, "length");
    this.ranges.assert(ptr, type.size * length);
    if (ptr % type.alignment !== 0) {
      throw new InvalidPointerError(`${hex(ptr)}: such a struct lies at a multiple of ${type.alignment} bytes.`, ptr);
    }
    assertViews(this.heap);
    return structsAt(this.heap, this.strings, type, ptr, length);
  }

  cursor<F extends Fields>(type: StructType<F>): StructCursor<F> {
    placesOf(type);
    return new StructCursor(this.heap, this.whole, type, 0, 0);
  }

  /** Strings in a scope of their own, which most arrays do not need. */
  #ownership(): Ownership {
    let scope: Scope | undefined;
    const texts: Source = { alloc: (size) => (scope ??= this.scope()).alloc(size) };
    return { texts, free: (ptr) => this.heap.free(ptr), freeTexts: () => scope?.[Symbol.dispose]() };
  }
}
