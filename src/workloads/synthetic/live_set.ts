/**
 * The live set of the workloads that replace blocks (larson, sh6bench, sh8bench): it is full before the clock starts, and
 * given back after the clock has stopped. So nothing here is hot.
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";

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

/** Fills the first `count` slots with blocks of `min` to below `min + range` bytes, whose first byte it writes. */
export function fillLiveSet<P>(
  { malloc, write, nothing }: Allocator<P>,
  slots: Slots<P>,
  count: number,
  min: number,
  range: number,
  random: Xorshift32,
): void {
  for (let slot = 0; slot < count; slot++) {
    const size = min + random.below(range);
    const block = malloc(size);
    if (block === nothing) throw new OutOfMemory(size);
    write(block, 0, size);
    slots[slot] = block;
  }
}

/** Frees the blocks of the first `count` slots, which must all be full. */
export function freeLiveSet<P>({ free, nothing }: Allocator<P>, slots: Slots<P>, count: number): void {
  for (let slot = 0; slot < count; slot++) {
    free(slots[slot] as P);
    slots[slot] = nothing;
  }
}
