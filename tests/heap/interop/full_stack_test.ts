/**
 * Calls that make blocks, and fill them or have objects for them, where the stack is nearly full: whatever ends in the
 * middle, each block is the program's, or is free again by the time that the next is made.
 */

import { assert, assertEquals } from "@std/assert";
import { Heap, type NativeAllocator, type Scope, struct } from "../../../mod.ts";

const Person = struct({ id: "i32", name: "cstring" });

/** What a call has to work with; what it could not end is ended with room. */
interface Given {
  readonly heap: Heap;
  readonly scope: Scope;
  readonly allocator: NativeAllocator;
  readonly inScope: number;
  readonly unended: Disposable[];
}

/** Makes one thing, and gives how many blocks it has. */
const CALLS: Readonly<Record<string, (given: Given) => number>> = {
  own: ({ heap }) => heap.own(100).ptr && 1,
  cstring: ({ heap }) => heap.cstring("häkmem") && 1,
  "cstring in UTF-16": ({ heap }) => heap.cstring("häkmem", { encoding: "utf16" }) && 1,
  cstrings: ({ heap }) => heap.cstrings(["a", "bc"]) && 1,
  copyIn: ({ heap }) => heap.copyIn(new Uint8Array(20)) && 1,
  out: ({ heap }) => heap.out("u64") && 1,
  structs: ({ heap }) => heap.structs(Person, 3) && 1,
  keep: ({ scope, inScope }) => scope.keep(inScope) && 1,
  table: ({ allocator }) => (allocator.table("free"), 0),
  scope: ({ heap, unended }) => {
    const scope = heap.scope();
    try {
      for (const size of [10, 20_000, 50_000, 10]) scope.alloc(size);
      scope[Symbol.dispose]();
    } catch (error) {
      unended.push(scope);
      throw error;
    }
    return 0;
  },
};

for (const [name, call] of Object.entries(CALLS)) {
  Deno.test(`${name}: with any stack that is left no block is lost`, async () => {
    using heap = await Heap.open({ reserveBytes: 2 ** 30 });
    const scope = heap.scope(), allocator = heap.nativeAllocator();
    allocator.table("free", "malloc");
    const given: Given = { heap, scope, allocator, inScope: scope.alloc(16), unended: [] };
    if (name === "table") allocator.table("free");
    const before = heap.stats().liveBlocks;
    const fall = (left: number): number => left === 0 ? call(given) : fall(left - 1);
    let blocks = 0, overflows = 0, depth = 1000;
    const isRoom = (): boolean => {
      try {
        blocks += fall(depth);
        return true;
      } catch (error) {
        assert(error instanceof RangeError, String(error));
        overflows++;
        return false;
      }
    };
    // More than once: frames become shorter when V8 compiles them.
    while (overflows < 300) {
      while (isRoom()) depth = Math.ceil(depth * 1.1);
      for (let rooms = 0; rooms < 40; depth--) if (isRoom()) rooms++;
    }
    for (const unended of given.unended) unended[Symbol.dispose]();
    heap.own(1)[Symbol.dispose]();
    assertEquals(heap.stats().liveBlocks - before, blocks);
    heap.check();
  });
}

Deno.test("a block for which onPressure has made room, and taken the views away, is given back", async () => {
  for (const build of ["release", "debug"] as const) {
    using heap: Heap = await Heap.open({
      build,
      maxBytes: 2 ** 20,
      log: () => {},
      onPressure: () => {
        heap.free(most);
        structuredClone(null, { transfer: [heap.u8.buffer] });
      },
    });
    const most = heap.malloc(900_000);
    let code = "";
    try {
      heap.copyIn(new Uint8Array(900_000));
    } catch (error) {
      code = (error as { code: string }).code;
    }
    assertEquals([code, heap.stats().liveBlocks], ["HEAP_DETACHED", 0]);
  }
});
