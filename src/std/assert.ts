/**
 * `@std/assert`, as served by the npm registry: the package `deno-std` holds the same code without its types, and this
 * shim gives them back, so that nothing is `any`. Tests import it by its JSR name.
 *
 * @module
 */
// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";
