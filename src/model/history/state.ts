/**
 * What is kept of a history that is not done, `hakmem.history-state/1`: the comparisons that were made, by which it goes
 * on where it was. It belongs to one range of one tree, on one machine, with one workload: all of that is its key.
 *
 * @module
 */
import * as v from "valibot";
import { FoundSchema } from "./file.ts";
import { Count, readChecked } from "../values.ts";

/** What must be the same for comparisons to be taken over. */
const KeySchema = v.object({
  tree: v.string(),
  since: v.string(),
  until: v.string(),
  variant: v.exactOptional(v.string()),
  workload: v.string(),
  /** A set for each size. */
  parameters: v.array(v.record(v.string(), Count)),
  threads: Count,
  slotMilliseconds: Count,
  looks: v.array(Count),
  /** SHA-256 of the trace that is replayed. */
  trace: v.exactOptional(v.string()),
  /** The processor, the system and Deno. */
  machine: v.string(),
});

export const HistoryStateSchema = v.object({
  schema: v.literal("hakmem.history-state/1"),
  key: KeySchema,
  /** Whether nothing is left to do; what was inconclusive then is measured again, when somebody asks again. */
  finished: v.boolean(),
  /** By their hashes. */
  comparisons: v.array(v.object({ a: v.string(), b: v.string(), found: FoundSchema })),
  /** Revisions that do not run, and why. */
  skipped: v.record(v.string(), v.string()),
});

export type HistoryKey = v.InferOutput<typeof KeySchema>;
export type HistoryState = v.InferOutput<typeof HistoryStateSchema>;

/**
 * Reads what was kept.
 *
 * @throws FileValueError if it is something else; the message names the first value that is wrong.
 */
export function parseHistoryState(text: string): HistoryState {
  return readChecked(HistoryStateSchema, text);
}
