/** Crews as the coordinator has them: a contestant's process that is asked for several threads. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Child, ContestantError } from "../../../src/lab/contest/child.ts";
import { type Contestant, enter, heapContestant, withOwnHeaps } from "../../../src/lab/contest/contestants.ts";
import type { Turn } from "../../../src/lab/contestant/protocol.ts";
import { CrewControl, crewMemory } from "../../../src/lab/contestant/crew/member.ts";
import { completeParameters, WORKLOADS } from "../../../src/workloads/mod.ts";

const LIBRARY = new URL("../../../mod.ts", import.meta.url).href;
/** Milliseconds after which a contestant hangs. */
const HANGS = 30_000;

/** A source whose heap is this project's, but for what `changes` does to it: text of a class body. */
async function withSource(changes: string, use: (source: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const text = `import { Heap as Real } from ${JSON.stringify(LIBRARY)};
      /** The heap, with a malloc that has memory for so many calls. */
      const limited = (heap, most) => {
        let left = most;
        const malloc = (size) => left-- > 0 ? heap.malloc(size) : 0;
        const { free, u8 } = heap;
        return { malloc, free, u8, alignedAlloc: heap.alignedAlloc.bind(heap), share: () => heap.share() };
      };
      const folder = ${JSON.stringify(folder)};
      export const Heap = { ${changes} };`;
    await Deno.writeTextFile(`${folder}/mod.ts`, text);
    await use(`file://${folder}`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function run(child: Child, workload: string, threads: number, given = {}, units = 2): Promise<Turn> {
  const parameters = completeParameters(WORKLOADS.get(workload)!, given);
  return child.run({ workload, threads, units, parameters }, HANGS);
}

/** What does not depend on who did what. */
function work({ operations, checksum, turnChecksum }: Turn) {
  return { operations, checksum, turnChecksum };
}

for (
  const [where, changes] of [
    [
      "a Worker",
      "open: (options) => Real.open(options), attach: async (handle) => limited(await Real.attach(handle), 500)",
    ],
    [
      "the first thread",
      "open: async (options) => limited(await Real.open(options), 500), attach: (handle) => Real.attach(handle)",
    ],
  ] as const
) {
  // In larson that is before the clock starts, in mstress on it; in xmalloc-test others wait for the blocks of this one.
  for (const [workload, threads] of [["larson", 2], ["mstress", 3], ["xmalloc-test", 4]] as const) {
    Deno.test(`a crew fails, and does not hang, when ${where} runs out of memory in ${workload}`, () =>
      withSource(changes, async (source) => {
        await using child = await Child.start(heapContestant("slab-map", "small", source).command);
        const error = await assertRejects(() => run(child, workload, threads), ContestantError);
        assert(/^contestant small failed: malloc\(\d+\) gave NULL$/.test(error.message), error.message);
      }));
  }
}

Deno.test("a crew fails when a Worker cannot open its allocator", () =>
  withSource(
    "open: (options) => Real.open(options), attach: () => Promise.reject(new Error('no room here'))",
    async (source) => {
      await using child = await Child.start(heapContestant("slab-map", "lonely", source).command);
      await assertRejects(() => run(child, "larson", 2), ContestantError, "contestant lonely failed: no room here");
    },
  ));

Deno.test("a crew says so when the heap of its source knows only one thread", () =>
  withSource(
    "open: async (options) => ({ ...limited(await Real.open(options), 1e9), share: undefined })",
    async (source) => {
      await using child = await Child.start(heapContestant("slab-map", "old", source).command);
      await assertRejects(
        () => run(child, "random-mixed", 2),
        ContestantError,
        "contestant old failed: this source's heap knows only one thread",
      );
    },
  ));

Deno.test("a crew keeps its Workers from slot to slot, and starts more only when it needs them", () =>
  withSource(
    `open: (options) => Real.open(options), attach: (handle) => {
      Deno.writeTextFileSync(folder + "/attached", "1", { append: true });
      return Real.attach(handle);
    }`,
    async (source, folder) => {
      await using child = await Child.start(heapContestant("slab-map", "crew", source).command);
      const attached = async () => (await Deno.readTextFile(`${folder}/attached`)).length;
      const first = await run(child, "larson", 2);
      assertEquals(await attached(), 1);
      for (const workload of ["random-mixed", "xmalloc-test", "larson"]) await run(child, workload, 2);
      assertEquals(await attached(), 1);
      await run(child, "larson", 4);
      assertEquals(await attached(), 3);
      assertEquals(work(await run(child, "larson", 2)), work(first), "each slot begins anew");
      assertEquals(await attached(), 3);
    },
  ));

Deno.test("a crew with own heaps opens one in each thread, and does the same work as one that shares", () =>
  withSource(
    `open: (options) => {
      Deno.writeTextFileSync(folder + "/opened", "1", { append: true });
      return Real.open(options);
    }, attach: () => Promise.reject(new Error("nothing is shared"))`,
    async (source, folder) => {
      await using own = await Child.start(withOwnHeaps(heapContestant("slab-map", "heap", source)).command);
      await using shared = await Child.start(heapContestant("slab-map", "heap").command);
      for (const workload of ["cache-scratch", "cache-thrash", "random-mixed"]) {
        const slots = [await run(own, workload, 3), await run(shared, workload, 3)];
        assertEquals(work(slots[0]!), work(slots[1]!), workload);
      }
      assertEquals(await Deno.readTextFile(`${folder}/opened`), "111");
      await assertRejects(
        () => run(own, "larson", 2),
        ContestantError,
        "contestant hakmem, own heaps failed: larson frees blocks of other threads, which this allocator cannot",
      );
    },
  ));

Deno.test("a crew refuses a number of threads that its workload has no meaning for", async () => {
  await using child = await Child.start(heapContestant("slab-map", "heap").command);
  await assertRejects(
    () => run(child, "xmalloc-test", 3),
    ContestantError,
    "xmalloc-test with 3 threads: as many producers as consumers",
  );
  assertEquals((await run(child, "xmalloc-test", 2)).threads?.length, 2, "it still serves");
});

Deno.test("peers without a heap for all threads have one for each, where no block crosses", async () => {
  const { contestants } = await enter([], ["thi.ng", "uint8array"]);
  const peers: Contestant[] = contestants.filter(({ heaps }) => heaps === "own");
  assertEquals(peers.map(({ allocator }) => allocator), ["thi.ng", "uint8array"]);
  for (const { command, label } of peers) {
    await using child = await Child.start(command);
    const slot = await run(child, "hot-pair", 2, { cycles: 1000 });
    assertEquals(slot.operations, 2 * 2 * 2 * 1000, `${label}: threads, units, a malloc and a free`);
    await assertRejects(() => run(child, "cache-scratch", 2), ContestantError, "which this allocator cannot");
  }
});

Deno.test("a slot's tier is that of the thread that was worst off", () => {
  for (
    const [tiers, worst] of [
      [["turbofan", "maglev", "turbofan"], "maglev"],
      [["turbofan", "turbofan", "turbofan"], "turbofan"],
      [["maglev", "turbofan", "baseline"], "baseline"],
      [["unknown", "unknown", "unknown"], "unknown"],
    ] as const
  ) {
    const control = new CrewControl(crewMemory(0, 3, []));
    tiers.forEach((tier, thread) => control.done(thread, 10 * thread, 100 * thread, tier));
    assertEquals(control.result(3, 3).tier, worst);
    assertEquals(control.result(3, 3).threads[2], { nanoseconds: 20, operations: 200 });
  }
});
