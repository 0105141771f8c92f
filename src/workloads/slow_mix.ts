/**
 * slow-mix: random-mixed with blocks whose frees mostly leave the fast path, so that what lies behind it can be measured.
 * Of 16 blocks, 6 are large (over 32 KiB, to 256 KiB), 5 are of the largest `seed` class (1024 to 2047 bytes, which has
 * no header where `c7` is headerless), 4 are aligned to 2 to 16 KiB, and 1 is small. An allocator with finer classes
 * serves the middle ones on its fast path: that is its merit, and part of the result.
 *
 * Slot, size and kind come from one 32-bit number and share no bits: the slot is its low 12, the size the next 16, the
 * kind its top 4. Only the first byte of a block is written, so that page faults stay few.
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "./allocator.ts";
import { freeAll } from "./free_all.ts";
import { alone, type Place } from "./place.ts";
import {
  CHUNK_ITERATIONS,
  parameter,
  type Parameters,
  perAllocator,
  type Runner,
  SEED,
  seeEnd,
  STATE,
  type Workload,
} from "./workload.ts";

// Kinds are 0 to 15; each begins where the one before it ends, and the small blocks are what is left. The chunk below and
// the C twin have the same numbers.
const LARGE_KINDS = 6;
const LARGEST_CLASS_KINDS = 11;
const ALIGNED_KINDS = 15;
const LARGEST_SIZE = 32_769 + 0xffff * 3 + (0xffff >> 1);

/** The workload `slow-mix`. */
export const slowMix: Workload = {
  name: "slow-mix",
  description: "large, aligned and headerless blocks: frees off the fast path",
  operation: "one malloc, aligned malloc or free",
  parameters: {
    "working-set": { description: "slots", default: 256, min: 16, max: 4096, powerOfTwo: true },
    "cycles": { description: "random cycles in one unit", default: 10_000, min: 1, max: 1_000_000_000 },
    "seed": SEED,
  },
  largestSize: () => LARGEST_SIZE,
  operationsPerUnit: (parameters) => parameter(parameters, "cycles"),
  prepare,
};

function prepare<P>(allocator: Allocator<P>, parameters: Parameters, place: Place<P> = alone(allocator)): Runner {
  const { free, nothing } = allocator;
  const slowChunk = compileSlowChunk(allocator);
  const cycles = parameter(parameters, "cycles");
  const seed = parameter(parameters, "seed");
  const slotMask = parameter(parameters, "working-set") - 1;
  const slots = place.slots(slotMask + 1);
  const state = place.ints(STATE.LENGTH);
  seeEnd((scratch) => slowChunk(slots, scratch, 0, slotMask));
  return {
    begin() {
      state[STATE.RANDOM] = seed | 0;
      state[STATE.CHECKSUM] = 0;
    },
    unit() {
      for (let left = cycles; left > 0; left -= CHUNK_ITERATIONS) {
        slowChunk(slots, state, Math.min(left, CHUNK_ITERATIONS), slotMask);
      }
    },
    drain() {
      return freeAll(free, nothing, slots, state, slotMask + 1);
    },
    end() {},
    get checksum() {
      return (state[STATE.CHECKSUM] as number) >>> 0;
    },
    hot: slowChunk,
  };
}

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
        free(pointer);
        slots[slot] = nothing;
        checksum ^= x;
        continue;
      }
      const amount = (x >>> 12) & 0xffff;
      const kind = x >>> 28;
      let size: number;
      let block: P;
      if (kind < LARGE_KINDS) {
        size = 32_769 + amount * 3 + (amount >> 1);
        block = malloc(size);
      } else if (kind < LARGEST_CLASS_KINDS) {
        size = 1024 + (amount & 1023);
        block = malloc(size);
      } else if (kind < ALIGNED_KINDS) {
        size = 1 + (amount >>> 4);
        block = alignedAlloc(2048 << (amount & 3), size);
      } else {
        size = 1 + (amount & 255);
        block = malloc(size);
      }
      if (block === nothing) throw new OutOfMemory(size);
      write(block, 0, x);
      slots[slot] = block;
      checksum = ((checksum + x) | 0) ^ size;
    }
    state[0] = x;
    state[1] = checksum;
  };
});
