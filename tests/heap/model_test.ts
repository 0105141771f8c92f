/** Random programs (`programs.ts`) against the oracle. All variants pass the same. */

import { assertEquals } from "@std/assert";
import { Heap, VARIANTS } from "../../src/heap/mod.ts";
import { Oracle } from "../../src/verify/oracle.ts";
import { assertPrograms } from "./programs.ts";

const MIB = 1024 * 1024;

for (const variant of Object.keys(VARIANTS)) {
  Deno.test(`${variant} agrees with the oracle in random programs`, async () => {
    using heap = await Heap.open({ variant });
    assertPrograms(heap, variant === "slab-map" ? 60 : 12, 20261122);
  });
}

Deno.test("slab-map agrees with the oracle with short lists, tiny refills and no checks", async () => {
  using heap = await Heap.open({ variant: "slab-map,capacity=4,refill=1,prewarm=0,interior=0,again=0" });
  assertPrograms(heap, 20, 7);
});

Deno.test("slab-map agrees with the oracle when memory is short", async () => {
  using heap = await Heap.open({ maxBytes: 3 * MIB, reserveBytes: 8 * MIB });
  assertPrograms(heap, 30, 11);
});

Deno.test("the oracle notices a block that is written to from outside", async () => {
  using heap = await Heap.open();
  const oracle = new Oracle(heap);
  const ptr = oracle.malloc(100);
  oracle.audit();
  heap.u8[ptr + 99]! ^= 1;
  let message = "";
  try {
    oracle.verify(ptr);
  } catch (error) {
    message = String(error);
  }
  assertEquals(message.includes("byte 99"), true, message);
});
