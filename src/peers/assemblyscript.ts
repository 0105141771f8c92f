/**
 * `assemblyscript`: the TLSF allocator of AssemblyScript's runtime, compiled to WebAssembly. The module is two exported
 * functions around `heap.alloc` and `heap.free`; the package's own compiler makes it on first use (about half a second),
 * and the result is cached by its source, its options and the compiler's version.
 *
 * @module
 */
import { cacheFile } from "../os/mod.ts";
import { type Allocator, numberSlots } from "../workloads/mod.ts";

const SOURCE = `export function malloc(size: usize): usize { return heap.alloc(size); }
export function free(pointer: usize): void { heap.free(pointer); }
`;

// 16,384 pages of 64 KiB, untouched until they are used: the memory should not grow, because that detaches its views.
// The `incremental` runtime is the default one; the collector in it never runs, since nothing here is collected.
const OPTIONS = ["-O3", "--runtime", "incremental", "--initialMemory", "16384"];

/** Compiles the module if need be, and opens it. */
export async function openAssemblyScript(): Promise<Allocator<number>> {
  const bytes = await cacheFile(`tlsf-${await key()}.wasm`, compile);
  const { instance } = await WebAssembly.instantiate(bytes, { env: { abort } });
  const { malloc, free, memory } = instance.exports;
  if (!(memory instanceof WebAssembly.Memory) || typeof malloc !== "function" || typeof free !== "function") {
    throw new Error("the compiled TLSF module lacks malloc, free or memory");
  }
  return adapt(malloc as (size: number) => number, free as (pointer: number) => void, new Uint8Array(memory.buffer));
}

function adapt(malloc: (size: number) => number, free: (pointer: number) => void, u8: Uint8Array): Allocator<number> {
  return {
    nothing: 0,
    slots: numberSlots,
    malloc,
    free,
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
