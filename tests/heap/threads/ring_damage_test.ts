/**
 * A ring whose numbers or pointers are overwritten, as C code could do it: what was in it is lost, an error says so, and
 * nothing that it has had before is given out again. No walk goes on for as long as a wrong number says.
 */

import { assert, assertEquals } from "@std/assert";
import {
  GAP_BYTES,
  MAX_CACHES,
  MIB,
  RING_FIRST,
  RING_RELEASED,
  RING_SEEN,
  RING_SENT,
  RING_TAKEN,
  RING_WORDS,
  RING_WRITTEN,
  stateBytes,
} from "../../../src/heap/state/layout.ts";
import { Heap, HeapError } from "../../../src/heap/mod.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";

const BYTES = 64 * MIB;
/** The ring through which the second thread sends blocks to the first. */
const RING = (stateBytes(BYTES) + BYTES + GAP_BYTES) / 4 + MAX_CACHES * RING_WORDS;
const NUMBERS = { RING_WRITTEN, RING_SEEN, RING_SENT, RING_TAKEN, RING_RELEASED };
/** More than a ring has room for: so each of its places has been used before. */
const ROUND = 2500;

/** Two threads, one that allocates and one that frees; live blocks are what the ring has had in it. */
class Pair implements Disposable {
  readonly live = new Set<number>();
  readonly found: string[] = [];
  errors = 0;

  private constructor(readonly owner: Heap, readonly sender: Heap) {}

  static async open(): Promise<Pair> {
    const owner = await Heap.open({ variant: "slab-map,counters=1,capacity=64,prewarm=0", reserveBytes: BYTES });
    return new Pair(owner, await Heap.attach(owner.share()));
  }

  make(count: number): void {
    for (; count > 0; count--) {
      this.try(() => {
        const ptr = this.owner.malloc(64);
        if (this.live.has(ptr)) this.found.push(`${ptr} was given out twice`);
        this.live.add(ptr);
      });
    }
  }

  send(count: number): void {
    for (const ptr of [...this.live].slice(0, count)) {
      this.live.delete(ptr);
      this.try(() => this.sender.free(ptr));
    }
  }

  /** What a call throws is an error of the heap. */
  try(call: () => unknown): void {
    try {
      call();
    } catch (error) {
      if (!(error instanceof HeapError)) throw error;
      this.errors++;
    }
  }

  [Symbol.dispose](): void {
    this.try(() => this.sender.close());
    this.try(() => this.owner.close());
  }
}

/** The second and further calls after the damage, in another order each time. */
function use(pair: Pair, index: number): void {
  const { owner, sender } = pair;
  const calls = [
    () => pair.make(600),
    () => pair.send(700),
    () => pair.try(() => sender.collect()),
    () => pair.try(() => owner.collect()),
    () => pair.try(() => [...owner.blocks()]),
    () => pair.try(() => owner.stats()),
    () => pair.try(() => owner.owns([...pair.live][0]!)),
  ];
  const at = index % calls.length;
  for (const call of [...calls.slice(at), ...calls.slice(0, at)]) call();
  pair.send(ROUND);
  pair.make(2 * ROUND);
}

for (const [name, word] of Object.entries(NUMBERS)) {
  Deno.test(`${name} is overwritten: right, or an error, and nothing is given out twice`, async () => {
    const changes: ((old: number) => number)[] = [0, 1, -1, 0x7fff_ffff, -0x8000_0000].map((value) => () => value);
    for (const by of [1, 31, 33, 600, -1, -33, -600, 1 << 30]) changes.push((old) => (old + by) | 0);
    for (const [index, change] of changes.entries()) {
      using pair = await Pair.open();
      const { owner } = pair, state = viewState(owner);
      pair.make(ROUND);
      pair.send(ROUND);
      pair.make(ROUND);
      pair.send(50);
      const before = owner.counters()!.locksTaken;
      state[RING + word] = change(state[RING + word]!);
      use(pair, index);
      assertEquals(pair.found, [], `${name}, the change numbered ${index}`);
      assert(owner.counters()!.locksTaken - before < 20_000, `${owner.counters()!.locksTaken} sections`);
    }
  });
}

Deno.test("pointers in a ring are overwritten: what is not a pointer of this round is an error", async () => {
  for (const [index, value] of [-1, 7, 0x7fff_fff0, 0x1234_5678].entries()) {
    using pair = await Pair.open();
    const state = viewState(pair.owner);
    pair.make(ROUND);
    pair.send(50);
    state.fill(value, RING + RING_FIRST + 10, RING + RING_FIRST + 40);
    use(pair, index);
    assertEquals(pair.found, []);
    assert(pair.errors > 0);
  }
});

Deno.test("what was given up is not damage any more, to who looks at the heap", async () => {
  using pair = await Pair.open();
  const { owner } = pair, state = viewState(owner);
  pair.make(ROUND);
  pair.send(ROUND);
  state[RING + RING_SENT] = state[RING + RING_TAKEN]! + 10_000;
  pair.try(() => owner.collect());
  assertEquals(pair.errors, 1);
  owner.collect();
  owner.check();
  assert(owner.stats().liveBlocks > 0, "what was in the ring is lost");
});

Deno.test("a ring that was given up is right again", async () => {
  using pair = await Pair.open();
  const { owner, sender } = pair, state = viewState(owner);
  pair.make(ROUND);
  pair.send(50);
  state[RING + RING_WRITTEN] = 77_777;
  for (const heap of [sender, owner]) pair.try(() => heap.collect());
  assertEquals(pair.errors, 1);
  pair.make(ROUND);
  pair.send(ROUND);
  for (const heap of [sender, owner]) heap.collect();
  assertEquals([pair.found, pair.errors], [[], 1]);
  owner.check();
});
