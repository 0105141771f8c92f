import { assert, assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  decodeTrace,
  EVENT,
  readStackTotals,
  type StackFacts,
  type Trace,
  TraceError,
} from "../../../src/traces/mod.ts";
import { RecordingWriter } from "../../../src/traces/recording/recording.ts";

/** What a writer wrote. */
function recorded(write: (writer: RecordingWriter) => void, frameBytes?: number): Uint8Array<ArrayBuffer> {
  const parts: number[] = [];
  const writer = new RecordingWriter((bytes) => parts.push(...bytes), undefined, frameBytes);
  write(writer);
  writer.finish();
  return Uint8Array.from(parts);
}

/** An event a row: kind, thread, block, size, log2 of the alignment. */
function rows({ length, kinds, threads, blocks, sizes, alignments, threadNames }: Trace): unknown[][] {
  return Array.from({ length }, (_, i) => [
    kinds[i],
    threadNames[threads[i]!],
    blocks[i],
    sizes[i],
    alignments[i],
  ]);
}

/** A program of choices: each makes a block, or does something to one of the live ones. */
const PROGRAM = fc.array(
  fc.record({ kind: fc.nat(5), thread: fc.nat(300), pick: fc.nat(1e6), size: fc.nat(2 ** 40), alignment: fc.nat(30) }),
  { maxLength: 200 },
);

Deno.test("a recording gives back every event that was written", () => {
  fc.assert(fc.property(PROGRAM, (program) => {
    const expected: unknown[][] = [[EVENT.MALLOC, "1", 1, 2 ** 40, 0]];
    const bytes = recorded((writer) => {
      const live = [writer.allocation(EVENT.MALLOC, 1, 2 ** 40)];
      for (const { kind, thread, pick, size, alignment } of program) {
        const at = pick % Math.max(1, live.length), block = live[at];
        const add = (number: number) => {
          live.push(number);
          expected.push([kind, String(thread), number, size, kind === EVENT.ALIGNED ? alignment : 0]);
        };
        if (kind === EVENT.MALLOC || kind === EVENT.CALLOC) add(writer.allocation(kind, thread, size));
        if (kind === EVENT.ALIGNED) add(writer.aligned(thread, alignment, size));
        if (kind === EVENT.THREAD_END) {
          writer.threadEnd(thread);
          expected.push([kind, String(thread), 0, 0, 0]);
        }
        if (block === undefined) continue;
        if (kind === EVENT.REALLOC) {
          writer.realloc(thread, block, size);
          expected.push([kind, String(thread), block, size, 0]);
        }
        if (kind === EVENT.FREE) {
          writer.free(thread, block);
          live.splice(at, 1);
          expected.push([kind, String(thread), block, 0, 0]);
        }
      }
      assertEquals(writer.events, expected.length);
    });
    const trace = decodeTrace(bytes);
    assertEquals(trace.format, "hakmem");
    assertEquals(rows(trace), expected);
  }));
});

/** Some hundred events in more than one frame. */
function longRecording(): Uint8Array<ArrayBuffer> {
  return recorded((writer) => {
    for (let event = 0; event < 500; event++) {
      const block = writer.allocation(EVENT.MALLOC, event % 3, (event * 7919) % 5000);
      if (event % 4 !== 0) writer.free(event % 2, block);
    }
  }, 512);
}

Deno.test("a recording that was cut off at any byte is read up to its last whole frame, and says so", () => {
  const bytes = longRecording();
  const whole = decodeTrace(bytes);
  const lengths = new Set<number>();
  for (let cut = 0; cut < bytes.length; cut++) {
    let trace: Trace;
    try {
      trace = decodeTrace(bytes.slice(0, cut));
    } catch (error) {
      assert(error instanceof TraceError, String(error)); // not even one frame, or not even its mark
      continue;
    }
    assertEquals(trace.format, "hakmem, cut off");
    lengths.add(trace.length);
    assertEquals(trace.blocks, whole.blocks.slice(0, trace.length));
    assertEquals(trace.sizes, whole.sizes.slice(0, trace.length));
  }
  assert(lengths.size >= 4, `${[...lengths]}`);
  assert(lengths.has(whole.length), "all frames are there, only the mark of the end is not");
});

