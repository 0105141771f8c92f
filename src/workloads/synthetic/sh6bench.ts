/**
 * sh6bench: batches of blocks that are freed in the order they were made or in the reverse, in the manner of the test of
 * that name (MicroQuill, with SmartHeap). One operation is a free+malloc pair.
 *
 * The live blocks stand in a ring, oldest first. At random, either the oldest batch is freed, first made first, or the
 * newest, last made first; then a batch of as many blocks is made in its place, and is the newest. Within a batch sizes
 * grow with the square of the block's number, from the smallest to a largest that is random for each batch: half of the
 * blocks lie in the lowest quarter. A block's first byte is written when it is made, and read before it is freed.
 *
 * The ring is full from before the clock to after it: `working-set` blocks, below `working-set` × `max` bytes (1 MB with
 * the defaults, 256 MiB at most).
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { liveSet } from "./live_set.ts";
import { alone } from "../workspace.ts";
import { loopRunner } from "./loop_runner.ts";
import { checkRange, parameter, perAllocator, SEED, STATE, V8_CHECKS, type Workload } from "../workload.ts";

// The square of a batch's length is 4096, by which the chunk below and the C twin shift.
const BATCH = 64;
// Whole batches, so that a unit is cut into the same batches however it is cut into chunks.
const BATCHED_CHUNK_ITERATIONS = 100 * BATCH;

/** The workload `sh6bench`. */
export const sh6bench: Workload = {
  name: "sh6bench",
  description: "batches of growing sizes, freed oldest first or newest first",
  operation: "one free+malloc pair",
  parameters: {
    "min": { description: "smallest size", default: 8, min: 2, max: 1 << 14 },
    "max": { description: "sizes stay below this", default: 1000, min: 3, max: 1 << 14 },
    "working-set": { description: "live blocks", default: 1024, min: 64, max: 1 << 14, powerOfTwo: true },
    "cycles": { description: "pairs in one unit", default: 50_000, min: 1, max: 1_000_000_000 },
    "seed": SEED,
  },
  check: checkRange,
  largestSize: (parameters) => parameter(parameters, "max"),
  operationsPerUnit: (parameters) => parameter(parameters, "cycles"),
  loopsDiffer: V8_CHECKS,
  prepare: (allocator, parameters, workspace = alone(allocator)) => {
    const growingBatches = compileGrowingBatches(allocator);
    const min = parameter(parameters, "min"), range = parameter(parameters, "max") - min;
    const blocks = parameter(parameters, "working-set");
    const slots = workspace.slots(blocks);
    return loopRunner(parameters, workspace.ints(STATE.LENGTH + 1), {
      hot: growingBatches,
      run: (state, iterations) => growingBatches(slots, state, iterations, blocks - 1, min, range),
      chunk: BATCHED_CHUNK_ITERATIONS,
      ...liveSet(allocator, slots, min, range),
    });
  },
};

const compileGrowingBatches = perAllocator(<P>({ malloc, free, write, read, nothing }: Allocator<P>) =>
  function growingBatches(
    slots: Slots<P>,
    state: Int32Array,
    iterations: number,
    slotMask: number,
    min: number,
    range: number,
  ): void {
    // int32s for V8, which takes a plain number apart again in each iteration.
    const slotBits = slotMask | 0, least = min | 0, span = range | 0;
    // Looked at here, how long the slots are is not looked at for each block.
    if (slots.length <= slotBits) throw new RangeError("there are too few slots");
    let x = state[0] as number;
    let checksum = state[1] as number;
    let sink = state[2] as number;
    let head = state[3] as number; // the slot of the oldest block; the newest is in the slot before it
    for (let left = iterations | 0; left > 0; left = (left - BATCH) | 0) {
      const length = left < BATCH ? left : BATCH;
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      const largest = 1 + (Math.imul(x & 0xffff, span) >>> 16) | 0;
      const isReverse = x < 0;
      const step = isReverse ? -1 : 1;
      let slot = isReverse ? (head - 1) & slotBits : head;
      for (let i = 0; i < length; i++) {
        const pointer = slots[slot] as P;
        sink = (sink + read(pointer, 0)) | 0;
        free(pointer);
        checksum = ((checksum + slot) | 0) ^ x;
        slot = (slot + step) & slotBits;
      }
      slot = isReverse ? (head - length) & slotBits : head;
      for (let i = 0; i < length; i++) {
        const size = (least + (Math.imul(largest, Math.imul(i, i)) >>> 12)) | 0;
        const block = malloc(size);
        if (block === nothing) throw new OutOfMemory(size);
        write(block, 0, x);
        slots[slot] = block;
        checksum = ((checksum + size) | 0) ^ slot;
        slot = (slot + 1) & slotBits;
      }
      head = slot;
    }
    state[0] = x;
    state[1] = checksum;
    state[2] = sink;
    state[3] = head;
  }
);
