/**
 * Random programs for the property tests: sequences of calls that fast-check makes up, and shrinks to the shortest that
 * still fails; the oracle says what is right.
 */

import fc from "fast-check";
import { assertEquals } from "@std/assert";
import type { Heap } from "../../src/heap/mod.ts";
import { Oracle } from "../../src/verify/oracle.ts";

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

/** A heap whose calls go to several in turn; `collect` goes to all. */
export function inTurn(heaps: readonly Heap[]): Heap {
  let turn = 0;
  return new Proxy(heaps[0]!, {
    get(_, name) {
      if (name === "collect") return () => heaps.reduce((sum, heap) => sum + heap.collect(), 0);
      const heap = heaps[turn++ % heaps.length]!;
      const value = Reflect.get(heap, name, heap);
      return typeof value === "function" ? value.bind(heap) : value;
    },
  });
}

/** Runs random programs on a heap, which is empty after each. */
export function assertPrograms(heap: Heap, numRuns: number, seed: number): void {
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
