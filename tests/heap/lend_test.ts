/** Blocks that are lent to C. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Heap, HeapBusyError, HeapClosedError, InvalidPointerError } from "../../src/heap/mod.ts";

const sleeper = () =>
  Deno.dlopen(Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6", {
    // Sleeps for what the timespec says,.
    nanosleep: { parameters: ["pointer", "pointer"], result: "i32", nonblocking: true },
    memset: { parameters: ["pointer", "i32", "usize"], result: "pointer", nonblocking: true },
  });

for (const build of ["release", "debug"] as const) {
  Deno.test(`close() waits for no loan, it says which blocks are lent, and changes nothing (${build})`, async () => {
    const heap = await Heap.open({ build });
    const ptrs = [heap.malloc(100), heap.malloc(100_000)];
    const loans = [...ptrs, ptrs[0]!].map((ptr) => heap.lend(ptr));
    assertEquals(loans.map(({ ptr }) => ptr), [...ptrs, ptrs[0]]);
    assertEquals(loans.map(({ pointer }) => heap.ptrAt(pointer)), loans.map(({ ptr }) => ptr));
    for (const loan of loans) {
      const error = assertThrows(() => heap.close(), HeapBusyError, `0x${ptrs.at(-1)!.toString(16)}`);
      assertEquals(error.code, "HEAP_BUSY");
      heap.u8[ptrs[0]!] = 7;
      heap.check();
      loan.end();
      loan[Symbol.dispose]();
      if (loan === loans[1]) ptrs.pop();
    }
    heap.close();
    for (const loan of loans) loan.end();
    assertThrows(() => heap.lend(ptrs[0]!), HeapClosedError);
  });

  Deno.test(`a block that is lent is not resized, nor freed by a debug build (${build})`, async () => {
    using heap = await Heap.open({ build });
    const ptr = heap.malloc(100);
    {
      using _lent = heap.lend(ptr);
      assertThrows(() => heap.realloc(ptr, 100_000), HeapBusyError);
      if (build === "debug") assertThrows(() => heap.free(ptr), HeapBusyError);
      assert(heap.owns(ptr));
    }
    heap.free(heap.realloc(ptr, 100_000));
  });
}

Deno.test("only blocks are lent", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(100);
  for (const bad of [ptr + 16, -1, NaN, 2 ** 40, heap.address(ptr) as unknown as number]) {
    assertThrows(() => heap.lend(bad), InvalidPointerError);
  }
});

Deno.test("a stack overflow at any depth of lend(), of the end of a loan and of share() leaves nothing half done", async () => {
  const heap = await Heap.open({ variant: "slab-map,prewarm=0" }), ptr = heap.malloc(100), handles = new Set<number>();
  let loans = 0, failures = 0;
  heap.lend(ptr).end(); // compiled: that takes more stack than the calls
  const dive = (): void => {
    try {
      dive();
    } catch {
      // This is as deep as it goes.
    }
    try {
      using _lent = heap.lend(ptr);
      loans++;
      handles.add(heap.share().identity);
    } catch {
      failures++;
    }
  };
  dive();
  assert(loans > 100 && failures > 10, `${loans} loans, ${failures} failures`);
  assertEquals(handles.size, 1);
  const other = await Heap.attach(heap.share());
  other.free(ptr);
  other.close();
  heap.check();
  heap.close();
});

Deno.test("a nonblocking call works in a block that is lent, and the heap cannot be closed meanwhile", async () => {
  const heap = await Heap.open(), library = sleeper();
  const ptr = heap.malloc(1000), time = heap.malloc(16);
  heap.data.setBigInt64(time, 0n, true);
  heap.data.setBigInt64(time + 8, 20_000_000n, true);
  {
    using slept = heap.lend(time);
    using filled = heap.lend(ptr);
    const calls = [
      library.symbols.nanosleep(slept.pointer, null),
      library.symbols.memset(filled.pointer, 9, 1000n),
    ];
    assertThrows(() => heap.close(), HeapBusyError);
    await Promise.all(calls);
  }
  assertEquals(heap.u8[ptr + 999], 9);
  heap.close();
  library.close();
});
