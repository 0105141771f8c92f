/**
 * mstress: generations that bleed into one another, in the manner of mimalloc's stress test. Blocks are parts of
 * objects: one of `n` blocks holds the `n - 1` others. One operation is one malloc or one free.
 *
 * A generation is `working-set` objects, made one after the other; then it dies, and the next is made. When it dies, one
 * object in eight, at random, takes the place of an old one that survived another generation, and the old one dies
 * instead: as many objects again live on like that, for eight generations on average. An object frees the blocks that
 * it holds before the one that holds them. Sizes are powers of two, 8 to 1024 bytes, all as likely; one block in 64 is
 * sixteen times as large. A block's first byte is written when it is made, and read before it is freed.
 *
 * The object at index `p` has 1 + `p` modulo 8 blocks, and takes the place of one with as many, so that all generations
 * are the same number of operations. A unit is as many whole generations as `cycles` operations fill. At the peak, before
 * a generation dies, two times 4.5 × `working-set` blocks of 320 bytes on average are live: 0.7 MB with the defaults,
 * 47 MB at most. The first are made before the clock starts, and the last freed after it has stopped.
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { alone, type Workspace } from "../workspace.ts";
import {
  parameter,
  type Parameters,
  perAllocator,
  type Runner,
  SEED,
  STATE,
  V8_CHECKS,
  type Workload,
} from "../workload.ts";

const MOST_BLOCKS = 8; // of an object; the chunk below and the C twin have the same number
const LARGEST_SIZE = 8 << 7 << 4;
/** By nine random bits: three are the power, and where the other six are 0, the block is sixteen times as large. */
const SIZES = Uint16Array.from({ length: 512 }, (_, bits) => 8 << (bits >> 6) << ((bits & 63) === 0 ? 4 : 0));

/** The workload `mstress`. */
export const mstress: Workload = {
  name: "mstress",
  description: "generations of objects, some of which survive into the next",
  operation: "one malloc or one free",
  parameters: {
    "working-set": { description: "objects of a generation", default: 256, min: 8, max: 1 << 14, powerOfTwo: true },
    "cycles": {
      description: "mallocs and frees in one unit, rounded up to whole generations",
      default: 50_000,
      min: 1,
      max: 1_000_000_000,
    },
    "seed": SEED,
  },
  largestSize: () => LARGEST_SIZE,
  operationsPerUnit: (parameters) => generationsOf(parameters) * operationsOf(parameters),
  loopsDiffer: V8_CHECKS,
  crossing: "successors",
  prepare,
};

/** Mallocs and frees of one generation: its objects have 4.5 blocks on average. */
function operationsOf(parameters: Parameters): number {
  return 9 * parameter(parameters, "working-set");
}

function generationsOf(parameters: Parameters): number {
  return Math.ceil(parameter(parameters, "cycles") / operationsOf(parameters));
}

function prepare<P>(
  allocator: Allocator<P>,
  parameters: Parameters,
  workspace: Workspace<P> = alone(allocator),
): Runner {
  const { free, nothing } = allocator;
  const generation = compileGeneration(allocator);
  const generations = generationsOf(parameters);
  const objects = parameter(parameters, "working-set");
  // By index: where the slots of the object begin. The first half are the young, the others the old.
  const rows = workspace.ints(2 * objects);
  const slots = workspace.slots(rows.length * MOST_BLOCKS);
  const state = workspace.ints(STATE.LENGTH);
  return {
    begin() {
      state[STATE.RANDOM] = parameter(parameters, "seed") | 0;
      state[STATE.CHECKSUM] = 0;
      for (let object = 0; object < rows.length; object++) rows[object] = object * MOST_BLOCKS;
      generation(slots, rows, state, 0, rows.length);
    },
    unit() {
      for (let left = generations; left > 0; left--) {
        generation(slots, rows, state, objects, objects);
      }
    },
    drain: () => 0,
    end() {
      for (let slot = 0; slot < slots.length; slot++) {
        const pointer = slots[slot] as P;
        if (pointer !== nothing) free(pointer);
        slots[slot] = nothing;
      }
    },
    get checksum() {
      return (state[STATE.CHECKSUM] as number) >>> 0;
    },
    hot: generation,
  };
}

/** The first `dying` objects die, a power of two or none; then the first `born` are made. */
const compileGeneration = perAllocator(<P>({ malloc, free, write, read, nothing }: Allocator<P>) =>
  function generation(
    slots: Slots<P>,
    rows: Int32Array,
    state: Int32Array,
    dying: number,
    born: number,
  ): void {
    // int32s for V8, which takes a plain number apart again in each iteration.
    const old = dying | 0, last = born | 0;
    const oldBits = (old - 1) & ~7;
    // Looked at here, what arrays these are is not looked at for each object.
    if (slots.length < rows.length) throw new RangeError("an object has no slots");
    let x = state[0] as number;
    let checksum = state[1] as number;
    let sink = state[2] as number;
    // Who survives, and then the frees: one loop of both has more variables than V8 has registers.
    for (let index = 0; index < old; index++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      let row = rows[index] as number;
      if (x >>> 29 === 0) {
        const other = (old + (x & oldBits) + (index & 7)) | 0;
        const survivor = row;
        row = rows[other] as number;
        rows[other] = survivor;
        rows[index] = row;
      }
      checksum = ((checksum + row) | 0) ^ x;
    }
    for (let index = 0; index < old; index++) {
      const row = rows[index] as number;
      for (let slot = (row + (index & 7)) | 0; slot >= row; slot--) {
        const pointer = slots[slot] as P;
        sink = (sink + read(pointer, 0)) | 0;
        free(pointer);
        slots[slot] = nothing;
      }
    }
    for (let index = 0; index < last; index++) {
      const row = rows[index] as number;
      const end = (row + (index & 7)) | 0;
      for (let slot = row; slot <= end; slot = (slot + 1) | 0) {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        const size = SIZES[x >>> 23] as number;
        const block = malloc(size);
        if (block === nothing) throw new OutOfMemory(size);
        write(block, 0, x);
        slots[slot] = block;
        checksum = ((checksum + size) | 0) ^ x;
      }
    }
    state[0] = x;
    state[1] = checksum;
    state[2] = sink;
  }
);
