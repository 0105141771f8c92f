import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { Heap } from "../../mod.ts";
import {
  type Allocator,
  completeParameters,
  OutOfMemory,
  ParameterError,
  type Parameters,
  type Slots,
  WORKLOADS,
} from "../../src/workloads/mod.ts";
import { Oracle } from "../../src/verify/oracle.ts";

interface Checked {
  readonly allocator: Allocator<string>;
  /** Live blocks and their sizes. */
  readonly live: Map<string, number>;
  /** The sizes of all blocks, in the order of their making. */
  readonly sizes: number[];
  /** The numbers of the blocks that were freed, in the order of that; the first block that was made is 0. */
  readonly freed: number[];
}

/** Blocks by name; checks that only live ones are freed, written inside their size, and read where they were written. */
function checkedAllocator(limit = Infinity): Checked {
  const live = new Map<string, number>();
  const contents = new Map<string, number>();
  const sizes: number[] = [];
  const freed: number[] = [];
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
    free: (pointer) => {
      if (pointer === "") return;
      assert(live.delete(pointer), `${pointer} is not live`);
      freed.push(numberOf(pointer));
    },
    write: (pointer, index, byte) => {
      assert(index >= 0 && index < (live.get(pointer) ?? 0), `${pointer}[${index}] is outside`);
      contents.set(`${pointer}[${index}]`, byte & 255);
    },
    read: (pointer, index) => {
      assert(live.has(pointer), `${pointer} is not live`);
      const byte = contents.get(`${pointer}[${index}]`);
      assert(byte !== undefined, `${pointer}[${index}] was not written`);
      return byte;
    },
  };
  return { allocator, live, sizes, freed };
}

function numberOf(pointer: string): number {
  return Number(pointer.slice("block ".length));
}

function prepare(name: string, given: Parameters, limit?: number) {
  const workload = WORKLOADS.get(name);
  assert(workload !== undefined);
  const checked = checkedAllocator(limit);
  const parameters = completeParameters(workload, given);
  return { ...checked, workload, parameters, runner: workload.prepare(checked.allocator, parameters) };
}

/** What is little work for a workload. */
function little(name: string): Parameters {
  if (name === "larson") return { "larson-rounds": 3, chunks: 50 };
  if (name.startsWith("cache-")) return { cycles: 100 };
  return name === "mstress" ? { cycles: 2000, "working-set": 32 } : { cycles: 2000 };
}

/** More than one call of the hot loop has to do. */
function some(name: string): Parameters {
  if (name === "larson") return { "larson-rounds": 30, chunks: 500 };
  return { cycles: name.startsWith("cache-") ? 150 : 15_000 };
}

