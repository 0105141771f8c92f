/**
 * Death at every step, by a journal that can be told to die (`mortal.ts`). Whatever the thread was doing, the next one that
 * needs the lock must find a heap in which each call was made or was not: no live block is lost, given out twice or
 * written to, and the tables agree.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Heap } from "../../../src/heap/mod.ts";
import { Journal } from "../../../src/heap/state/journal.ts";
import {
  CACHE_SAMPLE_LEFT,
  firstWordOf,
  LOG_OFFSET,
  MAX_CACHES,
  WORD_EMPTY_SUPERSLABS,
  WORD_LOCK,
  WORD_LOG_LENGTH,
} from "../../../src/heap/state/layout.ts";
import { openWith } from "../../../src/heap/inspect/mod.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import { entryOfOwner, THREAD_ID, wordOfThread } from "../../../src/heap/state/thread_table.ts";
import { openVirtualMemory } from "../../../src/os/mod.ts";
import { Live } from "./live.ts";
import { attachMortal, countDead, Death, fillWithDead } from "./mortal.ts";

const KIB = 1024, MIB = 1024 * KIB;
/** Of a heap here: room for four superslabs that are full, and no more, since each thread that attaches maps it. */
const RESERVE = 16 * MIB;

interface Scenario {
  readonly name: string;
  /** Functions in which somebody must have died, or the scenario is not what it says. */
  readonly sections: readonly string[];
  /** Flags that it needs. */
  readonly flags?: string;
  /** So many of the first steps are tried each; fewer if nothing is said. */
  readonly each?: number;
  /** What the mortal has done before. */
  readonly prepare?: (mortal: Heap, live: Live) => number[];
  /** In which it dies. It tells `live` of each call that came back. */
  readonly act: (mortal: Heap, live: Live, prepared: number[]) => void;
}

