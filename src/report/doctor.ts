/**
 * The file of `doctor`, `hakmem.doctor/1`, and its text: the answer in one line, then a row a fact: its value, what it
 * means for a measurement, and what to do about it.
 *
 * @module
 */
import * as v from "valibot";
import { wrap } from "./tables/format.ts";
import { csvTable, markdownTable } from "./tables/rows.ts";
import { EnvironmentSchema } from "../model/results.ts";
import { textTable } from "./tables/text_table.ts";
import { type Palette, PLAIN } from "./tables/palette.ts";
import { readChecked } from "../model/values.ts";

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
 * @throws FileValueError if it is not one; the message names the first value that is wrong.
 */
export function parseDoctorFile(text: string): DoctorFile {
  return readChecked(DoctorFileSchema, text);
}

const HEAD = ["", "fact", "value", "what it means, and what to do"];
const COLUMNS = HEAD.map((head) => ({ head, isNumeric: false }));
const MARKS = { ok: "ok", warning: "!", note: "" };

/** The fact that is the answer itself: nothing that disturbs. */
export const NOISE_FLOOR = "noise floor";

/** The text; colours from `palette`. */
export function renderDoctor(file: DoctorFile, palette: Palette = PLAIN): string {
  const rows = file.facts.map(({ fact, value, state, meaning, advice }) => {
    const mark = state === "warning" ? palette.red : palette.green;
    const name = state === "warning" ? palette.bold(fact) : fact;
    return [mark(MARKS[state]), name, value, advice === undefined ? meaning : `${meaning}\n-> ${advice}`];
  });
  return `${wrap(doctorHeadline(file), palette.columns).map(palette.bold).join("\n")}\n\n${
    textTable(COLUMNS, rows, palette, 2)
  }\n`;
}

/** The same as Markdown. */
export function renderDoctorMarkdown(file: DoctorFile): string {
  const rows = file.facts.map(({ fact, value, state, meaning, advice }) => {
    return [MARKS[state], fact, value, `${meaning}${advice === undefined ? "" : `; ${advice}`}`];
  });
  return `**${doctorHeadline(file)}**\n\n${markdownTable(HEAD, rows)}`;
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
