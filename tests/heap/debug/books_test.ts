/** The books of a debug build by themselves, against Maps and arrays; with sections that end half way. */

import fc from "fast-check";
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { DebugBlock } from "../../../src/heap/debug/block.ts";
import { DebugBooks, GONE, LIVE, QUARANTINED } from "../../../src/heap/debug/books.ts";
import { DebugStacks } from "../../../src/heap/debug/stacks.ts";
import { booksLayout, placeOf } from "../../../src/heap/state/books_layout.ts";
import { type BooksMemory, HeapMemory } from "../../../src/heap/state/memory.ts";
import { openVirtualMemory } from "../../../src/os/mod.ts";

const KIB = 1024, MIB = 1024 * KIB, GIB = 1024 * MIB;
const RESERVE = 4 * GIB;

interface Books {
  readonly memory: BooksMemory;
  readonly stacks: DebugStacks;
  readonly books: DebugBooks;
}

/** Books of a heap, of which nothing else is used. */
async function withBooks(run: (books: Books) => void): Promise<void> {
  const memory = HeapMemory.reserve(await openVirtualMemory(), RESERVE, false, RESERVE, "debug");
  try {
    const stacks = new DebugStacks(memory.books!, 1);
    run({ memory: memory.books!, stacks, books: new DebugBooks(memory.books!, RESERVE, 5 * GIB) });
  } finally {
    memory.close();
  }
}

/** What the books should say. */
class Model {
  readonly byPtr = new Map<number, Omit<DebugBlock, "record">>();
  readonly lists: Record<number, number[]> = { [LIVE]: [], [QUARANTINED]: [], [GONE]: [] };

  copy(): Model {
    return Object.setPrototypeOf(structuredClone({ ...this }), Model.prototype) as Model;
  }

  move(ptr: number, from: number, to: number, change: Partial<DebugBlock>): void {
    this.lists[from] = this.lists[from]!.filter((other) => other !== ptr);
    this.lists[to]!.push(ptr);
    this.byPtr.set(ptr, { ...this.byPtr.get(ptr)!, ...change, live: to === LIVE });
  }

  add(block: Omit<DebugBlock, "record">): void {
    for (const ptr of this.lists[GONE]!) if (placeOf(ptr) === placeOf(block.ptr)) this.byPtr.delete(ptr);
    this.lists[GONE] = this.lists[GONE]!.filter((ptr) => this.byPtr.has(ptr));
    this.byPtr.set(block.ptr, block);
    this.lists[LIVE]!.push(block.ptr);
  }
}

/** Where blocks may begin, 64 bytes apart below 2 GiB and 64 KiB above; `shift` is 0 or 1. */
function ptrAt(slot: number, shift: number): number {
  return slot < 40 ? 2 * MIB + slot * 64 + 16 * shift : 2 * GIB + slot * 64 * KIB + 48 * shift;
}

const SLOTS = 50;
const step = fc.record({
  what: fc.constantFrom("add", "add", "lengthen", "quarantine", "leave", "retire", "abort"),
  slot: fc.nat(SLOTS - 1),
  shift: fc.nat(1),
  size: fc.oneof(fc.nat(64), fc.nat(2 ** 30)),
  front: fc.constantFrom(16, 4096, GIB),
});

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function apply({ books }: Books, model: Model, { what, slot, shift, size, front }: Step): void {
  const ptr = ptrAt(slot, shift),
    pick = (list: number): number => model.lists[list]![slot % model.lists[list]!.length]!;
  if (what === "add") {
    const isTaken = [0, 1].some((shift) => {
      const block = model.byPtr.get(ptrAt(slot, shift));
      return block !== undefined && !model.lists[GONE]!.includes(block.ptr);
    });
    if (isTaken) return;
    const inner = ptr - (slot < 40 ? Math.min(front, 4096) : front), sizeClass = slot < 40 ? 1 + slot : 0;
    const block = { ptr, size, inner, innerBytes: ptr + size + 16 + slot - inner, sizeClass, allocated: slot };
    books.add(block);
    model.add({ ...block, slab: sizeClass === 0 ? -1 : inner >>> 16, freed: 0, live: true });
  } else if (what === "quarantine" && model.lists[LIVE]!.length > 0) {
    const ptr = pick(LIVE);
    books.quarantine(books.find(ptr)!, 7);
    assertEquals(books.unfilled?.ptr, ptr);
    model.move(ptr, LIVE, QUARANTINED, { freed: 7 });
  } else if (what === "lengthen" && model.lists[LIVE]!.length > 0) {
    const block = books.find(pick(LIVE))!, by = size % (1 + block.inner + block.innerBytes - block.ptr - block.size);
    books.lengthen(block, by);
    model.byPtr.set(block.ptr, { ...model.byPtr.get(block.ptr)!, size: block.size + by });
  } else if (what === "leave" && model.lists[QUARANTINED]!.length > 0) {
    const oldest = books.oldest(QUARANTINED)!;
    assertEquals(oldest.ptr, model.lists[QUARANTINED]![0]);
    books.retire(oldest);
    model.move(oldest.ptr, QUARANTINED, GONE, {});
  } else if (what === "retire" && model.lists[LIVE]!.length > 0) {
    const ptr = pick(LIVE);
    books.retire({ ...books.find(ptr)!, freed: 9 });
    model.move(ptr, LIVE, GONE, { freed: 9 });
  }
}

