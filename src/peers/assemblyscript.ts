/**
 * `assemblyscript`: the TLSF allocator of AssemblyScript's runtime, compiled to WebAssembly. The module is three exported
 * functions around `heap.alloc`, `heap.realloc` and `heap.free`; the package's own compiler makes it on first use (about half a
 * second), and the result is cached by its source, its options and the compiler's version.
 *
 * @module
 */
import { cacheFile } from "../os/mod.ts";
import { type Allocator, numberSlots } from "../workloads/mod.ts";

const SOURCE = `export function malloc(size: usize): usize { return heap.alloc(size); }
export function realloc(pointer: usize, size: usize): usize { return heap.realloc(pointer, size); }
export function free(pointer: usize): void { heap.free(pointer); }
`;

// 16,384 pages of 64 KiB, untouched until they are used: the memory must not grow, because that detaches its views.
// The `incremental` runtime is the default one; the collector in it never runs, since nothing here is collected.
const OPTIONS = ["-O3", "--runtime", "incremental", "--initialMemory", "16384", "--maximumMemory", "16384"];

/** Compiles the module if need be, and opens it. */
export async function openAssemblyScript(): Promise<Allocator<number>> {
  const bytes = await cacheFile(`tlsf-${await key()}.wasm`, compile);
  const { instance } = await WebAssembly.instantiate(bytes, { env: { abort } });
  const { malloc, realloc, free, memory } = instance.exports;
  const isWhole = [malloc, realloc, free].every((each) => typeof each === "function");
  if (!(memory instanceof WebAssembly.Memory) || !isWhole) {
    throw new Error("the compiled TLSF module lacks malloc, realloc, free or memory");
  }
  return adapt(
    malloc as (size: number) => number,
    realloc as (pointer: number, size: number) => number,
    free as (pointer: number) => void,
    new Uint8Array(memory.buffer),
  );
}

function adapt(
  malloc: (size: number) => number,
  realloc: (pointer: number, size: number) => number,
  free: (pointer: number) => void,
  u8: Uint8Array,
): Allocator<number> {
  return {
    nothing: 0,
    slots: numberSlots,
    malloc,
    free,
    calloc: (size) => {
      const pointer = malloc(size);
      u8.fill(0, pointer, pointer + size);
      return pointer;
    },
    realloc: (pointer, size, _former) => pointer === 0 ? malloc(size) : realloc(pointer, size),
    mapping: u8,
    write: (pointer, index, byte) => {
      u8[pointer + index] = byte;
    },
    read: (pointer, index) => u8[pointer + index] as number,
  };
}

function abort(): never {
  throw new Error("AssemblyScript's runtime aborted: out of memory");
}

/** The version is part of what `deno.json` resolves the import to, which also holds when Deno rewrites it. */
async function key(): Promise<string> {
  const parts = [SOURCE, OPTIONS, import.meta.resolve("assemblyscript/asc")];
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(parts)));
  return new Uint8Array(digest).toHex().slice(0, 32);
}

async function compile(): Promise<Uint8Array<ArrayBuffer>> {
  const asc = await import("assemblyscript/asc");
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(["tlsf.ts", "--outFile", "tlsf.wasm", ...OPTIONS], {
    readFile: (name) => name === "tlsf.ts" ? SOURCE : null,
    writeFile: (_name, contents) => {
      if (typeof contents !== "string") wasm = new Uint8Array(contents);
    },
    listFiles: () => [],
  });
  if (error !== null || wasm === undefined) {
    throw new Error(`AssemblyScript did not compile: ${error?.message ?? "no output"}\n${stderr.toString()}`);
  }
  return wasm;
}
