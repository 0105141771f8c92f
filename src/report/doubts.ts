/**
 * What makes a result doubtful, in a line beside it, so that a reader of the first lines alone, or without stderr, knows
 * whether to believe them. The warnings themselves, with advice, are on stderr and in the files.
 *
 * @module
 */
import type { ResultFile } from "../model/results.ts";
import { answer, type Palette, sentence } from "./tables/palette.ts";

/** The first lines of a report: the answer, and what makes it doubtful. */
export function answerLines(text: string, file: Pick<ResultFile, "warnings">, palette: Palette): string[] {
  return [...answer(text, palette), ...doubts(file).flatMap((line) => sentence(line, palette))];
}

/** A line of words, or none: `noisy: intervals up to 31 % wide; load 3.00 on 2 cores`. */
function doubts({ warnings }: Pick<ResultFile, "warnings">): string[] {
  const briefs = Map.groupBy(
    warnings.flatMap(({ code, brief }) => brief === undefined ? [] : [{ code, brief }]),
    ({ code }) => code,
  );
  // Of several of a kind, the one with the highest figure.
  const worst = [...briefs.values()].map((kind) =>
    kind.map(({ brief }) => brief).toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }))[0]!
  );
  return worst.length === 0 ? [] : [`noisy: ${worst.join("; ")}`];
}
