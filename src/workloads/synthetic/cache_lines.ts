/**
 * cache-scratch and cache-thrash: does an allocator give one cache line to two threads? In the manner of Hoard's tests of
 * those names (Berger et al.). A thread allocates a small block, writes each of its bytes, counts up the first byte of each
 * of its words of 8 a hundred times, and frees it.
 * Threads that write to one line take it from each other each time, and are many times slower. One operation is a
 * malloc+free pair with the writes in between.
 *
 * cache-thrash is just that: an allocator that serves two threads from one line in turns induces it *actively*. In
 * cache-scratch one thread has allocated a block for each before the clock, neighbours; each thread frees the one that it
 * was given, and goes on as above. An allocator that gives a thread what it has just freed then shares the line
 * *passively*. Where each thread has a heap of its own, the block is from that one, and there is nothing to share.
 *
 * @module
 */
import { type Allocator, OutOfMemory, type Slots } from "../allocator.ts";
import { alone, type Workspace } from "../workspace.ts";
import { loopRunner, seedChecksum } from "./loop_runner.ts";
import { parameter, type Parameters, perAllocator, type Runner, SEED, STATE, type Workload } from "../workload.ts";

/**
 * Times that a block is gone through, and the distance of the bytes that are counted up then; the C twin has the same. With
 * each byte it was V8's checks that took the time, 1.24 times as long as in C. A byte for each word has either language
 * wait for the byte's last store, and takes as many looks at the line.
 */
const TIMES = 100;
const WORD = 8;
const PAIRS_IN_A_CALL = 100;

const COMMON = {
  operation: "one malloc+free pair, a byte of each word counted up 100 times in between",
  parameters: {
    "size": {
      description: "the size, all of whose bytes are written",
      default: 8,
      min: 1,
      max: 4096,
      powerOfTwo: true,
    },
    "cycles": { description: "pairs in one unit", default: 2_000, min: 1, max: 1_000_000 },
    "seed": { ...SEED, description: "start of the checksum: nothing is random here" },
  },
  sizes: [8],
  operationsPerUnit: (parameters: Parameters) => parameter(parameters, "cycles"),
} as const;

/** The workload `cache-scratch`. */
export const cacheScratch: Workload = {
  ...COMMON,
  name: "cache-scratch",
  description: "threads write to blocks that one of them allocated for all, and to what they get for them",
  crossing: "together",
  canStayApart: true,
  prepare: (allocator, parameters, workspace = alone(allocator)) => {
    const { malloc, free, nothing } = allocator;
    const size = parameter(parameters, "size");
    const gifts = workspace.slots(workspace.threads);
    const writer = prepare(allocator, parameters, workspace);
    let isFirst = false;
    return {
      ...writer,
      begin() {
        isFirst = true;
        for (let thread = 0; workspace.thread === 0 && thread < workspace.threads; thread++) {
          const gift = malloc(size);
          if (gift === nothing) throw new OutOfMemory(size);
          gifts[thread] = gift;
        }
        writer.begin();
      },
      unit() {
        if (isFirst) {
          isFirst = false;
          free(gifts[workspace.thread]!);
        }
        writer.unit();
      },
      get checksum() {
        return writer.checksum;
      },
    };
  },
};

/** The workload `cache-thrash`. */
export const cacheThrash: Workload = {
  ...COMMON,
  name: "cache-thrash",
  description: "threads write to small blocks of their own",
  prepare: (allocator, parameters, workspace = alone(allocator)) => prepare(allocator, parameters, workspace),
};

function prepare<P>(allocator: Allocator<P>, parameters: Parameters, workspace: Workspace<P>): Runner {
  const writePairs = compileWritePairs(allocator);
  const size = parameter(parameters, "size");
  const states = Array.from({ length: workspace.threads }, () => workspace.ints(STATE.LENGTH));
  const last = allocator.slots(1);
  return loopRunner(parameters, states[workspace.thread]!, {
    hot: writePairs,
    run: (state, iterations) => writePairs(last, state, iterations, size),
    chunk: PAIRS_IN_A_CALL,
    begin: seedChecksum,
  });
}

const compileWritePairs = perAllocator(<P>({ malloc, free, write, read, nothing }: Allocator<P>) =>
  function writePairs(
    slots: Slots<P>,
    state: Int32Array,
    iterations: number,
    bytes: number,
  ): void {
    // int32s for V8, which takes a plain number apart again in each iteration.
    const count = iterations | 0, size = bytes | 0;
    let checksum = state[1] as number;
    let block = slots[0] as P;
    for (let i = 0; i < count; i++) {
      block = malloc(size);
      if (block === nothing) throw new OutOfMemory(size);
      for (let at = 0; at < size; at++) write(block, at, at);
      for (let time = 0; time < TIMES; time++) {
        for (let at = 0; at < size; at += WORD) write(block, at, read(block, at) + 1);
      }
      checksum = ((checksum << 5) - checksum + size) | 0; // times 31, as C compiles it
      free(block);
    }
    slots[0] = block;
    state[1] = checksum;
  }
);
