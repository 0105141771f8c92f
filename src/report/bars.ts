/**
 * A bar chart for a terminal: throughput by size and number of threads, one bar for each contestant, in eighths of a
 * character. All bars share one scale, so sizes can be compared too. The do-nothing allocators are left out: they would set the scale.
 *
 * @module
 */
import { byPlace, mops, nameOf } from "./format.ts";
import type { Result } from "./schema.ts";
import { type Palette, PLAIN } from "./table.ts";

const BAR_COLUMNS = 60;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** The chart's text. */
export function renderBars(results: readonly Result[], palette: Palette = PLAIN): string {
  const shown = results.filter(({ runtime }) => runtime !== "harness");
  const fastest = Math.max(...shown.map(({ opsPerSecond }) => opsPerSecond.median));
  const nameColumns = Math.max(...shown.map((result) => nameOf(result).length));
  const blocks = byPlace(shown).map(({ heading, results }) => {
    const bars = results.map((result) => {
      const { runtime, opsPerSecond: { median } } = result;
      const drawn = bar(median / fastest);
      const line = `  ${nameOf(result).padEnd(nameColumns)} ${runtime === "deno" ? palette.green(drawn) : drawn}`;
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