Deno.test("a damaged recording gives an error that names a byte, or a beginning of what was recorded", () => {
  const bytes = longRecording().slice();
  const whole = decodeTrace(bytes);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      bytes[at]! ^= flip;
      try {
        const trace = decodeTrace(bytes);
        assertEquals(trace.sizes, whole.sizes.slice(0, trace.length));
      } catch (error) {
        assert(error instanceof TraceError && /byte \d+|line 1|no event/.test(error.message), String(error));
      } finally {
        bytes[at]! ^= flip;
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a recording of what no program can have done is refused", () => {
  const wrong: [says: RegExp, write: (writer: RecordingWriter) => void][] = [
    [/byte 19, 2 .*free of 1, which is not live/, (writer) => writer.free(0, 1)],
    [/realloc of 1, which is not live/, (writer) => writer.realloc(0, 1, 5)],
    [/alignment/, (writer) => writer.aligned(0, 31, 5)],
    [/size/, (writer) => writer.allocation(EVENT.MALLOC, 0, 2 ** 41)],
    [/a number has more than 7 bytes/, (writer) => writer.allocation(EVENT.MALLOC, 0, 2 ** 50)],
    [/6 is not the kind of an event/, (writer) => writer.allocation(6 as typeof EVENT.MALLOC, 0, 1)],
    [/no event/, () => {}],
  ];
  for (const [says, write] of wrong) {
    assert(says.test(assertThrows(() => decodeTrace(recorded(write)), TraceError).message), String(says));
  }
  const behind = Uint8Array.from([...recorded((writer) => writer.threadEnd(1)), 0]);
  assertThrows(() => decodeTrace(behind), TraceError, "after the end");
});

Deno.test("a recording says how long its program ran, where that is known; older ones are read as before", () => {
  const made = (ran?: { wallSeconds: number; processorSeconds?: number }) => {
    const parts: number[] = [];
    const writer = new RecordingWriter((bytes) => parts.push(...bytes), ran);
    writer.allocation(EVENT.MALLOC, 1, 10);
    writer.finish();
    return Uint8Array.from(parts);
  };
  for (const ran of [undefined, { wallSeconds: 0.25 }, { wallSeconds: 0.25, processorSeconds: 1.5 }]) {
    const trace = decodeTrace(made(ran));
    assertEquals([trace.ran, trace.length], [ran, 1]);
  }
  assertEquals(new TextDecoder().decode(made().subarray(0, 19)), "hakmem recording 1\n");
  const encoder = new TextEncoder();
  for (
    const line of [
      "",
      "{}\n",
      "[]\n",
      "null\n",
      '{"wallSeconds":-1}\n',
      '{"wallSeconds":"1"}\n',
      " ".repeat(5000) + "\n",
    ]
  ) {
    assertThrows(() => decodeTrace(encoder.encode(`hakmem recording 2\n${line}`)), TraceError, "line 2: ");
  }
});

/** A recording with two stacks that share their outer call. */
function withStacks(stacks: StackFacts, write: (writer: RecordingWriter, inner: number, other: number) => void) {
  const parts: number[] = [];
  const writer = new RecordingWriter((bytes) => parts.push(...bytes), { stacks, stretches: 2 });
  const module = writer.module({ path: "/usr/bin/program", buildId: "c0ffee" });
  const outer = writer.node(0, module, 0x1000);
  write(writer, writer.node(outer, module, 0x1100), writer.node(outer, 0, 2 ** 47));
  writer.finish();
  return Uint8Array.from(parts);
}

/** What the totals of a recording are. */
function totalsIn(bytes: Uint8Array<ArrayBuffer>) {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, bytes);
    return readStackTotals(path);
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("a recording with stacks gives each stack's totals, and replays as one without", () => {
  const bytes = withStacks({ by: "auto", depth: 64 }, (writer, inner, other) => {
    const kept = writer.allocation(EVENT.MALLOC, 1, 100, inner);
    writer.free(1, writer.allocation(EVENT.CALLOC, 1, 1000, other)); // temporary, and the peak
    const foreign = writer.allocation(EVENT.MALLOC, 2, 10, other);
    writer.realloc(1, kept, 300, other);
    writer.free(1, foreign); // thread 2 allocated nothing since
    writer.aligned(2, 6, 64);
  });
  const { stacks, totals, whole, remarks } = totalsIn(bytes);
  assertEquals([stacks!.parents, stacks!.moduleOf, stacks!.offsets], [
    [0, 0, 1, 1],
    [0, 1, 1, 0],
    [0, 0x1000, 0x1100, 2 ** 47],
  ]);
  assertEquals(stacks!.modules, [{ path: "/usr/bin/program", buildId: "c0ffee" }]);
  assertEquals(Object.fromEntries(totals), {
    0: { allocated: 64, blocks: 1, peak: 0, temporary: 0, left: 64 },
    2: { allocated: 100, blocks: 1, peak: 100, temporary: 0, left: 0 },
    3: { allocated: 1310, blocks: 3, peak: 1000, temporary: 2, left: 300 },
  });
  assertEquals(whole, { allocated: 1474, blocks: 5, peak: 1100, temporary: 2, left: 364 });
  assertMatch(remarks.join(), /recording was paused at the start: this is 2 stretches/);
  const plain = recorded((writer) => {
    const kept = writer.allocation(EVENT.MALLOC, 1, 100);
    writer.free(1, writer.allocation(EVENT.CALLOC, 1, 1000));
    const foreign = writer.allocation(EVENT.MALLOC, 2, 10);
    writer.realloc(1, kept, 300);
    writer.free(1, foreign);
    writer.aligned(2, 6, 64);
  });
  assertEquals(rows(decodeTrace(bytes)), rows(decodeTrace(plain)));
});

Deno.test("of a sample, a block counts as often as its size is likely to be missed; those without a stack do not", () => {
  const bytes = withStacks({ by: "fp", depth: 64, sampleBytes: 1000 }, (writer, inner) => {
    writer.allocation(EVENT.MALLOC, 1, 10, inner);
    writer.allocation(EVENT.MALLOC, 1, 10);
    writer.free(1, writer.allocation(EVENT.MALLOC, 1, 5000, inner));
  });
  const { totals, whole } = totalsIn(bytes);
  const weight = (size: number) => 1 / (1 - Math.exp(-size / 1000));
  const { allocated, blocks, peak, temporary, left } = totals.get(2)!;
  const expected = [10 * weight(10) + 5000 * weight(5000), weight(10) + weight(5000)];
  for (const [at, value] of [allocated, blocks].entries()) assertAlmostEquals(value, expected[at]!, 1e-6);
  assertAlmostEquals(peak, expected[0]!, 1e-6);
  assertAlmostEquals(temporary, weight(5000), 1e-6);
  assertAlmostEquals(left, 10 * weight(10), 1e-6);
  assertEquals([totals.size, whole.allocated], [1, 5020]);
});

Deno.test("a damaged recording with stacks gives an error, or a beginning; a newer one is not known", () => {
  const bytes = withStacks({ by: "auto", depth: 64 }, (writer, inner, other) => {
    for (let at = 0; at < 300; at++) {
      writer.free(1, writer.allocation(EVENT.MALLOC, at % 3, at, at % 2 ? inner : other));
    }
  });
  const whole = decodeTrace(bytes);
  fc.assert(fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
    bytes[at]! ^= flip;
    try {
      const trace = decodeTrace(bytes);
      assertEquals(trace.sizes, whole.sizes.slice(0, trace.length));
    } catch (error) {
      assert(error instanceof TraceError, String(error));
    } finally {
      bytes[at]! ^= flip;
    }
  }));
  const says = (write: (writer: RecordingWriter) => void, text: string) =>
    assertThrows(() => decodeTrace(withStacks({ by: "auto", depth: 64 }, write)), TraceError, text);
  says((writer) => void writer.allocation(EVENT.MALLOC, 1, 1, 9), "there is no stack 9");
  says((writer) => void writer.node(9, 0, 0), "there is no stack 9");
  says((writer) => void writer.node(0, 5, 0), "there is no module 5");
  const encoder = new TextEncoder();
  for (const line of ['{"stacks":{"by":"magic","depth":1}}', '{"stretches":-1}', "1", "{"]) {
    assertThrows(() => decodeTrace(encoder.encode(`hakmem recording 3\n${line}\n`)), TraceError, "line 2: ");
  }
  assertThrows(() => decodeTrace(encoder.encode("hakmem recording 4\n{}\n")), TraceError, "not a trace of a format");
});
