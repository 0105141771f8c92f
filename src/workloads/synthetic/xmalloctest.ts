/**
 * xmalloc-test: some threads allocate and others free, in the manner of the test of that name (Lever & Boreham). The even
 * threads are producers, the odd ones consumers. One operation is one malloc or one free.
 *
 * A producer fills batches of 256 blocks, one after the other, in a ring of its own, and tells the consumer whose batch it
 * is; the batches of each producer go to all consumers in turns. So a block is never freed by the thread that made it. A
 * producer waits where its ring is full, a consumer where its next batch is not. A single thread frees each batch when it
 * is full.
 *
 * Sizes are random; a block's first byte is written by its producer, and read by its consumer. At most `ring` batches of
 * each producer are live: 1 MB with the defaults.
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { alone, type Workspace } from "../workspace.ts";
import {
  checkRange,
  parameter,
  type Parameters,
  perAllocator,
  type Runner,
  SEED,
  STATE,
  V8_CHECKS,
  type Workload,
} from "../workload.ts";

/** Blocks that change hands at once. The C twin has the same numbers. */
const BATCH = 256;
/** Batches of a producer that may be live: a multiple of every number of consumers that is allowed. */
const RING = 64;
/** An int is alone in its cache line. */
const LINE = 32;
const MOST_THREADS = 64;

/** The workload `xmalloc-test`. */
export const xmallocTest: Workload = {
  name: "xmalloc-test",
  description: "producers allocate what consumers free",
  operation: "one malloc or one free",
  parameters: {
    "min": { description: "smallest size", default: 8, min: 2, max: 1 << 14 },
    "max": { description: "sizes stay below this", default: 128, min: 3, max: 1 << 14 },
    "cycles": {
      description: "mallocs or frees of a thread in one unit, rounded up to whole batches",
      default: 50_000,
      min: 1,
      max: 1_000_000_000,
    },
    "seed": SEED,
  },
  check: checkRange,
  largestSize: (parameters) => parameter(parameters, "max"),
  operationsPerUnit: (parameters) => 2 * BATCH * batchPairsOf(parameters),
  loopsDiffer: V8_CHECKS,
  crossing: "together",
  checkThreads: (threads) =>
    threads === 1 || Number.isInteger(Math.log2(threads)) && threads <= MOST_THREADS
      ? undefined
      : `as many producers as consumers, a power of two to ${MOST_THREADS} in all`,
  prepare,
};

/**
 * Two batches are one of mallocs and one of frees for a thread that is alone, and any two for the others. A unit has as
 * many for each consumer from each producer, whatever their number.
 */
function batchPairsOf(parameters: Parameters): number {
  const most = MOST_THREADS / 4;
  return most * Math.ceil(parameter(parameters, "cycles") / (2 * BATCH * most));
}

function prepare<P>(
  allocator: Allocator<P>,
  parameters: Parameters,
  workspace: Workspace<P> = alone(allocator),
): Runner {
  const fillBatch = compileFillBatch(allocator), freeBatch = compileFreeBatch(allocator);
  const { thread, threads } = workspace;
  const min = parameter(parameters, "min");
  const range = parameter(parameters, "max") - min;
  const pairs = batchPairsOf(parameters);
  const producers = Math.max(1, threads / 2);
  const rings = Array.from({ length: producers }, () => workspace.slots(RING * BATCH));
  // By batch: 1 while it is full.
  const full = workspace.ints(producers * RING * LINE);
  const states = Array.from({ length: threads }, () => workspace.ints(STATE.LENGTH));
  const state = states[thread]!;
  const own = thread >> 1; // of the producers, or of the consumers
  let next = 0; // the producer's batch, or the consumer's, counted from the start

  const produce = () => {
    const batch = next++ % RING, flag = (own * RING + batch) * LINE;
    workspace.await(full, flag, 0);
    fillBatch(rings[own]!, state, batch * BATCH, min, range);
    workspace.tell(full, flag, 1);
  };
  const consume = () => {
    // Batch b of producer p is for consumer (p + b) modulo their number.
    const round = Math.floor(next / producers), producer = next++ % producers;
    const first = (own - producer + producers) % producers;
    const batch = (round * producers + first) % RING, flag = (producer * RING + batch) * LINE;
    workspace.await(full, flag, 1);
    freeBatch(rings[producer]!, state, batch * BATCH);
    workspace.tell(full, flag, 0);
  };
  const isAlone = threads === 1, isProducer = thread % 2 === 0;
  return {
    begin() {
      state[STATE.RANDOM] = parameter(parameters, "seed") | 0;
      state[STATE.CHECKSUM] = 0;
      next = 0;
    },
    unit() {
      for (let left = pairs; left > 0; left--) {
        if (isAlone) {
          produce();
          next--;
          consume();
        } else if (isProducer) {
          produce();
          produce();
        } else {
          consume();
          consume();
        }
      }
    },
    drain: () => 0,
    end() {},
    get checksum() {
      return (state[STATE.CHECKSUM] as number) >>> 0;
    },
    hot: isProducer ? fillBatch : freeBatch,
  };
}

const compileFillBatch = perAllocator(<P>({ malloc, write, nothing }: Allocator<P>) =>
  function fillBatch(
    slots: Slots<P>,
    state: Int32Array,
    from: number,
    min: number,
    range: number,
  ): void {
    // int32s for V8, which takes a plain number apart again in each iteration.
    const least = min | 0, span = range | 0, last = (from + BATCH) | 0;
    let x = state[0] as number;
    let checksum = state[1] as number;
    for (let slot = from | 0; slot < last; slot++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      const size = (least + (Math.imul(x >>> 16, span) >>> 16)) | 0;
      const block = malloc(size);
      if (block === nothing) throw new OutOfMemory(size);
      write(block, 0, slot);
      slots[slot] = block;
      checksum = ((checksum + size) | 0) ^ x;
    }
    state[0] = x;
    state[1] = checksum;
  }
);

const compileFreeBatch = perAllocator(<P>({ free, read, nothing }: Allocator<P>) =>
  function freeBatch(
    slots: Slots<P>,
    state: Int32Array,
    from: number,
  ): void {
    const last = (from + BATCH) | 0;
    let checksum = state[1] as number;
    let sink = state[2] as number;
    for (let slot = from | 0; slot < last; slot++) {
      const pointer = slots[slot] as P;
      sink = (sink + read(pointer, 0)) | 0;
      free(pointer);
      slots[slot] = nothing;
      checksum = ((checksum << 5) - checksum + slot) | 0; // times 31, as C compiles it
    }
    state[1] = checksum;
    state[2] = sink;
  }
);
