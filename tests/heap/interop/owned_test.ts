/** Owned blocks, and the reports of those that are forgotten. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Heap, InvalidPointerError, OutOfMemoryError, UseAfterFreeError } from "../../../src/heap/mod.ts";

for (const build of ["release", "debug"] as const) {
  Deno.test(`own() is freed at the end of the scope, also by an exception; adopt() too (${build})`, async () => {
    using heap = await Heap.open({ build });
    {
      using block = heap.own(800);
      using other = heap.adopt(heap.calloc(10, 4));
      assertEquals([block.size, block.bytes.length, block.view(Float64Array).length], [800, 800, 100]);
      assertEquals(other.view(Int32Array).subarray(0, 10), new Int32Array(10));
      block.view(Float64Array).fill(1.5);
      assertEquals(heap.f64[block.ptr / 8 + 99], 1.5);
      assertEquals(heap.ptrAt(block.pointer), block.ptr);
      assertEquals(heap.stats().liveBlocks, 2);
    }
    assertThrows(
      () => {
        using _block = heap.own(10);
        throw new Error("out");
      },
      Error,
      "out",
    );
    assertEquals(heap.stats().liveBlocks, 0);
  });

  Deno.test(`release() gives the ownership up, and a block that has ended says so (${build})`, async () => {
    using heap = await Heap.open({ build });
    const block = heap.own(10), freed = heap.own(10);
    const ptr = block.release();
    block[Symbol.dispose]();
    assert(heap.owns(ptr));
    heap.free(ptr);
    freed[Symbol.dispose]();
    freed[Symbol.dispose]();
    for (const ended of [block, freed]) {
      for (const call of [() => ended.ptr, () => ended.bytes, () => ended.pointer, () => ended.release()]) {
        assertThrows(call, UseAfterFreeError);
      }
    }
    assertEquals(heap.stats().liveBlocks, 0);
  });

  Deno.test(`alloc() and own() say what was asked, what is live, and the limit (${build})`, async () => {
    using heap = await Heap.open({ build, maxBytes: 1024 * 1024 });
    using _live = heap.own(1024);
    for (
      const call of [() => heap.alloc(2_000_000), () => heap.own(2_000_000), () => heap.cstring("x".repeat(2_000_000))]
    ) {
      const error = assertThrows(call, OutOfMemoryError);
      assertEquals([error.code, error.liveBytes, error.maxBytes], ["OUT_OF_MEMORY", 1024, 1024 * 1024]);
      assert(error.size >= 2_000_000 && error.message.includes(String(error.size)));
    }
    assertThrows(() => heap.adopt(12), InvalidPointerError);
  });
}

Deno.test("a debug build's stack of an owned block, a string and structs begins where the program called", async () => {
  using heap = await Heap.open({ build: "debug", log: () => {} });
  function makeThem(): void {
    heap.own(11).release();
    heap.cstring("12 bytes ...");
    heap.copyIn(new Uint8Array(14));
  }
  makeThem();
  for (const leak of heap.leaks()) assert(leak.stack?.trimStart().startsWith("at makeThem"), leak.stack);
  assertEquals(heap.leaks().length, 3);
});

const PROGRAM = `
  import { Heap } from ${JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)};
  const { attaches, ...options } = JSON.parse(Deno.args[0]), lines = [];
  const log = (line) => lines.push(line), { build, ...ofThread } = options;
  const heap = attaches
    ? await Heap.attach((globalThis.opener = await Heap.open({ build })).share(), { ...ofThread, log })
    : await Heap.open({ ...options, log });
  class Holder { block = heap.own(123); }
  function forget() { new Holder(); }
  function keep() { using block = heap.own(321); heap.own(321).release(); }
  forget();
  keep();
  for (let turn = 0; turn < 50 && (options.trackOwned === false || lines.length === 0); turn++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  console.log(JSON.stringify({ lines, live: heap.stats().liveBlocks }));
`;

for (
  const [name, options, isReported, live] of [
    ["a debug build reports", { build: "debug" }, true, 2],
    ["a release build does not report", { build: "release", trackOwned: false }, false, 2],
    ["a release build that is asked to reports", { trackOwned: true }, true, 2],
    ["one that is asked to free frees and reports", { trackOwned: "free" }, true, 1],
    ["a debug build that is attached reports", { attaches: true, build: "debug" }, true, 2],
    ["one that is attached, and asked to free, frees and reports", { attaches: true, trackOwned: "free" }, true, 1],
  ] as const
) {
  Deno.test(`${name} an owned block that was collected without being freed, whose own object holds it`, async () => {
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    try {
      await Deno.writeTextFile(file, PROGRAM);
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "-q", "--no-check", "--v8-flags=--expose-gc", file, JSON.stringify(options)],
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      const said = JSON.parse(new TextDecoder().decode(stdout)) as { lines: string[]; live: number };
      const reports = said.lines.filter((line) => line.includes("collected without being freed"));
      assertEquals(reports.length, isReported ? 1 : 0, said.lines.join("\n"));
      if (isReported) {
        assert(reports[0]!.includes("123 bytes"), reports[0]);
        assert(said.lines.some((line) => line.includes("at forget")), said.lines.join("\n"));
      }
      assertEquals(said.live, live);
    } finally {
      await Deno.remove(file);
    }
  });
}
