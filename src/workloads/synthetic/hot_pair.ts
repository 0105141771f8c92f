/**
 * hot-pair: malloc, then free of what it gave, of one size, and nothing else: no block is written. It shows what the two
 * hot paths cost when everything is in the first-level cache. One operation is one malloc or one free.
 *
 * Each pointer is stored to a slot that the end of the unit reads, so that no pair is optimised away.
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { alone } from "../workspace.ts";
import { loopRunner, seedChecksum } from "./loop_runner.ts";
import { parameter, perAllocator, SEED, STATE, type Workload } from "../workload.ts";

/** The workload `hot-pair`. */
export const hotPair: Workload = {
  name: "hot-pair",
  description: "malloc then free of one size, over and over",
  operation: "one malloc or one free",
  parameters: {
    "size": { description: "the size", default: 128, min: 16, max: 4096, powerOfTwo: true },
    "cycles": { description: "pairs in one unit", default: 50_000, min: 1, max: 1_000_000_000 },
    "seed": { ...SEED, description: "start of the checksum: nothing is random here" },
  },
  operationsPerUnit: (parameters) => 2 * parameter(parameters, "cycles"),
  loopsDiffer: "malloc and free are inlined, and what is left of an iteration is one or two cycles in either language",
  prepare: (allocator, parameters, workspace = alone(allocator)) => {
    const { nothing } = allocator;
    const pairChunk = compilePairChunk(allocator);
    const size = parameter(parameters, "size");
    const slots = workspace.slots(1);
    return loopRunner(parameters, workspace.ints(STATE.LENGTH), {
      hot: pairChunk,
      run: (state, iterations) => pairChunk(slots, state, iterations, size),
      begin: seedChecksum,
      settle() {
        if (slots[0] === nothing) throw new OutOfMemory(size);
        slots[0] = nothing;
      },
    });
  },
};

const compilePairChunk = perAllocator(<P>({ malloc, free }: Allocator<P>) =>
  function pairChunk(
    slots: Slots<P>,
    state: Int32Array,
    iterations: number,
    parameter: number,
  ): void {
    const size = parameter | 0; // an int32 for V8: with a plain number, a fast call through FFI takes eight times as long
    // int32s for V8, which takes a plain number apart again in each iteration.
    const count = iterations | 0;
    let checksum = state[1] as number;
    let last = slots[0] as P;
    for (let i = 0; i < count; i++) {
      last = malloc(size);
      free(last);
      checksum = (checksum + size) | 0;
    }
    slots[0] = last;
    state[1] = checksum;
  }
);
