/**
 * Markup that cannot be injected into: `markup` escapes every value that is put into it, unless that is markup itself. All
 * text of a report comes from files that somebody else may have written, so nothing else here joins strings to tags.
 *
 * @module
 */

/** A piece of markup, all of it safe. */
export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

/** What may be put into a template; undefined and an empty list leave nothing. */
export type Piece = Markup | string | number | undefined | readonly Piece[];

/** No markup at all. */
export const NOTHING = new Markup("");

/** The tag of templates: markup`<td>${text}</td>`. */
export function markup(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return new Markup(strings.map((string, index) => string + textOf(pieces[index])).join(""));
}

/** A text as it must be written in markup, between tags and in attributes with quotes. */
export function escape(text: string): string {
  return text.replaceAll(/[&<>"'\0]/g, (character) => ENTITIES[character] ?? "");
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "\0": "\uFFFD",
};

/** A space between a number and its unit, at which no line breaks. */
const UNIT_SPACE = /(?<=\d) (?=(?:%|ns|us|ms|s|B|[KMG]i?B)(?!\w))/g;

function textOf(piece: Piece): string {
  if (piece === undefined) return "";
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === "object") return piece.map(textOf).join("");
  return escape(String(piece)).replaceAll(UNIT_SPACE, "\u00a0");
}
