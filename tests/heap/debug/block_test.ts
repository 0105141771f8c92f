/** Redzones and fills: what was written is found whatever its place, and nothing else is. */
import fc from "fast-check";
import { assertEquals } from "@std/assert";
import {
  fill,
  FILL_FREED,
  FILL_NEW,
  freedDamage,
  frontDamage,
  rearDamage,
  writeRedzones,
} from "../../../src/heap/debug/block.ts";

const BYTES = 64 * 1024;

Deno.test("whatever is written to a freed block, or next to it, is found from its first byte to its last", () => {
  const arbitrary = fc.record({
    inner: fc.integer({ min: 0, max: 100 }).map((at) => at * 16),
    front: fc.constantFrom(16, 64, 8192),
    size: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 20_000 })),
    rear: fc.oneof(fc.integer({ min: 16, max: 40 }), fc.integer({ min: 16, max: 20_000 })),
    writes: fc.array(fc.tuple(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 1, max: 255 })), {
      maxLength: 3,
    }),
  });
  fc.assert(
    fc.property(arbitrary, ({ inner, front, size, rear, writes }) => {
      const u8 = new Uint8Array(BYTES);
      const block = { ptr: inner + front, size, inner, innerBytes: front + size + rear };
      const end = block.ptr + size, innerEnd = inner + block.innerBytes;
      writeRedzones(u8, block);
      fill(u8, block, FILL_NEW);
      fill(u8, block, FILL_FREED);
      assertEquals(freedDamage(u8, block), undefined);
      const guarded = Math.max(inner, block.ptr - 4096);
      const written = new Map(writes.map(([at, change]) => [guarded + at % (innerEnd - guarded), change]));
      for (const [at, change] of written) u8[at]! ^= change;
      const within = (from: number, to: number) => {
        const places = [...written.keys()].filter((at) => at >= from && at < to);
        return places.length === 0 ? undefined : { first: Math.min(...places), last: Math.max(...places) };
      };
      const [before, after] = [within(guarded, block.ptr), within(end, innerEnd)];
      assertEquals([frontDamage(u8, block), rearDamage(u8, block)], [before, after]);
      assertEquals(freedDamage(u8, block), within(block.ptr, end) ?? before ?? after);
    }),
    { numRuns: 1000 },
  );
});
