/**
 * `doctor` as text: the answer in one line, then a row a fact: its value, what it
 * means for a measurement, and what to do about it.
 *
 * @module
 */
import { csvOf } from "./tables/columns.ts";
import { markdownTable } from "./tables/rows.ts";
import { textTable } from "./tables/text_table.ts";
import { answer, type Palette, PLAIN } from "./tables/palette.ts";
import type { DoctorFile } from "../model/doctor.ts";

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
  return `${answer(doctorHeadline(file), palette).join("\n")}\n\n${textTable(COLUMNS, rows, palette, 2)}\n`;
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
  return csvOf(["fact", "value", "state", "meaning", "advice"], facts);
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
