/**
 * Makes the hot path's module for one set of flags out of the template's text. V8 makes no bytecode
 * of `if (false)`, but it does of a constant that happens to be false; and a reader sees only the code that these flags use.
 *
 * - Each constant is replaced by its literal.
 * - An `if` whose condition is a literal gives way to the branch that is taken, or to nothing, with the comment above it;
 *   so does `literal ? a : b`.
 * - Functions that nothing calls any more are left out.
 *
 * It reads lines, not a syntax tree: the template is formatted by `deno fmt`, so a block ends at the next line that has its
 * indentation. Names of constants are replaced wherever they stand, comments included. It throws for what it cannot decide.
 *
 * @module
 */

import type { Constants } from "./constants.ts";

const START = "  const compile: Compile = (";
const IF = /^( *)if \((!?)(true|false)\) (.*)$/;
const ELSE_IF = /^ *\} else if \((!?)(true|false)\) \{$/;

/**
 * The source of `compile` for these constants, in TypeScript, formatted.
 *
 * @throws {Error} for a template that it cannot make sense of.
 */
export function generate(template: string, constants: Constants): string {
  const lines = template.split("\n"), start = lines.findIndex((line) => line.startsWith(START));
  if (start === -1) throw new Error(`the template has no line that begins with "${START}"`);
  const end = endOf(lines, start, "  ");
  let text = lines.slice(start, end + 1).map((line) => line.replace(/^ {2}/, "")).join("\n");
  for (const [name, value] of Object.entries(constants)) {
    text = text.replaceAll(new RegExp(`\\b${name}\\b`, "g"), `${value}`);
  }
  const source = withoutUncalled(decided(text.split("\n"))).join("\n");
  const left = /.*\b(?:true|false)\b.*/.exec(source.replaceAll(/\/\/.*|\/\*[^]*?\*\//g, ""));
  if (left !== null) throw new Error(`the generator cannot decide "${left[0].trim()}"`);
  return `export ${source}\n`;
}

/** The lines with every branch decided that a literal decides. */
function decided(lines: readonly string[]): string[] {
  const result: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!, [, indentation, not, literal, rest] = IF.exec(line) ?? [];
    if (indentation === undefined) {
      result.push(line.replace(/= true \? (.*) : .*;/, "= $1;").replace(/= false \? .* : (.*);/, "= $1;"));
      continue;
    }
    const isTaken = (literal === "true") !== (not === "!");
    if (rest !== "{") {
      if (isTaken) result.push(indentation + rest);
      else dropComment(result, indentation);
      continue;
    }
    const { taken, end } = chain(lines, at, indentation, isTaken);
    if (taken === undefined) dropComment(result, indentation);
    else result.push(...decided(taken.map((each) => each.replace(/^ {2}/, ""))));
    at = end;
  }
  return result;
}

/** The branch that is taken of a chain of `if`s that begins at a line, or undefined; and where it ends. */
function chain(lines: readonly string[], start: number, indentation: string, isFirst: boolean) {
  let taken: string[] | undefined, isTaken = isFirst, at = start;
  while (true) {
    const end = endOf(lines, at, indentation), line = lines[end]!;
    if (isTaken) taken ??= lines.slice(at + 1, end);
    if (line === `${indentation}}`) return { taken, end };
    const [, not, literal] = ELSE_IF.exec(line) ?? [];
    if (literal === undefined && line !== `${indentation}} else {`) throw new Error(`cannot decide "${line.trim()}"`);
    isTaken = literal === undefined || (literal === "true") !== (not === "!");
    at = end;
  }
}

/** The next line that closes a block of this indentation. */
function endOf(lines: readonly string[], start: number, indentation: string): number {
  const end = lines.findIndex((line, at) => at > start && line.startsWith(`${indentation}}`));
  if (end === -1) throw new Error(`the block that begins with "${lines[start]!.trim()}" does not end`);
  return end;
}

function dropComment(result: string[], indentation: string): void {
  while (result.at(-1)?.startsWith(`${indentation}//`)) result.pop();
}

/** Without the functions inside that nothing calls, and what is said about them. */
function withoutUncalled(lines: string[]): string[] {
  for (let at = 0; at < lines.length; at++) {
    const [, name] = /^ {2}function (\w+)\(/.exec(lines[at]!) ?? [];
    if (name === undefined || lines.some((line, other) => other !== at && new RegExp(`\\b${name}\\b`).test(line))) {
      continue;
    }
    let first = at;
    while (/^ {2}(?:\/\*\*| \*)/.test(lines[first - 1]!)) first--;
    const end = endOf(lines, at, "  ");
    return withoutUncalled([...lines.slice(0, first), ...lines.slice(end + 2)]); // and the empty line behind it
  }
  return lines;
}
