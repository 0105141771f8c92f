/**
 * The files that a report is made of: told apart by their `schema`, checked, and named in messages when they are wrong.
 *
 * @module
 */
import * as v from "valibot";
import { type CompareFile, CompareFileSchema } from "../../model/compare.ts";
import { type ExplainFile, ExplainFileSchema } from "../../model/explain.ts";
import { type HistoryFile, HistoryFileSchema } from "../../model/history/file.ts";
import { type InspectFile, InspectFileSchema } from "../../model/inspect.ts";
import { type ResultFile, ResultFileSchema } from "../../model/results.ts";
import { checked, FileValueError, parseJson } from "../../model/values.ts";

/** A file that was read and is what it says. */
export type ReportInput =
  & {
    /** As the user named it. */
    readonly path: string;
    /** The file as it was, to be embedded. */
    readonly text: string;
  }
  & (
    | { readonly kind: "bench"; readonly file: ResultFile }
    | { readonly kind: "compare"; readonly file: CompareFile }
    | { readonly kind: "explain"; readonly file: ExplainFile }
    | { readonly kind: "history"; readonly file: HistoryFile }
    | { readonly kind: "inspect"; readonly file: InspectFile }
  );

/** A file that no report can be made of. */
export class ReportInputError extends Error {
  override name = "ReportInputError";
}

const KNOWN =
  "hakmem.results/1 (bench, replay), hakmem.compare/1, hakmem.explain/1, hakmem.history/1 or hakmem.inspect/1";

/**
 * Reads the text of a file.
 *
 * @throws ReportInputError if it is of no known schema, or not what its schema asks for; the message names the file and
 * the first field that is wrong.
 */
export function parseReportInput(path: string, text: string): ReportInput {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    if (!(error instanceof FileValueError)) throw error;
    throw new ReportInputError(`${path} is ${error.message}; a report is made of what --json writes, ${KNOWN}`);
  }
  const named = v.safeParse(v.object({ schema: v.string() }), value);
  const schema = named.success ? named.output.schema : undefined;
  switch (schema) {
    case "hakmem.results/1":
      return { path, text, kind: "bench", file: check(path, ResultFileSchema, value) };
    case "hakmem.compare/1":
      return { path, text, kind: "compare", file: check(path, CompareFileSchema, value) };
    case "hakmem.explain/1":
      return { path, text, kind: "explain", file: check(path, ExplainFileSchema, value) };
    case "hakmem.history/1":
      return { path, text, kind: "history", file: check(path, HistoryFileSchema, value) };
    case "hakmem.inspect/1":
      return { path, text, kind: "inspect", file: check(path, InspectFileSchema, value) };
  }
  const found = schema === undefined ? "has no field schema" : `has the schema ${schema}`;
  throw new ReportInputError(`${path} ${found}: a report is made of ${KNOWN}`);
}

/** @throws ReportInputError if it is not what its schema asks for, or so much of it that no page shows it. */
function check<Schema extends v.GenericSchema>(path: string, schema: Schema, value: unknown): v.InferOutput<Schema> {
  try {
    blameLength(value);
    return checked(schema, value);
  } catch (error) {
    if (error instanceof FileValueError) throw new ReportInputError(`${path}: ${error.message}`);
    throw error;
  }
}

/** Looked at before all values are: each has a mark of its own in a chart, and a row in a table. */
function blameLength(value: unknown): void {
  const lists = v.safeParse(
    v.looseObject({ results: Lists, rows: List, slots: List, commits: List, comparisons: List }),
    value,
  );
  if (!lists.success) return; // of another form, as will be said
  const { results, rows, slots, commits, comparisons } = lists.output;
  const samples = results.reduce((sum, { samples = [] }) => sum + samples.length, 0);
  const counts = [
    ["results", results.length, MOST.results],
    ["samples", samples, MOST.samples],
    ["rows", rows.length, MOST.rows],
    ["slots", slots.length, MOST.slots],
    ["commits", commits.length, MOST.commits],
    ["comparisons", comparisons.length, MOST.comparisons],
  ] as const;
  const beyond = counts.find(([, count, most]) => count > most);
  if (beyond === undefined) return;
  const [what, count, most] = beyond;
  throw new FileValueError(`${count} ${what} are more than a page can show, ${most}: measure in several runs`);
}

const List = v.optional(v.array(v.unknown()), []);
const Lists = v.optional(v.array(v.looseObject({ samples: v.optional(v.array(v.unknown())) })), []);

/** More than any run has whose table can be read: 9 sizes, 8 contestants and 5 numbers of threads are 360 results. */
const MOST = { results: 500, samples: 50_000, rows: 100, slots: 20_000, commits: 2000, comparisons: 500 };
