/**
 * rptest: bursts of mallocs and frees in a ratio that is random for each burst, of sizes to 16 KB, in the manner of
 * rpmalloc's benchmark. One operation is one malloc or one free.
 *
 * A burst of 100 cycles draws its ratio, from 2 mallocs in 16 cycles to 14, and how its sizes are distributed: either along
 * a line, as the smaller one of two random sizes is, or exponentially: one random distance from the smallest size, halved
 * up to 7 times at random. So the live blocks grow to many and shrink to few; which one is freed is random. With none
 * live, or all, a cycle does what it can. A block's first byte is written when it is made, and read before it is freed.
 *
 * Live are at most `working-set` blocks, below `working-set` × `max` bytes (16 MB with the defaults, 256 MiB at most); in
 * the end all are freed.
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { freeAll } from "./free_all.ts";
import { alone } from "../workspace.ts";
import { loopRunner } from "./loop_runner.ts";
import { checkRange, parameter, perAllocator, SEED, STATE, V8_CHECKS, type Workload } from "../workload.ts";

const BURST = 100; // divides CHUNK_ITERATIONS, so that a unit has the same bursts however it is cut into chunks

/** The workload `rptest`. */
export const rptest: Workload = {
  name: "rptest",
  description: "bursts of random mallocs and frees, sizes to 16 KB",
  operation: "one malloc or one free",
  parameters: {
    "min": { description: "smallest size", default: 8, min: 2, max: 1 << 15 },
    "max": { description: "sizes stay below this", default: 16_000, min: 3, max: 1 << 15 },
    "working-set": { description: "most live blocks", default: 1024, min: 16, max: 1 << 13, powerOfTwo: true },
    "cycles": { description: "cycles in one unit", default: 50_000, min: 1, max: 1_000_000_000 },
    "seed": SEED,
  },
  check: checkRange,
  largestSize: (parameters) => parameter(parameters, "max"),
  operationsPerUnit: (parameters) => parameter(parameters, "cycles"),
  loopsDiffer: V8_CHECKS,
  crossing: "successors",
  prepare: (allocator, parameters, workspace = alone(allocator)) => {
    const { free, nothing } = allocator;
    const burstChunk = compileBurstChunk(allocator);
    const min = parameter(parameters, "min"), range = parameter(parameters, "max") - min;
    const most = parameter(parameters, "working-set");
    const slots = workspace.slots(most);
    return loopRunner(parameters, workspace.ints(STATE.LENGTH + 1), {
      hot: burstChunk,
      run: (state, iterations) => burstChunk(slots, state, iterations, most, min, range),
      drain: (state) => freeAll(free, nothing, slots, state, most),
    });
  },
};

const compileBurstChunk = perAllocator(<P>({ malloc, free, write, read, nothing }: Allocator<P>) =>
  function burstChunk(
    slots: Slots<P>,
    state: Int32Array,
    iterations: number,
    mostLive: number,
    min: number,
    range: number,
  ): void {
    // int32s for V8, which takes a plain number apart again in each iteration.
    const liveBits = (mostLive - 1) | 0, least = min | 0, span = range | 0;
    // Looked at here, how long the slots are is not looked at in each cycle.
    if (slots.length <= liveBits) throw new RangeError("there are too few slots");
    let x = state[0] as number;
    let checksum = state[1] as number;
    let sink = state[2] as number;
    let live = state[3] as number; // the slots before it are full, the others empty
    for (let left = iterations | 0; left > 0; left = (left - BURST) | 0) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      // A random int32 is below it 2 to 14 times in 16.
      const mallocsBelow = ((Math.imul(x & 0xffff, 13) >>> 16) - 6) << 28;
      const isLinear = x < 0;
      for (let i = left < BURST ? left : BURST; i > 0; i = (i - 1) | 0) {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        // No block is a malloc, all are a free.
        // With none live it is a malloc, with all a free.
        if ((live & liveBits) !== 0 ? x < mallocsBelow : live === 0) {
          x ^= x << 13;
          x ^= x >>> 17;
          x ^= x << 5;
          // How far the sum of both halves of the number is from its mean falls along a line.
          const part = isLinear ? Math.abs((x >>> 16) + (x & 0xffff) - 0xffff) : x >>> 16 >>> (x & 7);
          const size = (least + (Math.imul(part, span) >>> 16)) | 0;
          const block = malloc(size);
          if (block === nothing) throw new OutOfMemory(size);
          write(block, 0, x);
          slots[live] = block;
          live = (live + 1) | 0;
          checksum = ((checksum + size) | 0) ^ x;
        } else {
          const slot = Math.imul(x & 0xffff, live) >>> 16;
          const pointer = slots[slot] as P;
          sink = (sink + read(pointer, 0)) | 0;
          free(pointer);
          live = (live - 1) | 0;
          slots[slot] = slots[live] as P;
          slots[live] = nothing;
          checksum = ((checksum + slot) | 0) ^ x;
        }
      }
    }
    state[0] = x;
    state[1] = checksum;
    state[2] = sink;
    state[3] = live;
  }
);
