/**
 * The sums of a heap as a few lines for people.
 *
 * @module
 */

import type { HeapStats } from "../inspect/stats.ts";

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** The text of `heap.stats("text")`. */
export function statsText(stats: HeapStats): string {
  const { liveBlocks, liveBytes, largeBlocks, largeBytes, chargedBytes, maxBytes, residentBytes, reservedBytes } =
    stats;
  const cached = sum(stats.classes.map((row) => row.cachedBlocks)),
    free = sum(stats.classes.map((row) => row.freeBlocks));
  const lines = [
    `${stats.variant}: ${count(liveBlocks, "live block")}, ${bytes(liveBytes)}`,
    `  large      ${count(largeBlocks, "block")}, ${bytes(largeBytes)}`,
    `  small      ${count(liveBlocks - largeBlocks, "block")}, ${bytes(liveBytes - largeBytes)} in ${
      count(stats.slabs, "slab")
    }; ` +
    `free: ${cached} cached, ${free} in slabs`,
    `  taken      ${bytes(chargedBytes)} of ${bytes(maxBytes)} (maxBytes)`,
    `  in memory  ${bytes(residentBytes)} of ${bytes(reservedBytes)} reserved`,
  ];
  return lines.join("\n");
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function count(value: number, what: string): string {
  return `${value} ${what}${value === 1 ? "" : "s"}`;
}

function bytes(value: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  const scaled = value / 1024 ** power;
  return `${Number.isInteger(scaled) ? scaled : scaled.toFixed(1)} ${UNITS[power]}`;
}
