/** Fields may have any name, those that the compiled accessors have for themselves too. */
import { assertEquals } from "@std/assert";
import { array, Heap, struct } from "../../../mod.ts";

Deno.test("fields that are structs or arrays have any name", async () => {
  using heap = await Heap.open();
  const Pair = struct({ x: "i32", y: "f64" });
  for (const name of ["place", "memory", "f64", "i32"]) {
    using items = heap.structs(struct({ score: "f64", [name]: Pair, more: array(Pair, 2) }), 2);
    const item = items.at(1);
    item.score = 1.5;
    Object.assign(item[name] as object, { x: 7, y: 2.5 });
    const { x, y } = item[name] as { x: number; y: number };
    assertEquals([item.score, x, y, item.more.at(1).x], [1.5, 7, 2.5, 0], name);
  }
});
