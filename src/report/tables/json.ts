/**
 * What a command found, as JSON.
 *
 * @module
 */

/** The file's text; arrays of numbers stay on one line, so that a person can read it too. */
export function renderJson(file: object): string {
  const text = JSON.stringify(file, null, 2);
  return `${text.replaceAll(/\[[\s\d.,eE+-]+\]/g, (numbers) => numbers.replaceAll(/\s+/g, " "))}\n`;
}
