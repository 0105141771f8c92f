/** C's `qsort` over structs in the heap, with a comparison in TypeScript, and what comes back is what TypeScript sorts. */
import { assertEquals } from "@std/assert";
import { Heap, struct } from "../../mod.ts";

const LIBC = Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
const Item = struct({
  id: "i32",
  score: "f64",
  name: "cstring",
  place: struct({ x: "f32", y: "f32", far: "i64" }),
  tag: "u8",
});

for (const build of ["release", "debug"] as const) {
  const count = build === "debug" ? 3000 : 20_000;
  Deno.test(`qsort sorts ${count} structs of a ${build} heap by a comparison that reads them`, async () => {
    const library = Deno.dlopen(LIBC, {
      qsort: { parameters: ["pointer", "usize", "usize", "function"], result: "void" },
    });
    using heap = await Heap.open({ build });
    const left = heap.cursor(Item), right = heap.cursor(Item);
    const compare = new Deno.UnsafeCallback(
      { parameters: ["u64", "u64"], result: "i32" },
      (a, b) => Math.sign(left.of(a).score - right.of(b).score),
    );
    try {
      using items = heap.structs(Item, count);
      const values = Array.from({ length: count }, (_, id) => ({
        id,
        score: Math.sin(id * 7.1),
        name: `n${id}`,
        place: { x: id / 2, y: -id, far: BigInt(id) * 1_000_000_007n },
        tag: id & 255,
      }));
      for (const [index, value] of values.entries()) items.set(index, value);
      library.symbols.qsort(items.pointer, BigInt(count), BigInt(Item.size), compare.pointer);
      values.sort((a, b) => a.score - b.score);
      for (const [index, value] of values.entries()) {
        const { id, score, name, place, tag } = items.at(index);
        assertEquals({ id, score, name, place: { x: place.x, y: place.y, far: place.far }, tag }, value);
      }
      heap.check();
    } finally {
      compare.close();
      library.close();
    }
    assertEquals(heap.stats().liveBlocks, 0);
  });
}
