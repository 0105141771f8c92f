/** Ranges that are named by a pointer and a length: views, copies, and what they refuse. */

import { assertEquals, assertThrows } from "@std/assert";
import {
  BufferOverflowError,
  Heap,
  HeapClosedError,
  HeapDetachedError,
  InvalidAlignmentError,
  InvalidPointerError,
  InvalidSizeError,
} from "../../../src/heap/mod.ts";

for (const build of ["release", "debug"] as const) {
  Deno.test(`view(), dataView(), copyIn(), copyOut() and fill() reach a live block's bytes, anywhere in it (${build})`, async () => {
    using heap = await Heap.open({ build });
    for (const size of [160, 100_000]) {
      const ptr = heap.calloc(1, size);
      const view: Float64Array = heap.view(Float64Array, ptr + 80, 10);
      view.set([1, 2, 3]);
      assertEquals(heap.dataView(ptr + 88, 8).getFloat64(0, true), 2);
      assertEquals(heap.copyOut(ptr + 80, 8), new Uint8Array(new Float64Array([1]).buffer));
      heap.fill(ptr + 1, 255, 3);
      assertEquals([...heap.view(Uint8Array, ptr, 5)], [0, 255, 255, 255, 0]);
      assertEquals(heap.view(BigInt64Array, ptr + 8, 1)[0], 0n);
      assertEquals(heap.u64[ptr / 8], 0xffffff00n);
      heap.i64[ptr / 8] = -2n;
      assertEquals(heap.u64[ptr / 8], 2n ** 64n - 2n);
      assertEquals(heap.view(Uint8Array, ptr, 0).length, 0);
      heap.free(ptr);
    }
    for (
      const bytes of [
        new Uint8Array([1, 2, 3]),
        new Uint8Array([1, 2, 3]).buffer,
        new DataView(new Uint8Array([1, 2, 3]).buffer),
      ]
    ) {
      using block = heap.adopt(heap.copyIn(bytes));
      assertEquals([...heap.copyOut(block.ptr, 3)], [1, 2, 3]);
    }
    using empty = heap.adopt(heap.copyIn(new Uint8Array()));
    assertEquals(heap.owns(empty.ptr), true);
  });

  Deno.test(`a range that is not in a live block is an error (${build})`, async () => {
    using heap = await Heap.open({ build });
    const ptr = heap.malloc(100), most = heap.usableSize(ptr);
    const calls: ((at: number, length: number) => unknown)[] = [
      (at, length) => heap.view(Uint8Array, at, length),
      (at, length) => heap.dataView(at, length),
      (at, length) => heap.copyOut(at, length),
      (at, length) => heap.fill(at, 0, length),
    ];
    for (const call of calls) {
      call(ptr + most - 1, 1);
      assertThrows(() => call(ptr, most + 1), BufferOverflowError);
      assertThrows(() => call(ptr + 16, most - 15), BufferOverflowError);
      for (const wrong of [-1, 1.5, NaN, "a" as unknown as number]) {
        assertThrows(() => call(ptr, wrong), InvalidSizeError);
      }
      for (const wrong of [ptr + most + 4096 * 1024, -16, 1.5, 2 ** 46, NaN, 16n as unknown as number]) {
        assertThrows(() => call(wrong, 1), InvalidPointerError);
      }
    }
    assertThrows(() => heap.view(Float64Array, ptr + 4, 1), InvalidAlignmentError);
    assertThrows(() => heap.view(Float64Array, ptr, Math.floor(most / 8) + 1), BufferOverflowError);
    assertThrows(() => heap.view(Map as unknown as Uint8ArrayConstructor, ptr, 1), InvalidAlignmentError);
    assertThrows(() => heap.fill(ptr, 256, 1), InvalidSizeError);
    assertThrows(() => heap.copyIn([1, 2] as unknown as Uint8Array), InvalidSizeError);
    heap.u8.buffer.transfer(0);
    assertThrows(() => heap.view(Uint8Array, ptr, 1), HeapDetachedError);
    assertThrows(() => heap.copyOut(ptr, 1), HeapDetachedError);
    assertThrows(() => heap.cstring("a"), HeapDetachedError);
    assertThrows(() => heap.out("i32"), HeapDetachedError);
    heap.close();
    for (const call of calls) assertThrows(() => call(ptr, 1), HeapClosedError);
  });

  Deno.test(`whatever takes a pointer and gets an address says so (${build})`, async () => {
    using heap = await Heap.open({ build });
    const ptr = heap.malloc(16), address = Number(heap.address(ptr));
    const calls: ((at: number) => unknown)[] = [
      (at) => heap.free(at),
      (at) => heap.realloc(at, 10),
      (at) => heap.usableSize(at),
      (at) => heap.bytes(at),
      (at) => heap.address(at),
      (at) => heap.pointer(at),
      (at) => heap.adopt(at),
      (at) => heap.view(Uint8Array, at, 1),
      (at) => heap.readCString(at),
    ];
    for (const call of calls) {
      const { message } = assertThrows(() => call(address), InvalidPointerError);
      assertEquals(message.includes("looks like a native address: heap.ptrAt()"), true, message);
    }
    for (const call of calls.slice(0, -1)) {
      const { message } = assertThrows(() => call(heap.address(ptr) as unknown as number), InvalidPointerError);
      assertEquals(message.includes("heap.ptrAt()"), true, message);
    }
  });
}

Deno.test("a debug build says of a pointer that it is one of another heap's", async () => {
  using heap = await Heap.open({ build: "debug" });
  using other = await Heap.open({ build: "debug" });
  const ptrs = Array.from({ length: 100 }, () => other.malloc(1000)), ptr = ptrs.at(-1)!;
  const { message } = assertThrows(() => heap.free(ptr), InvalidPointerError);
  assertEquals(message.includes("another heap has a live block there"), true, message);
  ptrs.forEach((ptr) => other.free(ptr));
  const second = assertThrows(() => heap.free(ptr), InvalidPointerError);
  assertEquals(second.message.includes("another heap"), false, second.message);
});
