/**
 * What it costs to give a block to C and to get it back, `deno bench -P bench/pointers_bench.ts`: the heap's own calls, next
 * to what they are made of, and to what one might write instead. The first group is the unit: pairs of malloc and free.
 */

import { Heap } from "../mod.ts";
import { openVirtualMemory } from "../src/os/mod.ts";

const COUNT = 1024;

const heap = await Heap.open();
const system = await openVirtualMemory();
const ptrs = Array.from({ length: COUNT }, () => heap.malloc(64));
const addresses = ptrs.map((ptr) => heap.address(ptr)), pointers = ptrs.map((ptr) => heap.pointer(ptr)!);
const { base } = heap;

/** What the loops leave behind, so that nothing in them is for nothing. */
let sink: unknown;

/** A loop of its own for each, over all blocks: one iteration of a benchmark is COUNT calls. */
function bench(group: string, name: string, call: string, baseline = false): void {
  const parts = { heap, system, base, ptrs, addresses, pointers };
  const loop = new Function(
    ...Object.keys(parts),
    `return (keep) => { for (let i = 0; i < ${COUNT}; i++) keep = ${call}; return keep; };`,
  )(...Object.values(parts)) as (keep: unknown) => unknown;
  Deno.bench({ name, group, baseline, fn: () => void (sink = loop(sink)) });
}

bench("unit", `${COUNT} malloc and free`, "heap.free(heap.malloc(64))", true);

bench("to C", `${COUNT} heap.pointer(ptr)`, "heap.pointer(ptrs[i])", true);
bench("to C", `${COUNT} heap.address(ptr)`, "heap.address(ptrs[i])");
bench("to C", `${COUNT} UnsafePointer.create(base + BigInt(ptr))`, "Deno.UnsafePointer.create(base + BigInt(ptrs[i]))");
bench("to C", `${COUNT} UnsafePointer.offset(pointer, 64)`, "Deno.UnsafePointer.offset(pointers[i], 64)");

bench("from C", `${COUNT} heap.ptrAt(pointer)`, "heap.ptrAt(pointers[i])", true);
bench("from C", `${COUNT} heap.ptrAt(address)`, "heap.ptrAt(addresses[i])");
bench("from C", `${COUNT} UnsafePointer.value(pointer) - base`, "Number(Deno.UnsafePointer.value(pointers[i]) - base)");

bench("views", `${COUNT} heap.bytes(ptr)`, "heap.bytes(ptrs[i])", true);
bench("views", `${COUNT} heap.u8.subarray(ptr, end)`, "heap.u8.subarray(ptrs[i], ptrs[i] + 64)");
bench(
  "views",
  `${COUNT} buffers of their own`,
  "new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointers[i], 64))",
);
