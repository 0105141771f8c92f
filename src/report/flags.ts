/**
 * The flags of a variant as a table for a terminal, at most 100 columns wide, or in Markdown; of two variants, the rows
 * that differ. As CSV, all flags of both.
 *
 * @module
 */
import Table from "cli-table3";
import { wrap } from "./format.ts";
import { csvTable, markdownTable } from "./rows.ts";
import { LINES, type Palette, PLAIN } from "./table.ts";

/** One flag of a variant. */
export interface FlagValue {
  readonly flag: string;
  readonly value: string | number;
  /** The variant whose row has it, `override`, or `debug build`. */
  readonly from: string;
  readonly meaning: string;
}

/** A variant, with every flag in the order of their table. */
export interface VariantFlags {
  /** With its overrides. */
  readonly name: string;
  readonly flags: readonly FlagValue[];
}

/** What `flags` says: one variant, or two and their differences. */
export interface FlagsFile {
  readonly schema: "hakmem.flags/1";
  readonly build: string;
  readonly variants: readonly VariantFlags[];
  readonly differences: readonly {
    readonly flag: string;
    readonly a: string | number;
    readonly b: string | number;
    readonly meaning: string;
  }[];
}

const COLUMNS = 100;
const LEAST_MEANING = 24; // columns; names that leave fewer than that are longer than any variant of the table

/** The text; colours from `palette`. */
export function renderFlags({ build, variants, differences }: FlagsFile, palette: Palette = PLAIN): string {
  const [a, b] = variants;
  if (a === undefined) return "";
  if (b === undefined) {
    const rows = a.flags.map(({ flag, value, from, meaning }) => [flag, String(value), from, meaning]);
    const changed = a.flags.map(({ from }) => from !== a.name);
    return `${palette.bold(a.name)}, ${build} build\n\n` +
      `${table(["flag", "value", "from", "meaning"], rows, palette, a.name.includes(",") ? changed : [])}\n`;
  }
  const title = `${palette.bold(a.name)} and ${palette.bold(b.name)}, ${build} builds`;
  if (differences.length === 0) return `${title}: no difference\n`;
  const count = `${differences.length} of ${a.flags.length} flags differ`;
  const rows = differences.map((row) => [row.flag, String(row.a), String(row.b), row.meaning]);
  return `${title}: ${count}\n\n${table(["flag", a.name, b.name, "meaning"], rows, palette, [])}\n`;
}

/** The same table as Markdown. */
export function renderFlagsMarkdown({ build, variants, differences }: FlagsFile): string {
  const [a, b] = variants;
  if (a === undefined) return "";
  if (b === undefined) {
    const rows = a.flags.map(({ flag, value, from, meaning }) => [`\`${flag}\``, String(value), from, meaning]);
    return `**${a.name}, ${build} build**\n\n${markdownTable(["flag", "value", "from", "meaning"], rows)}`;
  }
  const title = `**${a.name} and ${b.name}, ${build} builds: ` +
    `${differences.length} of ${a.flags.length} flags differ**\n`;
  if (differences.length === 0) return title;
  const rows = differences.map((row) => [`\`${row.flag}\``, String(row.a), String(row.b), row.meaning]);
  return `${title}\n${markdownTable(["flag", a.name, b.name, "meaning"], rows)}`;
}

/** A line for each flag of each variant. */
export function renderFlagsCsv({ build, variants }: FlagsFile): string {
  const rows = variants.flatMap(({ name, flags }) =>
    flags.map(({ flag, value, from, meaning }) => [name, build, flag, value, from, meaning])
  );
  return csvTable(["variant", "build", "flag", "value", "from", "meaning"], rows);
}

/** Columns as wide as they must be; the last one is wrapped to what is left. */
function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  palette: Palette,
  emphasised: readonly boolean[],
): string {
  const names = head.map(wrapName);
  const widths = names.slice(0, -1).map((name, column) =>
    Math.max(...name.split("\n").map((line) => line.length), ...rows.map((row) => row[column]?.length ?? 0))
  );
  const used = widths.reduce((sum, width) => sum + width + 3, 2); // two spaces of padding, and one between columns
  const meaning = Math.max(LEAST_MEANING, COLUMNS - used);
  const lines = new Table({
    head: names.map((name) => name.split("\n").map(palette.bold).join("\n")),
    style: { head: [], border: [], compact: true },
    chars: LINES,
  });
  for (const [index, row] of rows.entries()) {
    const cells = row.map((cell, column) => column === row.length - 1 ? wrap(cell, meaning).join("\n") : cell);
    lines.push(emphasised[index] === true ? [palette.bold(cells[0] ?? ""), ...cells.slice(1)] : cells);
  }
  return lines.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

/** A variant's overrides, each on a line of their own. */
function wrapName(name: string): string {
  return name.replaceAll(",", ",\n");
}
