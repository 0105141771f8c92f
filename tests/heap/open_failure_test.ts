/** `Heap.open` that fails, at whatever step, leaves no memory behind. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { openWith } from "../../src/heap/inspect/mod.ts";
import { Journal } from "../../src/heap/state/journal.ts";
import { addressOfView, openVirtualMemory } from "../../src/os/mod.ts";
import { Death, Life, MortalJournal } from "./state/mortal.ts";

for (const build of ["release", "debug"] as const) {
  Deno.test(`Heap.open that fails at any step leaves no reservation behind (${build})`, async () => {
    const system = await openVirtualMemory();
    const bases: bigint[] = [];
    let failures = 0;
    try {
      for (let step = -1, isOver = false; !isOver; step += 1 + (Math.max(0, step) >> 2)) {
        const life = new Life();
        life.left = step;
        const make = (words: Int32Array) => {
          bases.push(addressOfView(new Uint8Array(words.buffer, 0, 1)));
          if (step < 0) throw new Death(); // it cannot even be viewed
          return new MortalJournal(words, life);
        };
        try {
          using heap = await openWith(make, { build });
          isOver = true;
          heap.check();
        } catch (error) {
          if (!(error instanceof Death)) throw error;
          failures++;
        }
        assert(bases.length > 0);
        for (const base of bases.splice(0)) assert(!system.isMapped(base), "the heap's memory is still there");
        life.left = Infinity;
      }
    } finally {
      system.close();
    }
    assert(failures > 20, `${failures} failures`);
  });
}

Deno.test("a variant that is shared from the start, and cannot be, leaves nothing behind", async () => {
  const system = await openVirtualMemory();
  let base = 0n;
  const make = (words: Int32Array) => {
    base = addressOfView(new Uint8Array(words.buffer, 0, 1));
    const journal = new Journal(words);
    journal.share = () => {
      throw new Death();
    };
    return journal;
  };
  try {
    await assertRejects(() => openWith(make, { variant: "slab-map,shared=1" }), Death);
    assertEquals([base > 0n, system.isMapped(base)], [true, false]);
  } finally {
    system.close();
  }
});
