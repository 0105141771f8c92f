/**
 * Counts of a counting build as tables: the share of fast frees, and what was reached per million frees.
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
    // Files written before these were counted have none.
    locksTaken: v.optional(v.number()),
    lockWaits: v.optional(v.number()),
    lockRetries: v.optional(v.number()),
    lockPauses: v.optional(v.number()),
    rollbacks: v.optional(v.number()),
    spansTaken: v.optional(v.number()),
    spansGiven: v.optional(v.number()),
  }),
});

/** The counts of one unit of a workload. */
export type CountsRow = v.InferOutput<typeof CountsRowSchema>;

type Counts = CountsRow["counts"];

/** A column: what it says of the counts, per million frees. */
const PER_MILLION: readonly [name: string, count: (counts: Counts) => number][] = [
  ["registry", ({ registryLookups }) => registryLookups],
  ["mincore", ({ mincoreCalls }) => mincoreCalls],
  ["rejects", ({ headerRejects }) => headerRejects],
  ["refills", ({ refills }) => refills],
  ["spills", ({ spills }) => spills],
  ["spans", ({ spansTaken = 0, spansGiven = 0 }) => spansTaken + spansGiven],
];
/** Of heaps that several threads have: others take no lock. */
const LOCKS: typeof PER_MILLION = [
  ["locks", ({ locksTaken = 0 }) => locksTaken],
  ["waits", ({ lockWaits = 0 }) => lockWaits],
  ["retries", ({ lockRetries = 0 }) => lockRetries],
  ["pauses", ({ lockPauses = 0 }) => lockPauses],
  ["rollbacks", ({ rollbacks = 0 }) => rollbacks],
];

/** The tables; all columns behind the share are per million frees. That of locks is there if any was taken. */
export function renderCounts(rows: readonly CountsRow[], palette: Palette = PLAIN): string {
  const text = "counted in one unit, from a counting build; behind the share of fast frees: per million frees;\n" +
    `spans are taken from the page heap, and given back to it\n\n${countsTable(rows, PER_MILLION, palette)}\n`;
  const locked = rows.filter(({ counts }) => (counts.locksTaken ?? 0) > 0);
  if (locked.length === 0) return text;
  return text +
    `\nlocks of heaps that several threads have: those that were not free at the first try, the tries after\n` +
    `that which failed, and the times that the processor was given away\n\n${countsTable(locked, LOCKS, palette)}\n`;
}

function countsTable(rows: readonly CountsRow[], columns: typeof PER_MILLION, palette: Palette): string {
  const table = new Table({
    head: ["size", "variant", "fast frees", ...columns.map(([name]) => name)].map((name) => palette.bold(name)),
    colAligns: ["right", "left", "right", ...columns.map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
    chars: LINES,
  });
  for (const { size, variant, counts } of rows) {
    const share = counts.frees === 0 ? "" : `${(100 * counts.fastFrees / counts.frees).toFixed(2)} %`;
    const perMillion = columns.map(([, count]) =>
      counts.frees === 0 ? "" : String(Math.round(1e6 * count(counts) / counts.frees))
    );
    table.push([String(size), variant, share, ...perMillion]);
  }
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}
