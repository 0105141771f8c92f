/**
 * C's `qsort` over structs, with a comparison in TypeScript. `deno run --allow-ffi bench/examples/qsort.ts`
 */
import { chars, Heap, openLibrary, signature, struct } from "../../mod.ts";

using libc = openLibrary(Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6", {
  qsort: "void (pointer, usize, usize, function)",
});

const City = struct({ name: chars(16), population: "u32", area: "f64" });

using heap = await Heap.open();
using cities = heap.structs(City, 4);
cities.set(0, { name: "Lyon", population: 522_000, area: 47.9 });
cities.set(1, { name: "Porto", population: 231_000, area: 41.4 });
cities.set(2, { name: "Graz", population: 302_000, area: 127.6 });
cities.set(3, { name: "Malmö", population: 362_000, area: 76.8 });

// What C passes are addresses of two structs; a cursor leads to each.
const a = heap.cursor(City), b = heap.cursor(City);
const density = ({ population, area }: { population: number; area: number }) => population / area;
const compare = new Deno.UnsafeCallback(
  signature("i32 (u64, u64)"),
  (left, right) => Math.sign(density(b.of(right)) - density(a.of(left))),
);
libc.symbols.qsort(cities.pointer, BigInt(cities.length), BigInt(City.size), compare.pointer);
compare.close();

for (let i = 0; i < cities.length; i++) {
  const city = cities.at(i);
  console.log(city.name, density(city).toFixed(0));
}
