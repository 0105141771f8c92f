/**
 * JavaScript functions that C can call. Of the types that Deno passes to a callback, these are the cheapest that lose
 * nothing (`bench/callbacks_bench.ts`): an address or a `size_t` comes as `u64`, a bigint; it goes back as `u64`, too,
 * but as a plain number, which is exact below 2^53, where addresses are, and need not be made; and a parameter that
 * nobody reads is a `u32`, whatever C puts there: it is half of a register.
 *
 * An exception in such a function does not end the C function: C gets zeros, and Deno throws it when the outermost call
 * returns, or ends the process if there is no such call. So these functions must not throw.
 *
 * @module
 */

/** Types of parameters: `u64` is a bigint here, and the others are numbers. */
export type WordType = "u64" | "u32" | "i32";

/** What C returns: `u64` is a number below 2^53. */
export type ResultType = "u64" | "i32" | "void";

type Words<Parameters extends readonly WordType[]> = {
  [Index in keyof Parameters]: Parameters[Index] extends "u64" ? bigint : number;
};

/** A function that C can call, on the thread that made it. */
export interface NativeFunction {
  /** For FFI calls, and for structs by `addressOf`. */
  readonly pointer: Deno.PointerObject;
  /** From here on C must not call it, nor may it be under way: the process would die of it. */
  close(): void;
}

/**
 * Makes a function for C. A call takes a tenth of a microsecond. Where another thread calls it, that waits until this one is
 * in its event loop; for ever, if this one waits for the other.
 *
 * @param call must not throw
 */
export function nativeFunction<const Parameters extends readonly WordType[], Result extends ResultType>(
  parameters: Parameters,
  result: Result,
  call: (...words: Words<Parameters>) => Result extends "void" ? void : number,
): NativeFunction {
  // Deno's types want a bigint for `u64`; Deno takes either.
  const definition = { parameters: [...parameters], result } as Deno.UnsafeCallbackDefinition;
  const callback = new Deno.UnsafeCallback(definition, call as Deno.UnsafeCallbackFunction);
  return { pointer: callback.pointer, close: () => callback.close() };
}