for (const name of WORKLOADS.keys()) {
  Deno.test(`${name} finds the contents of each block apart from all others on a heap`, async () => {
    using heap = await Heap.open();
    const oracle = new Oracle(heap);
    const workload = WORKLOADS.get(name);
    assert(workload !== undefined);
    const check = (pointer: number, index: number) => assert(index < (oracle.live.get(pointer)?.size ?? 0));
    const runner = workload.prepare<number>({
      nothing: 0,
      slots: (count) => new Int32Array(count),
      malloc: (size) => oracle.malloc(size),
      free: (pointer) => oracle.free(pointer), // which reads what the oracle wrote
      alignedAlloc: (alignment, size) => oracle.alignedAlloc(alignment, size),
      write: check, // the oracle's pattern stays
      read: (pointer, index) => {
        check(pointer, index);
        return heap.u8[pointer + index]!;
      },
    }, completeParameters(workload, little(name)));
    runner.begin();
    runner.unit();
    oracle.audit();
    runner.unit();
    runner.drain();
    runner.end();
    assertEquals(oracle.live.size, 0);
    oracle.audit();
  });

  Deno.test(`${name} never asks for more than the largest size it says`, () => {
    const { runner, sizes, workload, parameters } = prepare(name, little(name));
    runner.begin();
    for (let unit = 0; unit < 10; unit++) runner.unit();
    runner.drain();
    runner.end();
    const bound = workload.largestSize?.(parameters) ?? parameters["size"] ?? 0;
    assert(Math.max(...sizes) <= bound && Math.max(...sizes) > 0.9 * bound, `${Math.max(...sizes)}, ${bound}`);
  });

  Deno.test(`${name} frees only live blocks, writes inside them, and leaves none`, () => {
    const { runner, live } = prepare(name, some(name));
    runner.begin();
    runner.unit();
    runner.unit();
    runner.drain();
    runner.end();
    assertEquals(live.size, 0);
  });

  Deno.test(`${name} repeats its work when it begins again`, () => {
    const { runner } = prepare(name, some(name));
    const checksums = [1, 2].map(() => {
      runner.begin();
      runner.unit();
      const first = runner.checksum;
      runner.unit();
      const drained = runner.drain();
      runner.end();
      return [first, runner.checksum, drained];
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
  const { runner, sizes, workload, parameters } = prepare("random-mixed", { size: 64, cycles: 50_000 });
  runner.begin();
  runner.unit();
  const drained = runner.drain();
  assertEquals([Math.min(...sizes), Math.max(...sizes)], [1, 64]);
  assertEquals(workload.operationsPerUnit(parameters) + drained, 2 * sizes.length);
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

Deno.test("slow-mix asks mostly for blocks off the hot path, none larger than it says, and aligned ones", () => {
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

Deno.test("sh6bench frees the oldest batch or the newest, makes batches of growing sizes, and keeps its ring full", () => {
  const { runner, sizes, freed, live } = prepare("sh6bench", { "working-set": 256, cycles: 64 * 500 });
  runner.begin();
  runner.unit();
  assertEquals([live.size, freed.length, sizes.length], [256, 64 * 500, 256 + 64 * 500]);
  const ring = Array.from({ length: 256 }, (_, number) => number); // what should be live, oldest first
  let reversed = 0;
  for (let batch = 0; batch < 500; batch++) {
    const these = freed.slice(64 * batch, 64 * (batch + 1));
    const isReverse = these[0]! > these[63]!;
    if (isReverse) reversed++;
    assertEquals(these, isReverse ? ring.splice(-64).toReversed() : ring.splice(0, 64));
    const made = Array.from({ length: 64 }, (_, index) => 256 + 64 * batch + index);
    ring.push(...made);
    const madeSizes = made.map((number) => sizes[number]!);
    assertEquals(madeSizes, madeSizes.toSorted((a, b) => a - b));
  }
  assert(reversed > 200 && reversed < 300, `${reversed} of 500`);
  const batches = sizes.slice(256);
  assertEquals(Math.min(...batches), 8);
  assert(Math.max(...batches) < 1000 && Math.max(...batches) > 950);
  const small = batches.filter((size) => size < 256).length / batches.length;
  assert(small > 0.6 && small < 0.85, `${small} of the blocks are in the lowest quarter`);
  runner.end();
});

Deno.test("sh8bench mixes its sizes, and an eighth of its blocks live long", () => {
  const { runner, sizes, freed, live } = prepare("sh8bench", { "working-set": 1024, cycles: 200_000 });
  runner.begin();
  runner.unit();
  assertEquals([live.size, freed.length], [1024, 200_000]);
  const lives = freed.map((number, time) => 1024 + time - number).toSorted((a, b) => a - b);
  const share = (least: number) => lives.filter((length) => length >= least).length / lives.length;
  assert(lives[lives.length * 0.4]! < 128, `four in ten blocks are freed after ${lives[lives.length * 0.4]} others`);
  assert(share(4096) > 0.03 && share(4096) < 0.125, `${share(4096)} of the blocks live long`);
  const batches = sizes.slice(1024);
  const small = batches.filter((size) => size < 8 + 992 / 8 + 1).length / batches.length;
  assert(small > 0.75 && small < 0.82, `${small} of the blocks are in the lowest eighth`);
  runner.end();
});

Deno.test("alloc-test follows its power law: small blocks, four fifths of the picks on a fifth of the slots", () => {
  const workload = WORKLOADS.get("alloc-test");
  assert(workload !== undefined);
  const { allocator, sizes } = checkedAllocator();
  const picks = new Map<number, number>();
  const slots = (count: number) =>
    new Proxy(new Array<string>(count).fill(""), {
      set(target, slot, value) {
        picks.set(Number(slot), (picks.get(Number(slot)) ?? 0) + 1);
        return Reflect.set(target, slot, value);
      },
    });
  const parameters = completeParameters(workload, { "working-set": 256, cycles: 50_000 });
  const runner = workload.prepare({ ...allocator, slots }, parameters);
  runner.begin();
  runner.unit(); // writes the slot of each pick once
  const inFifth = [...picks].filter(([slot]) => slot < 256 / 5).reduce((sum, [, count]) => sum + count, 0);
  assert(inFifth > 0.78 * 50_000 && inFifth < 0.83 * 50_000, `${inFifth} of 50000 picks`);
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  assert(mean > 120 && mean < 136, `sizes are ${mean} on average`);
  assertEquals([Math.min(...sizes), Math.max(...sizes)], [1, 1024]);
  runner.drain();
});

Deno.test("mstress lets one object in eight outlive its generation, and frees what an object holds before it", () => {
  const { runner, sizes, freed, live, workload, parameters } = prepare("mstress", { "working-set": 512, cycles: 1 });
  const generation = 4.5 * 512;
  assertEquals(workload.operationsPerUnit(parameters), 2 * generation);
  runner.begin();
  for (let unit = 0; unit < 40; unit++) {
    runner.unit();
    assertEquals([live.size, freed.length], [2 * generation, (unit + 1) * generation]);
  }
  const generationOf = (number: number) => Math.floor(number / generation); // the first are the old ones
  const survivors = freed.filter((number, index) => generationOf(index) + 1 > generationOf(number)).length;
  const share = survivors / freed.length;
  assert(share > 0.1 && share < 0.15, `${share} of the blocks outlived their generation`);
  // Each block but the first of its object is freed just before the one that was made before it.
  const falls = freed.filter((number, index) => index > 0 && number === freed[index - 1]! - 1).length;
  assertEquals(falls, 40 * (generation - 512));
  const powers = [...new Set(sizes)].toSorted((a, b) => a - b);
  assertEquals(powers, Array.from({ length: 12 }, (_, power) => 8 << power));
  runner.end();
});

Deno.test("rptest fills and empties its slots, with more small blocks than large ones", () => {
  const { runner, sizes, live } = prepare("rptest", { "working-set": 256, cycles: 1000 });
  runner.begin();
  const counts: number[] = [];
  for (let unit = 0; unit < 200; unit++) {
    runner.unit();
    counts.push(live.size);
  }
  assert(Math.min(...counts) < 32 && Math.max(...counts) > 224, `${Math.min(...counts)} to ${Math.max(...counts)}`);
  assert(Math.max(...counts) <= 256);
  assert(Math.min(...sizes) >= 8 && Math.min(...sizes) < 16 && Math.max(...sizes) > 15_900);
  // Half of the range holds a quarter of the sizes along the line, and a sixteenth of the exponential ones.
  const large = sizes.filter((size) => size >= 8004).length / sizes.length;
  assert(large > 0.13 && large < 0.18, `${large} of the sizes are in the upper half`);
  runner.drain();
});

Deno.test("the blocks that the classics keep live fit the pools of all peers, and the memory they say", () => {
  const stated: [string, Parameters, number][] = [
    ["sh6bench", {}, 1_024_000],
    ["sh8bench", {}, 2_048_000],
    ["alloc-test", {}, 700_000],
    ["mstress", {}, 900_000],
    ["mstress", { "working-set": 1 << 14 }, 50e6],
    ["rptest", {}, 16_384_000],
  ];
  for (const [name, given, bytes] of stated) {
    const { runner, live } = prepare(name, given);
    runner.begin();
    runner.unit();
    const used = live.values().reduce((sum, size) => sum + size, 0);
    assert(used < bytes && used > bytes / 30, `${name}: ${used} bytes are live`);
    runner.drain();
    runner.end();
  }
});

Deno.test("completeParameters() says what is allowed when a value is not", () => {
  const cases: [string, Parameters, string][] = [
    [
      "random-mixed",
      { size: 100 },
      "--size 100 is not allowed: largest block in bytes, a power of two from 16 to 4096",
    ],
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
