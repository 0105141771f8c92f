/**
 * alloc-test: slots and sizes by a power law, in the manner of the test of that name (OLogN Technologies): most blocks
 * are small and die young, a few are large or live for long. Each cycle picks a slot, and frees the block in it if
 * there is one, or allocates one for it if not. One operation is one malloc or one free.
 *
 * The law comes from shifts: a number below a power of two is shifted right by 0 to 7 bits at random. So a fifth of the
 * slots gets four fifths of the picks; sizes are 1 to 1024, and 128 on average. A block's first and last bytes are
 * written when it is made, and the first is read before it is freed. Slot, size and both shifts come from one 32-bit
 * number and share no bits: the slot is its low 16, the size the next 10, the shifts 3 each.
 *
 * Half of the slots are full once it has settled; in the end all blocks are freed. Below `working-set` × 1024 bytes are
 * live (0.5 MB with the defaults, 64 MiB at most).
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { freeAll } from "./free_all.ts";
import { alone } from "../workspace.ts";
import { loopRunner } from "./loop_runner.ts";
import { parameter, perAllocator, SEED, STATE, type Workload } from "../workload.ts";

// What the 10 bits of the size amount to, and one. The chunk below and the C twin have the same number of bits.
const LARGEST_SIZE = 1024;

/** The workload `alloc-test`. */
export const allocTest: Workload = {
  name: "alloc-test",
  description: "sizes and lifetimes by a power law: mostly small, mostly short",
  operation: "one malloc or one free",
  parameters: {
    "working-set": { description: "slots", default: 8192, min: 256, max: 1 << 16, powerOfTwo: true },
    "cycles": { description: "cycles in one unit", default: 50_000, min: 1, max: 1_000_000_000 },
    "seed": SEED,
  },
  largestSize: () => LARGEST_SIZE,
  operationsPerUnit: (parameters) => parameter(parameters, "cycles"),
  prepare: (allocator, parameters, workspace = alone(allocator)) => {
    const { free, nothing } = allocator;
    const powerLawChunk = compilePowerLawChunk(allocator);
    const slotMask = parameter(parameters, "working-set") - 1;
    const slots = workspace.slots(slotMask + 1);
    return loopRunner(parameters, workspace.ints(STATE.LENGTH), {
      hot: powerLawChunk,
      run: (state, iterations) => powerLawChunk(slots, state, iterations, slotMask),
      drain: (state) => freeAll(free, nothing, slots, state, slotMask + 1),
    });
  },
};

const compilePowerLawChunk = perAllocator(<P>({ malloc, free, write, read, nothing }: Allocator<P>) =>
  function powerLawChunk(
    slots: Slots<P>,
    state: Int32Array,
    iterations: number,
    slotMask: number,
  ): void {
    // int32s for V8, which takes a plain number apart again in each iteration.
    const last = iterations | 0, slotBits = slotMask | 0;
    let x = state[0] as number;
    let checksum = state[1] as number;
    let sink = state[2] as number;
    for (let i = 0; i < last; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      const slot = (x & slotBits) >>> (x >>> 29);
      const pointer = slots[slot] as P;
      if (pointer !== nothing) {
        sink = (sink + read(pointer, 0)) | 0;
        free(pointer);
        slots[slot] = nothing;
        checksum ^= x;
      } else {
        const size = 1 + (((x >>> 16) & 1023) >>> ((x >>> 26) & 7));
        const block = malloc(size);
        if (block === nothing) throw new OutOfMemory(size);
        write(block, 0, x);
        write(block, size - 1, x);
        slots[slot] = block;
        checksum = ((checksum + x) | 0) ^ size;
      }
    }
    state[0] = x;
    state[1] = checksum;
    state[2] = sink;
  }
);
