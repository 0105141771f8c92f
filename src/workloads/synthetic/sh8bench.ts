/**
 * sh8bench: as sh6bench, with mixed sizes, and with blocks that outlive their batch by far. In the test of that name
 * (MicroQuill, with SmartHeap) those are blocks that other threads free. One operation is a free+malloc pair.
 *
 * Half of the live blocks stand in a ring, whose oldest or newest batch is freed at random, first made first or last
 * made first. The other half are elders. Of a batch that is freed, every eighth block takes the place of a random elder,
 * and the elder is freed instead. With the defaults, almost half of the blocks live for one batch, almost half for some
 * 2000 pairs, and the rest as elders for some 8000 more. Of the sizes, three in four lie in the lowest eighth of the
 * range, one anywhere in it. A block's first byte is written when it is made, and read before it is freed.
 *
 * All are live from before the clock to after it: `working-set` blocks, below `working-set` × `max` bytes (2 MB with the
 * defaults, 256 MiB at most).
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { liveSet } from "./live_set.ts";
import { alone } from "../workspace.ts";
import { loopRunner } from "./loop_runner.ts";
import { checkRange, parameter, perAllocator, SEED, STATE, V8_CHECKS, type Workload } from "../workload.ts";

const BATCH = 64;
// Whole batches, so that a unit is cut into the same batches however it is cut into chunks.
const BATCHED_CHUNK_ITERATIONS = 100 * BATCH;

/** The workload `sh8bench`. */
export const sh8bench: Workload = {
  name: "sh8bench",
  description: "batches of mixed sizes, some of whose blocks live on for long",
  operation: "one free+malloc pair",
  parameters: {
    "min": { description: "smallest size", default: 8, min: 2, max: 1 << 14 },
    "max": { description: "sizes stay below this", default: 1000, min: 3, max: 1 << 14 },
    "working-set": {
      description: "live blocks, half of them elders",
      default: 2048,
      min: 128,
      max: 1 << 14,
      powerOfTwo: true,
    },
    "cycles": { description: "pairs in one unit", default: 50_000, min: 1, max: 1_000_000_000 },
    "seed": SEED,
  },
  check: checkRange,
  largestSize: (parameters) => parameter(parameters, "max"),
  operationsPerUnit: (parameters) => parameter(parameters, "cycles"),
  loopsDiffer: V8_CHECKS,
  crossing: "successors",
  prepare: (allocator, parameters, workspace = alone(allocator)) => {
    const mixedBatches = compileMixedBatches(allocator);
    const min = parameter(parameters, "min"), range = parameter(parameters, "max") - min;
    const blocks = parameter(parameters, "working-set");
    const ringMask = blocks / 2 - 1;
    const slots = workspace.slots(blocks); // the ring, then the elders
    return loopRunner(parameters, workspace.ints(STATE.LENGTH + 1), {
      hot: mixedBatches,
      run: (state, iterations) => mixedBatches(slots, state, iterations, ringMask, min, range),
      chunk: BATCHED_CHUNK_ITERATIONS,
      ...liveSet(allocator, slots, min, range),
    });
  },
};

const compileMixedBatches = perAllocator(<P>({ malloc, free, write, read, nothing }: Allocator<P>) =>
  function mixedBatches(
    slots: Slots<P>,
    state: Int32Array,
    iterations: number,
    ringMask: number,
    min: number,
    range: number,
  ): void {
    // int32s for V8, which takes a plain number apart again in each iteration.
    const ringBits = ringMask | 0, least = min | 0;
    const smallSpan = (range >> 3) + 1 | 0, others = (range - smallSpan) | 0;
    let x = state[0] as number;
    let checksum = state[1] as number;
    let sink = state[2] as number;
    let head = state[3] as number; // the slot of the oldest block of the ring; the newest is in the slot before it
    for (let left = iterations | 0; left > 0; left = (left - BATCH) | 0) {
      const length = left < BATCH ? left : BATCH;
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      const isReverse = x < 0;
      const step = isReverse ? -1 : 1;
      let slot = isReverse ? (head - 1) & ringBits : head;
      for (let i = 0; i < length; i++) {
        let pointer = slots[slot] as P;
        if ((i & 7) === 0) {
          x ^= x << 13;
          x ^= x >>> 17;
          x ^= x << 5;
          const elder = (ringBits + 1 + (x & ringBits)) | 0;
          const young = pointer;
          pointer = slots[elder] as P;
          slots[elder] = young;
          checksum = (checksum + elder) | 0;
        }
        sink = (sink + read(pointer, 0)) | 0;
        free(pointer);
        checksum = (checksum + slot) | 0;
        slot = (slot + step) & ringBits;
      }
      slot = isReverse ? (head - length) & ringBits : head;
      for (let i = 0; i < length; i++) {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        // Not a branch, which would be foreseen wrongly one time in four: the mask is -1 where the top two bits are 0.
        const some = smallSpan + (others & (((x >>> 30) - 1) >> 31)) | 0;
        const size = (least + (Math.imul(x & 0xffff, some) >>> 16)) | 0;
        const block = malloc(size);
        if (block === nothing) throw new OutOfMemory(size);
        write(block, 0, x);
        slots[slot] = block;
        checksum = ((checksum + size) | 0) ^ slot;
        slot = (slot + 1) & ringBits;
      }
      head = slot;
    }
    state[0] = x;
    state[1] = checksum;
    state[2] = sink;
    state[3] = head;
  }
);
