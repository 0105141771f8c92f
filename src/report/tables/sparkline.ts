/**
 * Charts over time for a terminal, in eighths of a character: one line high, or several.
 *
 * @module
 */

const EIGHTHS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** Values as one line of `columns` characters; each shows the highest value of its part. */
export function sparkline(values: readonly number[], columns: number, highest: number): string {
  return areaChart(values, columns, 1, highest)[0] ?? "";
}

/** Values as an area `rows` lines high, the highest line first. */
export function areaChart(values: readonly number[], columns: number, rows: number, highest: number): string[] {
  const heights = Array.from({ length: columns }, (_, column) => {
    const from = Math.floor(column * values.length / columns);
    const to = Math.max(from + 1, Math.floor((column + 1) * values.length / columns));
    const value = Math.max(0, ...values.slice(from, to));
    const eighths = highest === 0 ? 0 : Math.round(Math.min(1, value / highest) * rows * 8);
    return value === 0 ? 0 : Math.max(1, eighths); // anything above nothing is at least visible
  });
  return Array.from({ length: rows }, (_, row) => {
    const below = (rows - 1 - row) * 8;
    return heights.map((height) => EIGHTHS[Math.min(8, Math.max(0, height - below))]).join("");
  });
}
