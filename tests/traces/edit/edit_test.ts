import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { TraceBuilder } from "../../../src/traces/builder.ts";
import { roundedSize } from "../../../src/traces/edit/anonymise.ts";
import { anonymisedTrace, cutTrace, EVENT, type Trace, TraceError } from "../../../src/traces/mod.ts";
import { arbitraryTrace, stacksOf, withStacks } from "../helpers.ts";

/** What is live after some events, thread ends not counted: size and alignment by block, in the order of allocation. */
function liveAfter(trace: Trace, events: number): [block: number, size: number][] {
  const live = new Map<number, number>();
  let counted = 0;
  for (let event = 0; event < trace.length && counted < events; event++) {
    if (trace.kinds[event] === EVENT.THREAD_END) continue;
    counted++;
    const block = trace.blocks[event]!;
    if (trace.kinds[event] === EVENT.FREE) live.delete(block);
    else if (block !== 0) live.set(block, trace.sizes[event]!);
  }
  return [...live];
}

function countedEvents({ kinds }: Trace): number {
  return kinds.filter((kind) => kind !== EVENT.THREAD_END).length;
}

/** What a trace's calls do, without the numbers of its blocks: kind, thread's name, size before and after. */
function calls(trace: Trace): unknown[][] {
  return Array.from({ length: trace.length }, (_, event) => [
    trace.kinds[event],
    trace.threadNames[trace.threads[event]!],
    trace.sizes[event],
    trace.formerSizes[event],
    trace.alignments[event],
  ]);
}

const WINDOW = fc.record({ trace: arbitraryTrace(), a: fc.nat(1000), b: fc.nat(1000) });

Deno.test("cutTrace() allocates what is live where the window begins, and then does what the trace does there", () => {
  fc.assert(fc.property(WINDOW, ({ trace, a, b }) => {
    const events = countedEvents(trace);
    const [from, to] = [a % (events + 1), b % (events + 1)].sort((x, y) => x - y) as [number, number];
    if (from === to) return void assertThrows(() => cutTrace(trace, from, to), TraceError, "has no event");
    const { trace: cut, before } = cutTrace(trace, from, to);
    const live = liveAfter(trace, from);
    assertEquals(before, live.length);
    assertEquals(countedEvents(cut), live.length + to - from);
    assertEquals(liveAfter(cut, before).map(([, size]) => size), live.map(([, size]) => size));
    assertEquals(
      liveAfter(cut, before + to - from).map(([, size]) => size),
      liveAfter(trace, to).map(([, size]) => size),
    );
    const ends = (rows: unknown[][]) => rows.filter(([kind]) => kind !== EVENT.THREAD_END);
    assertEquals(ends(calls(cut)).slice(before), ends(calls(trace)).slice(from, to));
  }));
});

Deno.test("a window of the whole trace is the trace, names of threads and all", () => {
  fc.assert(fc.property(arbitraryTrace(), (trace) => {
    const { trace: cut, before } = cutTrace(trace, 0, countedEvents(trace));
    assertEquals(before, 0);
    assertEquals([calls(cut), [...cut.blocks], cut.threadNames], [calls(trace), [...trace.blocks], trace.threadNames]);
  }));
});

Deno.test("a thread that is gone where the window begins allocates what it has left, and ends", () => {
  const builder = new TraceBuilder("test", () => "");
  builder.malloc("old", 1, 10);
  builder.aligned("old", 2, 64, 20);
  builder.realloc("main", 1, 3, 30);
  builder.threadEnd("old");
  builder.malloc("old", 4, 40); // another thread of that name
  builder.free("main", 2);
  const { trace, before } = cutTrace(builder.finish(), 4, 5);
  assertEquals(before, 3);
  assertEquals(calls(trace), [
    [EVENT.MALLOC, "old", 30, 0, 0],
    [EVENT.ALIGNED, "old", 20, 0, 6],
    [EVENT.MALLOC, "old", 40, 0, 0],
    [EVENT.THREAD_END, "old", 0, 0, 0],
    [EVENT.FREE, "main", 0, 20, 0],
  ]);
  assertEquals([...trace.threads], [0, 0, 1, 0, 2]);
});

Deno.test("anonymisedTrace() keeps what an allocator sees, and nothing else", () => {
  fc.assert(fc.property(arbitraryTrace(), fc.boolean(), (trace, rounds) => {
    const named = { ...trace, threadNames: trace.threadNames.map((name) => `secret-${name}`) };
    const secret = { ...named, format: "secret", remarks: ["secret"], ran: { wallSeconds: 42 } };
    const made = anonymisedTrace(secret, rounds);
    assertEquals(/secret|wallSeconds/.test(JSON.stringify(made)), false);
    assertEquals([made.kinds, made.threads, made.blocks, made.alignments], [
      trace.kinds,
      trace.threads,
      trace.blocks,
      trace.alignments,
    ]);
    assertEquals(made.sizes, rounds ? trace.sizes.map(roundedSize) : trace.sizes);
    assertEquals(made.threadNames, trace.threadNames.map((_, thread) => String(thread + 1)));
  }));
});

Deno.test("cutTrace() keeps stacks, those of what it allocates first, too; anonymisedTrace() has none", () => {
  fc.assert(fc.property(WINDOW, ({ trace: bare, a, b }) => {
    const trace = withStacks(bare), events = countedEvents(trace);
    const [from, to] = [a % (events + 1), b % (events + 1)].sort((x, y) => x - y) as [number, number];
    if (from === to) return;
    const { trace: cut, before } = cutTrace(trace, from, to);
    const counted = (of: Trace) => stacksOf(of).filter((_, event) => of.kinds[event] !== EVENT.THREAD_END);
    assertEquals(counted(cut).slice(before), counted(trace).slice(from, to));
    const first = new Map(
      trace.blocks.toReversed().entries().map(([event, block]) => [block, trace.length - 1 - event]),
    );
    const once = liveAfter(trace, from).map(([block]) => stacksOf(trace)[first.get(block)!]);
    assertEquals(counted(cut).slice(0, before), once);
    const { stacks, callers } = anonymisedTrace(trace, false);
    assertEquals([stacks, callers], [undefined, undefined]);
  }));
});

Deno.test("roundedSize() rounds up by a quarter at most above 64, and to few sizes", () => {
  assertEquals([0, 1, 16, 17, 128, 129, 161, 257, 1024, 1025].map(roundedSize), [
    ...[0, 16, 16, 32, 128, 160, 192, 320, 1024, 1280],
  ]);
  fc.assert(fc.property(fc.integer({ min: 65, max: 2 ** 40 }), (size) => {
    const rounded = roundedSize(size);
    assert(rounded >= size && rounded <= 1.25 * size && roundedSize(rounded) === rounded, `${size}: ${rounded}`);
  }));
});
