/**
 * The file of `doctor`, `hakmem.doctor/1`, and its text: the answer in one line, then a row a fact: its value, what it
 * means for a measurement, and what to do about it. At most 100 columns wide.
 *
 * @module
 */
import Table from "cli-table3";
import * as v from "valibot";
import { wrap } from "./format.ts";
import { csvTable, markdownTable } from "./rows.ts";
import { EnvironmentSchema } from "./schema.ts";
import { LINES, type Palette, PLAIN } from "./table.ts";

/** One thing about the machine. */
const FactSchema = v.object({
  fact: v.string(),
  value: v.string(),
  /** `warning` disturbs measurements; `note` is good to know, or not known here. */
  state: v.picklist(["ok", "warning", "note"]),
  meaning: v.string(),
  /** What to do; absent if there is nothing to be done. */
  advice: v.exactOptional(v.string()),
});

/** What two processes of the same code differ by. */
const NoiseSchema = v.object({
  variant: v.string(),
  workload: v.string(),
  size: v.number(),
  /** Slots of one and of the other, taken in turns. */
  pairs: v.number(),
  slotMilliseconds: v.number(),
  /** The time of one over that of the other: the median of the pairs, with its interval. */
  ratio: v.object({ median: v.number(), low: v.number(), high: v.number() }),
  /** Of the interval, 0.99; less if there were too few pairs. */
  level: v.number(),
  /** What the interval does not exclude, as a share: smaller differences cannot be told here. */
  floor: v.number(),
  /** The median difference within a pair, as a share. */
  spread: v.number(),
  /** The share of the machine's time that its host took meanwhile; absent if the system does not say. */
  stolen: v.exactOptional(v.number()),
  /** The compilers of the code that ran. */
  tiers: v.array(v.string()),
});

const DoctorFileSchema = v.object({
  schema: v.literal("hakmem.doctor/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  noise: NoiseSchema,
  facts: v.array(FactSchema),
});

export type Fact = v.InferOutput<typeof FactSchema>;
export type Noise = v.InferOutput<typeof NoiseSchema>;
export type DoctorFile = v.InferOutput<typeof DoctorFileSchema>;

/**
 * Reads a file of `doctor`.
 *
 * @throws v.ValiError if it is not one; the message names the first field that is wrong.
 */
export function parseDoctorFile(text: string): DoctorFile {
  return v.parse(DoctorFileSchema, JSON.parse(text));
}

const COLUMNS = 100;
const MOST_VALUE_COLUMNS = 26;
const LEAST_MEANING_COLUMNS = 24; // values without spaces may be long
const MARKS = { ok: "ok", warning: "!", note: "" };

/** The fact that is the answer itself: nothing that disturbs. */
export const NOISE_FLOOR = "noise floor";

/** The text; colours from `palette`. */
export function renderDoctor(file: DoctorFile, palette: Palette = PLAIN): string {
  const rows = file.facts.map((each) => ({ ...each, values: wrap(each.value, MOST_VALUE_COLUMNS) }));
  const widths = [
    Math.max(...Object.values(MARKS).map((mark) => mark.length)),
    Math.max("fact".length, ...rows.map(({ fact }) => fact.length)),
    Math.max("value".length, ...rows.flatMap(({ values }) => values.map((value) => value.length))),
  ];
  const used = widths.reduce((sum, width) => sum + width + 3, 2); // two spaces of padding, and one between columns
  const meaningColumns = Math.max(LEAST_MEANING_COLUMNS, COLUMNS - used);
  const table = new Table({
    head: ["", "fact", "value", "what it means, and what to do"].map((name) => palette.bold(name)),
    style: { head: [], border: [], compact: true },
    chars: LINES,
  });
  for (const { fact, values, state, meaning, advice } of rows) {
    const text = wrap(meaning, meaningColumns);
    const todo = advice === undefined ? [] : wrap(`-> ${advice}`, meaningColumns);
    const mark = state === "warning" ? palette.red : palette.green;
    const name = state === "warning" ? palette.bold(fact) : fact;
    table.push([mark(MARKS[state]), name, values.join("\n"), [...text, ...todo].join("\n")]);
  }
  const lines = table.toString().split("\n").map((line) => line.trimEnd());
  const answer = wrap(doctorHeadline(file), COLUMNS).map(palette.bold).join("\n");
  return `${answer}\n\n${lines.join("\n")}\n`;
}

/** The same as Markdown. */
export function renderDoctorMarkdown(file: DoctorFile): string {
  const rows = file.facts.map(({ fact, value, state, meaning, advice }) => {
    return [MARKS[state], fact, value, `${meaning}${advice === undefined ? "" : `; ${advice}`}`];
  });
  return `**${doctorHeadline(file)}**\n\n${
    markdownTable(["", "fact", "value", "what it means, and what to do"], rows)
  }`;
}

/** A row a fact: for other programs. */
export function renderDoctorCsv({ facts }: DoctorFile): string {
  return csvTable(
    ["fact", "value", "state", "meaning", "advice"],
    facts.map(({ fact, value, state, meaning, advice = "" }) => [fact, value, state, meaning, advice]),
  );
}

/** What the machine can tell, and what disturbs it. */
export function doctorHeadline({ noise, facts }: Pick<DoctorFile, "noise" | "facts">): string {
  const able = `this machine can tell differences of about ${percent(noise.floor)} from noise`;
  const disturbing = facts.filter(({ fact, state }) => state === "warning" && fact !== NOISE_FLOOR)
    .map(({ fact }) => fact);
  if (disturbing.length === 0) return `${able}; nothing that is known disturbs it`;
  const count = disturbing.length === 1 ? "1 thing disturbs it" : `${disturbing.length} things disturb it`;
  return `${able}; ${count}: ${disturbing.join(", ")}`;
}

/** A share in per cent, two digits that count: `0.43 %`, `1.3 %`, `12 %`. */
export function percent(share: number): string {
  const value = 100 * share;
  const size = Math.abs(value);
  return `${size >= 10 ? value.toFixed(0) : size >= 1 ? value.toFixed(1) : value.toFixed(2)} %`;
}
