/**
 * A section that takes from a ring is undone after it has said how much it took, or its thread dies before it has
 * released the places: with the real heap, what `remote_model_test.ts` tries with a model.
 */

import { assert, assertEquals } from "@std/assert";
import { Heap, type SharedHeap } from "../../../src/heap/mod.ts";
import { Journal } from "../../../src/heap/state/journal.ts";
import { WORD_LOCK } from "../../../src/heap/state/layout.ts";
import { attachWith } from "../../../src/heap/inspect/mod.ts";

const KIB = 1024, MIB = 1024 * KIB;
const OPTIONS = { variant: "slab-map,capacity=16,refill=8,prewarm=0", reserveBytes: 64 * MIB };
/** Of 64 bytes: as many as a ring takes, but one. */
const NEARLY_FULL = 2047;

class Undone extends Error {}
class Locked extends Error {}

/** Ends a section at its last write, when it has told how much it has taken, and calls somebody first. */
class UndoneJournal extends Journal {
  meanwhile: (() => void) | undefined;

  override publish(index: number, value: number): void {
    super.publish(index, value);
    const { meanwhile } = this;
    this.meanwhile = undefined;
    if (meanwhile === undefined) return;
    meanwhile();
    throw new Undone();
  }
}

/** Does not wait for the lock: who has it is this same thread. */
class ImpatientJournal extends Journal {
  constructor(readonly words: Int32Array) {
    super(words);
  }

  override run<Result>(body: () => Result): Result {
    if (this.words[WORD_LOCK] !== 0) throw new Locked();
    return super.run(body);
  }
}

/** Publishes nothing, as one that dies each time when it has committed. */
class ForgetfulJournal extends Journal {
  override publish(): void {}
}

async function attachTo<Own extends Journal>(
  shared: SharedHeap,
  make: (words: Int32Array) => Own,
): Promise<{ heap: Heap; journal: Own }> {
  let journal: Own | undefined;
  const heap = await attachWith((words) => journal = make(words), shared);
  return { heap, journal: journal! };
}

Deno.test("what is sent while a section takes, which is undone then, overwrites nothing", async () => {
  using opener = await Heap.open(OPTIONS);
  const shared = opener.share();
  const { heap: owner, journal } = await attachTo(shared, (words) => new UndoneJournal(words));
  const { heap: sender } = await attachTo(shared, (words) => new ImpatientJournal(words));
  const blocks = Array.from({ length: NEARLY_FULL + 600 }, () => owner.malloc(64));
  const live = new Set(blocks);
  const send = (): void => {
    const ptr = blocks.pop()!;
    try {
      sender.free(ptr);
      live.delete(ptr);
    } catch (error) {
      if (!(error instanceof Locked)) throw error;
      blocks.push(ptr);
    }
  };
  while (live.size > 600) send();
  let isUndone = false;
  journal.meanwhile = () => {
    for (let count = 0; count < 500; count++) send();
  };
  while (!isUndone) {
    try {
      const ptr = owner.malloc(64);
      assert(!live.has(ptr), "given out twice");
      live.add(ptr);
      blocks.unshift(ptr);
    } catch (error) {
      if (!(error instanceof Undone)) throw error;
      isUndone = true;
    }
  }
  const assertWhole = (): void => {
    opener.check();
    assertEquals([...opener.blocks()].map(({ ptr }) => ptr), [...live].sort((a, b) => a - b));
  };
  assertWhole();
  for (let count = 0; count < 3000; count++) {
    const ptr = owner.malloc(64);
    assert(!live.has(ptr), "given out twice");
    live.add(ptr);
  }
  assertWhole();
  sender.close();
  owner.close();
});

Deno.test("a sender gets on with an owner that takes and never says so", async () => {
  using opener = await Heap.open(OPTIONS);
  const { heap: owner } = await attachTo(opener.share(), (words) => new ForgetfulJournal(words));
  const sender = await Heap.attach(opener.share());
  for (let round = 0; round < 20; round++) {
    const blocks = Array.from({ length: 500 }, () => owner.malloc(64));
    assertEquals(new Set(blocks).size, blocks.length);
    for (const ptr of blocks) sender.free(ptr); // the same blocks again and again: none is taken for freed twice
  }
  for (let round = 0; round < 300; round++) {
    const ptr = owner.malloc(64);
    sender.free(ptr);
    owner.collect();
  }
  opener.check();
  assertEquals(opener.stats().liveBlocks, 0);
  sender.close();
  owner.close();
});
