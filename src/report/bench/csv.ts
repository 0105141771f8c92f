/**
 * Results as CSV (RFC 4180, but lines end in \n): one row for each contestant, size, number of threads
 * and round, so that nothing is lost. Where single operations were timed, a row for each kind of them follows, in columns of
 * its own, without a round.
 *
 * @module
 */
import { nameOf } from "../tables/format.ts";
import { csvTable } from "../tables/rows.ts";
import type { ResultFile } from "../../model/results.ts";

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

/** The columns of single operations, where any were timed. */
const LATENCY_COLUMNS = [
  "operation",
  "blocks",
  "count",
  "p50_ns",
  "p99_ns",
  "p999_ns",
  "p9999_ns",
  "longest_ns",
  "longest_event",
  "cause",
];

/** The file's text. */
export function renderCsv({ results }: Pick<ResultFile, "results">): string {
  const isTimed = results.some(({ latency }) => latency !== undefined);
  const rows = results.flatMap((result) => {
    const { heaps = "", threadSamples = [], latency } = result;
    const { workload, allocator, runtime, host, size, threads } = result;
    const who = [workload, allocator, runtime, host, size, threads];
    const ofThreads = (pick: typeof Math.min, round: number) =>
      threadSamples.length === 0 ? "" : pick(...threadSamples.map((samples) => samples[round]!));
    const rounds = result.samples.map((sample, round) => [
      ...who,
      round + 1,
      sample,
      1e9 / sample,
      heaps,
      ofThreads(Math.min, round),
      ofThreads(Math.max, round),
      nameOf(result),
      ...(isTimed ? LATENCY_COLUMNS.map(() => "") : []),
    ]);
    const kinds = (latency?.operations ?? []).map((kind) => [
      ...who,
      ...["", "", "", heaps, "", "", nameOf(result)],
      ...[kind.operation, kind.blocks, kind.count],
      ...[kind.p50Ns, kind.p99Ns, kind.p999Ns, kind.p9999Ns, kind.longestNs].map((ns) => ns ?? ""),
      ...[kind.longest.event, kind.longest.cause],
    ]);
    return [...rounds, ...kinds];
  });
  return csvTable(isTimed ? [...COLUMNS, ...LATENCY_COLUMNS] : COLUMNS, rows);
}
