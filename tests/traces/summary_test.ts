import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { TraceBuilder } from "../../src/traces/builder.ts";
import { samplePoints, summarise } from "../../src/traces/mod.ts";
import { arbitraryTrace } from "./helpers.ts";

Deno.test("summarise() counts what happened", () => {
  const trace = new TraceBuilder("test", () => "");
  trace.malloc("a", 1, 10);
  trace.calloc("b", 2, 10, 10);
  trace.realloc("b", null, 3, 2000);
  trace.malloc("a", null, 99);
  trace.realloc("a", 1, 4, 30);
  trace.free("a", 3);
  trace.free("a", null);
  trace.free("b", 2);
  trace.threadEnd("b");
  const { kinds, sizes, lifetimes, live, threadTable, ...rest } = summarise(trace.finish(), 4);
  assertEquals(kinds, { "malloc": 1, "calloc": 1, "aligned": 0, "realloc": 2, "free": 3, "thread end": 1 });
  assertEquals(rest, {
    format: "test",
    events: 7,
    threads: 2,
    blocks: 3,
    failedCalls: 1,
    unknownBlocks: 0,
    unseenFrees: 0,
    remarks: [],
    allocatedBytes: 2140,
    largestBytes: 2000,
    peakLiveBytes: 2130,
    peakEvent: 4,
    peakLiveBlocks: 3,
    endLiveBytes: 30,
    endLiveBlocks: 1,
    crossThreadFrees: 0.5,
  });
  const filled = (rows: typeof sizes) => rows.filter(({ count }) => count > 0);
  assertEquals(filled(sizes), [
    { upTo: 16, count: 1, bytes: 10 },
    { upTo: 32, count: 1, bytes: 30 },
    { upTo: 128, count: 1, bytes: 100 },
    { upTo: 2048, count: 1, bytes: 2000 },
  ]);
  // Block 3 saw its own 2000 bytes and 30 more, block 2 its own 100 besides.
  assertEquals(filled(lifetimes), [{ upTo: 4096, count: 2, bytes: 2100 }]);
  assertEquals(live, { events: [2, 4, 5, 7], liveBytes: [110, 2130, 130, 30] });
  assertEquals(threadTable, [
    { name: "a", events: 4, allocations: 2, allocatedBytes: 40, frees: 1, foreignFrees: 1 },
    { name: "b", events: 3, allocations: 2, allocatedBytes: 2100, frees: 1, foreignFrees: 0 },
  ]);
});

Deno.test("summarise() agrees with itself, whatever the trace", () => {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  fc.assert(fc.property(arbitraryTrace(), (trace) => {
    const summary = summarise(trace, 10);
    const { kinds, threadTable, sizes, lifetimes, blocks, endLiveBlocks, live } = summary;
    assertEquals(sum(Object.values(kinds)) - kinds["thread end"]!, summary.events);
    assertEquals(sum(threadTable.map(({ events }) => events)), summary.events);
    assertEquals(sum(threadTable.map(({ allocatedBytes }) => allocatedBytes)), summary.allocatedBytes);
    assertEquals(sum(sizes.map(({ bytes }) => bytes)), summary.allocatedBytes);
    assertEquals(sum(lifetimes.map(({ count }) => count)), blocks - endLiveBlocks);
    assertEquals(live.liveBytes.at(-1), summary.endLiveBytes);
    assertEquals(live.liveBytes.every((bytes) => bytes <= summary.peakLiveBytes), true);
  }));
});

Deno.test("samplePoints() ends at the last event, and has no more points than events", () => {
  assertEquals(samplePoints(100, 4), [25, 50, 75, 100]);
  assertEquals(samplePoints(3, 200), [1, 2, 3]);
  assertEquals(samplePoints(0, 200), []);
});
