/**
 * `doctor --witness` as text: the answer in one line, then a row for each workload
 * and allocator: what an operation takes in the twin and in the witness, and the ratio of the two.
 *
 * @module
 */
import { type Column, csvOf, markdownOf, numbers, terminalTable, words } from "./tables/columns.ts";
import { bounds, nanoseconds, times } from "./tables/format.ts";
import { answer, type Palette, PLAIN } from "./tables/palette.ts";
import type { WitnessFile, WitnessRow } from "../model/doctor.ts";

const COLUMNS: readonly Column<WitnessRow>[] = [
  words("workload", ({ workload }) => workload),
  words("allocator", ({ allocator, label = allocator }) => label),
  numbers("twin ns", ({ twinNsPerOp }) => nanoseconds(twinNsPerOp)),
  numbers("witness ns", ({ witnessNsPerOp }) => nanoseconds(witnessNsPerOp)),
  numbers("ratio", ({ ratio }) => times(ratio)),
  numbers("interval", ({ low, high }) => bounds(low, high)),
  words("verdict", ({ verdict }) => verdict, ({ verdict }, { red }) => verdict === "agrees" ? String : red),
];

/** The text; colours from `palette`. */
export function renderWitness(file: WitnessFile, palette: Palette = PLAIN): string {
  return `${answer(witnessHeadline(file), palette).join("\n")}\n\n${terminalTable(COLUMNS, file.rows, palette, 2)}\n`;
}

/** The same as Markdown. */
export function renderWitnessMarkdown(file: WitnessFile): string {
  return `**${witnessHeadline(file)}**\n\n${markdownOf(COLUMNS, file.rows)}`;
}

/** A row for each workload and allocator: for other programs. */
export function renderWitnessCsv({ rows }: WitnessFile): string {
  return csvOf(
    ["workload", "allocator", "twinNsPerOp", "witnessNsPerOp", "ratio", "low", "high", "rounds", "verdict"],
    rows,
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
