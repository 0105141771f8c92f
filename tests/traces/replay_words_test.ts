import { assertEquals, assertThrows } from "@std/assert";
import { TraceBuilder } from "../../src/traces/builder.ts";
import { EVENT, TraceError } from "../../src/traces/mod.ts";
import { MOST_LIVE_BYTES, parseReplayWords, REPLAY, replayWords } from "../../src/traces/replay_words.ts";

const builder = () => new TraceBuilder("test", () => "here");

/** The events of words, a row each: kind, alignment, thread, slot, size, former size. */
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
    [MALLOC, 0, 1, 2, 20, 0],
    [FREE, 0, 0, 1, 10, 0],
    [FREE, 0, 0, 2, 20, 0],
    [ALIGNED, 12, 2, 2, 30, 0],
    [REALLOC, 0, 0, 2, 7, 30],
    [REALLOC, 0, 0, 1, 5, 0],
    [FREE, 0, 0, 0, 0, 0],
  ]);
});

Deno.test("replayWords() refuses more live bytes than every contestant can have", () => {
  const fits = builder();
  fits.malloc(1, 1, MOST_LIVE_BYTES);
  fits.free(1, 1);
  fits.malloc(1, 2, MOST_LIVE_BYTES);
  assertEquals(replayWords(fits.finish())[REPLAY.LARGEST], MOST_LIVE_BYTES);
  const large = builder();
  large.malloc(1, 1, MOST_LIVE_BYTES);
  large.malloc(1, 2, 1);
  assertThrows(() => replayWords(large.finish()), TraceError, "event 1: more than");
});

Deno.test("parseReplayWords() reads them back, and rejects what is cut off or something else", () => {
  const trace = builder();
  trace.malloc(1, 1, 10);
  const words = replayWords(trace.finish());
  const bytes = new Uint8Array(words.buffer);
  assertEquals(parseReplayWords(bytes), words);
  for (const damaged of [bytes.slice(0, -4), bytes.slice(0, 8), new Uint8Array(48)]) {
    assertThrows(() => parseReplayWords(damaged), TraceError, "no words");
  }
});
