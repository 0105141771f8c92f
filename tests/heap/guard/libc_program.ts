/** Damages guarded blocks over libc, where no page is hidden; prints what the heap says of each, and what its log has. */

import { Heap, HeapError } from "../../../src/heap/mod.ts";

const lines: string[] = [];
const FAULTS: readonly ((heap: Heap, ptr: number) => void)[] = [
  (heap, ptr) => heap.u8[ptr + 64] = 1,
  (heap, ptr) => heap.u8[ptr + 64 + 4095] = 1,
  (heap, ptr) => heap.u8[ptr - 1] = 1,
  (heap, ptr) => {
    heap.free(ptr);
    heap.u8[ptr + 63] = 1;
  },
];
for (const fault of FAULTS) {
  using heap = await Heap.open({ guard: { oneIn: 1 }, log: (line) => lines.push(line) });
  const ptr = heap.malloc(64);
  fault(heap, ptr);
  try {
    heap.check();
  } catch (error) {
    if (!(error instanceof HeapError)) throw error;
    console.log(error.code);
  }
}
console.log(lines.filter((line) => line.startsWith("guard:"))[0]);
