/** The page heap alone: random takes and gives against a plain list of what each granule is part of. */

import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { openVirtualMemory } from "../../../src/os/mod.ts";
import { HeapMemory } from "../../../src/heap/state/memory.ts";
import { PageHeap } from "../../../src/heap/core/page_heap.ts";
import { LOG_OFFSET, MIB, SLAB_BYTES, WORD_DIRTY_GRANULES } from "../../../src/heap/state/layout.ts";

const RESERVE = 64 * MIB;
const GRANULES = RESERVE / SLAB_BYTES;
const FIRST = 2 * MIB / SLAB_BYTES;

interface Owned {
  first: number;
  granules: number;
}

const action = fc.oneof(
  fc.record({ kind: fc.constant("large" as const), granules: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant("large" as const), granules: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("superslab" as const), granules: fc.constant(32) }),
  fc.record({ kind: fc.constant("give" as const), granules: fc.nat(1000) }),
  fc.record({ kind: fc.constant("give" as const), granules: fc.nat(1000) }),
  fc.record({ kind: fc.constant("resize" as const), granules: fc.integer({ min: 1, max: 100 }), which: fc.nat(1000) }),
  fc.record({ kind: fc.constant("purge" as const), granules: fc.constant(0) }),
);

Deno.test("PageHeap agrees with a list of owners in random takes, gives, growths and purges", async () => {
  const system = await openVirtualMemory(); // this one is for the test; each memory has and closes one of its own
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 300, size: "max" }), async (actions) => {
      const memory = HeapMemory.reserve(await openVirtualMemory(), RESERVE, false, RESERVE);
      try {
        const pages = new PageHeap(memory), owned: Owned[] = [], owners = new Array<Owned | undefined>(GRANULES);
        const own = (first: number, granules: number): void => {
          if (first === 0) return;
          assert(first >= FIRST && first + granules <= GRANULES, "inside");
          const owner = { first, granules };
          for (let granule = first; granule < first + granules; granule++) {
            assertEquals(owners[granule], undefined, `granule ${granule} was given out twice`);
            owners[granule] = owner;
            memory.u8[granule * SLAB_BYTES] = 1;
          }
          owned.push(owner);
        };
        const disown = (owner: Owned): void => {
          owned.splice(owned.indexOf(owner), 1);
          owners.fill(undefined, owner.first, owner.first + owner.granules);
        };
        for (const next of actions) {
          if (next.kind === "large") own(memory.journal.run(() => pages.takeLarge(next.granules)), next.granules);
          if (next.kind === "purge") pages.purge();
          if (next.kind === "superslab") {
            const first = memory.journal.run(() => pages.takeSuperslab());
            assertEquals(first % 32, 0);
            own(first, 32);
          }
          const owner = owned[(next.kind === "resize" ? next.which : next.granules) % Math.max(1, owned.length)];
          if (owner === undefined) continue;
          if (next.kind === "give") {
            disown(owner);
            memory.journal.run(() => pages.give(owner.first));
            pages.trim();
          }
          if (next.kind === "resize") {
            const shrinks = next.granules <= owner.granules;
            if (shrinks) memory.journal.run(() => pages.shrinkInPlace(owner.first, next.granules));
            if (shrinks || memory.journal.run(() => pages.growInPlace(owner.first, next.granules))) {
              disown(owner);
              own(owner.first, next.granules);
              assertEquals(pages.granulesOf(owner.first), next.granules);
            }
          }
          assertEquals(pages.findDamage(), undefined);
        }
        for (const owner of [...owned]) memory.journal.run(() => pages.give(owner.first));
        pages.purge();
        assertEquals(pages.findDamage(), undefined);
        assertEquals(
          memory.journal.run(() => pages.takeLarge(GRANULES - FIRST)),
          FIRST,
          "all is free, and in one span",
        );
      } finally {
        memory.close();
      }
    }),
    { numRuns: 60, seed: 3 },
  );
  system.close();
});

Deno.test("PageHeap takes the shortest span that fits", async () => {
  const memory = HeapMemory.reserve(await openVirtualMemory(), RESERVE, false, RESERVE);
  try {
    const pages = new PageHeap(memory);
    memory.journal.run(() => {
      const spans = [10, 1, 6, 1, 8, 1].map((granules) => pages.takeLarge(granules));
      for (const index of [0, 2, 4]) pages.give(spans[index]!);
      assertEquals(pages.takeLarge(7), spans[4]);
      assertEquals(pages.takeLarge(5), spans[2]);
      assertEquals(pages.takeLarge(5), spans[0]);
    });
  } finally {
    memory.close();
  }
});

Deno.test("purge() joins clean and dirty neighbours", async () => {
  const memory = HeapMemory.reserve(await openVirtualMemory(), RESERVE, false, RESERVE);
  try {
    const pages = new PageHeap(memory),
      take = (granules: number) => memory.journal.run(() => pages.takeLarge(granules));
    const half = take((GRANULES - FIRST) / 2);
    memory.journal.run(() => pages.give(half));
    assertEquals(take(GRANULES - FIRST), 0);
    pages.purge();
    assertEquals(take(GRANULES - FIRST), FIRST);
  } finally {
    memory.close();
  }
});

Deno.test("what is purged is purged in parts, and trim() leaves what may lie idle", async () => {
  const system = await openVirtualMemory(), parts: number[] = [];
  const purge = (address: bigint, bytes: number): void => {
    parts.push(bytes);
    system.purge(address, bytes);
  };
  const watched = new Proxy(system, {
    get: (target, name) => name === "purge" ? purge : Reflect.get(target, name, target),
  });
  const memory = HeapMemory.reserve(watched, 2 * RESERVE, false, 2 * RESERVE);
  try {
    const { journal, words } = memory, pages = new PageHeap(memory), idle = 32 * MIB / SLAB_BYTES;
    const [first, second] = journal.run(() => [pages.takeLarge(idle + 96), pages.takeLarge(10)]);
    journal.run(() => pages.give(first!));
    pages.trim();
    assertEquals(words[WORD_DIRTY_GRANULES], idle);
    journal.run(() => pages.give(second!)); // ten granules too many
    pages.trim();
    assertEquals(words[WORD_DIRTY_GRANULES], idle + 10 - 2 * MIB / SLAB_BYTES);
    pages.purge();
    assertEquals(words[WORD_DIRTY_GRANULES], 0);
    assertEquals(pages.findDamage(), undefined);
    assert(parts.length > 10 && parts.every((bytes) => bytes <= 2 * MIB), `purged at once: ${parts}`);
  } finally {
    memory.close();
  }
});

Deno.test("a section that throws leaves no trace, wherever it does", async () => {
  const memory = HeapMemory.reserve(await openVirtualMemory(), RESERVE, false, RESERVE);
  try {
    const { journal, words } = memory, pages = new PageHeap(memory);
    const used = journal.run(() => [3, 40, 5].map((granules) => pages.takeLarge(granules)));
    const before = words.slice(0, memory.stateBytes / 4);
    class Stop extends Error {}
    assertThrows(() =>
      journal.run(() => {
        pages.give(used[1]!);
        pages.takeSuperslab();
        pages.growInPlace(used[0]!, 7);
        pages.give(used[2]!);
        throw new Stop();
      }), Stop);
    before.forEach((word, index) => {
      if (index * 4 < LOG_OFFSET && word !== words[index]) throw new Error(`word ${index} is ${words[index]}`);
    });
    assertEquals(pages.findDamage(), undefined);
  } finally {
    memory.close();
  }
});
