import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type BlockId, BlockTable } from "../../src/traces/block_table.ts";

/** Names that meet in the table as well as names that lie apart, and those that are not numbers. */
const NAMES: readonly BlockId[] = [
  ...Array.from({ length: 60 }, (_, index) => 0x55d0b4827000 + 16 * index),
  ...Array.from({ length: 60 }, (_, index) => index * 2 ** 32),
  ...Array.from({ length: 20 }, (_, index) => -index),
  2 ** 53 - 1,
  1e30,
  0.5,
  0xb400007fedcba980n,
  "unnamed 1",
];

Deno.test("BlockTable does what a Map does", () => {
  const step = fc.record({ isAdded: fc.boolean(), name: fc.constantFrom(...NAMES) });
  fc.assert(fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
    const table = new BlockTable(), expected = new Map<BlockId, number>();
    steps.forEach(({ isAdded, name }, index) => {
      if (isAdded && !expected.has(name)) {
        table.add(name, index + 1);
        expected.set(name, index + 1);
      } else {
        assertEquals(table.take(name), expected.get(name) ?? 0);
        expected.delete(name);
      }
    });
    assertEquals(table.size, expected.size);
    for (const name of NAMES) assertEquals(table.get(name), expected.get(name) ?? 0, String(name));
  }));
});

Deno.test("BlockTable keeps what it has when it grows and shrinks", () => {
  const table = new BlockTable(), count = 20_000, name = (index: number) => 0x7f00_0000_0000 + 48 * index;
  for (let index = 0; index < count; index++) table.add(name(index), index + 1);
  for (let index = 0; index < count; index += 2) assertEquals(table.take(name(index)), index + 1);
  assertEquals(table.size, count / 2);
  for (let index = 0; index < count; index++) assertEquals(table.get(name(index)), index % 2 === 0 ? 0 : index + 1);
});
