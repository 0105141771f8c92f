/** Replays: on every allocator that lives in Deno, against the C twin, and on allocators that are broken. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { DEFAULT_VARIANT, Heap } from "../../../src/heap/mod.ts";
import { Child } from "../../../src/lab/contest/child.ts";
import { figureOf, formatReplayRequest } from "../../../src/lab/replay/protocol.ts";
import { replayHarness } from "../../../src/lab/replay/replay.ts";
import { enter } from "../../../src/lab/contest/contestants.ts";
import { openTouchingFfi } from "../../../src/peers/ffi.ts";
import { adaptHeap } from "../../../src/peers/heap.ts";
import { openAllocator } from "../../../src/peers/mod.ts";
import { TraceBuilder } from "../../../src/traces/builder.ts";
import type { Trace } from "../../../src/traces/mod.ts";
import { replayWords } from "../../../src/traces/replay_words.ts";
import { type Allocator, OutOfMemory, prepareReplay, ReplayFailure } from "../../../src/workloads/mod.ts";
import { answersOf, compilesWithoutWarning } from "../../os/run_child.ts";
import { arbitraryTrace } from "../../traces/helpers.ts";

/** Replays whole, in two parts, and once more. */
function replayAll<P>(allocator: Allocator<P>, trace: Trace, isVerified = true): number[] {
  const replay = prepareReplay(allocator, replayWords(trace), isVerified);
  const middle = Math.floor(replay.events / 2);
  return [0, 1].map(() => {
    replay.begin();
    replay.advance(middle);
    replay.advance(replay.events);
    const { checksum } = replay;
    replay.begin();
    return checksum;
  });
}

Deno.test("any trace replays on our heap, which is empty and sound afterwards", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTrace(), async (trace) => {
      using heap = await Heap.open();
      const [first, second] = replayAll(adaptHeap(heap), trace);
      assertEquals(first, second);
      heap.check();
      assertEquals(heap.stats().liveBlocks, 0);
    }),
    { numRuns: 50 },
  );
});

for (const name of ["none", "assemblyscript", "uint8array", "ffi", "thi.ng", "codemix"]) {
  Deno.test({
    name: `any trace replays on ${name}`,
    sanitizeResources: false, // allocators stay open for the rest of their process, which is otherwise a child
    fn: async () => {
      const use = <P>(allocator: Allocator<P>) => {
        fc.assert(
          fc.property(arbitraryTrace(), (trace) => {
            const [first, second] = replayAll(allocator, trace, name !== "none");
            assertEquals(first, second);
          }),
          { numRuns: 20 },
        );
      };
      if (name === "ffi") use(await openTouchingFfi());
      else await openAllocator(name, DEFAULT_VARIANT, use);
    },
  });
}

/** A trace with one of each event, and a block of several pages. */
function smallTrace(): Trace {
  const trace = new TraceBuilder("test", () => "");
  trace.malloc(1, 1, 100);
  trace.malloc(1, 2, 20_000);
  trace.calloc(1, 3, 10, 30);
  trace.aligned(1, 4, 512, 50);
  trace.realloc(1, 1, 5, 9000);
  trace.realloc(1, 2, 6, 5000);
  trace.free(1, 3);
  trace.free(1, null);
  return trace.finish();
}

Deno.test("a replay finds allocators that are broken", async (t) => {
  using heap = await Heap.open();
  const sound = adaptHeap(heap);
  const sane = { malloc: sound.malloc, realloc: sound.realloc!, calloc: sound.calloc!, aligned: sound.alignedAlloc! };
  let shared = 0;
  const broken: Record<string, [Partial<Allocator<number>>, message: string]> = {
    "gives a block out twice": [
      { malloc: (size) => shared ||= sane.malloc(Math.max(size, 20_000)) },
      "event 4: its block was overwritten before its realloc",
    ],
    "loses contents in a realloc": [
      { realloc: (_pointer, size) => sane.malloc(size) },
      "event 4: its block lost its contents in its realloc",
    ],
    "gives bytes that are not zero": [{
      calloc: (size) => {
        const pointer = sane.malloc(size);
        heap.u8[pointer + size - 1] = 1;
        return pointer;
      },
    }, "event 2: its block is of calloc, but not 0"],
    "gives addresses that are not aligned": [
      { alignedAlloc: (alignment, size) => sane.aligned(alignment, size + 16) + 16 },
      "event 3: its block is not aligned",
    ],
    "writes into blocks in its free": [{
      calloc: (size) => {
        const pointer = sane.calloc(size);
        queue.push(pointer);
        return pointer;
      },
      realloc: (pointer, size, former) => {
        for (const other of queue) heap.u8[other] = 0;
        return sane.realloc(pointer, size, former);
      },
    }, "event 6: its block was overwritten before its free"],
  };
  const queue: number[] = [];
  for (const [name, [faults, message]] of Object.entries(broken)) {
    await t.step(name, () => {
      const replay = prepareReplay({ ...sound, ...faults }, replayWords(smallTrace()), true);
      assertThrows(() => replay.advance(replay.events), ReplayFailure, message);
    });
  }
  await t.step("has no memory", () => {
    const replay = prepareReplay({ ...sound, malloc: () => 0 }, replayWords(smallTrace()), true);
    assertThrows(() => replay.advance(1), OutOfMemory, "malloc(100)");
  });
});

