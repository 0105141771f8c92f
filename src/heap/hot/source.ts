/**
 * The source of the hot path for a set of flags, and the text of `default.ts`, which this writes when it is run
 * (`deno task hot`).
 *
 * @module
 */

import type { Flags } from "../flags.ts";
import { DEFAULT_VARIANT, VARIANTS } from "../variants.ts";
import { constantsOf } from "./constants.ts";
import { generate } from "./generate.ts";
import template from "./template.ts" with { type: "text" };

/** The module for these flags, in TypeScript, without imports. */
export function hotPathSource(flags: Flags): string {
  return generate(template, constantsOf(flags));
}

/** The text of `default.ts`. */
export function defaultFile(): string {
  return `// deno-lint-ignore-file no-unused-vars explicit-module-boundary-types
/**
 * The hot path of the default variant, generated from \`template.ts\` by \`deno task hot\`. Not to be edited: the template is,
 * whose head explains the code. Parameters that are not used here are those of other variants.
 *
 * @module
 */

import type { Compile } from "./parts.ts";

/** malloc and free for one heap. */
${hotPathSource(VARIANTS[DEFAULT_VARIANT]!)}`;
}

if (import.meta.main) await Deno.writeTextFile(new URL("./default.ts", import.meta.url), defaultFile());
