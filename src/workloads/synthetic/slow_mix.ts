/**
 * slow-mix: random-mixed with blocks whose frees mostly leave the hot path, so that what lies behind it can be measured.
 * Of 16 blocks, 6 are large (over 32 KiB, to 256 KiB), 5 are of the largest `seed` class (1024 to 2047 bytes, which has
 * no header where `c7` is headerless), 4 are aligned to 2 to 16 KiB, and 1 is small. An allocator with finer classes
 * serves the middle ones on its hot path: that is its merit, and part of the result.
 *
 * Slot, size and kind come from one 32-bit number and share no bits: the slot is its low 12, the size the next 16, the
 * kind its top 4. Only the first byte of a block is written, so that page faults stay few.
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { freeAll } from "./free_all.ts";
import { alone } from "../workspace.ts";
import { loopRunner } from "./loop_runner.ts";
import { parameter, perAllocator, SEED, STATE, type Workload } from "../workload.ts";

const LARGE_KINDS = 6;
const LARGEST_CLASS_KINDS = 5;
const ALIGNED_KINDS = 4;
const SMALL_KINDS = 1;
const FIRST_ALIGNED_KIND = LARGE_KINDS + LARGEST_CLASS_KINDS;

/**
 * By kind: the size is `LEAST + ((amount & MASK) * FACTOR >>> 14)`. Tables, not branches: of those each second was foreseen
 * wrongly, and what that costs differs from one compiler to the other. The C twin has the same.
 */
const LEAST = byKind(32_769, 1024, 1, 1);
const MASK = byKind(0xffff, 1023, 0xffff, 255);
const FACTOR = byKind(7 << 13, 1 << 14, 1 << 10, 1 << 14); // 3.5, 1, 1/16 and 1
const LARGEST_SIZE = 32_769 + ((0xffff * 7) >> 1);

function byKind(large: number, largestClass: number, aligned: number, small: number): Int32Array {
  return Int32Array.from([
    ...Array(LARGE_KINDS).fill(large),
    ...Array(LARGEST_CLASS_KINDS).fill(largestClass),
    ...Array(ALIGNED_KINDS).fill(aligned),
    ...Array(SMALL_KINDS).fill(small),
  ]);
}

/** The workload `slow-mix`. */
export const slowMix: Workload = {
  name: "slow-mix",
  description: "large, aligned and headerless blocks: frees off the hot path",
  operation: "one malloc, aligned malloc or free",
  parameters: {
    "working-set": { description: "slots", default: 256, min: 16, max: 4096, powerOfTwo: true },
    "cycles": { description: "random cycles in one unit", default: 10_000, min: 1, max: 1_000_000_000 },
    "seed": SEED,
  },
  largestSize: () => LARGEST_SIZE,
  operationsPerUnit: (parameters) => parameter(parameters, "cycles"),
  prepare: (allocator, parameters, workspace = alone(allocator)) => {
    const { free, nothing } = allocator;
    const slowChunk = compileSlowChunk(allocator);
    const slotMask = parameter(parameters, "working-set") - 1;
    const slots = workspace.slots(slotMask + 1);
    return loopRunner(parameters, workspace.ints(STATE.LENGTH), {
      hot: slowChunk,
      run: (state, iterations) => slowChunk(slots, state, iterations, slotMask),
      drain: (state) => freeAll(free, nothing, slots, state, slotMask + 1),
    });
  },
};

const compileSlowChunk = perAllocator(<P>(allocator: Allocator<P>) => {
  const { malloc, free, write, nothing } = allocator;
  // Peers without aligned allocation are asked for the same sizes, aligned as they are: it favours them.
  const alignedAlloc = allocator.alignedAlloc ?? ((_alignment: number, size: number) => malloc(size));
  return function slowChunk(
    slots: Slots<P>,
    state: Int32Array,
    iterations: number,
    slotMask: number,
  ): void {
    const last = iterations | 0, slotBits = slotMask | 0;
    let x = state[0] as number;
    let checksum = state[1] as number;
    for (let i = 0; i < last; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      const slot = x & slotBits;
      const pointer = slots[slot] as P;
      if (pointer !== nothing) {
        checksum ^= x;
        free(pointer);
        slots[slot] = nothing;
        continue;
      }
      const amount = (x >>> 12) & 0xffff;
      const kind = x >>> 28;
      const size = ((LEAST[kind] as number) +
        (Math.imul(amount & (MASK[kind] as number), FACTOR[kind] as number) >>> 14)) | 0;
      const block = ((kind - FIRST_ALIGNED_KIND) >>> 0) < ALIGNED_KINDS
        ? alignedAlloc(2048 << (amount & 3), size)
        : malloc(size);
      if (block === nothing) throw new OutOfMemory(size);
      write(block, 0, x);
      slots[slot] = block;
      checksum = ((checksum + x) | 0) ^ size;
    }
    state[0] = x;
    state[1] = checksum;
  };
});
