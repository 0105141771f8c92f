/** A section that takes from many rings, of all classes, logs each list once, and an undo log that is damaged is found. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Journal } from "../../../src/heap/state/journal.ts";
import { LOG_ENTRIES, LOG_OFFSET, WORD_LOG_LENGTH } from "../../../src/heap/state/layout.ts";
import { attachWith, openWith, viewState } from "../../../src/heap/inspect/mod.ts";
import { Heap, HeapError } from "../../../src/heap/mod.ts";

class MeasuringJournal extends Journal {
  static longest = 0;

  constructor(readonly words: Int32Array) {
    super(words);
  }

  override set(index: number, value: number): void {
    super.set(index, value);
    MeasuringJournal.longest = Math.max(MeasuringJournal.longest, this.words[WORD_LOG_LENGTH]!);
  }
}

Deno.test("a refill from many threads' rings logs the words of a list once, not for each ring", async () => {
  const make = (words: Int32Array) => new MeasuringJournal(words);
  using owner = await openWith(make, { variant: "slab-map,refill=1,prewarm=0" });
  const shared = owner.share();
  const senders = await Promise.all(Array.from({ length: 7 }, () => attachWith(make, shared)));
  const sizes = Array.from({ length: 128 }, (_, index) => (127 - index) * 16);
  const blocks = senders.map((sender) => sizes.map((size) => ({ sender, ptr: owner.malloc(size) })));
  for (const { sender, ptr } of blocks.flat()) sender.free(ptr);
  const classes = owner.stats().classes.length;
  MeasuringJournal.longest = 0;
  const ptr = owner.malloc(30_000); // of a class that it has no slab of: so it takes what there is
  const { longest } = MeasuringJournal;
  assert(longest > classes && longest < 2 * classes + 32, `${longest} words, ${classes} classes`);
  owner.free(ptr);
  for (const sender of senders) sender.close();
  owner.collect();
  owner.check();
  assertEquals(owner.stats().liveBlocks, 0);
});

Deno.test("an undo log whose length was overwritten is an error of the heap", async () => {
  using heap = await Heap.open();
  const words = viewState(heap);
  const journal = new Journal(words);
  let code = "";
  try {
    journal.run(() => {
      const before = words[WORD_LOG_LENGTH]!;
      words[WORD_LOG_LENGTH] = LOG_ENTRIES;
      try {
        journal.set(1, 1);
      } finally {
        words[WORD_LOG_LENGTH] = before;
      }
    });
  } catch (error) {
    if (!(error instanceof HeapError)) throw error;
    code = error.code;
  }
  assertEquals(code, "HEADER_CORRUPTED");
});

/** Of all words in front of the log. */
function hashOf(words: Int32Array): number {
  let hash = 0;
  for (let index = 0; index < LOG_OFFSET / 4; index++) hash = Math.imul(hash ^ words[index]!, 0x01000193);
  return hash;
}

Deno.test("a section that ends when the log's length was overwritten rolls nothing made up back, and the next says so", async () => {
  using heap = await Heap.open({ reserveBytes: 16 * 2 ** 20 });
  const words = viewState(heap), ptr = heap.malloc(100), before = hashOf(words);
  for (const length of [2 ** 31 - 1, LOG_ENTRIES + 1, -1]) {
    const journal = new Journal(words);
    assertThrows(
      () =>
        journal.run(() => {
          words[WORD_LOG_LENGTH] = length;
          throw new Error("mine");
        }),
      Error,
      "mine",
    );
    assertEquals(words[WORD_LOG_LENGTH], length);
    assertThrows(() => journal.run(() => {}), HeapError, "undo log");
    assertEquals(hashOf(words), before);
  }
  heap.free(ptr);
  heap.check();
});
