/**
 * The file of `doctor --witness`, `hakmem.witness/1`, and its text: the answer in one line, then a row for each workload
 * and allocator: what an operation takes in the twin and in the witness, and the ratio of the two.
 *
 * @module
 */
import * as v from "valibot";
import { bounds, nanoseconds, times, wrap } from "./tables/format.ts";
import { csvTable, markdownTable } from "./tables/rows.ts";
import { EnvironmentSchema } from "../model/results.ts";
import { textTable } from "./tables/text_table.ts";
import { type Palette, PLAIN } from "./tables/palette.ts";
import { readChecked } from "../model/values.ts";

/** One workload with one allocator. */
const WitnessRowSchema = v.object({
  workload: v.string(),
  /** What `--peer` calls it. */
  allocator: v.string(),
  /** What people read in its place: `mimalloc 3.4.3`; absent where it is the same. */
  label: v.exactOptional(v.string()),
  /** The library that served malloc to both, and what it says of its version. */
  library: v.string(),
  libraryVersion: v.exactOptional(v.string()),
  /** Nanoseconds per operation, the medians of the rounds. */
  twinNsPerOp: v.number(),
  witnessNsPerOp: v.number(),
  /** The twin's time over the witness's, with the bounds of its interval. */
  ratio: v.number(),
  low: v.number(),
  high: v.number(),
  rounds: v.number(),
  /** `agrees` and `differs`: the whole interval is within `within`, or beyond it. */
  verdict: v.picklist(["agrees", "differs", "undecided"]),
  /** By round: nanoseconds per operation of either, and the median of the ratios of slots that ran after one another. */
  samples: v.object({ twin: v.array(v.number()), witness: v.array(v.number()), ratio: v.array(v.number()) }),
});

const WitnessFileSchema = v.object({
  schema: v.literal("hakmem.witness/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  /** The seed of the order in which they took turns. */
  orderSeed: v.number(),
  /** How much the times may differ, as a share: 0.1 is from 1/1.1 to 1.1. */
  within: v.number(),
  /** Of each interval. */
  level: v.number(),
  rows: v.array(WitnessRowSchema),
  /** `differs` if any row does, else `undecided` if any is, else `agrees`. */
  verdict: WitnessRowSchema.entries.verdict,
});

export type WitnessRow = v.InferOutput<typeof WitnessRowSchema>;
export type WitnessFile = v.InferOutput<typeof WitnessFileSchema>;

/**
 * Reads a file of `doctor --witness`.
 *
 * @throws FileValueError if it is not one; the message names the first value that is wrong.
 */
export function parseWitnessFile(text: string): WitnessFile {
  return readChecked(WitnessFileSchema, text);
}

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
