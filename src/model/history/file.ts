/**
 * The file of `history`, `hakmem.history/1`, and the types that follow from it: the commits of a range, the comparisons
 * between some of them, where throughput changed, and the curve.
 *
 * Commits are oldest first, and everywhere else a commit is its index in that list. Ratios are of throughput, the later
 * commit's over the earlier one's, so below 1 the later one is slower; of the curve, over the first commit that was
 * measured.
 *
 * @module
 */
import * as v from "valibot";
import { CompareRowSchema, VerdictSchema } from "../compare.ts";
import { EnvironmentSchema, TraceSchema, WarningSchema } from "../results.ts";
import { consistent, Count, RatioSchema, Share, Threads } from "../values.ts";

const Hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{40,64}$/, "not a full hash"));

/** A commit of the range. */
const CommitSchema = v.object({
  hash: Hash,
  subject: v.string(),
  author: v.string(),
  /** When its author made it, ISO 8601. */
  date: v.string(),
  /** Parents: more than one if it is a merge. */
  parents: Count,
  /** What is measured: commits with the same number have the same sources of the heap. */
  source: Count,
  /** Why it could not be measured; absent where it could, and where nobody tried. */
  skipped: v.exactOptional(v.string()),
});

/** One size of a comparison, as `compare` judges it; its samples are not kept. */
export const HistoryRowSchema = v.omit(CompareRowSchema, ["samples"]);

/** What one comparison found; its A is the earlier commit. */
export const FoundSchema = v.object({
  /** The first of these that any row has: regression, improvement, inconclusive. Equivalent if none has one. */
  verdict: VerdictSchema,
  /** The level of all rows together. */
  level: Share,
  rows: v.pipe(v.array(HistoryRowSchema), v.nonEmpty("there is no row")),
  rounds: v.object({ measured: Count, discarded: Count, disturbed: Count }),
  /** When it was measured. */
  date: v.string(),
  warnings: v.array(WarningSchema),
});

/** A comparison of two commits, and what it was for. */
const ComparisonSchema = v.object({
  ...FoundSchema.entries,
  a: Count,
  b: Count,
  /** Of the ends of a range, of its start with a commit in the middle, or of the commit that was found with the one before. */
  purpose: v.picklist(["ends", "middle", "confirmation"]),
  /** Whether it was made in an earlier run of the same history. */
  kept: v.boolean(),
});

/** Where throughput changed, or may have. */
const ChangeSchema = v.object({
  /** Inconclusive where it is not known whether anything changed. */
  verdict: VerdictSchema,
  /**
   * How much is known. `commit`: it is the commit `to`, which was compared with the one before. `range`: one or more
   * commits after `from`, up to `to`, which cannot be told apart. `gradual`: they differ from `from` together, and none of
   * them from the one before. `undecided`: whether they differ at all.
   */
  certainty: v.picklist(["commit", "range", "gradual", "undecided"]),
  from: Count,
  to: Count,
  /** The comparison that says so. */
  comparison: Count,
});

/** A measured commit's throughput over that of the first one that was measured. */
const PointSchema = v.object({
  commit: Count,
  rows: v.array(v.object({ size: Count, threads: Threads, ...RatioSchema.pipe[0].entries })),
});

const HistoryFileFields = v.object({
  schema: v.literal("hakmem.history/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  /** The folder whose history it is. */
  tree: v.string(),
  /** What every revision was run with; each has its own default if absent. */
  variant: v.exactOptional(v.string()),
  workload: v.string(),
  /** What was replayed, if the workload is a trace. */
  trace: v.exactOptional(TraceSchema),
  commits: v.pipe(v.array(CommitSchema), v.nonEmpty("there is no commit")),
  comparisons: v.array(ComparisonSchema),
  changes: v.array(ChangeSchema),
  curve: v.array(PointSchema),
  /** A regression if there is one, then inconclusive, then an improvement, then equivalent. */
  verdict: VerdictSchema,
  /** Whether it was stopped before it was done. */
  interrupted: v.exactOptional(v.boolean()),
  /** Where it is kept. */
  state: v.string(),
  notes: v.array(v.string()),
  warnings: v.array(WarningSchema),
});

/** A whole history. */
export const HistoryFileSchema = v.pipe(
  HistoryFileFields,
  consistent(({ commits, comparisons, changes, curve }, blame) => {
    const indexes: [path: (string | number)[], index: number, count: number][] = [
      ...comparisons.flatMap(({ a, b }, at) => [["comparisons", at, "a", a], ["comparisons", at, "b", b]] as const),
      ...changes.flatMap(({ from, to }, at) => [["changes", at, "from", from], ["changes", at, "to", to]] as const),
      ...curve.map(({ commit }, at) => ["curve", at, "commit", commit] as const),
    ].map(([list, at, name, index]) => [[list, at, name], index, commits.length]);
    indexes.push(...changes.map(({ comparison }, at): typeof indexes[number] => [
      ["changes", at, "comparison"],
      comparison,
      comparisons.length,
    ]));
    for (const [path, index, count] of indexes) {
      if (index >= count) blame(path, `${index} of ${count}`);
    }
    for (const [at, { a, b, rows }] of comparisons.entries()) {
      if (a >= b) blame(["comparisons", at, "b"], `${b} does not come after ${a}`);
      for (const [row, { ratio, low, high }] of rows.entries()) {
        if (!(low <= ratio && ratio <= high)) {
          blame(["comparisons", at, "rows", row, "ratio"], `${ratio} is not between ${low} and ${high}`);
        }
      }
    }
  }),
);

export type HistoryFile = v.InferOutput<typeof HistoryFileSchema>;
export type HistoryCommit = v.InferOutput<typeof CommitSchema>;
export type HistoryComparison = v.InferOutput<typeof ComparisonSchema>;
export type HistoryChange = v.InferOutput<typeof ChangeSchema>;
export type HistoryRow = v.InferOutput<typeof HistoryRowSchema>;
export type Found = v.InferOutput<typeof FoundSchema>;
