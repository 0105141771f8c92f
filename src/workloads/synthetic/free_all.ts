/**
 * How a turn of random-mixed and of slow-mix ends: what is still in the working set is freed, on the clock.
 *
 * @module
 */
import type { Allocator, Slots } from "../allocator.ts";

/** Frees what the first `count` slots hold; their numbers go into the checksum of `state`. Returns how many there were. */
export function freeAll<P>(
  free: Allocator<P>["free"],
  nothing: P,
  slots: Slots<P>,
  state: Int32Array,
  count: number,
): number {
  let checksum = state[1] as number;
  let freed = 0;
  for (let slot = 0; slot < count; slot++) {
    const pointer = slots[slot] as P;
    if (pointer === nothing) continue;
    free(pointer);
    slots[slot] = nothing;
    checksum = (checksum + slot) | 0;
    freed++;
  }
  state[1] = checksum;
  return freed;
}
