/**
 * What a command found, as JSON.
 *
 * @module
 */
import { visibleJson } from "./visible.ts";

/** The file's text; arrays of numbers stay on one line, so that a person can read it too. */
export function renderJson(file: object): string {
  const text = visibleJson(JSON.stringify(file, null, 2));
  return `${text.replaceAll(/\[[\s\d.,eE+-]+\]/g, (numbers) => numbers.replaceAll(/\s+/g, " "))}\n`;
}
