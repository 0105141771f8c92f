/** Scopes, in both builds: random ones against a Map of what is live in them, and what happens at their end. */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  BufferOverflowError,
  Heap,
  HeapClosedError,
  HeapError,
  InvalidPointerError,
  InvalidSizeError,
  OutOfMemoryError,
  type Scope,
  UseAfterFreeError,
} from "../../../src/heap/mod.ts";

const size = fc.oneof(
  { weight: 8, arbitrary: fc.nat(200) },
  { weight: 2, arbitrary: fc.nat(8300) },
  { weight: 1, arbitrary: fc.nat(100_000) },
);
const step = fc.oneof(
  { weight: 20, arbitrary: size.map((bytes) => ({ call: "malloc", bytes }) as const) },
  { weight: 3, arbitrary: size.map((bytes) => ({ call: "calloc", bytes }) as const) },
  { weight: 2, arbitrary: size.map((bytes) => ({ call: "alignedAlloc", bytes }) as const) },
  { weight: 3, arbitrary: fc.constant({ call: "nest", bytes: 0 } as const) },
  { weight: 2, arbitrary: fc.constant({ call: "end", bytes: 0 } as const) },
  { weight: 1, arbitrary: fc.constant({ call: "reset", bytes: 0 } as const) },
  { weight: 3, arbitrary: fc.nat(1000).map((bytes) => ({ call: "keep", bytes }) as const) },
);

/** A block, filled with a byte of its own to the last that may be written. */
interface Live {
  readonly ptr: number;
  readonly size: number;
  readonly usable: number;
  readonly fill: number;
}

/** Runs steps on scopes in scopes; each live block keeps what was written to it, whatever else happens. */
function runSteps(heap: Heap, steps: readonly { call: string; bytes: number }[]): void {
  const open: { scope: Scope; live: Live[] }[] = [{ scope: heap.scope(), live: [] }], kept: Live[] = [];
  let fill = 0;
  const verify = ({ ptr, usable, fill }: Live): void =>
    assert(heap.u8.subarray(ptr, ptr + usable).every((byte) => byte === fill), `the block at ${ptr} was written to`);
  for (const { call, bytes } of steps) {
    const { scope, live } = open.at(-1)!;
    switch (call) {
      case "nest":
        open.push({ scope: heap.scope(), live: [] });
        break;
      case "end":
        live.forEach(verify);
        if (open.length > 1) open.pop()!.scope[Symbol.dispose]();
        break;
      case "reset":
        live.forEach(verify);
        scope.reset();
        live.length = 0;
        break;
      case "keep": {
        const block = live.splice(bytes % Math.max(1, live.length), 1)[0];
        if (block === undefined) break;
        const ptr = scope.keep(block.ptr);
        assert(heap.owns(ptr));
        kept.push({ ...block, ptr, usable: block.size });
        break;
      }
      default: {
        const ptr = call === "calloc"
          ? scope.calloc(1, bytes)
          : call === "malloc"
          ? scope.malloc(bytes)
          : scope.alignedAlloc(64, bytes);
        assert(ptr > 0 && heap.address(ptr) % (call === "alignedAlloc" ? 64n : 16n) === 0n);
        if (call === "calloc") assert(heap.u8.subarray(ptr, ptr + bytes).every((byte) => byte === 0));
        const usable = scope.usableSize(ptr);
        assert(usable >= bytes, `${usable} bytes of ${bytes}`);
        const block = { ptr, size: bytes, usable, fill: fill = 1 + (fill + 1) % 200 };
        heap.u8.fill(block.fill, ptr, ptr + usable);
        live.push(block);
      }
    }
  }
  for (const { scope, live } of open.toReversed()) {
    live.forEach(verify);
    scope[Symbol.dispose]();
  }
  kept.forEach(verify);
  assertEquals(heap.stats().liveBlocks, kept.length);
  for (const { ptr } of kept) heap.free(ptr);
  heap.check();
}

