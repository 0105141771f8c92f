/**
 * Death at every step of what a debug build does, or a guarded one with what it guards, by journals that can be told to die
 * (`../state/mortal.ts`): in the books, and in the release build beneath. Each call was made or was not; all that its thread knew
 * of is as it was; and nothing is lost, since `check()` finds every block of the release build in the books.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Heap, HeapError, type HeapOptions, type SharedHeap } from "../../../src/heap/mod.ts";
import { WORD_LOCK } from "../../../src/heap/state/layout.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import { attachMortal, countDead, Death, fillWithDead, type Life } from "../state/mortal.ts";

const KIB = 1024, MIB = 1024 * KIB;

/** Makes calls, and knows what there must be if one does not come back. */
class Caller {
  /** By pointer: size and what it is filled with. */
  readonly live = new Map<number, { size: number; fill: number }>();
  /** Of the call that is under way: what it frees, and the size of what it makes. */
  #frees: number | undefined;
  #makes: number | undefined;
  #count = 0;

  constructor(public heap: Heap) {}

  malloc(size: number): number {
    return this.#make(size, () => this.heap.malloc(size));
  }

  calloc(size: number): number {
    return this.#make(size, () => this.heap.calloc(1, size));
  }

  alignedAlloc(alignment: number, size: number): number {
    return this.#make(size, () => this.heap.alignedAlloc(alignment, size));
  }

  realloc(ptr: number, size: number): number {
    this.#frees = ptr;
    const moved = this.#make(size, () => this.heap.realloc(ptr, size));
    this.#freed(ptr);
    return moved;
  }

  free(ptr: number): void {
    this.#frees = ptr;
    this.heap.free(ptr);
    this.#freed(ptr);
  }

