import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { TraceBuilder } from "../../src/traces/builder.ts";
import { EVENT, TraceError } from "../../src/traces/mod.ts";
import {
  LARGE,
  LARGE_UNIT,
  largeSizes,
  memberColumns,
  parseReplayWords,
  peakTouched,
  REPLAY,
  replayWords,
  touchedBytes,
  WATCHED,
} from "../../src/traces/replay_words.ts";
import { arbitraryTrace } from "./helpers.ts";

const builder = () => new TraceBuilder("test", () => "here");

/** The events of words, a row each: kind, alignment, member, slot, size, former size. */
function rows(words: Int32Array): number[][] {
  return Array.from({ length: words[REPLAY.EVENTS]! }, (_, event) => {
    const [head, ...rest] = words.subarray(
      REPLAY.HEAD + event * REPLAY.EVENT,
      REPLAY.HEAD + (event + 1) * REPLAY.EVENT,
    );
    return [head! & 0xff, head! >>> 8 & 0xff, head! >>> 16, ...rest];
  });
}

Deno.test("replayWords() uses slots again, the last one first, and leaves thread ends out", () => {
  const { MALLOC, ALIGNED, REALLOC, FREE } = EVENT;
  const trace = builder();
  trace.malloc(1, "a", 10);
  trace.malloc(2, "b", 20);
  trace.threadEnd(2);
  trace.free(1, "a");
  trace.free(1, "b");
  trace.aligned(3, "c", 4096, 30);
  trace.realloc(1, "c", "d", 7);
  trace.realloc(1, null, "e", 5);
  trace.free(1, null);
  const words = replayWords(trace.finish());
  assertEquals([...words.subarray(0, 5)], [REPLAY.MAGIC, REPLAY.VERSION, 8, 3, 30]);
  assertEquals(rows(words), [
    [MALLOC, 0, 0, 1, 10, 0],
    [MALLOC, 0, 0, 2, 20, 0],
    [FREE, 0, 0, 1, 10, 0],
    [FREE, 0, 0, 2, 20, 0],
    [ALIGNED, 12, 0, 2, 30, 0],
    [REALLOC, 0, 0, 2, 7, 30],
    [REALLOC, 0, 0, 1, 5, 0],
    [FREE, 0, 0, 0, 0, 0],
  ]);
});

Deno.test("of blocks that are too large, a part is touched, and all is asked for", () => {
  const { MALLOC, CALLOC, REALLOC, FREE } = EVENT, GIB = 2 ** 30;
  const trace = builder();
  trace.malloc(1, "a", 100);
  trace.malloc(1, "b", 36 * GIB + 1);
  trace.calloc(1, "c", 1, 5 * GIB);
  trace.realloc(1, "b", "b", 3 * GIB);
  trace.realloc(1, "b", "b", 50);
  trace.free(1, "c");
  const made = trace.finish();
  const budgets = [2 * GIB + 100, GIB + 100, 1000];
  assertEquals(budgets.map((budget) => touchedBytes(made, budget)), [GIB, GIB / 2, undefined]);
  assertEquals([GIB, 4096].map((most) => peakTouched(made, most)), [2 * GIB + 100, 2 * 4096 + 100]);
  const words = replayWords(made, 1, 4096);
  assertEquals(rows(words), [
    [MALLOC, 0, 0, 1, 100, 0],
    [MALLOC | LARGE, 0, 0, 2, 4096, 0],
    [CALLOC | LARGE, 0, 0, 3, 4096, 0],
    [REALLOC | LARGE, 0, 0, 2, 4096, 4096],
    [REALLOC, 0, 0, 2, 50, 4096],
    [FREE, 0, 0, 3, 4096, 0],
  ]);
  assertEquals([...largeSizes(words)], [[1, 36 * GIB + LARGE_UNIT], [2, 5 * GIB], [3, 3 * GIB]]);
  assertEquals([words[REPLAY.LARGES], words[REPLAY.LARGEST], words[REPLAY.WIDE]], [3, 4096, 1]);
  assertEquals(parseReplayWords(new Uint8Array(words.buffer)).length, words.length);
  assertThrows(() => parseReplayWords(new Uint8Array(words.buffer.slice(0, -8))), TraceError);
  assertEquals([...largeSizes(replayWords(made, 2, 4096))], [...largeSizes(words)]);
});

Deno.test("parseReplayWords() reads them back, and rejects what is cut off or something else", () => {
  const trace = builder();
  trace.malloc(1, 1, 10);
  const words = replayWords(trace.finish());
  const bytes = new Uint8Array(words.buffer);
  assertEquals(parseReplayWords(bytes), words);
  for (const damaged of [bytes.slice(0, -4), bytes.slice(0, 8), new Uint8Array(48)]) {
    assertThrows(() => parseReplayWords(damaged), TraceError, "not words of a replay");
  }
});

Deno.test("replayWords() deals threads to members: the busiest first, each to who has the least to do", () => {
  const trace = builder();
  const events = { a: 5, b: 4, c: 3, d: 3 };
  for (const [thread, count] of Object.entries(events)) {
    for (let event = 0; event < count; event++) trace.malloc(thread, `${thread}${event}`, 1);
  }
  const words = replayWords(trace.finish(), 2);
  const { starts } = memberColumns(words);
  assertEquals([...words.subarray(starts, starts + 3)], [0, 8, 15]); // a and d, b and c
});

Deno.test("members that wait as the words say keep every thread's order and every block's, and never wait for ever", () => {
  const schedule = fc.array(fc.nat(3), { minLength: 1, maxLength: 300 });
  fc.assert(fc.property(arbitraryTrace(), fc.integer({ min: 2, max: 4 }), schedule, (trace, members, choices) => {
    const words = replayWords(trace, members);
    const { after, starts, order, end } = memberColumns(words);
    assertEquals(words.length, end);
    const position = Array.from({ length: members }, (_, member) => words[starts + member]!);
    const told: number[] = Array(members).fill(0);
    const lastOfSlot = new Map<number, number>();
    const at = (event: number) => REPLAY.HEAD + event * REPLAY.EVENT;
    const isAtEnd = (member: number) => position[member]! === words[starts + member + 1]!;
    const tryEvent = (member: number): boolean => {
      if (isAtEnd(member)) return false;
      const event = words[order + position[member]!]!, before = words[after + event]!;
      if (before >= 0 && told[words[at(before)]! >>> 16]! <= before) return false;
      assertEquals(words[at(event)]! >>> 16, member);
      const slot = words[at(event) + 1]!;
      if (slot !== 0) assert((lastOfSlot.get(slot) ?? -1) < event);
      lastOfSlot.set(slot, event);
      position[member]!++;
      if ((words[at(event)]! & WATCHED) !== 0) told[member] = event + 1;
      return true;
    };
    for (let turn = 0; !position.every((_, member) => isAtEnd(member)); turn++) {
      const first = choices[turn % choices.length]! % members;
      assert(position.some((_, step) => tryEvent((first + step) % members)), "all wait");
    }
  }));
});
