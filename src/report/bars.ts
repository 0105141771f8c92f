/**
 * A bar chart for a terminal: throughput by size and number of threads, one bar for each contestant, in eighths of a
 * character. A name that is too long stands above its bar. All bars share one scale, so sizes can be compared too. The do-nothing allocators are left out: they would set the scale.
 *
 * @module
 */
import { byPlace, mops, nameOf } from "./format.ts";
import type { Result } from "./schema.ts";
import { type Palette, PLAIN } from "./table.ts";

const BAR_COLUMNS = 60;
const NAME_COLUMNS = 24; // a longer name has a line of its own
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** The chart's text. */
export function renderBars(results: readonly Result[], palette: Palette = PLAIN): string {
  const shown = results.filter(({ runtime }) => runtime !== "harness");
  const fastest = Math.max(...shown.map(({ opsPerSecond }) => opsPerSecond.median));
  const names = shown.map((result) => nameOf(result).length).filter((columns) => columns <= NAME_COLUMNS);
  const nameColumns = Math.max(0, ...names);
  const blocks = byPlace(shown).map(({ heading, results }) => {
    const bars = results.map((result) => {
      const { runtime, opsPerSecond: { median } } = result;
      const drawn = bar(median / fastest);
      const name = nameOf(result), isLong = name.length > nameColumns;
      const start = isLong ? `  ${name}\n  ${" ".repeat(nameColumns)}` : `  ${name.padEnd(nameColumns)}`;
      const line = `${start} ${runtime === "deno" ? palette.green(drawn) : drawn}`;
      return `${line} ${mops(median)}`;
    });
    return [`${heading}, M ops/s`, ...bars].join("\n");
  });
  return blocks.join("\n");
}

/** A bar of a share of the full width; anything above nothing is at least visible. */
function bar(share: number): string {
  const eighths = Math.max(1, Math.round(share * BAR_COLUMNS * 8));
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}
