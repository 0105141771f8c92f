import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { replay, type ReplayPlan } from "../../../src/lab/replay/replay.ts";
import { figureOf, formatFigures, formatReplayRequest, parseReplayRequest } from "../../../src/lab/replay/protocol.ts";
import { ContestantError } from "../../../src/lab/contest/child.ts";
import { assertFound, plant } from "../../planted.ts";
import { assertNarrow } from "../../report/fits.ts";
import { ProtocolError } from "../../../src/lab/contestant/protocol.ts";
import { TraceBuilder } from "../../../src/traces/builder.ts";
import { readChecked, ResultFileSchema } from "../../../src/model/mod.ts";
import { renderReplay, renderReplayMarkdown } from "../../../src/report/mod.ts";
import { longerBy, settingIn } from "../../../src/lab/contest/warnings.ts";
import { type Trace, TraceError } from "../../../src/traces/mod.ts";

/** A program that allocates 2 MB, frees half of it, and grows some. @param turns How often it does the first before. */
function smallTrace(turns = 0): Trace {
  const trace = new TraceBuilder("test", () => "");
  for (let turn = 0; turn < turns; turn++) {
    for (let block = 0; block < 2000; block++) trace.malloc(block % 3, block, 1000);
    for (let block = 0; block < 2000; block++) trace.free(turn % 3, block);
  }
  for (let block = 0; block < 2000; block++) trace.malloc(block % 3, block, 1000);
  for (let block = 0; block < 2000; block += 2) trace.free(0, block);
  for (let block = 1; block < 100; block += 2) trace.realloc(0, block, block, 3000);
  return trace.finish();
}

function planOf(changes: Partial<ReplayPlan>): ReplayPlan {
  return {
    trace: smallTrace(),
    file: "small",
    variants: ["slab-map"],
    peers: ["system"],
    threads: 1,
    rounds: 6,
    slotMilliseconds: 1,
    warmMilliseconds: 5,
    orderSeed: 1,
    ...changes,
  };
}

