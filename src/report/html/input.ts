/**
 * The files that a report is made of: told apart by their `schema`, checked, and named in messages when they are wrong.
 *
 * @module
 */
import * as v from "valibot";
import { type CompareFile, CompareFileSchema } from "../compare_schema.ts";
import { type ExplainFile, ExplainFileSchema } from "../explain_schema.ts";
import { type InspectFile, InspectFileSchema } from "../inspect_schema.ts";
import { type ResultFile, ResultFileSchema } from "../schema.ts";

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
    | { readonly kind: "inspect"; readonly file: InspectFile }
  );

/** A file that no report can be made of. */
export class ReportInputError extends Error {
  override name = "ReportInputError";
}

const KNOWN = "hakmem.results/1 (bench, replay), hakmem.compare/1, hakmem.explain/1 or hakmem.inspect/1";

/**
 * Reads the text of a file.
 *
 * @throws ReportInputError if it is of no known schema, or not what its schema asks for; the message names the file and
 * the first field that is wrong.
 */
export function parseReportInput(path: string, text: string): ReportInput {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ReportInputError(`${path} is not JSON: a report is made of what --json writes, ${KNOWN}`);
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
    case "hakmem.inspect/1":
      return { path, text, kind: "inspect", file: check(path, InspectFileSchema, value) };
  }
  const found = schema === undefined ? "has no field schema" : `has the schema ${schema}`;
  throw new ReportInputError(`${path} ${found}: a report is made of ${KNOWN}`);
}

function check<Schema extends v.GenericSchema>(path: string, schema: Schema, value: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new ReportInputError(`${path}: field ${v.getDotPath(issue) ?? "(whole file)"}: ${issue.message}`);
}
