/**
 * The debug column of the table in `src/heap/README.md` across threads: what one thread allocated another misuses, and
 * either finds it, with the stacks of both. And debug heaps in Workers that are ended in the middle of anything.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Heap, type HeapOptions } from "../../../src/heap/mod.ts";
import { alone, areaOf, Hand, sleep, slotsOf } from "../threads/hands.ts";
import { type Call, here, type Outcome, Remote, type Side } from "../threads/remote_heap.ts";
import { STOP, swapOnce } from "../threads/worker_tasks.ts";

const SIZES = [0, 1, 100, 2000, 40_000];

/** Calls that have to come back, and those that have to throw. */
class Pair {
  constructor(readonly maker: Side, readonly other: Side) {}

  async malloc(size: number): Promise<number> {
    const { value } = await this.maker.call("malloc", size);
    assert(typeof value === "number" && value > 0);
    return value;
  }

  async done(side: Side, name: Call, ...args: number[]): Promise<void> {
    const { code, message } = await side.call(name, ...args);
    assertEquals(code, undefined, message);
  }

  /** Both threads say the same of a call; returns what the other says. */
  async fault(code: string, name: Call, ...args: number[]): Promise<Outcome> {
    const first = await this.maker.call(name, ...args), second = await this.other.call(name, ...args);
    assertEquals([first.code, second.code], [code, code], `${name}: ${first.message}\n${second.message}`);
    return second;
  }
}

/** What the maker allocates and the other does with it. */
const FAULTS: Record<string, (pair: Pair) => Promise<void>> = {
  "free of a wild number, and of a pointer into a block": async (pair) => {
    for (const size of SIZES) {
      const ptr = await pair.malloc(size);
      for (const bad of [ptr + 1, ptr + 16, ptr - 16, ptr + 0.5, -ptr, NaN, 2 ** 40]) {
        await pair.fault("INVALID_POINTER", "free", bad);
        await pair.fault("INVALID_POINTER", "realloc", bad, 10);
      }
      assertEquals((await pair.other.call("owns", ptr)).value, true);
      await pair.done(pair.other, "free", ptr);
    }
  },
  "double free at once, later, and by the other": async (pair) => {
    for (const size of SIZES) {
      const ptr = await pair.malloc(size), next = await pair.malloc(size);
      await pair.done(pair.other, "free", ptr);
      await pair.fault("DOUBLE_FREE", "free", ptr);
      await pair.done(pair.maker, "free", next);
      await pair.fault("DOUBLE_FREE", "free", ptr);
      await pair.fault("DOUBLE_FREE", "free", next);
      await pair.fault("DOUBLE_FREE", "realloc", ptr, 5);
      await pair.done(pair.other, "write", ptr - 1, 0xa3); // a header imitated
      await pair.fault("DOUBLE_FREE", "free", ptr);
      await pair.fault("USE_AFTER_FREE", "check");
      assertEquals((await pair.maker.call("collect")).code, "USE_AFTER_FREE");
      await pair.done(pair.other, "collect");
      await pair.fault("DOUBLE_FREE", "free", ptr);
      await pair.fault("USE_AFTER_FREE", "usableSize", ptr);
      await pair.fault("USE_AFTER_FREE", "bytes", next);
    }
  },
  "a write past the end, or before the start": async (pair) => {
    for (const size of SIZES) {
      for (
        const [code, offset, ...bytes] of [
          ["BUFFER_OVERFLOW", size, 0],
          ["BUFFER_OVERFLOW", size, 0x41],
          ["BUFFER_OVERFLOW", size, 1, 2, 3, 4, 5, 6, 7, 8],
          ["BUFFER_UNDERFLOW", -1, 0],
          ["BUFFER_UNDERFLOW", -8, 1, 2],
        ] as const
      ) {
        const ptr = await pair.malloc(size);
        await pair.done(pair.other, "write", ptr + offset, ...bytes);
        for (const [name, ...args] of [["free", ptr], ["realloc", ptr, 7], ["check"]] as const) {
          const { message } = await pair.fault(code, name, ...args);
          assertStringIncludes(message!, bytes.length === 1 ? `offset ${offset} is now` : `offsets ${offset} to`);
        }
        await pair.done(pair.maker, "write", ptr + offset, ...redzone(ptr + offset, bytes.length));
        await pair.done(pair.other, "free", ptr);
      }
    }
  },
  "a write after free": async (pair) => {
    const ptr = await pair.malloc(100);
    await pair.done(pair.other, "free", ptr);
    await pair.done(pair.maker, "write", ptr + 50, 1);
    await pair.fault("USE_AFTER_FREE", "check");
    const { code, message } = await pair.other.call("collect");
    assertEquals(code, "USE_AFTER_FREE");
    assertStringIncludes(message!, "offset 50 is now 01");
    await pair.done(pair.maker, "collect");
  },
  "a view longer than the block": async (pair) => {
    for (const size of SIZES) {
      const ptr = await pair.malloc(size);
      await pair.fault("BUFFER_OVERFLOW", "bytes", ptr, size + 1);
      await pair.done(pair.other, "bytes", ptr, size);
      await pair.done(pair.other, "free", ptr);
    }
  },
  "realloc and calloc across threads keep what they promise": async (pair) => {
    const ptr = await pair.malloc(300);
    await pair.done(pair.maker, "write", ptr, 7, 8, 9);
    const { value: moved } = await pair.other.call("realloc", ptr, 5000);
    await pair.fault("DOUBLE_FREE", "free", ptr);
    await pair.done(pair.maker, "check");
    await pair.done(pair.maker, "free", moved as number);
    const { value: zeros } = await pair.other.call("calloc", 10, 50);
    await pair.done(pair.maker, "free", zeros as number);
  },
};