/** Has temporary files in a folder of its own meanwhile; says what is left of a replay. */
async function leftBy(action: () => Promise<void>): Promise<string[]> {
  const before = Deno.env.get("TMPDIR"), folder = await Deno.makeTempDir();
  Deno.env.set("TMPDIR", folder);
  try {
    await action();
    return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.startsWith("hakmem-replay-"));
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("replay() gives time and memory of all who take part, and leaves no file", async () => {
  const phases = new Set<string>();
  const plan = planOf({ peers: ["system", "ffi", "assemblyscript"] });
  let run!: Awaited<ReturnType<typeof replay>>;
  const left = await leftBy(async () => {
    run = await replay(plan, ({ phase }) => phases.add(phase), new AbortController().signal);
  });
  assertEquals(left, []);
  assertEquals([...phases], ["starting", "warming up", "measuring", "taking the footprint"]);
  const names = run.results.map(({ allocator, host }) => `${allocator} ${host}`);
  assertEquals(names, [
    "slab-map deno",
    "system native",
    "ffi deno",
    "assemblyscript deno",
    "none deno",
    "none native",
  ]);
  assertEquals(run.trace, {
    file: "small",
    format: "test",
    events: 3050,
    threads: 3,
    blocks: 2000,
    crossThreadFrees: 666 / 1000,
  });
  const checksums = new Set(run.results.map(({ checksum }) => checksum));
  assertEquals(checksums.size, 1);
  for (const result of run.results) {
    assertEquals([result.workload, result.events, result.operations, result.samples.length], ["replay", 3050, 3050, 6]);
    assert(result.coldSamples!.length >= 3 && result.coldSamples!.every((each) => each > 0));
    if (result.runtime === "harness") {
      assertEquals([result.verified, result.footprint, result.pageFaults], [undefined, undefined, undefined]);
      continue;
    }
    assertEquals([result.verified, result.peakLiveBytes], [true, 2_000_000]);
    assert(result.longestNs! > 0 && result.pageFaults! >= 0);
    if (result.allocator === "ffi") {
      assertEquals(result.footprint, undefined);
      continue;
    }
    const { events, liveBytes, footprintBytes } = result.footprint!;
    assertEquals([events.length, liveBytes.length, footprintBytes.length], [201, 201, 201]);
    assertEquals([events.at(-1), liveBytes.at(-1), Math.max(...liveBytes)], [3050, 1_100_000, 2_000_000]);
    assertEquals(result.peakFootprintBytes, Math.max(...footprintBytes));
    // All blocks are touched: less than they are cannot be in memory, and twice as much is a mistake of the measurement.
    assert(result.peakFootprintBytes! >= 2_000_000 && result.peakFootprintBytes! < 4_500_000, String(result.allocator));
    assert(result.averageFootprintBytes! < result.peakFootprintBytes!);
  }
});

Deno.test("replay() with several threads leaves out who cannot, and says so", async () => {
  const plan = planOf({ trace: smallTrace(20), threads: 2, peers: ["system", "ffi"] });
  const { results, notes } = await replay(plan, () => {}, new AbortController().signal);
  assertEquals(results.map(({ allocator, threads }) => `${allocator} ${threads}`), [
    "slab-map 2",
    "system 2",
    "none 2",
    "none 2",
  ]);
  assertEquals(notes.filter((note) => note === "ffi is left out: its blocks are of one thread alone").length, 1);
  assertEquals(results[0]?.longestNs, undefined);
  assert(results[0]!.peakFootprintBytes! >= 2_000_000);
});

Deno.test("replay() fails if an allocator does", async () => {
  using planted = await plant("link-twice");
  const broken: Pick<typeof import("../../../src/lab/replay/replay.ts"), "replay"> = await import(
    `file://${planted.folder}src/lab/replay/replay.ts`
  );
  const left = await leftBy(async () => {
    for (const threads of [1, 2]) {
      const plan = planOf({ peers: [], threads });
      const failing = () => broken.replay(plan, () => {}, new AbortController().signal);
      const { name, message } = await assertRejects(failing, Error);
      assertEquals([name, message.startsWith("contestant hakmem failed: ")], ["ContestantError", true], message);
      assertFound("link-twice", message);
    }
  });
  assertEquals(left, []);
});

Deno.test("replay() has no use for a trace in which only threads end, and takes one that only frees NULL", async () => {
  const trace = new TraceBuilder("test", () => "");
  trace.threadEnd(1);
  const { signal } = new AbortController();
  await assertRejects(
    () => replay(planOf({ trace: trace.finish() }), () => {}, signal),
    TraceError,
    "nothing to replay",
  );
  const idle = new TraceBuilder("test", () => "");
  idle.free(1, null);
  const run = await replay(planOf({ trace: idle.finish() }), () => {}, signal);
  assertEquals(run.results.map(({ events }) => events), [1, 1, 1, 1]);
  assertEquals(
    renderReplay({ schema: "hakmem.results/1", command: [], expectations: [], ...run }).includes("Inf"),
    false,
  );
});

Deno.test("replay() keeps time and memory when it is interrupted while single operations are timed", async () => {
  const controller = new AbortController();
  const stop = ({ phase }: { phase: string }) => {
    if (phase === "timing single operations") controller.abort();
  };
  const { isInterrupted, results } = await replay(planOf({ latency: true }), stop, controller.signal);
  assertEquals(isInterrupted, true);
  assert(results.some(({ allocator, peakFootprintBytes }) => allocator === "slab-map" && peakFootprintBytes! > 0));
  assert(results.every(({ latency }) => latency === undefined));
});

Deno.test("replay() says that single operations are timed with one thread only", async () => {
  const { notes } = await replay(planOf({ latency: true, threads: 2 }), () => {}, new AbortController().signal);
  assertEquals(notes.filter((note) => note.startsWith("single operations")).length, 1);
});

Deno.test("replay() stops when it is interrupted, also while it takes the footprint", async () => {
  const left = await leftBy(async () => {
    for (const wanted of ["warming up", "measuring", "taking the footprint"]) {
      const controller = new AbortController();
      const stop = ({ phase }: { phase: string }) => {
        if (phase === wanted) controller.abort();
      };
      await assertRejects(() => replay(planOf({}), stop, controller.signal), DOMException, "aborted");
    }
  });
  assertEquals(left, []);
});

Deno.test("the requests of a replay are read as they are written", () => {
  for (const verb of ["run", "advance", "longest", "latency"] as const) {
    assertEquals(parseReplayRequest(formatReplayRequest({ verb, count: 7 })), { verb, count: 7 });
  }
  for (const line of ["", "walk replay units=1", "run replay units=-1", "run random-mixed units=1"]) {
    assertEquals(isRejected(() => parseReplayRequest(line)), true, line);
  }
  const line = formatFigures({ resident: -1, faults: 2.4 });
  assertEquals([figureOf(line, "resident"), figureOf(line, "faults")], [-1, 2]);
  assertEquals(isRejected(() => figureOf(line, "other")), true);
  assertEquals(isRejected(() => figureOf("error no memory", "faults")), true);
});

function isRejected(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    return error instanceof ProtocolError;
  }
}

