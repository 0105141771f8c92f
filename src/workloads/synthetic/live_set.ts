/**
 * The live set of the workloads that replace blocks (larson, sh6bench, sh8bench): it is full before the clock starts, and
 * given back after the clock has stopped. So nothing here is hot.
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import type { Loop } from "./loop_runner.ts";
import { STATE } from "../workload.ts";

/** The random stream of all workloads, for the parts of them that are not timed. */
export class Xorshift32 {
  constructor(public state: number) {
    this.state |= 0;
  }
  /**
   * The next number, below `range`, which is at most 2^20: the top 22 bits of the random number times the range, shifted
   * back. That product does not fit in 32 bits, so the range is multiplied in two parts, whose sum is exact.
   */
  below(range: number): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return (Math.imul(x >>> 10, range >>> 10) + (Math.imul(x >>> 10, range & 1023) >>> 10)) >>> 12;
  }
}

/**
 * What a runner of these does before and after: it fills all slots with blocks of `min` to below `min + range` bytes,
 * whose first byte it writes, by the numbers that the state begins with; and it frees them.
 *
 * @param arrange What is done with the full slots, by the numbers that come next.
 */
export function liveSet<P>(
  { malloc, free, write, nothing }: Allocator<P>,
  slots: Slots<P>,
  min: number,
  range: number,
  arrange?: (random: Xorshift32) => void,
): Pick<Loop, "begin" | "end"> {
  return {
    begin(state) {
      const random = new Xorshift32(state[STATE.RANDOM]!);
      for (let slot = 0; slot < slots.length; slot++) {
        const size = min + random.below(range);
        const block = malloc(size);
        if (block === nothing) throw new OutOfMemory(size);
        write(block, 0, size);
        slots[slot] = block;
      }
      arrange?.(random);
      state[STATE.RANDOM] = random.state;
    },
    end() {
      for (let slot = 0; slot < slots.length; slot++) {
        free(slots[slot] as P);
        slots[slot] = nothing;
      }
    },
  };
}
