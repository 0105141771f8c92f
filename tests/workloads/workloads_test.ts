import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  type Allocator,
  completeParameters,
  OutOfMemory,
  ParameterError,
  type Parameters,
  type Slots,
  WORKLOADS,
} from "../../src/workloads/mod.ts";

/** Blocks by name; checks that only live ones are freed and written, inside their size. */
function checkedAllocator(
  limit = Infinity,
): { allocator: Allocator<string>; live: Map<string, number>; sizes: number[] } {
  const live = new Map<string, number>();
  const sizes: number[] = [];
  let made = 0;
  const allocator: Allocator<string> = {
    nothing: "",
    slots: (count): Slots<string> => new Array<string>(count).fill(""),
    malloc: (size) => {
      if (made >= limit) return "";
      const pointer = `block ${made++}`;
      live.set(pointer, size);
      sizes.push(size);
      return pointer;
    },
    free: (pointer) => assert(pointer === "" || live.delete(pointer), `${pointer} is not live`),
    write: (pointer, index) => assert(index < (live.get(pointer) ?? 0), `${pointer}[${index}] is outside`),
    read: (pointer, index) => {
      assert(index < (live.get(pointer) ?? 0));
      return 0;
    },
  };
  return { allocator, live, sizes };
}

function prepare(name: string, given: Parameters, limit?: number) {
  const workload = WORKLOADS.get(name);
  assert(workload !== undefined);
  const checked = checkedAllocator(limit);
  const parameters = completeParameters(workload, given);
  return { ...checked, workload, parameters, runner: workload.prepare(checked.allocator, parameters) };
}

for (const name of WORKLOADS.keys()) {
  Deno.test(`${name} frees only live blocks, writes inside them, and leaves none`, () => {
    const given = name === "larson" ? { "larson-rounds": 3, chunks: 50 } : { cycles: 25_000 };
    const { runner, live, workload, parameters } = prepare(name, given);
    runner.begin();
    runner.unit();
    assertEquals(runner.operations, workload.operationsPerUnit(parameters));
    runner.unit();
    runner.drain();
    runner.end();
    assertEquals(live.size, 0);
  });

  Deno.test(`${name} repeats its work when it begins again`, () => {
    const { runner } = prepare(name, name === "larson" ? { "larson-rounds": 2 } : { cycles: 15_000 });
    const checksums = [1, 2].map(() => {
      runner.begin();
      runner.unit();
      const first = runner.checksum;
      runner.unit();
      runner.drain();
      runner.end();
      return [first, runner.checksum, runner.operations];
    });
    assertEquals(checksums[0], checksums[1]);
    assertNotEquals(checksums[0]?.[0], checksums[0]?.[1]);
  });

  Deno.test(`${name} throws when there is no memory`, () => {
    const { runner } = prepare(name, {}, name === "hot-pair" ? 0 : 10);
    assertThrows(() => {
      runner.begin();
      runner.unit();
    }, OutOfMemory);
  });
}

Deno.test("random-mixed asks for sizes from 1 to its size, and counts the last frees", () => {
  const { runner, sizes } = prepare("random-mixed", { size: 64, cycles: 50_000 });
  runner.begin();
  runner.unit();
  runner.drain();
  assertEquals([Math.min(...sizes), Math.max(...sizes)], [1, 64]);
  assertEquals(runner.operations, 2 * sizes.length);
});

Deno.test("random-mixed gives another checksum when seed, size or working set is another", () => {
  const checksums = [{}, { seed: 2 }, { size: 256 }, { "working-set": 4096 }].map((given) => {
    const { runner } = prepare("random-mixed", { cycles: 1000, ...given });
    runner.begin();
    runner.unit();
    return runner.checksum;
  });
  assertEquals(new Set(checksums).size, 4);
});

Deno.test("slow-mix asks mostly for blocks off the fast path, none larger than it says, and aligned ones", () => {
  const { allocator, sizes } = checkedAllocator();
  const workload = WORKLOADS.get("slow-mix");
  assert(workload !== undefined);
  const parameters = completeParameters(workload, { cycles: 50_000 });
  const alignments = new Map<number, number>();
  const alignedAlloc = (alignment: number, size: number) => {
    alignments.set(alignment, (alignments.get(alignment) ?? 0) + 1);
    return allocator.malloc(size);
  };
  const checksums = [{ ...allocator, alignedAlloc }, allocator].map((each) => {
    const runner = workload.prepare(each, parameters);
    runner.begin();
    runner.unit();
    runner.drain();
    return runner.checksum;
  });
  assertEquals(checksums[0], checksums[1]); // who has no aligned allocation does the same work
  assertEquals([...alignments.keys()].toSorted((a, b) => a - b), [2048, 4096, 8192, 16_384]);
  const share = (isOne: (size: number) => boolean) => sizes.filter(isOne).length / sizes.length;
  const large = share((size) => size > 32 * 1024), largestClass = share((size) => size >= 1024 && size < 2048);
  assert(large > 0.35 && large < 0.4, `${large}`);
  assert(largestClass > 0.3 && largestClass < 0.4, `${largestClass}`);
  assert(Math.max(...sizes) <= (workload.largestSize?.(parameters) ?? 0));
});

Deno.test("larson keeps its chunks live and its sizes below max", () => {
  const { runner, sizes, live } = prepare("larson", { min: 8, max: 16, chunks: 100, "larson-rounds": 10 });
  runner.begin();
  assertEquals(live.size, 100);
  runner.unit();
  assertEquals(live.size, 100);
  assertEquals([Math.min(...sizes), Math.max(...sizes)], [8, 15]);
  runner.end();
});

Deno.test("completeParameters() says what is allowed when a value is not", () => {
  const cases: [string, Parameters, string][] = [
    ["random-mixed", { size: 100 }, "--size 100 is not allowed: sizes are 1 to this, a power of two from 16 to 4096"],
    ["random-mixed", { size: 8192 }, "from 16 to 4096"],
    ["random-mixed", { "working-set": 1000 }, "a power of two from 64 to 1048576"],
    ["random-mixed", { seed: 0 }, "a whole number from 1 to 4294967295"],
    ["random-mixed", { cycles: 1.5 }, "a whole number"],
    ["random-mixed", { chunks: 5 }, "--chunks means nothing to random-mixed, which has --size"],
    ["larson", { min: 20, max: 20 }, "--max 20 is exclusive: it must be greater than --min 20"],
  ];
  for (const [name, given, message] of cases) {
    const workload = WORKLOADS.get(name);
    assert(workload !== undefined);
    assertThrows(() => completeParameters(workload, given), ParameterError, message);
  }
});
