import { assert, assertEquals, assertThrows } from "@std/assert";
import { TraceBuilder } from "../../src/traces/builder.ts";
import { EVENT, NO_BLOCK, TraceError } from "../../src/traces/trace.ts";

const builder = (mostEvents?: number, mostLive?: number) =>
  new TraceBuilder("test", () => "line 7", { ...mostEvents && { mostEvents }, ...mostLive && { mostLive } });

Deno.test("TraceBuilder numbers blocks, and keeps the number from malloc through reallocs to free", () => {
  const trace = builder();
  trace.malloc(7, 0x100, 10);
  trace.calloc(7, 0x200n, 3, 5);
  trace.realloc(8, 0x100, 0x300, 40);
  trace.realloc(8, 0x300, 0x300, 20);
  trace.aligned("nine", "p", 64, 1);
  trace.free(7, 0x300);
  trace.malloc(7, 0x300, 1); // the address again, another block
  trace.realloc(7, null, 0x400, 8);
  trace.free(8, null);
  const { kinds, threads, blocks, sizes, formerSizes, alignments, ...rest } = trace.finish();
  const { MALLOC, CALLOC, REALLOC, ALIGNED, FREE } = EVENT;
  assertEquals([...kinds], [MALLOC, CALLOC, REALLOC, REALLOC, ALIGNED, FREE, MALLOC, REALLOC, FREE]);
  assertEquals([...threads], [0, 0, 1, 1, 2, 0, 0, 0, 1]);
  assertEquals([...blocks], [1, 2, 1, 1, 3, 1, 4, 5, NO_BLOCK]);
  assertEquals([...sizes], [10, 15, 40, 20, 1, 0, 1, 8, 0]);
  assertEquals([...formerSizes], [0, 0, 10, 40, 0, 20, 0, 0, 0]);
  assertEquals([...alignments], [0, 0, 0, 0, 6, 0, 0, 0, 0]);
  assertEquals(rest, {
    format: "test",
    length: 9,
    blockCount: 5,
    threadNames: ["7", "8", "nine"],
    failedCalls: 0,
    unknownBlocks: 0,
    unseenFrees: 0,
    remarks: [],
  });
});

Deno.test("TraceBuilder leaves out calls that failed, and takes a realloc to nothing as a free", () => {
  const trace = builder();
  trace.malloc(1, null, 100);
  trace.malloc(1, "a", 100);
  trace.realloc(1, "a", null, 200);
  trace.realloc(1, "a", null, 0);
  const { kinds, failedCalls } = trace.finish();
  assertEquals([...kinds], [EVENT.MALLOC, EVENT.FREE]);
  assertEquals(failedCalls, 2);
});

Deno.test("TraceBuilder takes a thread's name that comes again after its end for another thread", () => {
  const trace = builder();
  trace.free(5, null);
  trace.threadEnd(5);
  trace.free(5, null);
  const { threads, threadNames } = trace.finish();
  assertEquals([...threads], [0, 0, 1]);
  assertEquals(threadNames, ["5", "5"]);
});

Deno.test("TraceBuilder rejects what no program can have done, and says where", () => {
  const rejected: Record<string, (trace: TraceBuilder) => void> = {
    "allocation gave 0x1, which is live already": (trace) => trace.malloc(1, 1, 8),
    "free of 0x2, which is not live": (trace) => trace.free(1, 2),
    "realloc of x, which is not live": (trace) => trace.realloc(1, "x", 3, 8),
    "realloc gave 0x1, which is live already": (trace) => trace.realloc(1, 9, 1, 8),
    "alignment 24 is not a power of two": (trace) => trace.aligned(1, 4, 24, 8),
    "alignment 0 is not a power of two": (trace) => trace.aligned(1, 4, 0, 8),
    "size -1 is not a whole number": (trace) => trace.malloc(1, 4, -1),
    "size NaN is not a whole number": (trace) => trace.malloc(1, null, NaN),
    "size 1099511627777 is not a whole number up to": (trace) => trace.malloc(1, 4, 2 ** 40 + 1),
    "is not a whole number up to": (trace) => trace.calloc(1, 4, 2 ** 30, 2 ** 30),
    "size 1.5 is": (trace) => trace.calloc(1, 4, 2, 1.5),
  };
  for (const [message, call] of Object.entries(rejected)) {
    const trace = builder();
    trace.malloc(1, 1, 8);
    trace.malloc(1, 9, 8);
    const error = assertThrows(() => call(trace), TraceError, message);
    assert(error.message.startsWith("line 7: "));
  }
});

Deno.test("TraceBuilder stops at its limits", () => {
  const short = builder(5000); // above the first capacity: it grows to the limit and no further
  for (let i = 0; i < 5000; i++) short.malloc(1, i, 8);
  assertThrows(() => short.free(1, 0), TraceError, "more than 5000 events");
  const live = builder(100, 2);
  live.malloc(1, 1, 8);
  live.malloc(1, 2, 8);
  live.free(1, 1);
  live.malloc(1, 3, 8);
  assertThrows(() => live.malloc(1, 4, 8), TraceError, "more than 2 live blocks");
  const threads = builder();
  for (let i = 0; i < 65_536; i++) threads.free(i, null);
  assertThrows(() => threads.free(-1, null), TraceError, "more than 65536 threads");
});
