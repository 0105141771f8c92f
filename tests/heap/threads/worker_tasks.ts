/**
 * What the Workers of `workers_test.ts` do with a heap that they attach to. Blocks carry a stamp, so that whoever gets one
 * can see that it is whole. What they share lies in one block of the heap, the *area*: a word that tells them to stop, and
 * slots for pointers.
 */

import { Heap, type SharedHeap } from "../../../mod.ts";

/** Words of the area. */
export const STOP = 0;
export const PUSHED = 1;
export const POPPED = 2;
export const SLOTS_AT = 16;
export const SLOTS = 1024;
export const AREA_BYTES = (SLOTS_AT + SLOTS) * 4;

export type Task = "swap" | "produce" | "consume" | "leave open" | "double" | "come and go";

export interface Message {
  readonly shared: SharedHeap;
  readonly task: Task;
  /** Where the area is; for `double` the blocks. */
  readonly area: number;
  readonly seed: number;
}

/** What a Worker says: that it has attached, or what came out. */
export type Answer = { readonly attached: true } | { readonly operations: number } | { readonly error: string };

/** Marks a block, of 16 bytes or more. */
export function stamp({ i32, u8 }: Heap, ptr: number, size: number): void {
  const fill = (ptr >>> 4 ^ size) & 255;
  u8.fill(fill, ptr + 8, ptr + Math.min(size, 200));
  u8[ptr + size - 1] = fill;
  i32[ptr / 4] = size;
  i32[ptr / 4 + 1] = ptr;
}

/** Throws unless a block is as it was marked, at least its first `most` bytes. `at`: where it is now. */
export function verify({ i32, u8 }: Heap, at: number, ptr = at, most = Infinity): void {
  const size = i32[at / 4]!, fill = (ptr >>> 4 ^ size) & 255;
  if (i32[at / 4 + 1] !== ptr) throw new Error(`the block ${ptr} has the stamp of ${i32[at / 4 + 1]}`);
  for (let index = 8; index < Math.min(size, 200, most); index++) {
    if (u8[at + index] !== fill) throw new Error(`the block ${ptr} of ${size}: byte ${index} is ${u8[at + index]}`);
  }
  if (size <= most && u8[at + size - 1] !== fill) throw new Error(`the block ${ptr} of ${size}: its last byte changed`);
}

function next(x: number): number {
  x ^= x << 13;
  x ^= x >>> 17;
  return x ^ x << 5;
}

/** Small sizes for the most part, and now and then a large one. */
export function sizeOf(x: number): number {
  return 16 + ((x >>> 4 & 127) === 0 ? (x >>> 11) % 150_000 : (x >>> 11) % 1000);
}

/** Puts blocks into random slots of the area, and does away with what others had put there. */
export function swapOnce(heap: Heap, area: number, x: number): void {
  const size = sizeOf(x), ptr = heap.malloc(size);
  if (ptr === 0) return;
  stamp(heap, ptr, size);
  const old = Atomics.exchange(heap.i32, area / 4 + SLOTS_AT + (x >>> 3) % SLOTS, ptr);
  if (old === 0) return;
  verify(heap, old);
  if ((x & 7) !== 0) return heap.free(old);
  const other = sizeOf(x >>> 5), moved = heap.realloc(old, other);
  if (moved !== 0) verify(heap, moved, old, other);
  heap.free(moved === 0 ? old : moved);
}

const breath = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

async function swap(heap: Heap, area: number, seed: number): Promise<number> {
  let operations = 0;
  for (let x = seed; Atomics.load(heap.i32, area / 4 + STOP) === 0;) {
    for (let count = 0; count < 1000; count++) swapOnce(heap, area, x = next(x));
    operations += 1000;
    await breath();
  }
  return operations;
}

async function produce(heap: Heap, area: number, seed: number): Promise<number> {
  const words = heap.i32, at = area / 4;
  let pushed = 0;
  for (let x = seed; Atomics.load(words, at + STOP) === 0;) {
    if (pushed - Atomics.load(words, at + POPPED) === SLOTS) {
      await breath();
      continue;
    }
    const size = 16 + ((x = next(x)) >>> 8) % 500, ptr = heap.malloc(size);
    stamp(heap, ptr, size);
    words[at + SLOTS_AT + pushed % SLOTS] = ptr;
    Atomics.store(words, at + PUSHED, ++pushed);
  }
  Atomics.store(words, at + STOP, 2);
  return pushed;
}

async function consume(heap: Heap, area: number): Promise<number> {
  const words = heap.i32, at = area / 4;
  for (let popped = 0;;) {
    if (popped === Atomics.load(words, at + PUSHED)) {
      if (Atomics.load(words, at + STOP) === 2 && popped === Atomics.load(words, at + PUSHED)) return popped;
      await breath();
      continue;
    }
    const ptr = words[at + SLOTS_AT + popped % SLOTS]!;
    verify(heap, ptr);
    heap.free(ptr);
    Atomics.store(words, at + POPPED, ++popped);
  }
}

/** Frees every other block of a list that another thread made, and makes the others twice as long. */
function double(heap: Heap, list: number): number {
  let count = 0;
  for (let at = list / 4; heap.i32[at] !== 0; at++) {
    const ptr = heap.i32[at]!;
    verify(heap, ptr);
    if (count++ % 2 === 0) {
      heap.free(ptr);
      heap.i32[at] = -1;
    } else {
      const size = heap.i32[ptr / 4]!, moved = heap.realloc(ptr, 2 * size);
      verify(heap, moved, ptr);
      stamp(heap, moved, 2 * size);
      heap.i32[at] = moved;
    }
  }
  return count;
}

/** Opens, shares, attaches to, uses, collects and closes heaps, this one among them, and awaits something in between. */
async function comeAndGo(shared: SharedHeap): Promise<number> {
  for (let count = 0;; count++) {
    const heap = await Heap.attach(shared), own = await Heap.open({ reserveBytes: 16 * 2 ** 20 });
    heap.free(heap.realloc(heap.malloc(count % 300), 100_000 + count * 1000));
    if (count % 2 === 0) await breath();
    const other = await Heap.attach(own.share());
    other.free(own.malloc(200_000));
    heap.collect();
    if (count % 3 === 0) await breath();
    other.close();
    own.close();
    heap.close();
  }
}

/** Uses the heap, and ends without close(). */
function leaveOpen(heap: Heap): number {
  const ptrs = Array.from({ length: 300 }, (_, index) => heap.malloc(index * 10));
  for (const ptr of ptrs) heap.free(ptr);
  return ptrs.length;
}

async function run({ shared, task, area, seed }: Message, say: (answer: Answer) => void): Promise<void> {
  try {
    const heap = await Heap.attach(shared);
    say({ attached: true });
    let operations = 0;
    if (task === "swap") operations = await swap(heap, area, seed);
    if (task === "produce") operations = await produce(heap, area, seed);
    if (task === "consume") operations = await consume(heap, area);
    if (task === "come and go") operations = await comeAndGo(shared);
    if (task === "double") operations = double(heap, area);
    if (task === "leave open") operations = leaveOpen(heap);
    else heap.close();
    say({ operations });
  } catch (error) {
    say({ error: error instanceof Error ? error.stack ?? error.message : String(error) });
  }
}

// In a Worker, this is what it does; the test imports the rest.
const scope = globalThis as unknown as { postMessage?: (answer: Answer) => void; name?: string };
if (scope.name === "worker_tasks") {
  addEventListener(
    "message",
    (event) => void run((event as MessageEvent<Message>).data, (answer) => scope.postMessage!(answer)),
  );
}
