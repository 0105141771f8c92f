/**
 * What `journal.ts` assumes of V8: that it makes plain stores to typed arrays in the order of the program, across calls
 * and turns of a loop. A Worker writes through a journal for long enough to be compiled at each tier; this thread looks at
 * what is there meanwhile.
 */

import { assert } from "@std/assert";
import { Journal } from "../../../src/heap/state/journal.ts";
import { INVERSES_OFFSET, WORD_LOG_LENGTH } from "../../../src/heap/state/layout.ts";

const FIRST = 1, SECOND = 2, AGREED = 3, SECTIONS = 3_000_000;

const scope = globalThis as unknown as { name?: string; postMessage(message: string): void };
if (scope.name === "order_test") {
  addEventListener("message", (event) => {
    const words: Int32Array = (event as MessageEvent).data;
    const journal = new Journal(words);
    for (let section = 1; section <= SECTIONS; section++) {
      journal.run(() => {
        journal.set(FIRST, section);
        journal.set(SECOND, section);
      });
    }
    Atomics.store(words, AGREED, 1);
    scope.postMessage("done");
  });
} else {
  Deno.test("stores through a journal are seen in the order of the program", async () => {
    const words = new Int32Array(new SharedArrayBuffer(INVERSES_OFFSET)); // the log ends there
    const worker = new Worker(import.meta.url, { type: "module", name: "order_test" });
    const done = new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage(words);
    let looks = 0, last = 0;
    // The Worker starts while this thread awaits, and then runs beside it.
    while (Atomics.load(words, AGREED) === 0) {
      if (last === 0) await new Promise((resolve) => setTimeout(resolve));
      for (let count = 0; count < 100_000; count++) {
        // The opposite order of that in which they are written: what is seen of one says what must be seen of the next.
        const second = Atomics.load(words, SECOND), first = Atomics.load(words, FIRST);
        assert(first >= second && second >= last, `${first}, ${second} after ${last}`);
        if (first > second) {
          // The log had this entry when the word was written, and is emptied when the next has been.
          const length = Atomics.load(words, WORD_LOG_LENGTH);
          assert(length > 0 || Atomics.load(words, SECOND) >= first, "a word was written that is not in the log");
        }
        if (second > last) looks++;
        last = second;
      }
    }
    await done;
    worker.terminate();
    assert(looks > 0 && words[SECOND] === SECTIONS);
  });
}
