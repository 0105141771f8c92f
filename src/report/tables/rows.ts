/**
 * Tables for other programs: the same rows as Markdown and as CSV (RFC 4180, but lines end in \n).
 *
 * @module
 */

/** One cell. */
export type Cell = string | number;

/** A table in Markdown; columns of numbers, with units or not, are on the right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const rule = head.map((_name, column) => {
    const cells = rows.map((row) => String(row[column] ?? "")).filter((cell) => cell !== "");
    return cells.length > 0 && cells.every((cell) => /^-?\d/.test(cell)) ? "---:" : "---";
  });
  return [head, rule, ...rows].map((row) => `| ${row.map(escaped).join(" | ")} |\n`).join("");
}

/** A table as CSV. */
export function csvTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, ...rows].map((row) => `${row.map(quoted).join(",")}\n`).join("");
}

function escaped(cell: Cell): string {
  return String(cell).replaceAll("|", "\\|").replaceAll("\n", " ");
}

function quoted(cell: Cell): string {
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