Deno.test("replay() goes on without peers whose pool is full, and says so in the table and in the file", async () => {
  const trace = new TraceBuilder("test", () => "");
  trace.malloc(1, 0, 100);
  trace.free(1, null);
  // Where there is no aligned allocation, a block of that many bytes more stands for one: two are more than a pool has.
  for (const block of [1, 2]) trace.aligned(1, block, 2 ** 29, 8);
  const pools = ["thi.ng", "assemblyscript", "codemix"];
  const plan = planOf({ trace: trace.finish(), peers: ["system", ...pools] });
  const run = await replay(plan, () => {}, new AbortController().signal);
  assertEquals(run.results.map(({ allocator, verified }) => [allocator, verified]), [
    ["slab-map", true],
    ["system", true],
    ["none", undefined],
    ["none", undefined],
  ]);
  assertEquals(run.failures?.map(({ allocator, runtime }) => [allocator, runtime]), pools.map((pool) => [pool, "js"]));
  assertStringIncludes(run.failures?.[0]?.message ?? "", "contestant thi.ng failed: event 3: malloc(8) gave NULL");
  for (const pool of pools) {
    assertEquals(run.notes.filter((note) => note.startsWith(`left out: contestant ${pool} failed: `)).length, 1);
  }
  const file = readChecked(
    ResultFileSchema,
    JSON.stringify({ schema: "hakmem.results/1", command: [], expectations: [], ...run }),
  );
  assertEquals(file.failures, run.failures);
  for (const text of [renderReplay(file), renderReplayMarkdown(file)]) {
    assertMatch(text, /^[ |]*thi\.ng +\|? *out of memory/m);
  }
  assertNarrow(renderReplay(file));
});

Deno.test("replay() fails if our heap has no memory left", async () => {
  const trace = new TraceBuilder("test", () => "");
  for (let block = 0; block < 65; block++) trace.aligned(1, block, 2 ** 30, 8); // of the 64 GiB that it reserves
  const plan = planOf({ trace: trace.finish(), peers: [] });
  const error = await assertRejects(() => replay(plan, () => {}, new AbortController().signal), ContestantError);
  assertMatch(error.message, /^contestant hakmem failed: event \d+: malloc\(8\) gave NULL$/);
});

Deno.test("warnings about a replay name no size, and no option that it does not have", async () => {
  const { results } = await replay(planOf({ peers: [] }), () => {}, new AbortController().signal);
  assertEquals(new Set(results.map((result) => settingIn(result.workload, result))), new Set([""]));
  assertEquals(longerBy(results.map(({ parameters }) => parameters)), undefined);
  assertEquals([settingIn("random-mixed", { size: 128, threads: 1 }), longerBy([{ cycles: 1 }])], ["128", "--cycles"]);
});
