/**
 * The result of a file in one line, which comes first in a report, in the words of the terminal.
 *
 * @module
 */
import { compareHeadline } from "../compare.ts";
import { explainHeadline } from "../explain.ts";
import { headline } from "../bench/headline.ts";
import { historyHeadline } from "../history.ts";
import { inspectHeadline } from "../traces/inspect.ts";
import { replayHeadline } from "../traces/replay_answer.ts";
import type { ReportInput } from "./input.ts";

/** The line, without its end. */
export function headlineOf(input: ReportInput): string {
  switch (input.kind) {
    case "bench":
      return input.file.trace === undefined ? headline(input.file) : replayHeadline(input.file);
    case "compare":
      return compareHeadline(input.file);
    case "explain":
      return explainHeadline(input.file);
    case "history":
      return historyHeadline(input.file);
    case "inspect":
      return inspectHeadline(input.file);
  }
}
