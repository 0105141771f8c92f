/**
 * The result of a file in one line: what comes first in a report.
 *
 * @module
 */
import type { CompareFile } from "../compare_schema.ts";
import type { ExplainFile } from "../explain_schema.ts";
import { bounds, ratioWithBounds, times } from "../format.ts";
import { headline } from "../headline.ts";
import type { ReportInput } from "./input.ts";

/** The line, without its end. */
export function headlineOf(input: ReportInput): string {
  switch (input.kind) {
    case "bench":
      return headline(input.file);
    case "compare":
      return compareHeadline(input.file);
    case "explain":
      return explainHeadline(input.file);
  }
}

function compareHeadline({ a, b, verdict, rows, rounds }: CompareFile): string {
  const [first] = rows;
  if (first === undefined) return `${verdict}: ${b} against ${a}, of which nothing was measured`;
  const all = rows.map(({ ratio }) => ratio);
  const ratio = rows.length === 1 ? ratioWithBounds(first) : bounds(Math.min(...all), Math.max(...all));
  const sizes = rows.map(({ size }) => size).join(", ");
  const workloads = [...new Set(rows.map(({ workload }) => workload))].join(", ");
  return `${verdict}: ${b} runs ${workloads} ${ratio} times as fast as ${a}; ` +
    `${rows.length === 1 ? "size" : "sizes"} ${sizes}, ${rounds.measured} rounds`;
}

function explainHeadline({ a, b, workload, total, flags, unexplained }: ExplainFile): string {
  const confirmed = flags.filter(({ finding }) => finding === "confirmed");
  const causes = confirmed.length === 0
    ? `none of ${flags.length} flags is confirmed as a cause`
    : `confirmed: ${confirmed.map(({ flag, ratio }) => `${flag} (${times(ratio)})`).join(", ")}`;
  return `${b} runs ${workload} ${ratioWithBounds(total)} times as fast as ${a}; ${causes}; ` +
    `unexplained: ${times(unexplained.ratio)}`;
}