function assertAgree({ books }: Books, model: Model): void {
  for (const list of [LIVE, QUARANTINED, GONE] as const) {
    assertEquals([...books.on(list)].map(({ ptr }) => ptr), model.lists[list]);
  }
  const sum = model.lists[QUARANTINED]!.reduce((sum, ptr) => sum + model.byPtr.get(ptr)!.innerBytes, 0);
  assertEquals(books.quarantineBytes, sum);
  assertEquals(books.quarantineMost, 5 * GIB);
  for (let slot = 0; slot < SLOTS; slot++) {
    for (const ptr of [ptrAt(slot, 0), ptrAt(slot, 1)]) {
      const found = books.find(ptr), expected = model.byPtr.get(ptr);
      assertEquals(found, expected && { ...expected, record: found?.record ?? 0 });
      for (const near of [ptr + 1, ptr + 32, ptr + 0.5, -ptr]) assertEquals(books.find(near), undefined);
    }
  }
}

Deno.test("the books agree with Maps in random programs, and a section that ends half way has changed nothing", async () => {
  const program = fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { maxLength: 40 });
  await withBooks((all) => {
    let model = new Model();
    const { journal } = all.memory;
    fc.assert(
      fc.property(program, (sections) => {
        for (const steps of sections) {
          const next = model.copy(), first = steps.findIndex(({ what }) => what === "add");
          try {
            journal.run(() => {
              steps.forEach((each, index) => {
                if (each.what === "abort") throw new RangeError("half way");
                if (each.what !== "add" || index === first) apply(all, next, each);
              });
            });
            model = next;
          } catch (error) {
            if (!(error instanceof RangeError)) throw error;
          }
          assertAgree(all, model);
        }
      }),
      { numRuns: 40, seed: 20261122, endOnFailure: true }, // the books go on from run to run
    );
  });
});

Deno.test("the books remember the last 4,096 blocks that are gone, and use their records again", async () => {
  await withBooks(({ books, memory }) => {
    const ptrOf = (index: number): number => 2 * MIB + index * 64;
    for (let index = 0; index < 10_000; index++) {
      memory.journal.run(() => {
        books.add({ ptr: ptrOf(index), size: 1, inner: ptrOf(index) - 16, innerBytes: 33, sizeClass: 1, allocated: 0 });
        books.retire(books.find(ptrOf(index))!);
      });
    }
    assertEquals([...books.on(GONE)].length, 4096);
    assertEquals([0, 5903, 5904, 9999].map((index) => books.find(ptrOf(index))?.live), [
      undefined,
      undefined,
      false,
      false,
    ]);
    assertEquals(Math.max(...[...books.on(GONE)].map(({ record }) => record)) < 4200, true);
  });
});

Deno.test("stacks: each text is kept once, what is undone is not, and a full table says so", async () => {
  await withBooks(({ stacks, memory: { journal } }) => {
    const keep = (text: string): number => journal.run(() => stacks.keep({ text, entry: 0, hash: 0 }));
    const one = keep("    at früh (file:///a.ts:1:1)"), two = keep("late (file:///b.ts:2:2)");
    assertEquals([stacks.text(one), stacks.text(two)], [
      "    at früh (file:///a.ts:1:1)",
      "late (file:///b.ts:2:2)",
    ]);
    assertEquals([keep("    at früh (file:///a.ts:1:1)"), stacks.text(0)], [one, undefined]);
    const nowhere = { text: "nowhere", entry: 0, hash: 0 };
    let undone = 0;
    try {
      journal.run(() => {
        undone = stacks.keep(nowhere);
        throw new RangeError();
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    assertEquals(keep("three"), undone);
    assertEquals(stacks.text(journal.run(() => stacks.keep(nowhere))), "nowhere");
    const long = Array.from({ length: 70 }, (_, index) => keep(`at ${index} ${"x".repeat(MIB)}`));
    assertStringIncludes(stacks.text(long[0]!)!, "at 0 xxx");
    assertStringIncludes(stacks.text(long[69]!)!, "the table of stacks is full");
    assertEquals(keep("late (file:///b.ts:2:2)"), two);
  });
});

Deno.test("placeOf: no two blocks begin in the same place, and the last pointer has one", () => {
  for (const bytes of [4 * MIB, 2 * GIB, 2 * GIB + 2 * MIB, 64 * GIB, 1024 * GIB]) {
    const layout = booksLayout(bytes), places = placeOf(bytes - 16) + 1;
    assertEquals(layout.taken - layout.map >= places, true);
    assertEquals((layout.records - layout.taken) * 32 >= places, true);
    assertEquals([layout.records % 2, layout.bytes % (2 * MIB)], [0, 0]);
  }
  assertEquals(placeOf(2 * GIB) - placeOf(2 * GIB - 16), 1);
  assertEquals(placeOf(2 * GIB + 64 * KIB) - placeOf(2 * GIB), 1);
});
