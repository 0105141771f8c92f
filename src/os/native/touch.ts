/**
 * Touches blocks that JavaScript has no view of: `native/touch.c`, a call a block.
 *
 * @module
 */
import { buildNative, type NativeTarget } from "./build.ts";
import { requireNativeAccess } from "../permissions.ts";

const SYMBOLS = {
  hakmem_touch: { parameters: [/* address */ "u64", /* size */ "u32", /* byte */ "u32"], result: "void" },
  hakmem_differs: { parameters: [/* address */ "u64", /* size */ "u32", /* byte */ "u32"], result: "u32" },
} as const satisfies Deno.ForeignLibraryInterface;

const LIBRARY: NativeTarget = {
  name: "touch",
  sources: [new URL("../../../native/touch.c", import.meta.url), new URL("../../../native/touch.h", import.meta.url)],
  kind: "library",
  flags: ["-std=c11"],
};

/** The FFI functions themselves, so that V8 can make fast calls of them. */
export interface TouchFunctions {
  /** Writes a byte to the block's beginning, its end, and each 4 KiB between. */
  touch(address: bigint, size: number, byte: number): void;
  /** 0 if those bytes are what was written. */
  differs(address: bigint, size: number, byte: number): number;
}

/**
 * Opens the library, which stays open until the process ends. The first run on a machine compiles.
 *
 * @throws {NativeBuildError} where there is no compiler
 */
export async function openTouch(): Promise<TouchFunctions> {
  requireNativeAccess();
  const { path } = await buildNative(LIBRARY);
  const { hakmem_touch, hakmem_differs } = Deno.dlopen(path, SYMBOLS).symbols;
  return { touch: hakmem_touch, differs: hakmem_differs };
}