/** What a redzone has there; see `block.ts`. */
function redzone(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => 0x80 | ((from + index) % 256 * 37 + 11) & 0x3f);
}

for (const variant of ["slab-map", "e3-2", "phase7-macro-bug"]) {
  Deno.test(`${variant} in debug: every fault that two Workers make together is found by both`, async () => {
    const heap = await Heap.open({ build: "debug", variant, stacks: 50, log: () => {} });
    const remote = await Remote.attach(heap.share());
    for (const [maker, other] of [[here(heap), remote], [remote, here(heap)]] as const) {
      const live: [ptr: number, fill: number][] = [];
      for (let size = 0; size < 2000; size += 37) {
        const fill = size % 251, ptr = await new Pair(maker, other).malloc(size);
        heap.u8.fill(fill, ptr, ptr + size);
        live.push([ptr, fill]);
      }
      for (const [name, fault] of Object.entries(FAULTS)) {
        await fault(new Pair(maker, other));
        heap.check();
        for (const [ptr, fill] of live) assert(heap.bytes(ptr).every((byte) => byte === fill), name);
      }
      for (const [ptr] of live) assertEquals((await other.call("free", ptr)).code, undefined);
    }
    assertEquals(heap.stats().liveBlocks, 0);
    await remote.call("close");
    remote.terminate();
    heap.close();
  });
}

Deno.test("debug: a free list that another thread damages is found, and nothing is given out twice", async () => {
  for (const to of [1, -16, 2 ** 31 - 16]) {
    const heap = await Heap.open({ build: "debug", stacks: false, quarantineBytes: 0, log: () => {} });
    const remote = await Remote.attach(heap.share());
    const first = heap.malloc(40), second = heap.malloc(40);
    heap.free(first);
    heap.free(second);
    const link = [...new Uint8Array(new Int32Array([to]).buffer)];
    await remote.call("write", second - 16, ...link); // where the release build's free block begins
    assertEquals((await remote.call("check")).code, "HEADER_CORRUPTED");
    const ptrs = new Set<number>(), codes: string[] = [];
    for (let count = 0; count < 500; count++) {
      const { value, code } = count % 8 === 0 ? await remote.call("malloc", 40) : await here(heap).call("malloc", 40);
      if (code !== undefined) codes.push(code);
      else assert(value !== 0 && ptrs.size < ptrs.add(value as number).size, `${value} was given out twice`);
    }
    assertEquals([...new Set(codes)], ["HEADER_CORRUPTED"]);
    heap.check();
    remote.terminate();
    await alone(heap);
    heap.close();
  }
});

