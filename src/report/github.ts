/**
 * What `gate` says to GitHub Actions: commands of a workflow on stdout, by which the run shows an annotation at the line
 * of the threshold, and a summary in Markdown. A threshold has one annotation, whatever its sizes are: GitHub shows ten
 * errors and ten warnings of a step.
 *
 * Source of the form and its escapes: GitHub, "Workflow commands for GitHub Actions", and `command.ts` of
 * `actions/toolkit`.
 *
 * @module
 */
import { counted, settingOf } from "./tables/format.ts";
import { visible, visibleMarkdown } from "./tables/visible.ts";
import { foundText, renderGateMarkdown } from "./gate.ts";
import type { GateFile, GateRow } from "../model/gate.ts";

/** A file of thresholds as the run's readers find it. */
export interface ThresholdFile {
  /** From the folder of the repository. */
  readonly path: string;
  readonly text: string;
}

/** The commands, a line each; empty if all thresholds hold. */
export function gateAnnotations({ rows, failures = [] }: GateFile, file: ThresholdFile): string {
  const thresholds = [...Map.groupBy(rows, ({ name }) => name)].flatMap(([name, those]) => {
    const failed = those.filter(({ verdict }) => verdict === "no-go");
    const undecided = those.filter(({ verdict }) => verdict === "undecided");
    const [level, title, shown] = failed.length > 0
      ? ["error", "NO-GO", failed] as const
      : ["warning", "UNDECIDED", undecided] as const;
    if (shown.length === 0) return [];
    const lines = shown.map(rowText);
    const others = those.length - shown.length;
    if (others > 0) lines.push(`${counted(others, "other row")}: see the summary`);
    return [
      command(level, { file: file.path, line: lineOf(file.text, name), title: `${title}: ${name}` }, lines.join("\n")),
    ];
  });
  const missing = failures.map(({ allocator, message }) =>
    command("error", { file: file.path, title: `not measured: ${allocator}` }, message)
  );
  return [...thresholds, ...missing].join("");
}

/** The command for what ended a gate before it had a result. */
export function failureAnnotation(message: string, path: string): string {
  return command("error", { file: path, title: "the gate was not measured" }, message);
}

/** What the page of the run shows: Markdown. */
export function gateSummary(file: GateFile): string {
  return visibleMarkdown(`### gate ${file.gate}\n\n${renderGateMarkdown(file)}\n`);
}

/** The line on which a threshold has its name, from 1; undefined if it is not found. */
export function lineOf(text: string, name: string): number | undefined {
  const names = text.matchAll(/"name"\s*:\s*("(?:[^"\\]|\\.)*")/g);
  const found = names.find((match) => JSON.parse(match[1]!) === name);
  return found === undefined ? undefined : text.slice(0, found.index).split("\n").length;
}

function rowText(row: GateRow): string {
  const { workload, size, threads = 1, measured, because } = row;
  return `${workload} ${settingOf({ size, threads })}: ${foundText(row)}${measured === null ? "" : `; ${because}`}`;
}

function command(
  level: "error" | "warning",
  properties: Readonly<Record<string, string | number | undefined>>,
  message: string,
): string {
  const given = Object.entries(properties).filter(([, value]) => value !== undefined);
  const list = given.map(([name, value]) => `${name}=${escaped(String(value), /[%\r\n:,]/g)}`).join(",");
  return `::${level} ${list}::${escaped(message, /[%\r\n]/g)}\n`;
}

/** What would end a property or a message is written as in a URL. */
function escaped(text: string, ending: RegExp): string {
  return visible(text.replaceAll(
    ending,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  ));
}
