/**
 * larson: a server that lives off a set of live blocks and replaces one at random at a time (Larson & Krishnan, 1998).
 * In the order of the classic program: fill all chunks, shuffle them, and then over and over free a random one, allocate
 * a new size, write its first byte, read it, and write the second. One operation is such a free+malloc pair.
 *
 * One unit is one generation: after rounds × chunks operations a thread hands its chunks to a successor. The classic
 * program makes a new thread for that; here successors are threads of a pool, which take over what another one left, and
 * with one thread that is itself. Fill, shuffle and the last frees lie outside the clock.
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { liveSet, type Xorshift32 } from "./live_set.ts";
import { alone } from "../workspace.ts";
import { loopRunner } from "./loop_runner.ts";
import { checkRange, parameter, perAllocator, SEED, STATE, V8_CHECKS, type Workload } from "../workload.ts";

/** The workload `larson`. */
export const larson: Workload = {
  name: "larson",
  description: "replace random blocks of a live set",
  operation: "one free+malloc pair",
  parameters: {
    "min": { description: "smallest size", default: 8, min: 2, max: 1 << 20 },
    "max": { description: "sizes stay below this", default: 128, min: 3, max: 1 << 20 },
    "chunks": { description: "live blocks", default: 1024, min: 1, max: 1 << 20 },
    "larson-rounds": { description: "rounds of all chunks in one generation", default: 100, min: 1, max: 10_000 },
    "seed": SEED,
  },
  check: checkRange,
  largestSize: (parameters) => parameter(parameters, "max"),
  operationsPerUnit: (parameters) => parameter(parameters, "chunks") * parameter(parameters, "larson-rounds"),
  loopsDiffer: V8_CHECKS,
  crossing: "successors",
  prepare: (allocator, parameters, workspace = alone(allocator)) => {
    const replaceChunk = compileReplaceChunk(allocator);
    const min = parameter(parameters, "min"), range = parameter(parameters, "max") - min;
    const chunks = parameter(parameters, "chunks");
    const slots = workspace.slots(chunks);
    return loopRunner(parameters, workspace.ints(STATE.LENGTH), {
      hot: replaceChunk,
      run: (state, iterations) => replaceChunk(slots, state, iterations, chunks, min, range),
      iterations: chunks * parameter(parameters, "larson-rounds"),
      ...liveSet(allocator, slots, min, range, (random) => shuffle(slots, chunks, random)),
    });
  },
};

function shuffle<P>(slots: Slots<P>, chunks: number, random: Xorshift32): void {
  for (let left = chunks; left > 0; left--) {
    const victim = random.below(left);
    const swapped = slots[victim] as P;
    slots[victim] = slots[left - 1] as P;
    slots[left - 1] = swapped;
  }
}

/**
 * By how much a random number is shifted to be below a power of two: what `below` comes to, without the product, for which
 * the load of the next block would have to wait. 0 for any other count.
 */
function shiftTo(count: number): number {
  return count > 1 && (count & (count - 1)) === 0 ? 1 + Math.clz32(count) : 0;
}

const compileReplaceChunk = perAllocator(<P>({ malloc, free, write, read, nothing }: Allocator<P>) =>
  function replaceChunk(
    slots: Slots<P>,
    state: Int32Array,
    iterations: number,
    chunks: number,
    min: number,
    range: number,
  ): void {
    // int32s for V8, which takes a plain number apart again in each iteration.
    const least = min | 0, last = iterations | 0;
    // Numbers are scaled to these ranges in two parts (see `Xorshift32.below`).
    const countHigh = chunks >>> 10, countLow = chunks & 1023, spanHigh = range >>> 10, spanLow = range & 1023;
    const shift = shiftTo(chunks);
    let x = state[0] as number;
    let checksum = state[1] as number;
    let sink = state[2] as number;
    for (let i = 0; i < last; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      const victim = shift !== 0
        ? x >>> shift
        : (Math.imul(x >>> 10, countHigh) + (Math.imul(x >>> 10, countLow) >>> 10)) >>> 12;
      checksum = (checksum + victim) | 0;
      free(slots[victim] as P);
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      const reduced = (Math.imul(x >>> 10, spanHigh) + (Math.imul(x >>> 10, spanLow) >>> 10)) >>> 12;
      const size = (least + reduced) | 0;
      checksum = ((checksum ^ x) + size) | 0;
      const block = malloc(size);
      if (block === nothing) throw new OutOfMemory(size);
      slots[victim] = block;
      write(block, 0, 0x61);
      sink = (sink + read(block, 0)) | 0;
      write(block, 1, 0x62);
    }
    state[0] = x;
    state[1] = checksum;
    state[2] = sink;
  }
);
