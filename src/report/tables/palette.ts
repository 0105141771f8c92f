/**
 * Where text goes, as far as it matters to what is written there: how it is emphasised, and how wide its lines may be.
 *
 * @module
 */

import { wrap } from "./format.ts";

/** A terminal, a pipe or a file. */
export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly green: (text: string) => string;
  readonly red: (text: string) => string;
  /** The most that a line may have, at least 60. */
  readonly columns: number;
  readonly isTerminal: boolean;
}

/** For files and pipes: no emphasis, and lines short enough for most terminals and letters. */
export const PLAIN: Palette = {
  bold: String,
  dim: String,
  green: String,
  red: String,
  columns: 100,
  isTerminal: false,
};

/** A sentence: in a terminal as many lines as it takes, elsewhere one, which other programs find whole. */
export function sentence(text: string, { columns, isTerminal }: Palette): string[] {
  return isTerminal ? wrap(text, columns) : [text];
}

/** The answer of a run, likewise: `head -1` gives all of it. */
export function answer(text: string, palette: Palette): string[] {
  return sentence(text, palette).map(palette.bold);
}
