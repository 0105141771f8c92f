/**
 * A leak and an overflow, which a debug build finds, with the places that made the blocks.
 * `deno run --allow-ffi --allow-read bench/examples/faults.ts`
 */
import { BufferOverflowError, Heap } from "../../mod.ts";

const heap = await Heap.open({ build: "debug", log: (line) => console.log(line) });

function makeName(name: string): number {
  const bytes = new TextEncoder().encode(`${name}\0`);
  const ptr = heap.malloc(name.length); // one too few
  heap.u8.set(bytes, ptr);
  return ptr;
}

const name = makeName("hakmem");
try {
  heap.free(name);
} catch (error) {
  if (!(error instanceof BufferOverflowError)) throw error;
  console.log(error.message.split("\n", 1)[0]);
  console.log("made by makeName:", error.message.includes("at makeName"));
}

function leak(): void {
  heap.malloc(1000);
}
leak();

heap.close(); // says which blocks are live, and where they were allocated