const times = (count: number, make: (index: number) => number): number[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** The next block that any thread of a profiled heap allocates is sampled. */
function sampleNext(heap: Heap): void {
  for (let thread = 0; thread < MAX_CACHES; thread++) viewState(heap)[firstWordOf(thread) + CACHE_SAMPLE_LEFT] = 0;
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: "a refill from a new superslab",
    sections: ["ThreadCache.#carve", "ClassSlabs.take", "PageHeap.takeSuperslab"],
    prepare: (_, live) => {
      while (live.heap.stats().slabs % 32 !== 0) live.add(live.heap.malloc(32 * KIB));
      live.add(live.heap.malloc(32 * KIB)); // the second in its slab, the last
      return [];
    },
    act: (heap, live) => void live.add(heap.malloc(32 * KIB)),
  },
  {
    name: "refills from carved and from spilled blocks",
    flags: "magazines=0",
    sections: ["ThreadCache.#carve", "ThreadCache.#reuse"],
    each: 256, // what is reused is a short part of a section
    prepare: (_, live) => {
      const ptrs = times(80, () => live.add(live.heap.malloc(600)));
      for (const ptr of ptrs.slice(0, 60)) live.free(live.heap, ptr);
      return ptrs.slice(60);
    },
    act: (heap, live, ptrs) => {
      for (let count = 0; count < 80; count++) ptrs.push(live.add(heap.malloc(600)));
      for (const ptr of ptrs.splice(0, 60)) live.free(heap, ptr);
      for (let count = 0; count < 30; count++) live.add(heap.malloc(600));
    },
  },
  {
    name: "a spill",
    flags: "magazines=0",
    sections: ["ThreadCache.#spill"],
    prepare: (heap, live) => times(60, () => live.add(heap.malloc(48))),
    act: (heap, live, ptrs) => {
      for (const ptr of ptrs) live.free(heap, ptr);
    },
  },
  {
    name: "frees of another thread's blocks, more than a ring takes",
    sections: ["RemoteFrees.#giveBack"],
    prepare: (_, live) => times(60, () => live.add(live.heap.malloc(16 * KIB))),
    act: (heap, live, ptrs) => {
      for (const ptr of ptrs) live.free(heap, ptr);
    },
  },
  {
    name: "a refill from what another thread has freed, more than a list takes",
    sections: ["RemoteFrees.#take", "ClassSlabs.give"],
    prepare: (heap, live) => {
      const ptrs = times(60, () => live.add(heap.malloc(4 * KIB)));
      for (const ptr of ptrs) live.free(live.heap, ptr);
      return [];
    },
    act: (heap, live) => {
      for (let count = 0; count < 40; count++) live.add(heap.malloc(4 * KIB));
    },
  },
  {
    name: "a spill that empties slabs and superslabs",
    flags: "magazines=0",
    sections: ["ThreadCache.#spill", "Slabs.give", "PageHeap.give"],
    prepare: (heap, live) => {
      // The first empty superslab is kept: so one is emptied now, and the next gets that far.
      live.heap.collect();
      const ptrs = times(260, () => live.add(heap.malloc(32 * KIB)));
      while (viewState(heap)[WORD_EMPTY_SUPERSLABS] === 0) live.free(heap, ptrs.shift()!);
      for (const ptr of ptrs.splice(0, 40)) live.free(heap, ptr);
      return ptrs.slice(0, 40);
    },
    act: (heap, live, ptrs) => {
      for (const ptr of ptrs) live.free(heap, ptr);
    },
  },
  {
    name: "large blocks, taken, resized where they are, and freed",
    sections: ["PageHeap.takeLarge", "PageHeap.growInPlace", "PageHeap.shrinkInPlace", "PageHeap.give"],
    prepare: (heap, live) => {
      const ptrs = times(6, (index) => live.add(heap.malloc((index + 1) * 70 * KIB)));
      live.free(heap, ptrs[0]!);
      live.free(heap, ptrs[4]!);
      return [ptrs[1]!, ptrs[2]!, ptrs[3]!, ptrs[5]!];
    },
    act: (heap, live, ptrs) => {
      ptrs.push(live.add(heap.malloc(100 * KIB)), live.add(heap.alignedAlloc(256 * KIB, 50 * KIB)));
      // In place, or the block that it would move to is nobody's when the thread dies.
      for (const bytes of [40 * KIB, 130 * KIB]) {
        assertEquals(heap.realloc(ptrs[1]!, bytes), ptrs[1]);
        live.refill(ptrs[1]!);
      }
      for (const ptr of ptrs) live.free(heap, ptr);
    },
  },
  {
    name: "sampled blocks, allocated and freed",
    flags: "profile=1",
    sections: ["PageHeap.give", "Samples.#count", "PageHeap.takeLarge"],
    each: 128,
    prepare: (heap, live) => times(2, () => live.add((sampleNext(heap), heap.malloc(100)))),
    act: (heap, live, ptrs) => {
      for (const ptr of ptrs) live.free(heap, ptr);
      for (const size of [200, 30_000, 90 * KIB]) live.add((sampleNext(heap), heap.malloc(size)));
    },
  },
  {
    name: "collect()",
    sections: ["ThreadCache.flush", "ClassSlabs.giveEmpty"],
    prepare: (heap, live) => {
      const ptrs = times(200, (index) => live.add(heap.malloc(index * 40)));
      ptrs.push(...times(4, () => live.add(heap.malloc(90 * KIB))));
      ptrs.forEach((ptr, index) => {
        if (index % 5 !== 0) live.free(heap, ptr);
      });
      return ptrs.filter((_, index) => index % 5 === 0);
    },
    act: (heap) => void heap.collect(),
  },
  {
    name: "a trim",
    sections: ["ClassSlabs.#trim"],
    each: 192, // much is spilled first
    prepare: (heap, live) => {
      const ptrs = times(24, () => live.add(heap.malloc(1000))).sort((a, b) => a - b);
      for (const ptr of ptrs.splice(12)) live.free(heap, ptr);
      for (const ptr of ptrs.splice(4, 3)) live.free(heap, ptr);
      return ptrs;
    },
    act: (heap) => void heap.collect(),
  },
  {
    name: "a purge",
    sections: ["Slabs.#purge", "PageHeap.#purgeOne"],
    prepare: (heap, live) => {
      const small = times(20, () => live.add(heap.malloc(32 * KIB)));
      const large = times(4, () => live.add(heap.malloc(90 * KIB)));
      for (const ptr of [...small, ...large.slice(1, 3)]) live.free(heap, ptr);
      return [];
    },
    act: (heap) => void heap.collect(),
  },
  {
    name: "close()",
    sections: ["ThreadCache.leave", "ClassSlabs.abandon", "HeapMemory.#leave"],
    each: 512, // it ends with a short section
    prepare: (heap, live) => {
      const ptrs = times(3, (index) => live.add(heap.malloc(index * 500)));
      for (const ptr of ptrs) live.free(heap, ptr);
      return [];
    },
    act: (heap) => heap.close(),
  },
];

