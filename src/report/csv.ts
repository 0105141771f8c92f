/**
 * Results as CSV (RFC 4180, but lines end in \n): one row for each contestant, size, number of threads
 * and round, so that nothing is lost.
 *
 * @module
 */
import { nameOf } from "./format.ts";
import { csvTable } from "./rows.ts";
import type { ResultFile } from "./schema.ts";

const COLUMNS = [
  "workload",
  "allocator",
  "runtime",
  "host",
  "size",
  "threads",
  "round",
  "ns_per_op",
  "ops_per_second",
  "heaps",
  "slowest_thread_ops_per_second",
  "fastest_thread_ops_per_second",
  "label",
];

/** The file's text. */
export function renderCsv({ results }: Pick<ResultFile, "results">): string {
  const rows = results.flatMap((result) => {
    const { heaps = "", threadSamples = [] } = result;
    const ofThreads = (pick: typeof Math.min, round: number) =>
      threadSamples.length === 0 ? "" : pick(...threadSamples.map((samples) => samples[round]!));
    return result.samples.map((sample, round) => [
      result.workload,
      result.allocator,
      result.runtime,
      result.host,
      result.size,
      result.threads,
      round + 1,
      sample,
      1e9 / sample,
      heaps,
      ofThreads(Math.min, round),
      ofThreads(Math.max, round),
      nameOf(result),
    ]);
  });
  return csvTable(COLUMNS, rows);
}
