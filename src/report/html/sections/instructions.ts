/**
 * What was counted instead of timed: instructions and cache misses of native peers, and how long our code is.
 *
 * @module
 */
import {
  CODE_COLUMNS,
  CODE_EXPLANATION,
  countedOf,
  INSTRUCTION_COLUMNS,
  instructionsExplanation,
} from "../../bench/instructions.ts";
import type { Column } from "../../tables/columns.ts";
import type { Result, ResultFile } from "../../../model/results.ts";
import type { Section } from "./section.ts";
import { renderTable } from "../table.ts";

/** The section; empty if nothing was counted. */
export function instructionsSection({ results }: ResultFile): Section {
  const { native, ours } = countedOf(results);
  const table = (caption: string, columns: readonly Column<Result>[], rows: readonly Result[]) =>
    rows.length === 0
      ? ""
      : renderTable({ caption, columns, rows: rows.map((result) => columns.map(({ cell }) => cell(result))) });
  return {
    id: "instructions",
    title: "Instructions and code",
    content: native.length + ours.length === 0 ? "" : [
      table(instructionsExplanation(native), INSTRUCTION_COLUMNS, native),
      table(CODE_EXPLANATION, CODE_COLUMNS, ours),
    ],
  };
}
