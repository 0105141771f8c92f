/** Words of a shared heap's lock and undo log that no dead thread has left: an error, and no wait without end. */

import { assertEquals, assertThrows } from "@std/assert";
import { HeaderCorruptedError, Heap } from "../../../src/heap/mod.ts";
import { WORD_LOCK, WORD_LOG_LENGTH } from "../../../src/heap/state/layout.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import { THREAD_ID, THREAD_START, Threads, wordOfThread } from "../../../src/heap/state/thread_table.ts";
import { openVirtualMemory } from "../../../src/os/mod.ts";

const OPTIONS = { variant: "slab-map,prewarm=0,shared=1", reserveBytes: 16 * 2 ** 20 };

Deno.test(
  { name: "a lock that names a thread which lives and sleeps is an error", ignore: Deno.build.os !== "linux" },
  async () => {
    const heap = await Heap.open(OPTIONS), words = viewState(heap), system = await openVirtualMemory();
    const program = `
    const { symbols } = Deno.dlopen("libc.so.6", { gettid: { parameters: [], result: "i32" } });
    postMessage(symbols.gettid());
  `;
    const worker = new Worker(URL.createObjectURL(new Blob([program])), { type: "module" });
    const sleeper = await new Promise<number>((resolve) => worker.onmessage = ({ data }) => resolve(data));
    const slot = 5, at = wordOfThread(slot);
    words[at + THREAD_ID] = sleeper;
    words[at + THREAD_START] = system.threadStart(sleeper);
    const owner = new Threads(words, system).ownerOf(slot);
    const calls = [() => heap.malloc(100), () => heap.check()];
    for (const [index, name] of [owner, -sleeper].entries()) {
      words[WORD_LOCK] = name;
      assertThrows(calls[index]!, HeaderCorruptedError, "the lock");
      assertEquals(words[WORD_LOCK], name);
    }
    words[WORD_LOCK] = words[at + THREAD_ID] = words[at + THREAD_START] = 0;
    heap.check();
    heap.free(heap.malloc(100));
    heap.close();
    worker.terminate();
    system.close();
  },
);

Deno.test("an undo log with entries that nobody has left undoes nothing", async () => {
  const heap = await Heap.open(OPTIONS), words = viewState(heap);
  const live = Array.from({ length: 300 }, (_, index) => heap.malloc(index * 3));
  const blocks = [...heap.blocks()];
  for (const length of [1, 40, 3072, 3073, -1]) {
    words[WORD_LOG_LENGTH] = length;
    assertThrows(() => heap.check(), HeaderCorruptedError, "nobody has died");
    assertEquals([words[WORD_LOG_LENGTH], words[WORD_LOCK]], [0, 0]);
    heap.check();
    assertEquals([...heap.blocks()], blocks);
  }
  for (const ptr of live) heap.free(ptr);
  heap.close();
});
