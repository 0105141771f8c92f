/**
 * The flags of a variant as a table for a terminal, or in Markdown; for two variants, the rows that differ. CSV has all
 * flags of both.
 *
 * @module
 */
import { csvTable, markdownTable } from "./tables/rows.ts";
import { textTable } from "./tables/text_table.ts";
import { counted, wrap } from "./tables/format.ts";
import { type Palette, PLAIN } from "./tables/palette.ts";
import type { FlagsFile, VariantFlags } from "../model/flags.ts";

/** The text; colours from `palette`. */
export function renderFlags({ build, variants, differences }: FlagsFile, palette: Palette = PLAIN): string {
  const [a, b] = variants;
  if (a === undefined) return "";
  const title = (text: string) => wrap(text, palette.columns).map(palette.bold).join("\n");
  if (b === undefined) {
    const rows = a.flags.map(({ flag, value, from, meaning }) => [flag, String(value), from, meaning]);
    const changed = a.flags.map(({ from }) => from !== a.name);
    return `${title(`${a.name}, ${build} build`)}\n\n` +
      `${table(["flag", "value", "from", "meaning"], rows, palette, a.name.includes(",") ? changed : [])}\n${
        hotPath(a, palette)
      }`;
  }
  const hotPaths = hotPath(a, palette) + hotPath(b, palette).trimStart();
  const names = `${a.name} and ${b.name}, ${build} builds`;
  if (differences.length === 0) return `${title(`${names}: no difference`)}\n`;
  const count = `${differences.length} of ${counted(a.flags.length, "flag")} differ`;
  const rows = differences.map((row) => [row.flag, String(row.a), String(row.b), row.meaning]);
  return `${title(`${names}: ${count}`)}\n\n${
    table(["flag", a.name, b.name, "meaning"], rows, palette, [])
  }\n${hotPaths}`;
}

/** How long the hot path is, in a line. */
function hotPath({ name, bytecode }: VariantFlags, palette: Palette): string {
  if (bytecode.length === 0) return "";
  const lengths = bytecode.map((each) => `${each.function} ${each.bytes}`).join(", ");
  return `\n${wrap(`hot path of ${name}, bytes of bytecode: ${lengths}`, palette.columns).join("\n")}\n`;
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

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  palette: Palette,
  emphasised: readonly boolean[],
): string {
  const columns = head.map((name) => ({ head: wrapName(name), isNumeric: false }));
  const cells = rows.map((
    [flag = "", ...rest],
    row,
  ) => [emphasised[row] === true ? palette.bold(flag) : flag, ...rest]);
  return textTable(columns, cells, palette);
}

/** A variant's overrides, each on a line of its own. */
function wrapName(name: string): string {
  return name.replaceAll(",", ",\n");
}
