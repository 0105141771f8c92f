/** Whoever closes a shared heap takes its magic away before it is sure that nobody attaches: nobody is told too early. */

import { assertEquals, assertThrows } from "@std/assert";
import { Heap, HeapClosedError, type SharedHeap } from "../../src/heap/mod.ts";
import { Journal } from "../../src/heap/state/journal.ts";
import { WORD_LOCK, WORD_MAGIC } from "../../src/heap/state/layout.ts";
import { openWith } from "../../src/heap/inspect/mod.ts";
import { HeapMemory } from "../../src/heap/state/memory.ts";
import { openVirtualMemory } from "../../src/os/mod.ts";

const OPTIONS = { variant: "slab-map,prewarm=0", reserveBytes: 16 * 2 ** 20 };

class Undone extends Error {}
class Waits extends Error {}

/** Calls somebody when it has taken the magic away. */
class ClosingJournal extends Journal {
  meanwhile: (() => void) | undefined;

  override set(index: number, value: number): void {
    super.set(index, value);
    if (index === WORD_MAGIC) this.meanwhile?.();
  }
}

/** Throws where it would wait for the lock. */
class ImpatientJournal extends Journal {
  constructor(readonly words: Int32Array) {
    super(words);
  }

  override run<Result>(body: () => Result): Result {
    if (this.words[WORD_LOCK] !== 0) throw new Waits();
    return super.run(body);
  }
}

async function openClosing(): Promise<{ heap: Heap; journal: ClosingJournal; shared: SharedHeap }> {
  let journal: ClosingJournal | undefined;
  const heap = await openWith((words) => journal = new ClosingJournal(words), OPTIONS);
  return { heap, journal: journal!, shared: heap.share() };
}

Deno.test("who attaches while the last thread is about to close waits for what comes of it", async () => {
  const { heap, journal, shared } = await openClosing(), system = await openVirtualMemory(), { flags } = heap;
  const impatient = (words: Int32Array) => new ImpatientJournal(words);
  const attach = (): HeapMemory => HeapMemory.attach(system, shared, flags, () => {}, impatient);
  const outcomes: unknown[] = [];
  journal.meanwhile = () => outcomes.push(assertThrows(attach, Error).constructor);
  heap.close();
  outcomes.push(assertThrows(attach, Error).constructor);
  assertEquals(outcomes, [Waits, HeapClosedError]);
  system.close();
});

Deno.test("a close that ends half way leaves the heap open for others", async () => {
  const { heap, journal, shared } = await openClosing(), ptr = heap.malloc(100);
  journal.meanwhile = () => {
    throw new Undone();
  };
  assertThrows(() => heap.close(), Undone);
  journal.meanwhile = undefined;
  const other = await Heap.attach(shared);
  other.free(ptr);
  other.check();
  other.close();
  heap.check();
  heap.close();
});
