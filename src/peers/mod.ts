/**
 * The table of peers: what our heap is measured against. Adding one that lives in Deno: its file here, one line below,
 * and one in `openAllocator`. Native ones are preloaded into `native/workloads.c`: see `native.ts`.
 *
 * @module
 */
import type { Allocator } from "../workloads/mod.ts";
import { NATIVE_LIBRARIES } from "./native.ts";

/**
 * How a contestant is reached: `deno` (our heap), `native` (a C loop), `ffi` (a call per operation), `js` (npm or the
 * garbage collector), `harness` (the do-nothing allocator of either side).
 */
export type Runtime = "deno" | "native" | "ffi" | "js" | "harness";

/** A peer, as the table holds it. */
export interface Peer {
  readonly name: string;
  readonly runtime: Runtime;
  /** The language of the loop that calls it: TypeScript, in Deno, or C, in the native program. */
  readonly language: "deno" | "native";
  /** With several threads, each has a heap of its own, and cannot free a block of another thread. */
  readonly heaps?: "own";
  readonly description: string;
  /** What it imports, if it comes as an npm package. */
  readonly npm?: string;
}

/** The peers that `--peer` chooses among. */
export const PEERS: readonly Peer[] = [
  { name: "system", runtime: "native", language: "native", description: "the system's malloc, called by a C program" },
  ...NATIVE_LIBRARIES.map(({ name, description }): Peer => ({
    name,
    runtime: "native",
    language: "native",
    description,
  })),
  { name: "ffi", runtime: "ffi", language: "deno", description: "the system's malloc, called through Deno FFI" },
  {
    name: "thi.ng",
    runtime: "js",
    language: "deno",
    heaps: "own",
    description: "MemPool of @thi.ng/malloc",
    npm: "@thi.ng/malloc",
  },
  {
    name: "assemblyscript",
    runtime: "js",
    language: "deno",
    heaps: "own",
    description: "AssemblyScript's TLSF, in WebAssembly",
    npm: "assemblyscript/asc",
  },
  {
    name: "codemix",
    runtime: "js",
    language: "deno",
    heaps: "own",
    description: "the npm package malloc, a skip list",
    npm: "malloc",
  },
  {
    name: "uint8array",
    runtime: "js",
    language: "deno",
    heaps: "own",
    description: "new Uint8Array, and the garbage collector",
  },
];

/** Those that are measured unless `--peer` says otherwise, as far as they are installed; few enough for a short run. */
export const DEFAULT_PEERS: readonly string[] = [
  "system",
  "mimalloc",
  "ffi",
  "thi.ng",
  "assemblyscript",
  "uint8array",
];

/** The do-nothing allocators, measured with every run: they price the harness of either side. */
export const HARNESSES: readonly Peer[] = [
  { name: "none", runtime: "harness", language: "deno", description: "nothing, in TypeScript" },
  { name: "none", runtime: "harness", language: "native", description: "nothing, in C" },
];

/** Takes an allocator whatever its pointers are: a caller of `openAllocator` does not know `P`. */
export type AllocatorUser<R> = <P>(allocator: Allocator<P>) => R;

/**
 * Opens one of the allocators that live in Deno, and hands it to `use`. Only its own modules are loaded, so that no
 * other allocator shares its process.
 *
 * @param name A peer's name, `none`, or `heap`.
 * @param variant The heap's variant; only `heap` reads it.
 * @param source Where the heap's source is, if it is not this project's; only `heap` reads it.
 * @param shared What the allocator of another thread gave by `share`: blocks of that one are blocks of this one then.
 */
export async function openAllocator<R>(
  name: string,
  variant: string,
  use: AllocatorUser<R>,
  source?: string,
  shared?: unknown,
): Promise<R> {
  switch (name) {
    case "heap":
      return use(await (await import("./heap.ts")).openHeap(variant, source, shared));
    case "none":
      return use((await import("./none.ts")).openNone());
    case "ffi":
      return use((await import("./ffi.ts")).openFfi());
    case "thi.ng":
      return use((await import("./thi_ng.ts")).openThiNg());
    case "assemblyscript":
      return use(await (await import("./assemblyscript.ts")).openAssemblyScript());
    case "codemix":
      return use((await import("./codemix.ts")).openCodemix());
    case "uint8array":
      return use((await import("./uint8array.ts")).openUint8Array());
    default:
      throw new Error(`no allocator called ${name} lives in Deno`);
  }
}
