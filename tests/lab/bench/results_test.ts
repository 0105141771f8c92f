import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Contestant } from "../../../src/lab/contest/contestants.ts";
import type { Turn } from "../../../src/lab/contestant/protocol.ts";
import { labelsOf, resultsOf, type Series } from "../../../src/lab/bench/results.ts";

const HEAP: Contestant = {
  allocator: "slab-map",
  runtime: "deno",
  label: "slab-map",
  language: "deno",
  command: { label: "slab-map", path: "", args: [] },
};
const SYSTEM: Contestant = { ...HEAP, allocator: "system", runtime: "native", label: "system", language: "native" };
const NONE: Contestant = { ...HEAP, allocator: "none", runtime: "harness", label: "none (deno)" };
const OWN: Contestant = { ...HEAP, heaps: "own", label: "slab-map, own heaps" };

/** Six turns of 1000 operations, each thread doing its share in the whole time. */
function series(contestant: Contestant, nanoseconds: number, shares: readonly number[] = [1]): Series {
  const turn = (round: number): Turn => ({
    units: 1,
    nanoseconds: nanoseconds * (1 + round / 10),
    operations: 1000,
    checksum: "00000001",
    turnChecksum: "00000001",
    tier: "turbofan",
    ...(shares.length === 1 ? {} : {
      threads: shares.map((share) => ({ nanoseconds: nanoseconds * (1 + round / 10), operations: 1000 * share })),
    }),
  });
  return {
    contestant,
    workload: "cache-thrash",
    size: 8,
    threads: shares.length,
    parameters: { size: 8 },
    unitOperations: 1000,
    turns: Array.from({ length: 6 }, (_, round) => turn(round)),
  };
}

const HALVES = [0.5, 0.5];

Deno.test("resultsOf() compares equal numbers of threads, and each with the fewest", () => {
  const results = resultsOf([
    series(HEAP, 10_000),
    series(SYSTEM, 20_000),
    series(NONE, 4_000),
    series(HEAP, 8_000, HALVES),
    series(OWN, 5_000, HALVES),
    series(SYSTEM, 24_000, HALVES),
    series(NONE, 2_000, HALVES),
  ]);
  const [one, , , two, own, system] = results;
  assertEquals(results.map(({ threads }) => threads), [1, 1, 1, 2, 2, 2, 2]);
  assertEquals([one?.ratioToSystem?.ratio, two?.ratioToSystem?.ratio, own?.ratioToSystem?.ratio], [2, 3, 4.8]);
  assertEquals([one?.scaling, two?.scaling?.ratio, own?.scaling?.ratio], [undefined, 1.25, 2]);
  assertAlmostEquals(system?.scaling?.ratio ?? 0, 20 / 24);
  // The do-nothing allocator's with as many threads: 8 - 2 and 10 - 4 nanoseconds, in a round 1.25 times as long.
  assertAlmostEquals(two!.netNsPerOp / two!.nsPerOp, 6 / 8);
  assertAlmostEquals(one!.netNsPerOp / one!.nsPerOp, 6 / 10);
  assertEquals([one?.ratioToOwnHeaps, two?.ratioToOwnHeaps?.ratio, own?.ratioToOwnHeaps], [
    undefined,
    0.625,
    undefined,
  ]);
  assertEquals([one?.heaps, two?.heaps, own?.heaps, system?.heaps], [undefined, "shared", "own", "shared"]);
});

Deno.test("resultsOf() says what each thread did, and how unlike they were", () => {
  const [result] = resultsOf([series(HEAP, 10_000, [0.3, 0.5, 0.2])]);
  assertEquals(result?.threadSamples?.map((samples) => samples.length), [6, 6, 6]);
  const [first, second, third] = result!.threadOpsPerSecond!;
  assertAlmostEquals(first! + second! + third!, result!.opsPerSecond.median, 1e-2 * first!);
  assertAlmostEquals(second! / first!, 5 / 3);
  assertAlmostEquals(result!.fairness!, 0.4);
  assertEquals(result?.scaling, undefined, "there is nothing with fewer threads");
});

Deno.test("resultsOf() takes a thread that came too late for any work as the slowest there can be", () => {
  const [result] = resultsOf([series(HEAP, 10_000, [1, 0])]);
  assertEquals([result?.fairness, result?.threadOpsPerSecond?.[1]], [0, 0]);
});

Deno.test("resultsOf() takes two threads for the fewest where one was not measured, own heaps for themselves", () => {
  const quarters = [0.25, 0.25, 0.25, 0.25];
  const [, , four, own] = resultsOf([
    series(HEAP, 8_000, HALVES),
    series(OWN, 5_000, HALVES),
    series(HEAP, 4_000, quarters),
    series(OWN, 4_000, quarters),
  ]);
  assertEquals([four?.scaling?.ratio, own?.scaling?.ratio], [2, 1.25]);
});

Deno.test("labelsOf() calls native peers by their versions, and tells apart those that say the same", () => {
  const said: [allocator: string, name: string | undefined, version: string | undefined][] = [
    ["system", undefined, "2.36"],
    ["mimalloc", "mimalloc", "2.0.9"],
    ["./a/libmimalloc.so", "mimalloc", "3.4.3"],
    ["./b/libmimalloc.so.3", "mimalloc", "3.4.3"],
    ["libmine.so", undefined, undefined],
    ["libtold.so", "jemalloc", "5.3.1"],
    ["/opt/1/lib/librpmallocwrap.so", "rpmalloc", undefined],
    ["/opt/2/lib/librpmallocwrap.so", "rpmalloc", undefined],
    ["libsnmallocshim.so", undefined, undefined],
    ["scudo", undefined, undefined],
  ];
  const labels = labelsOf(said.map(([allocator, name, version]) => ({
    contestant: { ...SYSTEM, allocator },
    identity: {
      library: `/${allocator}`,
      ...(name === undefined ? {} : { name }),
      ...(version === undefined ? {} : { version }),
    },
  })));
  assertEquals(Object.fromEntries(labels), {
    "mimalloc": "mimalloc 2.0.9",
    "./a/libmimalloc.so": "mimalloc 3.4.3 (libmimalloc.so)",
    "./b/libmimalloc.so.3": "mimalloc 3.4.3 (libmimalloc.so.3)",
    "libtold.so": "jemalloc 5.3.1",
    "/opt/1/lib/librpmallocwrap.so": "rpmalloc (1/lib/librpmallocwrap.so)",
    "/opt/2/lib/librpmallocwrap.so": "rpmalloc (2/lib/librpmallocwrap.so)",
    "libsnmallocshim.so": "snmalloc (libsnmallocshim.so)",
  });
});