for (const build of ["release", "debug"] as const) {
  Deno.test(`scopes in random programs keep their blocks apart, and leave nothing (${build})`, async () => {
    using heap = await Heap.open({ build, stacks: false, quarantineBytes: 0 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
        runSteps(heap, steps);
        assertEquals(heap.stats().liveBlocks, 0);
      }),
      { numRuns: build === "release" ? 150 : 40, seed: 20261127 },
    );
  });

  Deno.test(`a scope ends with an exception, an outer one before an inner one, and twice (${build})`, async () => {
    using heap = await Heap.open({ build });
    assertThrows(
      () => {
        using scope = heap.scope();
        scope.malloc(10);
        throw new Error("out");
      },
      Error,
      "out",
    );
    assertEquals(heap.stats().liveBlocks, 0);
    const outer = heap.scope(), inner = heap.scope();
    const ptr = inner.copyIn(new Uint8Array([1, 2, 3]));
    outer.malloc(100);
    outer[Symbol.dispose]();
    assertEquals([...heap.copyOut(ptr, 3)], [1, 2, 3]);
    inner[Symbol.dispose]();
    inner[Symbol.dispose]();
    assertEquals(heap.stats().liveBlocks, 0);
    for (const call of [() => inner.malloc(1), () => inner.alloc(1), () => inner.cstring("a"), () => inner.reset()]) {
      assertEquals(assertThrows(call, UseAfterFreeError).code, "USE_AFTER_FREE");
    }
  });

  Deno.test(`a scope refuses sizes and pointers as the heap does (${build})`, async () => {
    using heap = await Heap.open({ build });
    using scope = heap.scope();
    for (const wrong of [-1, 1.5, NaN, Infinity, 10n as unknown as number, "8" as unknown as number]) {
      assertThrows(() => scope.malloc(wrong), InvalidSizeError);
    }
    const zero = scope.malloc(0), other = scope.malloc(0);
    assertNotEquals(zero, other);
    const own = heap.malloc(10);
    for (const wrong of [own, zero + 1, 0, 10n as unknown as number]) {
      assertThrows(() => scope.keep(wrong), InvalidPointerError);
      assertThrows(() => scope.usableSize(wrong), InvalidPointerError);
    }
    heap.free(own);
  });

  Deno.test(`a scope's pointer() is what a call of C takes for a text or for bytes (${build})`, async () => {
    using heap = await Heap.open({ build });
    using scope = heap.scope();
    assertEquals(heap.readCString(scope.pointer("häkmem")), "häkmem");
    assertEquals(heap.copyOut(scope.pointer(new Uint16Array([1, 2])), 4), new Uint8Array([1, 0, 2, 0]));
    assertNotEquals(scope.pointer(""), null);
    for (const wrong of [5, 0, null, undefined, 5n, true]) {
      assertEquals(assertThrows(() => scope.pointer(wrong as never), HeapError).code, "INVALID_TYPE");
    }
    assertEquals(assertThrows(() => scope.pointer({} as never), HeapError).code, "INVALID_SIZE");
    assertEquals(assertThrows(() => scope.pointer("a\0b"), HeapError).code, "INVALID_STRING");
    scope[Symbol.dispose]();
    assertEquals(assertThrows(() => scope.pointer("a"), HeapError).code, "USE_AFTER_FREE");
  });

  Deno.test(`a scope without memory gives 0, or an error, and what it has stays (${build})`, async () => {
    using heap = await Heap.open({ build, maxBytes: 1024 * 1024, reserveBytes: 8 * 1024 * 1024, stacks: false });
    using scope = heap.scope();
    let blocks = 0;
    for (let ptr = scope.malloc(4000); ptr !== 0; ptr = scope.malloc(4000)) {
      heap.fill(ptr, 7, 4000);
      blocks++;
    }
    assert(blocks > 100, `${blocks} blocks`);
    const { size, code } = assertThrows(() => scope.alloc(4000), OutOfMemoryError);
    assertEquals([size, code], [4000, "OUT_OF_MEMORY"]);
    scope.reset();
    assertNotEquals(scope.malloc(4000), 0);
  });

  Deno.test(`a scope of a heap that is closed has nothing, and ends without an error (${build})`, async () => {
    const heap = await Heap.open({ build, log: () => {} });
    using scope = heap.scope();
    using inner = heap.scope();
    for (const some of [scope, inner]) some.malloc(10);
    scope.malloc(100_000);
    heap.close();
    for (const call of [() => scope.malloc(10), () => inner.alloc(10), () => scope.cstring("a")]) {
      assertThrows(call, HeapClosedError);
    }
  });

  Deno.test(`a scope takes sizes up to any as the heap does (${build})`, async () => {
    using heap = await Heap.open({ build, maxBytes: 8 * 1024 * 1024 });
    using scope = heap.scope();
    const first = scope.malloc(16);
    for (const size of [2 ** 31 - 1, 2 ** 31 - 16, 2 ** 31, 2 ** 32 + 16, 2 ** 40, 2 ** 60]) {
      assertEquals(scope.malloc(size), 0);
    }
    const next = scope.malloc(16);
    assert(next > first && scope.usableSize(first) >= 16);
  });

  Deno.test(`views and copies reach a scope's blocks, and no further (${build})`, async () => {
    using heap = await Heap.open({ build });
    using scope = heap.scope();
    const first = scope.malloc(64), second = scope.malloc(64);
    heap.view(Uint32Array, first, 16).fill(0x01020304);
    heap.fill(second, 9, 64);
    assertEquals(heap.dataView(first + 60, 4).getUint32(0, true), 0x01020304);
    assertEquals(heap.copyOut(second, 64), new Uint8Array(64).fill(9));
    assertThrows(() => heap.view(Uint8Array, first, 65), BufferOverflowError);
    assertThrows(() => heap.copyOut(first + 60, 5), BufferOverflowError);
  });
}

