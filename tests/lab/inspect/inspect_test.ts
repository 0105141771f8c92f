import { assert, assertEquals, assertRejects } from "@std/assert";
import { Heap } from "../../../src/heap/mod.ts";
import { heapMap, inspect, type InspectPlan } from "../../../src/lab/inspect/inspect.ts";
import { touchingOf } from "../../../src/lab/replay/touching.ts";
import { inspectHeadline, renderInspect } from "../../../src/report/traces/inspect.ts";
import { TraceBuilder } from "../../../src/traces/builder.ts";
import { summarise, type Trace, TraceError } from "../../../src/traces/mod.ts";

/** A program with small blocks, a large one, and a thread that ends in the middle. */
function smallTrace(): Trace {
  const trace = new TraceBuilder("test", () => "");
  for (let block = 0; block < 2000; block++) trace.malloc(0, block, 1000);
  trace.threadEnd(1);
  trace.malloc(0, 5000, 300_000);
  for (let block = 0; block < 2000; block += 2) trace.free(0, block);
  trace.free(0, 5000);
  return trace.finish();
}

function run(changes: Partial<InspectPlan> = {}) {
  const plan = { trace: smallTrace(), file: "small", variant: "slab-map", at: undefined, frames: 10, ...changes };
  return inspect(plan, () => {}, new AbortController().signal);
}

Deno.test("inspect() takes the snapshot where most is live, and frames over the whole trace", async () => {
  const found = await run();
  assertEquals(found.event, 2001);
  const { totals, largeBlocks } = found.snapshot;
  assertEquals([totals.liveBlocks, largeBlocks.length], [2001, 1]);
  assertEquals(found.frames.length, 11);
  const { live } = summarise(smallTrace(), 10);
  const even = found.frames.filter(({ event }) => live.events.includes(event));
  assertEquals(even.map(({ askedBytes }) => askedBytes), live.liveBytes);
  for (const { askedBytes, liveBytes, residentBytes } of found.frames) {
    assert(askedBytes <= liveBytes && liveBytes < residentBytes);
  }
  const chosen = found.frames.find(({ event }) => event === 2001)!;
  assertEquals([chosen.liveBytes, chosen.residentBytes], [totals.liveBytes, totals.residentBytes]);
  assertEquals(chosen.map, heapMap(found.snapshot));
});

Deno.test("inspect() looks where it is told to: at an event, or after a part of them", async () => {
  for (const [at, event, live] of [[{ event: 0 }, 0, 0], [{ event: 7 }, 7, 7], [{ share: 1 }, 3002, 1000]] as const) {
    const found = await run({ at });
    assertEquals([found.event, found.snapshot.totals.liveBlocks], [event, live]);
  }
  await assertRejects(
    () => run({ at: { event: 3003 } }),
    TraceError,
    "small has no event 3003: its events are 1 to 3002",
  );
  const nothing = new TraceBuilder("test", () => "");
  nothing.threadEnd(1);
  await assertRejects(() => run({ trace: nothing.finish() }), TraceError, "nothing to replay but ends of threads");
});

Deno.test("inspect() stops when it is asked to", async () => {
  const reason = new Error("enough");
  const plan = { trace: smallTrace(), file: "small", variant: "slab-map", at: undefined, frames: 10 };
  await assertRejects(() => inspect(plan, () => {}, AbortSignal.abort(reason)), Error, "enough");
});

Deno.test("heapMap() shows slabs by how much of them is live, large blocks, and what is free", async () => {
  using heap = await Heap.open({ variant: "slab-map,prewarm=0,refill=1,capacity=4" });
  const ptrs = Array.from({ length: 64 }, () => heap.malloc(1024));
  const large = heap.malloc(100_000), dirty = heap.malloc(100_000);
  heap.malloc(100_000);
  heap.free(dirty);
  const lines = Object.values(heapMap(heap.snapshot()));
  assertEquals(lines.length, 2);
  assertEquals(lines.find((line) => line.startsWith("8-")), `8${"-".repeat(31)}`);
  assert(lines.some((line) => line.includes("Ll~~Ll")), lines.join("\n"));
  for (const ptr of ptrs.slice(0, 40)) heap.free(ptr);
  assert(Object.values(heapMap(heap.snapshot())).some((line) => line.startsWith("3-"))); // 24 of 64
  heap.free(large);
});

Deno.test("renderInspect() shows a heap with nothing in it, and one that is too large for a terminal", async () => {
  const header = { schema: "hakmem.inspect/1" as const, command: ["inspect"] };
  const empty = { ...header, ...await run({ at: { event: 0 } }) };
  assert(renderInspect(empty).startsWith("small at event 0 of 3,002: 0 B live in "));
  const lineOf = (row: number) => row < 50 ? "l".repeat(32) : row % 2 === 0 ? "L".repeat(32) : "8".repeat(32);
  const map = Object.fromEntries(Array.from({ length: 100 }, (_, row) => [10 + row, lineOf(row)]));
  const large = { ...empty, frames: [{ ...empty.frames[0]!, map }] };
  const text = renderInspect(large);
  assert(text.startsWith(inspectHeadline(large)));
  assert(text.includes(`    20 MiB  ${"=".repeat(32)}  and 49 like it\n`), text);
  assert(text.includes("... and 11 lines more"), text);
  assertEquals(text.split("\n").filter((line) => line.length > 100), []);
});

Deno.test("inspect() looks at a program that has many gigabytes live, and says what of them is touched", async () => {
  const GIB = 2 ** 30, trace = new TraceBuilder("test", () => "");
  trace.malloc(0, 1, 3 * GIB);
  trace.malloc(0, 2, 20 * GIB);
  for (let block = 3; block < 1000; block++) trace.malloc(0, block, 20_000); // behind them, beyond 32 bits
  trace.realloc(0, 1, 1, 2 * GIB);
  for (const block of [1, 2, 500]) trace.free(0, block);
  const found = await run({ trace: trace.finish(), frames: 1 });
  assertEquals(found.notes, ["of each block only the first 32 MiB are written and read"]);
  assert(found.snapshot.totals.liveBytes > 23 * GIB && found.snapshot.totals.residentBytes < GIB);
});

Deno.test("touchingOf() touches small blocks whole, and of large ones a part, once more than 1 GiB is live", async () => {
  const touchedOf = async (count: number, size: number) => {
    const trace = new TraceBuilder("test", () => "");
    for (let block = 0; block < count; block++) trace.malloc(0, block, size);
    return (await touchingOf(trace.finish(), 1)).touched;
  };
  const MIB = 2 ** 20;
  assertEquals(await touchedOf(1000, MIB), 1024 * MIB, "that is no more than 1 GiB");
  assertEquals(await touchedOf(1500, MIB), MIB / 16, "64 KiB of each, and 64 MiB are not enough for twice as much");
  assertEquals(await touchedOf(1500, 999_999), MIB / 16, "wherever the sizes lie");
  assertEquals(await touchedOf(40, 64 * MIB), MIB);
});
