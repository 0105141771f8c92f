/** Out-parameters, of C functions and by hand. */

import { assertEquals, assertThrows } from "@std/assert";
import { Heap, HeapDetachedError, struct, UseAfterFreeError } from "../../../src/heap/mod.ts";
import { LIBC } from "./c_compiler.ts";

for (const build of ["release", "debug"] as const) {
  Deno.test(`out() is zero at first, holds what is written, and is freed (${build})`, async () => {
    using heap = await Heap.open({ build });
    {
      using a = heap.out("i32"), b = heap.out("u64"), c = heap.out("pointer"), d = heap.out("f64");
      using e = heap.out(struct({ x: "i8", y: "i32" })), f = heap.out("cstring"), g = heap.out("bool");
      assertEquals([a.value, b.value, c.value, d.value, e.value.y, f.value, g.value], [0, 0n, null, 0, 0, null, false]);
      a.value = -5;
      b.value = 2n ** 63n;
      c.value = a.pointer;
      e.value = { x: 1, y: 2 };
      heap.u64[f.ptr / 8] = heap.address(heap.cstring("häh"));
      assertEquals([a.value, b.value, e.value.x, e.value.y, f.value], [-5, 2n ** 63n, 1, 2, "häh"]);
      assertEquals(heap.ptrAt(c.value), a.ptr);
      heap.free(heap.ptrAt(heap.u64[f.ptr / 8]!));
    }
    assertEquals(heap.stats().liveBlocks, 0);
    const out = heap.out("i32");
    out[Symbol.dispose]();
    out[Symbol.dispose]();
    for (const call of [() => out.value, () => out.ptr, () => out.pointer, () => out.value = 1]) {
      assertThrows(call, UseAfterFreeError);
    }
    using scope = heap.scope();
    using inScope = scope.out("i64");
    inScope.value = -1n;
    assertEquals(inScope.value, -1n);
  });

  Deno.test(`C writes to out-parameters (${build})`, async () => {
    const libc = Deno.dlopen(LIBC, {
      strtol: { parameters: ["pointer", "pointer", "i32"], result: "i64" },
      frexp: { parameters: ["f64", "pointer"], result: "f64" },
    });
    using heap = await Heap.open({ build });
    {
      using scope = heap.scope();
      using end = heap.out("cstring"), exponent = heap.out("i32");
      assertEquals(libc.symbols.strtol(heap.pointer(scope.cstring("1234 and more")), end.pointer, 10), 1234n);
      assertEquals(end.value, " and more");
      assertEquals([libc.symbols.frexp(40, exponent.pointer), exponent.value], [0.625, 6]);
    }
    assertEquals(heap.stats().liveBlocks, 0);
    libc.close();
  });
}

for (const build of ["release", "debug"] as const) {
  Deno.test(`after() is what a call writes, and zero where it writes nothing (${build})`, async () => {
    const libc = Deno.dlopen(LIBC, {
      frexp: { parameters: ["f64", "pointer"], result: "f64" },
      frexpLater: { name: "frexp", parameters: ["f64", "pointer"], result: "f64", nonblocking: true },
    });
    using heap = await Heap.open({ build });
    {
      using out = heap.out("i32"), pair = heap.out(struct({ x: "i8", y: "i32" }));
      assertEquals(out.after((at) => libc.symbols.frexp(40, at)), 6);
      assertEquals(out.after(() => 1), 0);
      assertEquals(await out.after((at) => libc.symbols.frexpLater(3, at)), 2);
      pair.value = { x: 1, y: 2 };
      const { x, y } = pair.after((at) => heap.i32[heap.ptrAt(at) / 4 + 1] = 7);
      assertEquals([x, y], [0, 7]);
      assertThrows(
        () =>
          out.after(() => {
            throw new Error("refused");
          }),
        Error,
        "refused",
      );
    }
    const ended = heap.out("i32");
    ended[Symbol.dispose]();
    assertThrows(() => ended.after(() => 1), UseAfterFreeError);
    const detached = heap.out("i32");
    structuredClone(heap.u8, { transfer: [heap.u8.buffer] });
    let isCalled = false;
    assertThrows(() => detached.after(() => isCalled = true), HeapDetachedError);
    assertEquals(isCalled, false);
    libc.close();
  });
}