Deno.test("a debug build finds what is written past a block of a scope, with the stack of its allocation", async () => {
  const lines: string[] = [];
  using heap = await Heap.open({ build: "debug", log: (line) => lines.push(line) });
  const scope = heap.scope();
  function allocateHere(): number {
    return scope.malloc(10);
  }
  const ptr = allocateHere(), other = scope.malloc(10);
  heap.u8[ptr + 10] = 0;
  const error = assertThrows(() => scope[Symbol.dispose](), BufferOverflowError);
  assert(error.message.includes("allocateHere"), error.message);
  assertEquals([heap.owns(ptr), heap.owns(other)], [true, false]); // the others are freed all the same
});

Deno.test("reset() and the end of a scope give the chunks' memory back to the heap, and reset() keeps chunks", async () => {
  using heap = await Heap.open();
  const scope = heap.scope();
  const fill = (): void => {
    for (let i = 0; i < 10_000; i++) scope.malloc(64);
  };
  fill();
  const { liveBytes } = heap.stats();
  for (let round = 0; round < 20; round++) {
    scope.reset();
    fill();
  }
  assertEquals(heap.stats().liveBytes, liveBytes);
  scope[Symbol.dispose]();
  assertEquals(heap.stats().liveBytes, 0);
});

for (const variant of ["slab-map", "box"]) {
  Deno.test(`a scope in a heap with more than 2 GiB of blocks gives pointers as the heap does (${variant})`, async () => {
    using heap = await Heap.open({ variant });
    // Address space alone, until there is nothing left below.
    for (const size of [2 ** 28, 2 ** 20, 2 ** 16]) while (heap.alloc(size) < 2 ** 31);
    const { liveBlocks } = heap.stats(), scope = heap.scope(), ptrs: number[] = [];
    for (let i = 0; i < 100; i++) ptrs.push(scope.malloc(1000));
    for (const [i, ptr] of ptrs.entries()) heap.fill(ptr, i, 1000);
    for (const [i, ptr] of ptrs.entries()) assertEquals(heap.copyOut(ptr, 1000), new Uint8Array(1000).fill(i));
    scope[Symbol.dispose]();
    assertEquals(heap.stats().liveBlocks, liveBlocks);
  });
}