/** Steps at which to die: each of the first, then ever fewer. */
function nextStep(step: number, each = 32): number {
  return step + 1 + Math.floor(step / each);
}

Error.stackTraceLimit = 50; // where somebody died is told by the calls that led there

for (const { name, flags = "magazines=1", sections, each, prepare, act } of SCENARIOS) {
  Deno.test(
    { name: `a thread dies at any step of ${name}, and nothing is lost`, sanitizeResources: false },
    async () => {
      const options = { variant: `slab-map,capacity=16,refill=8,prewarm=0,${flags}`, reserveBytes: RESERVE };
      using survivor = await Heap.open(options);
      const shared = survivor.share(), live = new Live(survivor);
      for (let index = 0; index < 50; index++) live.add(survivor.malloc(index * 300));
      let deaths = 0, stacks = "";
      for (let step = 0, isOver = false; !isOver; step = nextStep(step, each)) {
        const { heap, life } = await attachMortal(shared);
        assert(heap !== undefined);
        const before = new Set(live.fills.keys());
        const prepared = prepare?.(heap, live) ?? [];
        life.left = step;
        try {
          act(heap, live, prepared);
        } catch (error) {
          if (!(error instanceof Death)) throw error;
          stacks += life.stack;
        }
        if (life.isOver) {
          deaths++;
          assertEquals(viewState(survivor)[WORD_LOCK] !== 0, true, "the dead thread has the lock");
          if (step % 3 === 0) rollBackHalf(survivor);
          (heap.u8.buffer as ArrayBuffer).transfer(0);
        } else {
          isOver = true;
          life.left = Infinity;
          heap.close();
        }
        live.audit();
        survivor.collect();
        live.audit();
        for (const ptr of [...live.fills.keys()]) if (!before.has(ptr)) live.free(survivor, ptr);
      }
      assert(deaths > 3, `${deaths} deaths`);
      for (const section of sections) assert(stacks.includes(` ${section} `), `nobody died in ${section}`);
    },
  );
}

/** What a thread does that dies while it rolls back: some entries are written, the last of them is still in the log. */
function rollBackHalf(heap: Heap): void {
  const words = viewState(heap), doubles = new Float64Array(words.buffer);
  const length = words[WORD_LOG_LENGTH]!, log = LOG_OFFSET / 8;
  for (let count = length - 1; count >= length >> 1; count--) {
    words[doubles[log + count * 2]!] = doubles[log + count * 2 + 1]!;
    words[WORD_LOG_LENGTH] = count + 1;
  }
}

