/**
 * Tables of text that are never wider than what they are written to. Columns stand apart by spaces, so that a table
 * survives being pasted anywhere. If they are too many, they first move together, then columns of words are broken into
 * several lines, the widest first; and if that is not enough, the table goes on below itself, in parts that each begin
 * with the columns by which a row is known. So nothing is left out, however narrow it is.
 *
 * @module
 */
import { wrap } from "./format.ts";
import { type Palette, PLAIN } from "./palette.ts";

/** A column. Numbers stand on the right, and are never broken. */
export interface TextColumn {
  readonly head: string;
  readonly isNumeric: boolean;
}

/**
 * The cells of a row, each emphasised as a whole or not at all; or a line across the table: a heading, which stands in each
 * part, or a remark, which is said once.
 */
export type TextRow = readonly string[] | string | { readonly remark: string };

const GAPS = [3, 2]; // between columns
const LEAST_COLUMNS = 12; // of words: narrower ones cannot be read
const LONGEST_WORD = 20; // that no column is made too narrow for
const ESCAPES = "(?:\\x1b\\[\\d+m)*";
const PAINTED = new RegExp(`^(${ESCAPES})(.*?)(${ESCAPES})$`, "s");

/** Columns of a table of which the first has words, and all others have numbers. */
export function numbersOf(heads: readonly string[]): TextColumn[] {
  return heads.map((head, index) => ({ head, isNumeric: index > 0 }));
}

/**
 * The table's text.
 *
 * @param keys how many columns, from the left, say what a row is about
 */
export function textTable(
  columns: readonly TextColumn[],
  rows: readonly TextRow[],
  palette: Palette = PLAIN,
  keys = 1,
): string {
  const lines: TextRow[] = [columns.map(({ head }) => palette.bold(head)), ...rows];
  const most = (measure: (cell: string) => number) =>
    columns.map((_, column) => Math.max(...lines.map((row) => isAcross(row) ? 0 : measure(row[column]!))));
  const natural = most(breadth), words = most((cell) => breadth(cell.replaceAll(" ", "\n")));
  const least = columns.map(({ isNumeric }, column) =>
    isNumeric ? natural[column]! : Math.max(LEAST_COLUMNS, Math.min(LONGEST_WORD, words[column]!))
  );
  const fit = (shownColumns: readonly number[]) =>
    fitted(
      shownColumns.map((column) => natural[column]!),
      shownColumns.map((column) => least[column]!),
      palette.columns,
    );
  const draw = (shownColumns: readonly number[], part: number) => {
    const { widths, gap } = fit(shownColumns) ??
      { widths: shownColumns.map((column) => natural[column]!), gap: GAPS.at(-1)! };
    return lines.flatMap((row) => {
      if (isAcross(row)) {
        if (typeof row !== "string" && part > 0) return [];
        const text = typeof row === "string" ? row : row.remark;
        return wrap(text, palette.columns - 1).map((line) => ` ${line}`.trimEnd());
      }
      const cells = shownColumns.map((column, index) => broken(row[column]!, widths[index]!));
      return Array.from({ length: Math.max(...cells.map(({ length }) => length)) }, (_, line) => {
        const shown = cells.map((cell, index) =>
          padded(cell[line] ?? "", widths[index]!, columns[shownColumns[index]!]!.isNumeric)
        );
        return ` ${shown.join(" ".repeat(gap))}`.trimEnd();
      });
    }).join("\n");
  };
  return partsOf(columns.length, keys, (shownColumns) => fit(shownColumns) !== undefined).map(draw).join("\n\n");
}

function isAcross(row: TextRow): row is Exclude<TextRow, readonly string[]> {
  return !Array.isArray(row);
}

/** Which columns stand beside each other: all of them, or the keys with as many of the others as there is room for. */
function partsOf(count: number, keys: number, fits: (shownColumns: readonly number[]) => boolean): number[][] {
  const parts: number[][] = [], left = Array.from({ length: keys }, (_, column) => column);
  for (let column = keys; column < count; column++) {
    const last = parts.at(-1);
    if (last !== undefined && fits([...last, column])) last.push(column);
    else parts.push([...left, column]);
  }
  return parts.length === 0 ? [left] : parts;
}

/** How wide columns are if they stand beside each other; undefined if there is no room. */
function fitted(
  natural: readonly number[],
  least: readonly number[],
  columns: number,
): { widths: number[]; gap: number } | undefined {
  const widths = [...natural];
  const excess = (gap: number) => 1 + widths.reduce((sum, width) => sum + gap + width, -gap) - columns;
  const roomy = GAPS.find((gap) => excess(gap) <= 0);
  if (roomy !== undefined) return { widths, gap: roomy };
  const gap = GAPS.at(-1)!;
  while (excess(gap) > 0) {
    const widest = Math.max(...widths.filter((width, column) => width > least[column]!));
    if (widest === -Infinity) return undefined;
    widths[widths.findIndex((width, column) => width === widest && width > least[column]!)] = widest - 1;
  }
  return { widths, gap };
}

/** A cell's lines, each with the emphasis of the whole. */
function broken(cell: string, columns: number): string[] {
  const [, before = "", text = "", after = ""] = PAINTED.exec(cell) ?? [];
  return text.split("\n").flatMap((line) => wrap(line, columns)).map((line) =>
    line === "" ? "" : `${before}${line}${after}`
  );
}

function breadth(cell: string): number {
  return Math.max(...cell.split("\n").map(shownLength));
}

function padded(cell: string, columns: number, isNumeric: boolean): string {
  const space = " ".repeat(Math.max(0, columns - shownLength(cell)));
  return isNumeric ? `${space}${cell}` : `${cell}${space}`;
}

/** The columns that a line takes, without the codes of its emphasis. */
function shownLength(line: string): number {
  // deno-lint-ignore no-control-regex -- escape codes are what it is about
  return [...line.replaceAll(/\x1b\[\d+m/g, "")].length;
}
