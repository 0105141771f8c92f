/**
 * Text that is safe to print. Names of programs, files, threads and libraries come from outside, and may hold what a
 * terminal obeys: codes that move the cursor, set the title or hide what follows, and marks that turn the direction of
 * writing. Whatever is printed goes through here, and shows those as a source would write them: `\x1b`.
 *
 * Our own emphasis is told apart by a number in its codes that is drawn at random for each process, so no file can have
 * it; it becomes the real code at the very end.
 *
 * @module
 */
import type { Palette } from "./palette.ts";

/** Of our own codes, the digits before the two that count. */
const OWN = String(10 ** 8 + crypto.getRandomValues(new Uint32Array(1))[0]! % 10 ** 8);
const CODE = { bold: [1, 22], dim: [2, 22], green: [32, 39], red: [31, 39] } as const;

/** What a terminal obeys, apart from line breaks and tabs; and marks of direction, line and paragraph. */
// deno-lint-ignore no-control-regex -- they are what it is about
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const OWN_CODE = new RegExp(`\\\\x1b\\[${OWN}(\\d\\d)m`, "g");

function painted([on, off]: readonly [number, number]): (text: string) => string {
  const code = (number: number) => `\x1b[${OWN}${String(number).padStart(2, "0")}m`;
  return (text) => `${code(on)}${text}${code(off)}`;
}

/** Emphasis that {@linkcode visible} makes real. */
export const COLOURS: Pick<Palette, keyof typeof CODE> = {
  bold: painted(CODE.bold),
  dim: painted(CODE.dim),
  green: painted(CODE.green),
  red: painted(CODE.red),
};

/**
 * A text as it is printed. Nor does a line begin as a command of GitHub's workflows does (`::error`), which would be
 * obeyed in their logs.
 */
export function visible(text: string): string {
  return text.replaceAll(OBEYED, written).replaceAll(OWN_CODE, (_, code) => `\x1b[${Number(code)}m`)
    .replaceAll(/^([^\S\n]*)(?=::|##\[)/gm, "$1\\");
}

/** The same in one line. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

/** A document in Markdown without tags and pictures that names from outside would bring into it. */
export function visibleMarkdown(text: string): string {
  return text.replaceAll(OBEYED, written).replaceAll(/<(?=[a-z/!?])/gi, "\\<").replaceAll("![", "!\\[");
}

/** JSON in which nothing is obeyed: there such characters are in strings alone. */
export function visibleJson(text: string): string {
  return text.replaceAll(OBEYED, (character) => `\\u${hex(character, 4)}`);
}

function written(character: string): string {
  return character < "\u0100" ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`;
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, "0");
}
