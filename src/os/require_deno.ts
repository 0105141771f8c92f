/**
 * The first module that is evaluated. Where there is no Deno it says so, before another module fails without it, with a
 * message that helps nobody.
 *
 * @module
 */

if (!("Deno" in globalThis)) {
  throw new Error("hakmem is for Deno, through whose FFI it maps memory; this is another runtime: https://deno.com");
}
