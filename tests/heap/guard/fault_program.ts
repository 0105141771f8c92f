/**
 * A program in which C does something wrong with a guarded block: `fault_program.ts LIBRARY SIZE FAULT`. It dies of it, so
 * `traps_test.ts` runs it. With a fault that ends no process it prints `survived`, and what the heap says.
 */

import { Heap, HeapError } from "../../../src/heap/mod.ts";

const [path = "", size = "", fault = ""] = Deno.args;
const c = Deno.dlopen(path, {
  write_at: { parameters: ["pointer", "i32"], result: "void" },
  read_at: { parameters: ["pointer", "i32"], result: "i32" },
  fill_up_to: { parameters: ["pointer", "i32"], result: "void" },
  print_up_to: { parameters: ["pointer", "i32"], result: "void" },
}).symbols;
const heap = await Heap.open({ guard: { oneIn: 1 } }), bytes = Number(size);

function allocatesHere(): number {
  return heap.malloc(bytes);
}

function freesHere(ptr: number): void {
  heap.free(ptr);
}

const ptr = allocatesHere(), block = heap.pointer(ptr);

/** `(module (import "e" "m" (memory 1)) (func (export "f") (param i32) (result i32) local.get 0 i32.load))` */
function readsOutOfBounds(): void {
  const code = [0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 2, 8, 1, 1, 101, 1, 109, 2, 0, 1, 3, 2, 1, 0]
    .concat([7, 5, 1, 1, 102, 0, 0, 10, 9, 1, 7, 0, 32, 0, 40, 2, 0, 11]);
  const module = new WebAssembly.Module(Uint8Array.from(code));
  const { exports } = new WebAssembly.Instance(module, { e: { m: new WebAssembly.Memory({ initial: 1 }) } });
  try {
    (exports["f"] as (at: number) => number)(0x7fff_ff00);
  } catch (error) {
    console.log((error as Error).name);
  }
}

const FAULTS: Record<string, () => void> = {
  "C writes the byte past the end": () => c.write_at(block, bytes),
  "C reads the byte past the end": () => void c.read_at(block, bytes),
  "C writes 56 KB past the end": () => c.write_at(block, bytes + 56_000),
  "memset goes on past the end": () => c.fill_up_to(block, bytes + 1),
  "snprintf goes on past the end": () => c.print_up_to(block, bytes + 10),
  "C writes a page before the start": () => c.write_at(block, -4096),
  "C writes after free": () => {
    freesHere(ptr);
    c.write_at(block, 5);
  },
  "C reads after free": () => {
    freesHere(ptr);
    c.read_at(block, 5);
  },
  "C writes past the end of a block of a heap that is shared": () => {
    heap.share();
    c.write_at(heap.pointer(allocatesHere()), bytes);
  },
  "C writes to NULL": () => c.write_at(null!, 16),
  "WebAssembly reads out of its memory": readsOutOfBounds,
  "JavaScript does all of it": () => {
    const { u8 } = heap, view = u8.subarray(ptr + Math.max(0, bytes - 8), ptr + bytes + 4200);
    u8[ptr + bytes] = 1;
    console.log(u8[ptr + bytes], u8[ptr + bytes + 50_000], u8[ptr - 4096], Atomics.load(u8, ptr + bytes + 9000));
    view.fill(3);
    view.copyWithin(4, 0);
    crypto.getRandomValues(view);
    new TextDecoder().decode(view);
    heap.data.setFloat64(ptr + bytes + 20_000, 1);
    u8.slice(ptr - 8192, ptr + 70_000);
    console.log(u8.indexOf(255, ptr + bytes) > 0);
  },
};

FAULTS[fault]!();
try {
  freesHere(ptr);
} catch (error) {
  if (!(error instanceof HeapError)) throw error;
  console.log(error.code);
}
console.log("survived");
heap.close();
