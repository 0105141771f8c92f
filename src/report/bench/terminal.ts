/**
 * A run for people: the result in one line of words, the table, the bars, what was expected, and who was left out.
 *
 * @module
 */
import { renderBars } from "../tables/bars.ts";
import { renderCounts } from "./counts.ts";
import { expectationLine } from "./expectation.ts";
import { answerLines } from "../doubts.ts";
import { librariesOf, parametersOf } from "../tables/format.ts";
import { headline } from "./headline.ts";
import type { ResultFile } from "../../model/results.ts";
import { sharingLines } from "./sharing.ts";
import { instructionLines } from "./instructions.ts";
import { latencyLines } from "./latency.ts";
import { type Palette, PLAIN, sentence } from "../tables/palette.ts";
import { renderTable } from "./table.ts";
import { workloadText } from "./workload.ts";

/** What goes to stdout. */
export function renderTerminal(file: ResultFile, palette: Palette = PLAIN): string {
  const { results, expectations, notes } = file;
  const parameters = results.length === 0 ? [] : [`${workloadText(results)}; ${parametersOf(results)}`];
  const lines = (text: string) => sentence(text, palette);
  const sections = [
    answerLines(headline(file), file, palette),
    parameters.flatMap(lines),
    results.length === 0 ? [] : [renderTable(results, palette)],
    results.length === 0 ? [] : [renderBars(results, palette)],
    librariesOf(results).flatMap(lines),
    file.counters === undefined ? [] : [renderCounts(file.counters, palette).trimEnd()],
    sharingLines(results).flatMap(lines),
    ...latencyLines(results, palette),
    ...instructionLines(results, palette),
    expectations.flatMap((expectation) =>
      lines(expectationLine(expectation)).map(expectation.verdict === "below" ? palette.red : String)
    ),
    notes.flatMap(lines),
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** What goes to stderr: each warning with its advice. */
export function renderWarnings({ warnings }: Pick<ResultFile, "warnings">): string {
  return warnings.map(({ code, message, advice }) => `warning ${code}: ${message}; ${advice}\n`).join("");
}
