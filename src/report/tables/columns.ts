/**
 * One model of a table: its columns, each with its head and what a row has there. It gives the table for a terminal, the
 * same in Markdown, and, for rows whose fields are the columns, CSV.
 *
 * @module
 */
import { type Palette, PLAIN } from "./palette.ts";
import { type Cell, csvTable, markdownTable } from "./rows.ts";
import { type TextColumn, textTable } from "./text_table.ts";

/** A column of rows of a kind. */
export interface Column<Row> extends TextColumn {
  readonly cell: (row: Row) => string;
  /** How a terminal emphasises the cell of a row. */
  readonly paint?: (row: Row, palette: Palette) => (text: string) => string;
}

/** A column of words. */
export function words<Row>(head: string, cell: Column<Row>["cell"], paint: Column<Row>["paint"] = plain): Column<Row> {
  return { head, isNumeric: false, cell, paint };
}

/** A column of numbers. */
export function numbers<Row>(head: string, cell: Column<Row>["cell"]): Column<Row> {
  return { head, isNumeric: true, cell };
}

function plain(): (text: string) => string {
  return String;
}

/** The table for a terminal. @param keys As of {@linkcode textTable}. */
export function terminalTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  palette: Palette = PLAIN,
  keys = 1,
): string {
  const cells = rows.map((row) => columns.map(({ cell, paint = plain }) => paint(row, palette)(cell(row))));
  return textTable(columns, cells, palette, keys);
}

/** The same in Markdown. */
export function markdownOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  return markdownTable(columns.map(({ head }) => head), rows.map((row) => columns.map(({ cell }) => cell(row))));
}

/** CSV with these fields of the rows, as they are; one that is not there is empty. */
export function csvOf<Name extends string>(
  names: readonly Name[],
  rows: readonly Readonly<Partial<Record<Name, Cell | boolean | null | undefined>>>[],
): string {
  const cellOf = (value: Cell | boolean | null | undefined) => typeof value === "boolean" ? String(value) : value ?? "";
  return csvTable(names, rows.map((row) => names.map((name) => cellOf(row[name]))));
}
