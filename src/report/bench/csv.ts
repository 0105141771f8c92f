/**
 * Results as CSV (RFC 4180, but lines end in \n): one row for each contestant, size, number of threads
 * and round, so that nothing is lost. Where single operations were timed, a row for each kind of them follows, in columns of
 * its own, without a round; and where instructions were counted, a row with those.
 *
 * @module
 */
import { nameOf } from "../tables/format.ts";
import { csvTable } from "../tables/rows.ts";
import type { Result, ResultFile } from "../../model/results.ts";

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

/** The columns of counts, where there are any: per operation, and then in bytes. */
const COUNT_COLUMNS = [
  "counted_by",
  "instructions",
  "net_instructions",
  "l1_misses",
  "net_l1_misses",
  "last_level_misses",
  "net_last_level_misses",
  "loop_machine_bytes",
  "malloc_bytecode_bytes",
  "free_bytecode_bytes",
];

/** The file's text. */
export function renderCsv({ results }: Pick<ResultFile, "results">): string {
  const isTimed = results.some(({ latency }) => latency !== undefined);
  const isCounted = (result: Result) => result.instructions !== undefined || result.code !== undefined;
  const head = [
    ...COLUMNS,
    ...(isTimed ? LATENCY_COLUMNS : []),
    ...(results.some(isCounted) ? COUNT_COLUMNS : []),
  ];
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
    ]);
    const kinds = (latency?.operations ?? []).map((kind) => [
      ...who,
      ...noTimes(result),
      ...[kind.operation, kind.blocks, kind.count],
      ...[kind.p50Ns, kind.p99Ns, kind.p999Ns, kind.p9999Ns, kind.longestNs].map((ns) => ns ?? ""),
      ...[kind.longest.event, kind.longest.cause],
    ]);
    const latencies = isTimed ? LATENCY_COLUMNS.map(() => "") : [];
    const counts = isCounted(result) ? [[...who, ...noTimes(result), ...latencies, ...countCells(result)]] : [];
    return [...rounds, ...kinds, ...counts].map((row) => head.map((_name, column) => row[column] ?? ""));
  });
  return csvTable(head, rows);
}

/** The cells after the contestant's, in a row without a round. */
function noTimes(result: Result): string[] {
  return ["", "", "", result.heaps ?? "", "", "", nameOf(result)];
}

/** In the order of {@link COUNT_COLUMNS}. */
function countCells({ instructions, code }: Result): (string | number | undefined)[] {
  const { tool, perOperation, net } = instructions ?? {};
  const bytes = (name: string) => code?.bytecode.find((each) => each.function === name)?.bytes;
  return [
    tool,
    ...(["instructions", "l1Misses", "lastLevelMisses"] as const).flatMap((
      name,
    ) => [perOperation?.[name], net?.[name]]),
    code?.machineBytes,
    bytes("malloc"),
    bytes("free"),
  ];
}
