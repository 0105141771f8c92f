/**
 * `@std/cli/parse-args`, as served by the npm registry (see `assert.ts` next to this file). It reads the arguments of
 * child processes and Workers; people's commands go through `commander`.
 *
 * @module
 */
// @ts-types="./parse_args.d.ts"
export * from "deno-std/cli/parse_args.js";
