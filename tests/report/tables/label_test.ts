import { assertEquals } from "@std/assert";
import { DEFAULT_VARIANT } from "../../../src/heap/mod.ts";
import { heapLabel, labelOf, nameOf } from "../../../src/report/mod.ts";

Deno.test("heapLabel() calls the default variant hakmem, and says which variant any other is", () => {
  assertEquals(heapLabel(DEFAULT_VARIANT), "hakmem");
  assertEquals(heapLabel("e3-2"), "hakmem (e3-2)");
  assertEquals(heapLabel(`${DEFAULT_VARIANT},refill=32`), `hakmem (${DEFAULT_VARIANT},refill=32)`);
});

Deno.test("labelOf() tells own heaps and the two do-nothing allocators apart, and keeps the names of peers", () => {
  assertEquals(labelOf({ allocator: DEFAULT_VARIANT, runtime: "deno", heaps: "own" }), "hakmem, own heaps");
  assertEquals(labelOf({ allocator: "e4", runtime: "deno", heaps: "own" }), "hakmem (e4), own heaps");
  assertEquals(labelOf({ allocator: "none", runtime: "harness", host: "native" }), "none (native)");
  assertEquals(labelOf({ allocator: "thi.ng", runtime: "js", heaps: "own" }), "thi.ng");
});

Deno.test("nameOf() calls our heap hakmem in files of older versions, too: without a label, or with the variant's", () => {
  const ours = { allocator: DEFAULT_VARIANT, runtime: "deno", host: "deno" } as const;
  assertEquals(nameOf(ours), "hakmem");
  assertEquals(nameOf({ ...ours, label: DEFAULT_VARIANT }), "hakmem");
  assertEquals(nameOf({ ...ours, allocator: "e4", label: "e4" }), "hakmem (e4)");
  assertEquals(nameOf({ ...ours, heaps: "own", label: `${DEFAULT_VARIANT}, own heaps` }), "hakmem, own heaps");
  assertEquals(nameOf({ ...ours, label: "mine" }), "mine");
  const peer = { allocator: "mimalloc", runtime: "native", host: "native" } as const;
  assertEquals(nameOf({ ...peer, label: "mimalloc 3.4.3" }), "mimalloc 3.4.3");
  assertEquals(nameOf(peer), "mimalloc");
});