  #freed(ptr: number): void {
    this.#frees = undefined;
    this.live.delete(ptr);
  }

  #make(size: number, call: () => number): number {
    this.#makes = size;
    const ptr = call();
    this.#makes = undefined;
    assert(ptr !== 0 && !this.live.has(ptr));
    this.live.set(ptr, { size, fill: 1 + this.#count++ % 200 });
    this.heap.u8.fill(this.live.get(ptr)!.fill, ptr, ptr + size);
    return ptr;
  }

  /** What another thread sees; then that goes on with it. */
  audit(survivor: Heap): void {
    this.heap = survivor;
    survivor.check();
    const found = new Map([...survivor.blocks()].map(({ ptr, size }) => [ptr, size]));
    const missing = [...this.live.keys()].filter((ptr) => !found.has(ptr));
    const unknown = [...found.keys()].filter((ptr) => !this.live.has(ptr));
    assertEquals(missing, missing.length === 0 ? [] : [this.#frees], "a live block is lost");
    assertEquals(unknown.map((ptr) => found.get(ptr)), unknown.length === 0 ? [] : [this.#makes], "a block is made up");
    if (this.#frees !== undefined && this.#makes !== undefined) assertEquals(missing.length, unknown.length, "realloc");
    for (const ptr of missing) {
      const before = this.live.get(ptr)!;
      for (const moved of unknown) {
        const kept = survivor.bytes(moved, Math.min(before.size, found.get(moved)!));
        assert(kept.every((byte) => byte === before.fill), "realloc lost the contents");
      }
      assertEquals(assertThrows(() => survivor.free(ptr), HeapError).code, "DOUBLE_FREE");
      this.live.delete(ptr);
    }
    for (const ptr of unknown) survivor.free(ptr);
    for (const [ptr, { size, fill }] of this.live) {
      assert(survivor.bytes(ptr, size).every((byte) => byte === fill), "something wrote into a live block");
    }
    this.#frees = this.#makes = undefined;
  }
}

interface Scenario {
  readonly name: string;
  readonly options?: HeapOptions;
  readonly prepare?: (caller: Caller, survivor: Heap) => number[];
  readonly act: (caller: Caller, prepared: number[]) => void;
}

const times = (count: number, make: (index: number) => number): number[] =>
  Array.from({ length: count }, (_, index) => make(index));

const SCENARIOS: readonly Scenario[] = [
  {
    name: "allocations, of all kinds",
    act: (caller) => {
      for (const size of [0, 3000, 60 * KIB]) caller.malloc(size);
      caller.calloc(500);
      caller.alignedAlloc(4096, 100);
      caller.alignedAlloc(MIB, 100);
    },
  },
  {
    name: "frees, into a quarantine with room and into one without",
    prepare: (caller) => times(12, (index) => caller.malloc(index * 200)),
    act: (caller, ptrs) => {
      for (const ptr of ptrs) caller.free(ptr);
    },
  },
  {
    name: "frees without a quarantine",
    options: { quarantineBytes: 0 },
    prepare: (caller) => times(12, (index) => caller.malloc(index % 4 === 0 ? 40 * KIB : 600)),
    act: (caller, ptrs) => {
      for (const ptr of ptrs) caller.free(ptr);
    },
  },
  {
    name: "frees of another thread's blocks",
    options: { quarantineBytes: 0 },
    prepare: (caller, survivor) => {
      const { heap } = caller;
      caller.heap = survivor;
      const ptrs = times(30, () => caller.malloc(600));
      caller.heap = heap;
      return ptrs;
    },
    act: (caller, ptrs) => {
      for (const ptr of ptrs) caller.free(ptr);
    },
  },
  {
    name: "realloc",
    prepare: (caller) => times(3, (index) => caller.malloc(index * 200)),
    act: (caller, ptrs) => {
      for (const ptr of ptrs) {
        for (let moved = ptr, size = 10; size < 50 * KIB; size *= 60) moved = caller.realloc(moved, size);
      }
    },
  },
  {
    name: "realloc of a large block, where it is",
    prepare: (caller) => [caller.malloc(100 * KIB)],
    act: (caller, [ptr]) => {
      for (let size = 100 * KIB + 1; size < 100 * KIB + 5; size++) {
        assertEquals(caller.heap.realloc(ptr!, size), ptr);
        caller.live.set(ptr!, { size, fill: 7 });
        caller.heap.u8.fill(7, ptr, ptr! + size);
      }
    },
  },
  {
    name: "malloc that needs what is in quarantine",
    options: { maxBytes: 768 * KIB, quarantineBytes: 8 * MIB },
    prepare: (caller) => times(8, () => caller.malloc(36 * KIB)),
    act: (caller, ptrs) => {
      for (const ptr of ptrs) caller.free(ptr);
      caller.malloc(500 * KIB);
    },
  },
  {
    name: "collect()",
    prepare: (caller) => {
      const ptrs = times(60, (index) => caller.malloc(index * 40));
      for (const ptr of ptrs.slice(10)) caller.free(ptr);
      return [];
    },
    act: (caller) => void caller.heap.collect(),
  },
  {
    name: "close()",
    prepare: (caller) => {
      for (const ptr of times(30, (index) => caller.malloc(index * 100))) caller.free(ptr);
      return [];
    },
    act: (caller) => caller.heap.close(),
  },
];

/** Steps at which to die: each of the first call, then ever fewer. */
function nextStep(step: number): number {
  return step < 64 ? step + 1 : step + (step >> 2);
}

/** Two attach before anybody else has called: neither gets the slot of a dead thread that still has the lock. */
async function assertAttaches(shared: SharedHeap): Promise<void> {
  using first = await Heap.attach(shared);
  using second = await Heap.attach(shared);
  first.free(second.malloc(50));
  second.check();
}

const DEBUG: HeapOptions = { build: "debug", stacks: 10, quarantineBytes: 6000 };
const GUARDED: HeapOptions = { guard: { oneIn: 1 } };

/**
 * Of a design with headers, whose lists go through the Box, what gives most back. Of a guarded build what guards, and is
 * one step there.
 */
const RUNS: readonly [build: string, design: string, options: HeapOptions, scenarios: readonly Scenario[]][] = [
  ["debug", "slab-map", DEBUG, SCENARIOS],
  ["debug", "e3-2", DEBUG, SCENARIOS.filter(({ options }) => options?.quarantineBytes === 0)],
  ["guarded", "slab-map", GUARDED, [
    {
      name: "allocations, of all kinds",
      act: (caller) => {
        for (const size of [0, 3000, 60 * KIB]) caller.malloc(size);
        caller.calloc(500);
        caller.alignedAlloc(4096, 100);
      },
    },
    {
      name: "frees and allocations, with the quarantine full",
      prepare: (caller) => {
        for (const ptr of times(6, () => caller.malloc(200 * KIB))) caller.free(ptr);
        return times(6, (index) => caller.malloc(index < 3 ? 200 * KIB : 100));
      },
      act: (caller, ptrs) => {
        for (const ptr of ptrs) caller.free(ptr);
        for (const size of [100, 200 * KIB, 150 * KIB]) caller.malloc(size);
      },
    },
    ...SCENARIOS.filter(({ name }) => name.endsWith("()")),
  ]],
];

for (const [build, design, common, scenarios] of RUNS) {
  const variant = `${design},capacity=8,refill=4,prewarm=0`;
  for (const { name, options, prepare, act } of scenarios) {
    Deno.test({
      name: `${build}, ${design}: a thread dies at any step of ${name}, and nothing is lost`,
      sanitizeResources: false,
    }, async () => {
      const log: string[] = [];
      const survivor = await Heap.open({
        ...common,
        variant,
        reserveBytes: 64 * MIB,
        log: (line) => log.push(line),
        ...options,
      });
      const shared = survivor.share(), resident = survivor.malloc(100);
      survivor.u8.fill(0xd0, resident, resident + 100);
      let deaths = 0;
      for (let step = 0, isOver = false; !isOver; step = nextStep(step)) {
        const { heap, life } = await attachMortal(shared);
        const caller = new Caller(heap!);
        caller.live.set(resident, { size: 100, fill: 0xd0 });
        const prepared = prepare?.(caller, survivor) ?? [];
        life.left = step;
        try {
          act(caller, prepared);
        } catch (error) {
          if (!(error instanceof Death)) throw error;
        }
        isOver = !life.isOver;
        life.left = Infinity;
        if (!isOver) deaths++;
        else heap!.close();
        if (step % 5 === 1) await assertAttaches(shared);
        caller.audit(survivor);
        survivor.collect();
        survivor.check();
        for (const ptr of [...caller.live.keys()]) if (ptr !== resident) caller.free(ptr);
      }
      assert(deaths > 10, `${deaths} deaths`);
      survivor.free(resident);
      survivor.close();
      assertEquals(log.filter((line) => !line.startsWith("cc")), []);
    });
  }
}

/** Makes calls until it dies in one, some steps from now. */
function dieIn(caller: Caller, life: Life, steps: number): void {
  life.left = steps;
  try {
    for (;;) caller.free(caller.malloc(700));
  } catch (error) {
    if (!(error instanceof Death)) throw error;
  }
}

for (const isFull of [false, true]) {
  const state = isFull ? ", when all slots are of the dead" : "";
  Deno.test({
    name: `debug: a thread dies while it attaches${state}, after one that has the lock of the books`,
    sanitizeResources: false,
  }, async () => {
    using survivor = await Heap.open({ build: "debug", stacks: 10, quarantineBytes: 6000, reserveBytes: 64 * MIB });
    const shared = survivor.share();
    let withoutSlot = 0;
    for (let step = 0, isOver = false; !isOver; step = nextStep(step)) {
      const first = await attachMortal(shared), caller = new Caller(first.heap!);
      for (let index = 0; index < 20; index++) caller.free(caller.malloc(index * 100));
      dieIn(caller, first.life, step % 60);
      if (isFull) fillWithDead(survivor);
      const { heap, life } = await attachMortal(shared, step);
      isOver = !life.isOver;
      if (isOver) {
        life.left = Infinity;
        heap!.check();
        heap!.close();
      } else if (viewState(survivor)[WORD_LOCK]! < 0) withoutSlot++;
      if (step % 3 === 0) await assertAttaches(shared);
      caller.audit(survivor);
      survivor.collect();
      survivor.check();
      assertEquals(countDead(survivor), 0);
      for (const ptr of [...caller.live.keys()]) caller.free(ptr);
    }
    assertEquals(withoutSlot > 10, isFull, `${withoutSlot} died before they had a slot`);
  });
}

async function assertSurvivesOverflow(options: HeapOptions): Promise<void> {
  using heap = await Heap.open({ ...options, log: () => {} });
  heap.share();
  const ptrs: number[] = [];
  let round = 1, levels = 0;
  const work = (): void => {
    round = (Math.imul(round, 1103515245) + 12345) | 0;
    const x = round >>> 12;
    if (ptrs.length < 200 && (ptrs.length === 0 || (x & 3) !== 0)) {
      const ptr = heap.malloc((x & 12) === 0 ? 100_000 : x >>> 10);
      if (ptr !== 0) ptrs.push(ptr);
    } else {
      const at = (x >>> 4) % ptrs.length, ptr = ptrs[at]!;
      heap.free(ptr);
      ptrs[at] = ptrs.at(-1)!;
      ptrs.length--;
    }
  };
  const dive = (): void => {
    try {
      dive();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (levels++ > 150) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  };
  for (let calls = 0; calls < 1000; calls++) work();
  for (let repeat = 0; repeat < 24; repeat++) {
    levels = 0;
    ((..._padding: number[]) => dive())(...new Array<number>(repeat).fill(0));
    heap.check();
    assertEquals([...heap.blocks()].map(({ ptr }) => ptr), ptrs.toSorted((a, b) => a - b));
  }
  for (const ptr of ptrs) heap.free(ptr);
  heap.check();
  assertEquals(heap.stats().liveBlocks, 0);
}

Deno.test("debug: a stack overflow at any depth of a call leaves the heap as it was", async () => {
  await assertSurvivesOverflow({ build: "debug", stacks: false, quarantineBytes: 3000 });
});

Deno.test("guarded: a stack overflow at any depth of a call leaves the heap as it was", async () => {
  await assertSurvivesOverflow(GUARDED);
});
