/** A program as a user would write it; the tests run it with other permissions and another environment. */

import { Heap } from "../../mod.ts";

const notes: string[] = [];
const heap = await Heap.open({ log: (line) => notes.push(line) });
const ptrs = Array.from({ length: 1000 }, (_, index) => heap.calloc(index, 100));
for (const ptr of ptrs) heap.free(ptr);
heap.check();
const second = await Heap.open({ variant: "phase7" });
second.free(second.malloc(10));
console.log(JSON.stringify({ ok: heap.stats().liveBlocks === 0, notes }));
second.close();
heap.close();
