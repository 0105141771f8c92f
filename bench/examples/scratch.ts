/**
 * Scratch buffers: memory that is needed for the length of a call. A `new Uint8Array` is cleared, and left to the garbage
 * collector; a block is taken and given back. `deno run --allow-ffi bench/examples/scratch.ts`
 */
import { Heap } from "../../mod.ts";

using heap = await Heap.open();
const { malloc, free, u8 } = heap;

const BYTES = 4096, CALLS = 20_000, ROUNDS = 15;

/** Digits of a number, in a buffer; gives their sum. */
function digits(buffer: Uint8Array, at: number, value: number): number {
  let end = at, sum = 0;
  for (; value > 0; value = Math.floor(value / 10)) buffer[end++] = value % 10;
  for (let i = at; i < end; i++) sum += buffer[i]!;
  return sum;
}

function withArrays(): number {
  let sum = 0;
  for (let i = 0; i < CALLS; i++) sum += digits(new Uint8Array(BYTES), 0, i);
  return sum;
}

function withBlocks(): number {
  let sum = 0;
  for (let i = 0; i < CALLS; i++) {
    const ptr = malloc(BYTES);
    sum += digits(u8, ptr, i);
    free(ptr);
  }
  return sum;
}

/** Nanoseconds a call, the median of rounds. */
function timed(call: () => number, times: number[]): void {
  const start = performance.now();
  sums.add(call());
  times.push((performance.now() - start) * 1e6 / CALLS);
}
const sums = new Set<number>(), arrays: number[] = [], blocks: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  timed(withArrays, arrays);
  timed(withBlocks, blocks);
}
const median = (times: number[]) => times.toSorted((a, b) => a - b)[ROUNDS >> 1]!;
const [slow, fast] = [median(arrays), median(blocks)];
if (sums.size !== 1) throw new Error("the two disagree");
console.log(`new Uint8Array(${BYTES}): ${slow.toFixed(0)} ns a call`);
console.log(`malloc(${BYTES}) and free: ${fast.toFixed(0)} ns a call, ${(slow / fast).toFixed(1)} times as fast`);
