/**
 * random-mixed: a working set of slots; each cycle picks one at random, and frees the block in it if there is one, or
 * if not, allocates a block of random size and writes its first byte. Half of the slots are full once it has settled.
 * At the end of a turn all blocks are freed. One operation is one malloc or one free.
 *
 * Slot and size come from one 32-bit number and share no bits: the slot is its low bits (up to 20), the size its top 12.
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { freeAll } from "./free_all.ts";
import { alone } from "../workspace.ts";
import { loopRunner } from "./loop_runner.ts";
import { parameter, perAllocator, SEED, STATE, type Workload } from "../workload.ts";

/** The workload `random-mixed`. */
export const randomMixed: Workload = {
  name: "random-mixed",
  description: "random malloc and free over a working set of slots",
  operation: "one malloc or one free",
  parameters: {
    "size": { description: "largest block in bytes", default: 128, min: 16, max: 4096, powerOfTwo: true },
    "working-set": { description: "slots", default: 8192, min: 64, max: 1 << 20, powerOfTwo: true },
    "cycles": { description: "random cycles in one unit", default: 50_000, min: 1, max: 1_000_000_000 },
    "seed": SEED,
  },
  operationsPerUnit: (parameters) => parameter(parameters, "cycles"),
  prepare: (allocator, parameters, workspace = alone(allocator)) => {
    const { free, nothing } = allocator;
    const mixedChunk = compileMixedChunk(allocator);
    const slotMask = parameter(parameters, "working-set") - 1, sizeMask = parameter(parameters, "size") - 1;
    const slots = workspace.slots(slotMask + 1);
    return loopRunner(parameters, workspace.ints(STATE.LENGTH), {
      hot: mixedChunk,
      run: (state, iterations) => mixedChunk(slots, state, iterations, slotMask, sizeMask),
      drain: (state) => freeAll(free, nothing, slots, state, slotMask + 1),
    });
  },
};

const compileMixedChunk = perAllocator(<P>({ malloc, free, write, nothing }: Allocator<P>) =>
  function mixedChunk(
    slots: Slots<P>,
    state: Int32Array,
    iterations: number,
    slotMask: number,
    sizeMask: number,
  ): void {
    // int32s for V8, which takes a plain number apart again in each iteration.
    const last = iterations | 0, slotBits = slotMask | 0, sizeBits = sizeMask | 0;
    let x = state[0] as number;
    let checksum = state[1] as number;
    for (let i = 0; i < last; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      const slot = x & slotBits;
      const pointer = slots[slot] as P;
      if (pointer !== nothing) {
        free(pointer);
        slots[slot] = nothing;
        checksum ^= x;
      } else {
        const size = 1 + ((x >>> 20) & sizeBits);
        const block = malloc(size);
        if (block === nothing) throw new OutOfMemory(size);
        write(block, 0, x);
        slots[slot] = block;
        checksum = ((checksum + x) | 0) ^ size;
      }
    }
    state[0] = x;
    state[1] = checksum;
  }
);
