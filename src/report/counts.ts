/**
 * Counts of a counting build as a table: the share of fast frees, and what was reached per million frees.
 *
 * @module
 */
import Table from "cli-table3";
import * as v from "valibot";
import { LINES, type Palette, PLAIN } from "./table.ts";

/** The counts of one unit of a workload. */
export const CountsRowSchema = v.object({
  workload: v.string(),
  variant: v.string(),
  size: v.number(),
  counts: v.object({
    mallocs: v.number(),
    frees: v.number(),
    fastFrees: v.number(),
    slowFrees: v.number(),
    frontGateCalls: v.number(),
    registryLookups: v.number(),
    mincoreCalls: v.number(),
    headerRejects: v.number(),
    refills: v.number(),
    spills: v.number(),
    remoteFrees: v.number(),
    slabsTaken: v.number(),
    slabsReturned: v.number(),
  }),
});

/** The counts of one unit of a workload. */
export type CountsRow = v.InferOutput<typeof CountsRowSchema>;

const PER_MILLION = ["registryLookups", "mincoreCalls", "headerRejects", "refills", "spills"] as const;
const HEAD = ["size", "variant", "fast frees", "registry", "mincore", "rejects", "refills", "spills"];

/** The table; all columns behind the share are per million frees. */
export function renderCounts(rows: readonly CountsRow[], palette: Palette = PLAIN): string {
  const table = new Table({
    head: HEAD.map((name) => palette.bold(name)),
    colAligns: ["right", "left", "right", "right", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
    chars: LINES,
  });
  for (const { size, variant, counts } of rows) {
    const share = counts.frees === 0 ? "" : `${(100 * counts.fastFrees / counts.frees).toFixed(2)} %`;
    const perMillion = PER_MILLION.map((name) =>
      counts.frees === 0 ? "" : String(Math.round(1e6 * counts[name] / counts.frees))
    );
    table.push([String(size), variant, share, ...perMillion]);
  }
  const text = table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
  return `counted in one unit, from a counting build; behind the share of fast frees: per million frees\n\n${text}\n`;
}
