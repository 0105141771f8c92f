import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeTrace, EVENT, type Trace, TraceError } from "../../../src/traces/mod.ts";
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
  assertThrows(() => decodeTrace(behind), TraceError, "behind the end");
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