Deno.test("debug: errors have the stacks of the threads that allocated and freed, also of one that is gone", async () => {
  const lines: string[] = [];
  const heap = await Heap.open({ build: "debug", log: (line) => lines.push(line) });
  const remote = await Remote.attach(heap.share());
  const { value: theirs } = await remote.call("malloc", 100), ours = heap.malloc(50);
  await remote.call("free", ours);
  await remote.call("malloc", 33);
  remote.terminate();
  await alone(heap);
  const part = (message: string, from: string, to: string): string =>
    message.slice(message.indexOf(from), message.indexOf(to));
  const twice = (await here(heap).call("free", ours)).message!;
  assertStringIncludes(part(twice, "allocated:", "first freed:"), "workers_test.ts");
  assertStringIncludes(part(twice, "first freed:", "this call:"), "remote_heap.ts");
  heap.free(theirs as number);
  const again = (await here(heap).call("free", theirs as number)).message!;
  assertStringIncludes(part(again, "allocated:", "first freed:"), "remote_heap.ts");
  assertStringIncludes(part(again, "first freed:", "this call:"), "workers_test.ts");
  assertEquals(heap.leaks().map(({ blocks, bytes }) => [blocks, bytes]), [[1, 33]]);
  assertStringIncludes(heap.leaks()[0]!.stack!, "remote_heap.ts");
  lines.length = 0;
  heap.close();
  assertStringIncludes(lines.join("\n"), "closed with live blocks: 1, of 33 bytes");
  assertStringIncludes(lines.join("\n"), "remote_heap.ts");
});

for (
  const options of [
    { stacks: 500 },
    { stacks: false, quarantineBytes: 0, variant: "slab-map,capacity=8,refill=4" },
    { stacks: false, quarantineBytes: 20_000, variant: "e3-2" },
  ] as HeapOptions[]
) {
  Deno.test(`debug, ${JSON.stringify(options)}: check() is exact while other threads work`, async () => {
    const heap = await Heap.open({ build: "debug", log: () => {}, ...options });
    const area = areaOf(heap);
    const hands = [new Hand(heap, "swap", area, 11), new Hand(heap, "swap", area, 22)];
    await Promise.all(hands.map((hand) => hand.attached));
    let x = 33;
    for (let round = 0; round < 15; round++) {
      for (let count = 0; count < 100; count++) swapOnce(heap, area, x = Math.imul(x, 1664525) + 1013904223 | 0);
      heap.check();
      const { liveBlocks } = heap.stats();
      assert(liveBlocks > 0 && heap.leaks().length > 0);
      if (round % 5 === 0) (await Heap.attach(heap.share())).close();
      await sleep(0);
    }
    Atomics.store(heap.i32, area / 4 + STOP, 1);
    for (const hand of hands) assert(await hand.done > 0);
    const slots = slotsOf(heap, area);
    assertEquals([...heap.blocks()].map(({ ptr }) => ptr), [area, ...slots].sort((a, b) => a - b));
    for (const ptr of [area, ...slots]) heap.free(ptr);
    await alone(heap);
    heap.close();
  });
}

Deno.test("debug: Workers that are terminated in the middle of anything leave books that are right", async () => {
  for (const options of [{ stacks: 100 }, { stacks: false, quarantineBytes: 0, variant: "e3-2" }]) {
    const lines: string[] = [];
    const heap = await Heap.open({
      build: "debug",
      reserveBytes: 2 ** 30,
      log: (line) => lines.push(line),
      ...options,
    });
    lines.length = 0;
    const area = areaOf(heap);
    let ended = 0;
    for (let round = 0; round < 4; round++) {
      const hands = [1, 2, 3].map((seed) => new Hand(heap, "swap", area, round * 3 + seed));
      for (const hand of hands) hand.done.catch(() => {});
      await Promise.race(hands.map((hand) => hand.attached));
      await sleep(5 + 11 * round);
      for (const hand of hands) hand.terminate();
      ended += hands.length;
      for (let count = 0; count < 50; count++) swapOnce(heap, area, Math.imul(round * 200 + count + 1, 2654435761));
      heap.check();
    }
    await alone(heap);
    heap.check();
    const blocks = [...heap.blocks()].map(({ ptr }) => ptr), slots = slotsOf(heap, area);
    for (const ptr of slots) assert(blocks.includes(ptr));
    assert(blocks.length <= slots.length + 1 + 3 * ended, `${blocks.length - slots.length - 1} blocks are nobody's`);
    for (const ptr of blocks) heap.free(ptr);
    heap.collect();
    assertEquals(heap.stats().chargedBytes, 0, "what was in hand is found");
    heap.close();
    assertEquals(lines, []);
  }
});
