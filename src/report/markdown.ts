/**
 * A result file as Markdown: the result in words, the table, and where it was measured.
 *
 * @module
 */
import { expectationLine } from "./expectation.ts";
import { librariesOf, parametersOf } from "./format.ts";
import { headline } from "./headline.ts";
import type { ResultFile } from "./schema.ts";
import { cells, COLUMNS } from "./table.ts";

/** The document's text. */
export function renderMarkdown(file: ResultFile): string {
  const { results, environment, rounds, notes, warnings, expectations } = file;
  const rule = COLUMNS.map((name) => name === "allocator" ? "---" : "---:");
  const rows = [[...COLUMNS], rule, ...results.map(cells)].map((row) => `| ${row.join(" | ")} |`);
  const remarks = [
    ...expectations.map(expectationLine),
    ...librariesOf(results),
    ...notes,
    ...warnings.map(({ code, message, advice }) => `${code}: ${message}; ${advice}`),
  ].map((remark) => `- ${remark.replaceAll("\n", " ")}`);
  const { cpu, cores, os, deno, v8, date, revision } = environment;
  return [
    `**${headline(file)}**`,
    "",
    ...rows,
    "",
    ...(remarks.length === 0 ? [] : [...remarks, ""]),
    `${results[0]?.workload ?? "nothing"} (${parametersOf(results)}), ${rounds.measured} rounds, slots of ` +
    `${rounds.slotMilliseconds} ms or one unit. ${cpu}, ${cores} cores, ${os}; Deno ${deno}, V8 ${v8}; ` +
    `revision ${revision}, ${date}.`,
    "",
  ].join("\n");
}