Deno.test("a replay is the same in TypeScript and in C", async () => {
  const path = await Deno.makeTempFile();
  try {
    await fc.assert(
      fc.asyncProperty(arbitraryTrace(), fc.constantFrom(undefined, 64), async (trace, touched) => {
        await Deno.writeFile(path, new Uint8Array(replayWords(trace, 1, touched).buffer));
        const { contestants } = await enter([], ["system"], replayHarness(path));
        const answers: string[][] = [];
        for (const label of ["none (deno)", "none (native)", "system"]) {
          const { command } = contestants.find((each) => each.label === label)!;
          await using child = await Child.start(command);
          const { checksum, operations } = await child.run({ workload: "replay", units: 2, parameters: {} });
          const longest = await child.ask(formatReplayRequest({ verb: "longest", count: 2 }), String);
          const advanced = await child.ask(formatReplayRequest({ verb: "advance", count: 1 }), String);
          const figures = [figureOf(longest, "nanoseconds") >= 0, figureOf(advanced, "faults") >= 0];
          answers.push([checksum, String(operations), ...figures.map(String)]);
        }
        assertEquals(answers[1], answers[0]);
        assertEquals(answers[2], answers[0]);
      }),
      { numRuns: 5 },
    );
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a replay by several threads is the same in TypeScript and in C, and keeps every block", async () => {
  const trace = new TraceBuilder("test", () => "");
  for (let block = 0; block < 3000; block++) {
    trace.malloc(block % 5, block, block % 700);
    if (block >= 10) trace.free((block + 1) % 5, block - 10); // mostly another thread's
    if (block % 7 === 0) trace.realloc((block + 2) % 5, block, block, 5000);
  }
  const decoded = trace.finish();
  const path = await Deno.makeTempFile();
  try {
    for (const threads of [2, 3]) {
      await Deno.writeFile(path, new Uint8Array(replayWords(decoded, threads).buffer));
      const { contestants } = await enter(["slab-map"], ["system"], replayHarness(path));
      const checksums = new Set<string>();
      for (const { command } of contestants) {
        await using child = await Child.start(command);
        for (const count of [1000, decoded.length]) {
          await child.ask(formatReplayRequest({ verb: "advance", count }), (line) => figureOf(line, "faults"));
        }
        const slot = await child.run({ workload: "replay", units: 3, parameters: {} });
        assertEquals(slot.operations, 3 * decoded.length);
        checksums.add(slot.checksum);
      }
      assertEquals([contestants.length, checksums.size], [4, 1]);
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("the replay in C compiles without a warning", async (t) => {
  const source = (file: string) => decodeURIComponent(new URL(`../../../native/${file}`, import.meta.url).pathname);
  const flags = ["-O3", "-pthread", "-fPIC"];
  await compilesWithoutWarning(t, flags, ["replay.c", "touch.c"].map(source));
  await compilesWithoutWarning(t, [...flags, "-DDO_NOTHING"], [source("replay.c")]);
});

/** Blocks that go from one thread to another, of sizes some of which are more than is touched. */
function sharedTrace(): Trace {
  const trace = new TraceBuilder("test", () => "");
  for (let block = 1; block <= 12; block++) {
    trace.malloc(block % 3, block, block * 50);
    if (block % 3 === 0) trace.realloc((block + 1) % 3, block, block, 700);
    if (block > 3) trace.free(block % 2, block - 3);
  }
  return trace.finish();
}

Deno.test("the C twin rejects words in which one is another, or replays them; it never dies of them, or hangs", async () => {
  const path = await Deno.makeTempFile();
  try {
    const { contestants } = await enter([], ["system"], replayHarness(path));
    const { path: program, args } = contestants.find(({ label }) => label === "system")!.command;
    let rejected = 0, replayed = 0;
    const random = fc.sample(fc.tuple(fc.nat(), fc.integer({ min: -1, max: 31 })), { seed: 13, numRuns: 120 });
    for (const [trace, members] of [[smallTrace(), 1], [sharedTrace(), 1], [sharedTrace(), 3]] as const) {
      const words = replayWords(trace, members, 256);
      for (const [pick, bit] of [[0, 0], ...random]) {
        const damaged = words.slice(), at = pick! % words.length;
        damaged[at] = bit === -1 ? -1 : damaged[at]! ^ (pick === 0 ? 0 : 1 << bit!);
        await Deno.writeFile(path, new Uint8Array(damaged.buffer));
        const { code, signal, lines } = await answersOf(program, args, "run replay units=1\n");
        const what = `${members} members, word ${at}, bit ${bit}: ${lines}`;
        assertEquals(signal, null, what);
        if (code === 3 && lines[0]!.includes("holds no words")) rejected++;
        else if (code === 0 && lines[1]!.startsWith("ok ")) replayed++;
        else assert(code === 1 && /^error event \d+: malloc\(\d+\) gave NULL$/.test(lines[1] ?? ""), what);
        assertEquals(pick === 0 && code !== 0, false, "the words themselves are sound");
      }
    }
    assert(rejected > 200 && replayed >= 3, `${rejected} rejected, ${replayed} replayed`);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("the C twin rejects files that hold no words of a replay", async () => {
  const path = await Deno.makeTempFile();
  try {
    const words = replayWords(smallTrace());
    const outside = words.slice();
    outside[8 + 1] = 1000; // the first event's slot
    for (const damaged of [words.slice(0, -1), outside, new Int32Array(2)]) {
      await Deno.writeFile(path, new Uint8Array(damaged.buffer));
      const { contestants } = await enter([], ["system"], replayHarness(path));
      const { command } = contestants.find(({ label }) => label === "system")!;
      const error = await Child.start(command).then(async (child) => {
        await child[Symbol.asyncDispose]();
        return undefined;
      }, (reason) => reason);
      assertEquals(error?.message.includes("holds no words of a replay"), true, String(error));
    }
  } finally {
    await Deno.remove(path);
  }
});
