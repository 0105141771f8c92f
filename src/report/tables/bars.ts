/**
 * A bar chart for a terminal: throughput by size and number of threads, one bar for each contestant, in eighths of a
 * character. A name that is too long stands above its bar. All bars share one scale, so sizes can be compared too. The
 * do-nothing allocators are left out: they would set the scale.
 *
 * @module
 */
import { bySetting, mops, nameOf, wrap } from "./format.ts";
import type { Result } from "../../model/results.ts";
import { type Palette, PLAIN } from "./palette.ts";

const MOST_BAR_COLUMNS = 60;
const MOST_NAME_COLUMNS = 24; // a longer name has a line of its own
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** The chart's text. */
export function renderBars(results: readonly Result[], palette: Palette = PLAIN): string {
  const shown = results.filter(({ runtime }) => runtime !== "harness");
  const medians = shown.map(({ opsPerSecond }) => opsPerSecond.median);
  const fastest = Math.max(...medians);
  const figureColumns = Math.max(...medians.map((median) => mops(median).length));
  const chart = nameColumn(shown.map(nameOf));
  const barColumns = Math.min(MOST_BAR_COLUMNS, palette.columns - chart.columns - 2 - figureColumns);
  const blocks = bySetting(shown).map(({ heading, results }) => {
    const bars = results.flatMap((result) => {
      const { runtime, opsPerSecond: { median } } = result;
      const drawn = bar(median / fastest, barColumns);
      const { above, start } = chart.lineOf(nameOf(result), palette.columns);
      return [...above, `${start} ${runtime === "deno" ? palette.green(drawn) : drawn} ${mops(median)}`];
    });
    return [`${heading}, M ops/s`, ...bars].join("\n");
  });
  return blocks.join("\n");
}

/** The names on the left of a chart, as wide as the longest that fits there. */
export function nameColumn(names: readonly string[]): {
  /** How wide it is, with the space before it. */
  readonly columns: number;
  /** The start of a name's line, and the lines above it, of at most `columns`, if the name is too long. */
  readonly lineOf: (name: string, columns: number) => { above: string[]; start: string };
} {
  const widest = Math.max(0, ...names.map(({ length }) => length).filter((length) => length <= MOST_NAME_COLUMNS));
  return {
    columns: widest + 2,
    lineOf(name, columns) {
      if (name.length <= widest) return { above: [], start: `  ${name.padEnd(widest)}` };
      return { above: wrap(name, columns - 2).map((line) => `  ${line}`), start: " ".repeat(widest + 2) };
    },
  };
}

/** A bar of a share of the full width; anything above nothing is at least visible. */
function bar(share: number, columns: number): string {
  const eighths = Math.max(1, Math.round(share * columns * 8));
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}
