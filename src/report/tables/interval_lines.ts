/**
 * Intervals for a terminal, a line each, all on one scale: `├──●─┤`, with a line where nothing differs.
 *
 * @module
 */

/** An estimate and its bounds. */
export interface Estimated {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Draws estimates in lines of `columns` characters.
 *
 * @param level Where nothing differs; it is on the scale whatever the intervals are.
 */
export function intervalLines(estimates: readonly Estimated[], columns: number, level: number): string[] {
  const least = Math.min(level, ...estimates.map(({ low }) => low));
  const most = Math.max(level, ...estimates.map(({ high }) => high));
  const columnOf = (value: number) =>
    most === least ? Math.floor(columns / 2) : Math.round((value - least) / (most - least) * (columns - 1));
  return estimates.map(({ value, low, high }) => {
    const cells = new Array<string>(columns).fill(" ");
    cells[columnOf(level)] = "│";
    const [from, to] = [columnOf(low), columnOf(high)];
    for (let at = from + 1; at < to; at++) cells[at] = "─";
    if (from < to) {
      cells[from] = "├";
      cells[to] = "┤";
    }
    cells[columnOf(value)] = "●";
    return cells.join("").trimEnd();
  });
}