Deno.test({ name: "a thread dies while it gives back what a dead one had", sanitizeResources: false }, async () => {
  using survivor = await Heap.open({ variant: "slab-map,capacity=64,refill=32,prewarm=0", reserveBytes: RESERVE });
  const shared = survivor.share(), live = new Live(survivor);
  for (let index = 0; index < 50; index++) live.add(survivor.malloc(index * 300));
  for (let step = 0, isOver = false; !isOver; step = nextStep(step)) {
    const first = await attachMortal(shared);
    const ptrs = times(150, (index) => live.add(first.heap!.malloc(index * 20)));
    for (const ptr of ptrs) live.free(first.heap!, ptr);
    first.life.left = 0;
    try {
      first.heap!.malloc(200 * KIB);
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
    const second = await attachMortal(shared, step);
    isOver = !second.life.isOver;
    second.life.left = Infinity;
    if (isOver) second.heap!.close();
    live.audit();
    survivor.collect();
    live.audit();
    assertEquals(survivor.stats().classes.every(({ cachedBlocks }) => cachedBlocks === 0), true);
  }
});

Deno.test(
  { name: "a thread dies while it attaches, when all slots are of the dead", sanitizeResources: false },
  async () => {
    using survivor = await Heap.open({ variant: "slab-map,capacity=64,refill=32,prewarm=0", reserveBytes: RESERVE });
    const shared = survivor.share(), live = new Live(survivor);
    let withoutSlot = 0, isOver = false;
    for (let step = 0; !isOver; step = nextStep(step)) {
      const first = await attachMortal(shared);
      const ptrs = times(50, (index) => live.add(first.heap!.malloc(index * 20)));
      for (const ptr of ptrs) live.free(first.heap!, ptr);
      first.life.left = 0;
      try {
        first.heap!.malloc(200 * KIB);
      } catch (error) {
        if (!(error instanceof Death)) throw error;
      }
      fillWithDead(survivor);
      const second = await attachMortal(shared, step);
      isOver = !second.life.isOver;
      if (isOver) {
        second.life.left = Infinity;
        assertEquals(countDead(survivor), 0);
        second.heap!.close();
      } else if (viewState(survivor)[WORD_LOCK]! < 0) {
        withoutSlot++;
      }
      live.audit();
      live.add(survivor.malloc(100 * KIB)); // takes the lock from the dead
      survivor.collect();
      live.audit();
      assertEquals(countDead(survivor), 0);
      assertEquals(survivor.stats().classes.every(({ cachedBlocks }) => cachedBlocks === 0), true);
      for (const ptr of [...live.fills.keys()]) live.free(survivor, ptr);
    }
    assert(withoutSlot > 20, `${withoutSlot} died before they had a slot`);
  },
);

Deno.test("a Worker really ends in the middle of a section, and the lock is taken from it", async () => {
  using heap = await Heap.open({ variant: "slab-map,counters=1" });
  const live = new Live(heap);
  for (let index = 0; index < 50; index++) live.add(heap.malloc(index * 300));
  const system = await openVirtualMemory();
  for (const left of [0, 4, 17, 40]) {
    const worker = new Worker(new URL("mortal_worker.ts", import.meta.url), { type: "module" });
    const died = new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
    worker.postMessage({ shared: heap.share(), left });
    assertEquals(await died, "died");
    const holder = viewState(heap)[WORD_LOCK]!;
    assert(entryOfOwner(holder) > 0, "the Worker has the lock");
    const id = viewState(heap)[wordOfThread(entryOfOwner(holder)) + THREAD_ID]!;
    assert(system.threadStart(id) > 0, "its thread lives still, so the lock is its own");
    worker.terminate();
    while (system.threadStart(id) !== 0) await new Promise((resolve) => setTimeout(resolve, 2));
    live.add(heap.malloc(200 * KIB));
    heap.collect();
    live.audit();
  }
  assertEquals(heap.counters()!.rollbacks, 3, "with nothing written there is nothing to roll back");
  system.close();
});

/** Needs so many frames: more stack than a section asks for when it begins, so that some end half way. */
function deep(frames: number): number {
  return frames === 0 ? 0 : 1 + deep(frames - 1);
}

/** Counts the sections that an error ended after they had written something. Each fourth write needs a deep stack. */
class CountingJournal extends Journal {
  ended = 0;
  #writes = 0;

  override set(index: number, value: number): void {
    if ((this.#writes & 3) === 3) deep(200);
    super.set(index, value);
    this.#writes++;
  }

  override run<Result>(body: () => Result): Result {
    const before = this.#writes;
    let isWhole = false;
    try {
      const result = super.run(body);
      isWhole = true;
      return result;
    } finally {
      if (!isWhole && this.#writes > before) this.ended++;
    }
  }
}

for (const [isShared, caches] of [[false, 0], [true, 0], [false, 1]] as const) {
  const which = `${isShared ? "" : "not "}shared, ${caches === 0 ? "no caches" : "with caches"}`;
  Deno.test(`a stack overflow at any depth of a call leaves the heap as it was (${which})`, async () => {
    let journal: CountingJournal | undefined;
    // What is set aside or cached needs no section, so few are ended half way.
    const variant = `slab-map,capacity=4,refill=1,prewarm=0,magazines=${caches},spanCache=${caches}`,
      least = caches === 0 ? 5 : -1;
    using heap = await openWith((words) => journal = new CountingJournal(words), { variant, reserveBytes: 64 * MIB });
    if (isShared) heap.share();
    const ptrs = new Float64Array(10_000);
    let count = 0, levels = 0, round = 1;
    /** Takes or frees a block; no calls but the heap's, so that what happened is known when the stack is full. */
    const work = (): void => {
      round = (Math.imul(round, 1103515245) + 12345) | 0;
      const x = round >>> 12;
      if (count < 400 && (count === 0 || (x & 3) !== 0)) {
        const ptr = heap.malloc((x & 12) === 0 ? 100_000 : (x & 16) === 0 ? 16_384 : x >>> 10);
        if (ptr !== 0) ptrs[count++] = ptr;
      } else {
        const at = (x >>> 4) % count, ptr = ptrs[at]!;
        heap.free(ptr);
        ptrs[at] = ptrs[--count]!;
      }
    };
    const dive = (): void => {
      try {
        dive();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      if (levels++ > 400) return; // frames of a call that goes the slow way need as much stack as a hundred of these
      try {
        work();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    };
    // A function that was never called is compiled at its first call, which needs more stack than all of these have.
    for (let calls = 0; calls < 1000; calls++) work();
    // As often as it takes: most stacks end where no section has begun.
    for (let repeat = 0; repeat < 64 || (repeat < 3000 && journal!.ended <= least); repeat++) {
      levels = 0;
      // Each argument is 8 bytes of stack: so the stack ends at another place each time.
      ((..._padding: number[]) => dive())(...new Array<number>(repeat % 64).fill(0));
      heap.check();
      assertEquals([...heap.blocks()].map(({ ptr }) => ptr), [...ptrs.subarray(0, count)].sort((a, b) => a - b));
    }
    assert(journal!.ended > least, `${journal!.ended} sections were ended half way`);
    for (let index = 0; index < count; index++) heap.free(ptrs[index]!);
    heap.check();
    assertEquals(heap.stats().liveBlocks, 0);
  });
}

Deno.test("a stack overflow at any depth of malloc and free loses no block, also where they write headers, or count", async () => {
  for (const variant of ["slab-map", "phase7", "slab-map,counters=1"]) {
    using heap = await Heap.open({ variant, reserveBytes: RESERVE });
    const ptrs = new Float64Array(1000);
    let count = 0, levels = 0, overflows = 0;
    const work = (): void => {
      if (count === 50) {
        heap.free(ptrs[count - 1]!);
        count--;
      } else {
        ptrs[count] = heap.malloc(100);
        count++;
      }
    };
    const dive = (): void => {
      try {
        dive();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      if (levels++ > 30) return;
      try {
        work();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        overflows++;
      }
    };
    for (let calls = 0; calls < 200; calls++) work(); // so few that V8 inlines nothing yet
    for (let repeat = 0; repeat < 600; repeat++) {
      levels = 0;
      ((..._padding: number[]) => dive())(...new Array<number>(repeat * 9 % 113).fill(0));
    }
    assert(overflows > 100);
    assertEquals(heap.stats().liveBlocks, count);
  }
});

for (const method of ["fill", "copyWithin"] as const) {
  Deno.test(`calloc and realloc lose no block where there is no stack left for ${method}`, async () => {
    using heap = await Heap.open({ reserveBytes: RESERVE });
    using other = await Heap.attach(heap.share());
    const { prototype } = Uint8Array, { [method]: original } = prototype;
    const blocks = [1000, 200_000].map((size) => other.malloc(size));
    for (const ptr of blocks) heap.u8.fill(7, ptr, ptr + 1000);
    for (let times = 0; times < 3; times++) {
      prototype[method] = () => {
        throw new RangeError("Maximum call stack size exceeded");
      };
      try {
        for (const one of [heap, other]) {
          if (method === "fill") assertThrows(() => one.calloc(1, 5000), RangeError, "Maximum call stack");
          else {for (const ptr of blocks) {
              assertThrows(() => one.realloc(ptr, 2_000_000), RangeError, "Maximum call stack");
            }}
        }
      } finally {
        prototype[method] = original;
      }
      for (const one of [other, heap]) one.check();
      assertEquals([...heap.blocks()].map(({ ptr }) => ptr), blocks);
    }
    for (const ptr of blocks) assert(heap.u8.subarray(ptr, ptr + 1000).every((byte) => byte === 7));
  });
}
