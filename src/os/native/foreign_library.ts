/**
 * A library of C that a program calls, with the functions that it names, until the end of the scope.
 *
 * @module
 */

import { NativeAccessError, reasonOf } from "../errors.ts";
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
 * @throws {NativeAccessError} `NO_FFI_PERMISSION` where Deno would ask at a terminal; `BAD_LIBRARY` for a library that
 * cannot be loaded, or lacks one of the functions.
 * @throws {TypeError} as `Deno.dlopen` has it, for a URL that is not one of a file, and a description that it does not take.
 */
export function openForeignLibrary<Symbols extends Deno.ForeignLibraryInterface>(
  file: string | URL,
  symbols: Symbols,
): Library<Symbols> {
  requireNativeAccess();
  let library: Deno.DynamicLibrary<Symbols> | undefined = load(file, symbols);
  const close = (): void => {
    library?.close();
    library = undefined;
  };
  return { symbols: library.symbols, close, [Symbol.dispose]: close };
}

function load<Symbols extends Deno.ForeignLibraryInterface>(
  file: string | URL,
  symbols: Symbols,
): Deno.DynamicLibrary<Symbols> {
  const why = `cannot load ${file}`;
  const hasNul = file instanceof URL ? file.href.includes("%00") : file.includes("\0");
  // The system would take what is before it for the whole name.
  if (hasNul) throw new NativeAccessError("BAD_LIBRARY", `${why}: its name has a NUL`);
  try {
    return Deno.dlopen(file, symbols);
  } catch (cause) {
    // The system's refusals are plain errors, and a URL may have bytes that are not text. Others are about the
    // description, or about a stack that is full.
    const isOfTheFile = cause instanceof URIError || (cause instanceof Error && cause.constructor === Error);
    if (!isOfTheFile) throw cause;
    throw new NativeAccessError("BAD_LIBRARY", `${why}: ${reasonOf(cause)}`, { cause });
  }
}
