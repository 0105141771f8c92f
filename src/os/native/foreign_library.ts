/**
 * A library of C that a program calls, with the functions that it names, until the end of the scope.
 *
 * @module
 */

import { requireNativeAccess } from "../permissions.ts";

/**
 * A library that is open: see {@linkcode openLibrary}.
 *
 * @example
 * ```ts
 * import { type Library, openLibrary } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const SYMBOLS = { abs: { parameters: ["i32"], result: "i32" } } as const;
 * const distance = ({ symbols: c }: Library<typeof SYMBOLS>, a: number, b: number): number => c.abs(a - b);
 *
 * using libc = openLibrary(Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6", SYMBOLS);
 * assertEquals(distance(libc, 3, 5), 2);
 * ```
 */
export interface Library<Symbols extends Deno.ForeignLibraryInterface> extends Disposable {
  /** Its functions, as `Deno.dlopen` gives them. */
  readonly symbols: Deno.DynamicLibrary<Symbols>["symbols"];
  /** Closes it, as `using` does at the end of its block: its functions must not be called any more. It can be called again. */
  close(): void;
}

/**
 * Opens a library.
 *
 * @throws {NativeAccessError} `NO_FFI_PERMISSION` where Deno would ask at a terminal, and what `Deno.dlopen` throws.
 */
export function openForeignLibrary<Symbols extends Deno.ForeignLibraryInterface>(
  file: string | URL,
  symbols: Symbols,
): Library<Symbols> {
  requireNativeAccess();
  let library: Deno.DynamicLibrary<Symbols> | undefined = Deno.dlopen(file, symbols);
  const close = (): void => {
    library?.close();
    library = undefined;
  };
  return { symbols: library.symbols, close, [Symbol.dispose]: close };
}
