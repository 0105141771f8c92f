/**
 * A full stack at every depth of the calls that give memory back: no live block is lost, and the tables agree. It has a file
 * of its own, so that V8 has compiled nothing of the heap before: where it has inlined a function, no stack ends in it.
 */

import { assert, assertEquals } from "@std/assert";
import { Heap } from "../../../src/heap/mod.ts";
import { WORD_THREADS_USED } from "../../../src/heap/state/layout.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import { Live } from "./live.ts";
import { pretendDead } from "./mortal.ts";

const KIB = 1024, RESERVE = 16 * 1024 * KIB;

/** By name: what is called, and the functions in which a full stack must have ended it. */
const DIVES: { readonly [name: string]: readonly string[] } = {
  "collect()": ["ThreadCache.flush"],
  "collect() with nothing cached": ["Journal.run"], // it looks first, too
  "collect() that gives back what a dead thread had": ["Reclaimer.reclaim"],
  "close() of one that is attached": ["Heap.close"], // it looks first
};

for (const [name, sections] of Object.entries(DIVES)) {
  Deno.test({ name: `a stack overflow at any depth of ${name} loses nothing`, sanitizeResources: false }, async () => {
    using heap = await Heap.open({ variant: "slab-map,capacity=8,refill=4,prewarm=0", reserveBytes: RESERVE });
    const shared = heap.share(), live = new Live(heap);
    for (let index = 0; index < 50; index++) live.add(heap.malloc(index * 300));
    const errors: RangeError[] = [];
    const wasIn = (section: string) => errors.some(({ stack }) => stack!.includes(` ${section} `));
    // Where the stack ends is a matter of what V8 has inlined by then: so more often, until it was where it should.
    for (let repeat = 0; repeat < 12 || (repeat < 300 && !sections.every(wasIn)); repeat++) {
      const other = await Heap.attach(shared);
      const ptrs = Array.from(
        { length: 60 },
        (_, index) => live.add((index % 2 === 0 ? other : heap).malloc(index * 700)),
      );
      ptrs.forEach((ptr, index) => live.free(index % 3 === 0 ? other : heap, ptr));
      if (name.endsWith("nothing cached")) {
        heap.collect();
        other.free(other.malloc(300 * KIB));
      }
      const isClosed = name.startsWith("close");
      if (name.includes("dead")) pretendDead(viewState(other), 1);
      const work = (): void => isClosed ? other.close() : void heap.collect();
      let isDone = false;
      const dive = (): void => {
        try {
          dive();
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
        if (isDone) return;
        try {
          work();
          isDone = true;
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          errors.push(error); // their stacks are read later: that takes stack itself
        }
      };
      // Each argument is 8 bytes of stack: so the stack ends at another place each time.
      ((..._padding: number[]) => dive())(...new Array<number>(repeat * 9 % 113).fill(0));
      live.audit();
      if (name.includes("dead")) (other.u8.buffer as ArrayBuffer).transfer(0);
      other.close();
      heap.collect();
      live.audit();
      assertEquals(viewState(heap)[WORD_THREADS_USED], 2);
    }
    for (const section of sections) assert(wasIn(section), `no stack ended in ${section}`);
  });
}
