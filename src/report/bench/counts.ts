/**
 * Counts of a counting build as tables: the share of fast frees, and what was reached per million frees.
 *
 * @module
 */
import { wrap } from "../tables/format.ts";
import { type Palette, PLAIN } from "../tables/palette.ts";
import { textTable } from "../tables/text_table.ts";
import { heapLabel } from "../tables/label.ts";
import type { CountsRow } from "../../model/counts.ts";

type Counts = CountsRow["counts"];

/** A column: what it says of the counts, per million frees. */
const PER_MILLION: readonly [name: string, count: (counts: Counts) => number][] = [
  ["registry", ({ registryLookups }) => registryLookups],
  ["mincore", ({ mincoreCalls }) => mincoreCalls],
  ["rejects", ({ headerRejects }) => headerRejects],
  ["refills", ({ refills }) => refills],
  ["set aside", ({ magazinesFilled = 0 }) => magazinesFilled],
  ["spills", ({ spills }) => spills],
  ["spans", ({ spansTaken = 0, spansGiven = 0 }) => spansTaken + spansGiven],
];
/** Of heaps that several threads have: others take no lock. */
const LOCKS: typeof PER_MILLION = [
  ["remote", ({ remoteFrees }) => remoteFrees],
  ["locks", ({ locksTaken = 0 }) => locksTaken],
  ["waits", ({ lockWaits = 0 }) => lockWaits],
  ["retries", ({ lockRetries = 0 }) => lockRetries],
  ["pauses", ({ lockPauses = 0 }) => lockPauses],
  ["rollbacks", ({ rollbacks = 0 }) => rollbacks],
];

/** The tables; all columns after the share are per million frees. That of locks is there if any could be taken. */
export function renderCounts(rows: readonly CountsRow[], palette: Palette = PLAIN): string {
  const isCrew = rows.some(({ threads }) => threads !== undefined);
  const what = isCrew ? "one unit, or four of each thread" : "one unit";
  const lines = (text: string) => wrap(text, palette.columns).join("\n");
  const text = `${lines(`counted in ${what}, from a counting build; ${COUNTED}`)}\n\n${
    countsTable(rows, PER_MILLION, palette)
  }\n`;
  const locked = rows.filter(({ counts, threads = 1 }) => threads > 1 || (counts.locksTaken ?? 0) > 0);
  if (locked.length === 0) return text;
  return `${text}\n${lines(LOCKED)}\n\n${countsTable(locked, LOCKS, palette)}\n`;
}

const COUNTED = "behind the share of fast frees: per million frees; spans are taken from and given to the page heap";
const LOCKED =
  "heaps that several threads have: frees of other threads' blocks, and locks; those that were not free at the first try, " +
  "the tries after that which failed, and the times that the processor was given away";

function countsTable(rows: readonly CountsRow[], columns: typeof PER_MILLION, palette: Palette): string {
  const hasThreads = rows.some(({ threads }) => threads !== undefined);
  const heads = [
    "size",
    ...(hasThreads ? ["threads"] : []),
    "allocator",
    "fast frees",
    ...columns.map(([name]) => name),
  ];
  const lines = rows.map(({ size, threads = 1, variant, counts }) => {
    const share = counts.frees === 0 ? "" : `${(100 * counts.fastFrees / counts.frees).toFixed(2)} %`;
    const perMillion = columns.map(([, count]) =>
      counts.frees === 0 ? "" : String(Math.round(1e6 * count(counts) / counts.frees))
    );
    return [String(size), ...(hasThreads ? [String(threads)] : []), heapLabel(variant), share, ...perMillion];
  });
  const keys = heads.indexOf("allocator") + 1;
  return textTable(heads.map((head) => ({ head, isNumeric: head !== "allocator" })), lines, palette, keys);
}
