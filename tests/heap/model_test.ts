/**
 * Random programs against the oracle. fast-check makes up sequences of calls, and shrinks one that fails to the shortest
 * that still does; the oracle says what is right. All variants pass the same.
 */

import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { Heap, VARIANTS } from "../../src/heap/mod.ts";
import { Oracle } from "../../src/workloads/oracle.ts";

const MIB = 1024 * 1024;
const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(256) },
  { weight: 3, arbitrary: fc.nat(40_000) },
  { weight: 1, arbitrary: fc.nat(4 * MIB) },
  { weight: 2, arbitrary: fc.tuple(fc.nat(22), fc.integer({ min: -1, max: 1 })).map(([log, by]) => 2 ** log + by) },
);
const index = fc.nat(10_000);

interface Step extends fc.Command<Oracle, Heap> {}

function step(text: string, run: (oracle: Oracle) => void): Step {
  return { check: () => true, run: (oracle) => run(oracle), toString: () => text };
}

function onLive(text: string, at: number, run: (oracle: Oracle, ptr: number) => void): Step {
  return {
    check: (oracle) => oracle.live.size > 0,
    run: (oracle) => run(oracle, oracle.pick(at)!),
    toString: () => text,
  };
}

const program = fc.commands([
  size.map((bytes) => step(`malloc(${bytes})`, (oracle) => void oracle.malloc(bytes))),
  size.map((bytes) => step(`malloc(${bytes})`, (oracle) => void oracle.malloc(bytes))),
  fc.tuple(fc.nat(64), fc.nat(5_000)).map(([count, bytes]) =>
    step(`calloc(${count}, ${bytes})`, (oracle) => void oracle.calloc(count, bytes))
  ),
  fc.tuple(fc.nat(22), size).map(([log, bytes]) =>
    step(`alignedAlloc(${2 ** log}, ${bytes})`, (oracle) => void oracle.alignedAlloc(2 ** log, bytes))
  ),
  fc.tuple(index, size).map(([at, bytes]) =>
    onLive(`realloc(${at}, ${bytes})`, at, (oracle, ptr) => void oracle.realloc(ptr, bytes))
  ),
  index.map((at) => onLive(`free(${at})`, at, (oracle, ptr) => oracle.free(ptr))),
  index.map((at) => onLive(`free(${at})`, at, (oracle, ptr) => oracle.free(ptr))),
  fc.constant(step("audit()", (oracle) => oracle.audit())),
], { maxCommands: 300, size: "max" });

function assertPrograms(heap: Heap, numRuns: number, seed: number): void {
  fc.assert(
    fc.property(program, (commands) => {
      const oracle = new Oracle(heap);
      try {
        fc.modelRun(() => ({ model: oracle, real: heap }), commands);
        oracle.audit();
        oracle.freeAll();
        oracle.audit();
        heap.collect();
        oracle.audit();
        const { liveBlocks, liveBytes, chargedBytes, slabs, superslabs } = heap.stats();
        assertEquals({ liveBlocks, liveBytes, chargedBytes, slabs, superslabs }, {
          liveBlocks: 0,
          liveBytes: 0,
          chargedBytes: 0,
          slabs: 0,
          superslabs: 0,
        });
      } finally {
        for (const ptr of oracle.live.keys()) heap.free(ptr); // the next program starts empty, shrinking included
      }
    }),
    { numRuns, seed },
  );
}

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
