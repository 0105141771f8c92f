/**
 * The first module of all that is evaluated: where there is no Deno it says so, before another one fails for the lack of
 * it with a message that helps nobody.
 *
 * @module
 */

if (!("Deno" in globalThis)) {
  throw new Error("hakmem is for Deno, through whose FFI it maps memory; this is another runtime: https://deno.com");
}
