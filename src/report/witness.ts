/**
 * `doctor --witness` as text: the answer in one line, then a row for each workload
 * and allocator: what an operation takes in the twin and in the witness, and the ratio of the two.
 *
 * @module
 */
import { bounds, nanoseconds, times, wrap } from "./tables/format.ts";
import { csvTable, markdownTable } from "./tables/rows.ts";
import { textTable } from "./tables/text_table.ts";
import { type Palette, PLAIN } from "./tables/palette.ts";
import type { WitnessFile, WitnessRow } from "../model/doctor.ts";

const HEAD = ["workload", "allocator", "twin ns", "witness ns", "ratio", "interval", "verdict"];
const COLUMNS = HEAD.map((head, column) => ({ head, isNumeric: column >= 2 && column < HEAD.length - 1 }));

/** The text; colours from `palette`. */
export function renderWitness(file: WitnessFile, palette: Palette = PLAIN): string {
  const rows = file.rows.map((row) => {
    const emphasis = row.verdict === "agrees" ? String : palette.red;
    return cells(row).map((cell, column) => column === HEAD.length - 1 ? emphasis(cell) : cell);
  });
  return `${wrap(witnessHeadline(file), palette.columns).map(palette.bold).join("\n")}\n\n${
    textTable(COLUMNS, rows, palette, 2)
  }\n`;
}

/** The same as Markdown. */
export function renderWitnessMarkdown(file: WitnessFile): string {
  return `**${witnessHeadline(file)}**\n\n${markdownTable(HEAD, file.rows.map(cells))}`;
}

/** A row for each workload and allocator: for other programs. */
export function renderWitnessCsv({ rows }: WitnessFile): string {
  return csvTable(
    ["workload", "allocator", "twinNsPerOp", "witnessNsPerOp", "ratio", "low", "high", "rounds", "verdict"],
    rows.map((
      { workload, allocator, twinNsPerOp, witnessNsPerOp, ratio, low, high, rounds, verdict },
    ) => [workload, allocator, twinNsPerOp, witnessNsPerOp, ratio, low, high, rounds, verdict]),
  );
}

/** Whether the lab's loops in C can be believed, and where they cannot. */
export function witnessHeadline({ rows, within }: Pick<WitnessFile, "rows" | "within">): string {
  const bound = `${Math.round(100 * within)} %`;
  const differing = rows.filter(({ verdict }) => verdict === "differs");
  const undecided = rows.filter(({ verdict }) => verdict === "undecided");
  const where = (some: readonly WitnessRow[]) =>
    some.map(({ workload, allocator, label, ratio }) => `${workload} with ${label ?? allocator} (${times(ratio)})`)
      .join(", ");
  const unknown = undecided.length === 0 ? "" : `not known of ${where(undecided)}: run it on a quieter machine`;
  if (differing.length > 0) {
    return `a defect of this lab: its loops in C take another time than plain C, by more than ${bound}, in ` +
      `${differing.length} of ${rows.length} cases: ${
        where(differing)
      }; what it says of native allocators is not to be ` +
      `believed there${unknown === "" ? "" : `; ${unknown}`}`;
  }
  if (undecided.length === rows.length) return unknown;
  return `the lab's loops in C take the time that plain C takes, within ${bound}, in ` +
    `${rows.length - undecided.length} of ${rows.length} cases${unknown === "" ? "" : `; ${unknown}`}`;
}

function cells(row: WitnessRow): string[] {
  const { workload, allocator, label = allocator, twinNsPerOp, witnessNsPerOp, ratio, low, high, verdict } = row;
  return [
    workload,
    label,
    nanoseconds(twinNsPerOp),
    nanoseconds(witnessNsPerOp),
    times(ratio),
    bounds(low, high),
    verdict,
  ];
}
