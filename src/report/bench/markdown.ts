/**
 * A result file as Markdown: the result in words, the table, and where it was measured.
 *
 * @module
 */
import { expectationLine } from "./expectation.ts";
import { counted, librariesOf, parametersOf } from "../tables/format.ts";
import { headline } from "./headline.ts";
import { loopsLines } from "./loops.ts";
import { instructionsMarkdown } from "./instructions.ts";
import { latencyMarkdown } from "./latency.ts";
import { processorOf } from "../processor.ts";
import { sharingLines } from "./sharing.ts";
import type { ResultFile } from "../../model/results.ts";
import { columnsOf } from "./table.ts";
import { workloadText } from "./workload.ts";

/** The document's text. */
export function renderMarkdown(file: ResultFile): string {
  const { results, environment, rounds, notes, warnings, expectations } = file;
  const columns = columnsOf(results);
  const head = columns.map((column) => column.head), rule = columns.map((column) => column.isNumeric ? "---:" : "---");
  const cells = results.map((result) => columns.map((column) => column.cell(result)));
  const rows = [head, rule, ...cells].map((row) => `| ${row.join(" | ")} |`);
  const remarks = [
    ...loopsLines(results),
    ...sharingLines(results),
    ...expectations.map(expectationLine),
    ...librariesOf(results),
    ...notes,
    ...warnings.map(({ code, message, advice }) => `${code}: ${message}; ${advice}`),
  ].map((remark) => `- ${remark.replaceAll("\n", " ")}`);
  const { cores, os, deno, v8, date, revision } = environment;
  return [
    `**${headline(file)}**`,
    "",
    ...rows,
    "",
    ...latencyMarkdown(results),
    ...instructionsMarkdown(results),
    ...(remarks.length === 0 ? [] : [...remarks, ""]),
    `${workloadText(results)}; ${parametersOf(results)}; ${counted(rounds.measured, "round")}, turns of ` +
    `${rounds.slotMilliseconds} ms or one unit. ${processorOf(environment)}, ${
      counted(cores, "core")
    }, ${os}; Deno ${deno}, V8 ${v8}; ` +
    `revision ${revision}, ${date}.`,
    "",
  ].join("\n");
}
