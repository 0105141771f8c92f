/**
 * The result file, `hakmem.results/1`: its schema, and the types that follow from it. Reports take what this describes
 * and nothing else, so a file that was read back prints as the run did.
 *
 * Times are nanoseconds per operation; `samples` are in the order of the rounds, so those of two results pair up.
 *
 * @module
 */
import * as v from "valibot";
import { median } from "simple-statistics";
import { CodeSchema, CountsRowSchema, InstructionsSchema } from "./counts.ts";
import {
  Amount,
  type Blame,
  consistent,
  Count,
  EstimateSchema,
  Factor,
  isAbout,
  RatioSchema,
  Share,
  Threads,
  Time,
  TimeDifference,
} from "./values.ts";

/** How long a program ran while it was traced: by the clock, and on processors, where that is known. */
export const RanForSchema = v.object({ wallSeconds: Amount, processorSeconds: v.exactOptional(Amount) });

/** A trace that was replayed. */
export const TraceSchema = v.object({
  file: v.string(),
  format: v.string(),
  events: Count,
  threads: Count,
  blocks: Count,
  /** The share of frees by a thread that had not allocated the block. */
  crossThreadFrees: Share,
  /** How long the program ran, where the trace says so. */
  ran: v.exactOptional(RanForSchema),
});

/**
 * Nanoseconds of a single operation, those of the clock taken off. Of so few operations that none is beyond one,
 * absent.
 */
const PercentileFields = {
  p50Ns: v.exactOptional(Amount),
  p99Ns: v.exactOptional(Amount),
  p999Ns: v.exactOptional(Amount),
  p9999Ns: v.exactOptional(Amount),
  longestNs: Amount,
};

/** How long single operations took in replays of a program that has run for a while, each timed by itself. */
const LatencySchema = v.object({
  /** Replays that were timed. */
  replays: Count,
  /** Empty intervals, timed as the operations are; their median is what is taken off of those. */
  clock: v.object({ stepNs: Amount, ...PercentileFields }),
  /** All operations, then those of each kind; calloc and aligned allocations are malloc, large is over 32 KiB. */
  operations: v.array(v.object({
    operation: v.picklist(["all", "malloc", "free", "realloc"]),
    blocks: v.picklist(["all", "small", "large"]),
    count: Count,
    ...PercentileFields,
    longest: v.object({
      /** Of the trace, counted from 0. */
      event: Count,
      /** What it was for, as far as there is evidence. */
      cause: v.picklist(["collector", "compiler", "page faults", "host", "allocator", "unknown"]),
      pageFaults: v.exactOptional(Count),
      /** How long the thread was not running. */
      idleNs: v.exactOptional(Amount),
      /** The shortest time of the same event. */
      againNs: Amount,
    }),
    /** Middles of buckets, ascending, and how many operations were in each. */
    histogram: v.pipe(
      v.object({ ns: v.array(Amount), counts: v.pipe(v.array(Count), v.minLength(1, "a histogram has no bucket")) }),
      v.check(({ ns, counts }) => ns.length === counts.length, "a histogram has as many ns as counts"),
    ),
  })),
});

/** What only a replay has. Memory is taken apart from time, in a process that replays for the first time. */
const ReplayFields = {
  /** Of the trace, thread ends not counted. */
  events: v.exactOptional(Count),
  /** Whether what was written to each block was found there again. */
  verified: v.exactOptional(v.boolean()),
  /** The most bytes in memory at one of the samples. */
  peakFootprintBytes: v.exactOptional(Count),
  averageFootprintBytes: v.exactOptional(Amount),
  /** The most bytes that the program had asked for and not freed; of the trace, so the same for all. */
  peakLiveBytes: v.exactOptional(Count),
  /** Beyond those of the do-nothing allocator. */
  pageFaults: v.exactOptional(Count),
  /** Nanoseconds per event of first replays, each in a process of its own; paired by rounds among contestants. */
  coldSamples: v.exactOptional(v.array(Time)),
  /** The longest event; of each, the shortest of several replays counts, which no interruption prolonged. */
  longestNs: v.exactOptional(Amount),
  latency: v.exactOptional(LatencySchema),
  /** What the footprint is of: the allocator's own mapping, or the process beyond that of the do-nothing allocator. */
  footprintOf: v.exactOptional(v.picklist(["mapping", "process"])),
  /** The footprint over time: after each of `events` events. */
  footprint: v.exactOptional(v.object({
    events: v.array(Count),
    liveBytes: v.array(Count),
    footprintBytes: v.array(Count),
  })),
};

/** One contestant at one size, with one number of threads. */
export const ResultSchema = v.object({
  workload: v.string(),
  /**
   * The variant, the peer's name, or the file's of a library that was named by its path (the path, where the files of
   * two have one name); `none` is the do-nothing allocator.
   */
  allocator: v.string(),
  /** What people read instead: `hakmem`, `mimalloc 3.4.3`, `none (native)`; absent in files of older versions. */
  label: v.exactOptional(v.string()),
  runtime: v.picklist(["deno", "native", "ffi", "js", "harness"]),
  /** The language of its loop, TypeScript or C: it tells the two `none` apart. */
  host: v.picklist(["deno", "native"]),
  /** Of native peers: the library that served malloc, and what it says of its version. */
  library: v.exactOptional(v.string()),
  libraryVersion: v.exactOptional(v.string()),
  /** The largest size of random-mixed, the size of hot-pair, the exclusive bound of larson, the largest of slow-mix. */
  size: Count,
  threads: Threads,
  /** With several threads: whether all use one heap, or each its own. */
  heaps: v.optional(v.picklist(["shared", "own"])),
  /** Of one unit, like the checksum; a sample is `unitsPerSlot` units. */
  operations: Count,
  checksum: v.pipe(v.string(), v.regex(/^[0-9a-f]{8}$/)),
  /** The bounds are those of the median (95 %). */
  opsPerSecond: EstimateSchema,
  nsPerOp: Time,
  /** What is left when the harness around a do-nothing allocator is subtracted, round by round; 0 for that itself. */
  netNsPerOp: TimeDifference,
  /** One a round. */
  samples: v.pipe(v.array(Time), v.nonEmpty("there is no sample")),
  /** Of the times; nanoseconds in any case. */
  unit: v.exactOptional(v.literal("ns")),
  /** Throughput over that of `system` with as many threads, paired by rounds; absent if `system` was not measured. */
  ratioToSystem: v.optional(RatioSchema),
  /** The same of net times, without the loops; null if that is not known, since a net time cannot be told from 0. */
  netRatioToSystem: v.exactOptional(v.nullable(RatioSchema)),
  /** Of the do-nothing allocators: why their loops cannot cost the same in both languages. */
  loopsDiffer: v.exactOptional(v.string()),
  /** Throughput over that of the same contestant with the fewest threads of the run, likewise; absent for those. */
  scaling: v.optional(RatioSchema),
  /** Throughput of one heap for all threads over that of a heap for each, likewise; with `--own-heaps` only. */
  ratioToOwnHeaps: v.optional(RatioSchema),
  /** With several threads, the throughput of each: the median, and that of each turn. */
  threadOpsPerSecond: v.optional(v.array(Amount)),
  threadSamples: v.optional(v.array(v.array(Amount))),
  /** The slowest thread's throughput over the fastest one's, the median of the turns. */
  fairness: v.optional(Share),
  unitsPerSlot: Count,
  /** What V8's code the measured loop ran in, by turn. */
  tiers: v.array(v.string()),
  parameters: v.record(v.string(), Count),
  /** With `--instructions` only: of native contestants with one thread, and of our heap at one size. */
  instructions: v.exactOptional(InstructionsSchema),
  code: v.exactOptional(CodeSchema),
  ...ReplayFields,
});

/** The machine, the runtime and the source; what a system does not say is absent, as in files of older versions. */
export const EnvironmentSchema = v.object({
  date: v.string(),
  deno: v.string(),
  v8: v.string(),
  os: v.string(),
  arch: v.string(),
  cpu: v.string(),
  cores: Count,
  loadAverage: v.array(Amount),
  revision: v.string(),
  memoryBytes: v.exactOptional(Count),
  pageBytes: v.exactOptional(Count),
  /** `native` is the library that is compiled on first use, `libc` stands in for it. */
  nativeLibrary: v.exactOptional(v.picklist(["native", "libc"])),
  nativeNote: v.exactOptional(v.string()),
  perf: v.exactOptional(v.picklist(["hardware counters", "no hardware counters"])),
  perfEventParanoid: v.exactOptional(v.number()),
  /** As CPUID and `lscpu` have them. */
  cpuFamily: v.exactOptional(v.number()),
  cpuModel: v.exactOptional(v.number()),
  cpuStepping: v.exactOptional(v.number()),
  /** `x86-64-v3`, `armv8.2-a`. */
  isaLevel: v.exactOptional(v.string()),
  governor: v.exactOptional(v.string()),
  boost: v.exactOptional(v.boolean()),
  simultaneousThreads: v.exactOptional(v.boolean()),
  transparentHugePages: v.exactOptional(v.string()),
  /** `kernel.randomize_va_space`: 0 is off, 2 all of it. */
  addressRandomisation: v.exactOptional(v.number()),
  clockSource: v.exactOptional(v.string()),
  invariantTsc: v.exactOptional(v.boolean()),
  virtualMachine: v.exactOptional(v.boolean()),
  /** Cores that a container allows, and bytes. */
  coreLimit: v.exactOptional(Amount),
  memoryLimitBytes: v.exactOptional(Count),
  /** The share of the last ten seconds in which work waited for a core, 0 to 1. */
  corePressure: v.exactOptional(Amount),
});

export const WarningSchema = v.object({
  code: v.string(),
  message: v.string(),
  advice: v.string(),
  /**
   * The message in a few words, if it is about how far the result can be trusted; absent in files of older versions.
   */
  brief: v.exactOptional(v.string()),
});

/** A peer that could not be measured, and why. */
export const FailureSchema = v.object({
  allocator: v.string(),
  runtime: ResultSchema.entries.runtime,
  message: v.string(),
});

const ExpectationSchema = v.object({
  allocator: v.string(),
  size: Count,
  /** Absent if there was one. */
  threads: v.optional(Threads),
  expected: Factor,
  /** Of whole times, or of net ones. */
  measured: RatioSchema,
  /** Of net times, since the loops differ; absent if not. */
  isNet: v.optional(v.literal(true)),
  /** Where the interval lies; it is not known where the loops differ and nothing is left without them. */
  verdict: v.picklist(["as expected", "above", "below", "not known"]),
});

/** A whole result file, without a look at whether its figures agree. */
const ResultFileFields = v.object({
  schema: v.literal("hakmem.results/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  rounds: v.object({
    wanted: Count,
    measured: Count,
    /** The seed of the contestants' order. */
    orderSeed: Count,
    slotMilliseconds: Amount,
  }),
  results: v.pipe(v.array(ResultSchema), v.nonEmpty("there is no result")),
  expectations: v.array(ExpectationSchema),
  /** What the variants reached in one unit of each size; with `--counters` only. */
  counters: v.optional(v.array(CountsRowSchema)),
  /** What was replayed. */
  trace: v.exactOptional(TraceSchema),
  /** Peers that were refused, died, did not answer or had no memory left: they have no results. */
  failures: v.exactOptional(v.array(FailureSchema)),
  /** Who was left out, and why. */
  notes: v.array(v.string()),
  warnings: v.array(WarningSchema),
});

/** A whole result file. */
export const ResultFileSchema = v.pipe(
  ResultFileFields,
  consistent(({ results, rounds: { measured } }, blame) => {
    for (const [index, result] of results.entries()) blameResult(result, index, measured, blame);
  }),
);

/** What of a result contradicts the rest of it. */
function blameResult(
  { samples, coldSamples = samples, threads, threadOpsPerSecond, nsPerOp, opsPerSecond, footprint }: Result,
  index: number,
  measured: number,
  blame: Blame,
) {
  const at = ["results", index];
  for (const [name, list] of Object.entries({ samples, coldSamples })) {
    if (list.length !== measured) {
      blame([...at, name], `${list.length} of them, where ${measured} rounds were measured`);
    }
  }
  if (threadOpsPerSecond !== undefined && threadOpsPerSecond.length !== threads) {
    blame([...at, "threadOpsPerSecond"], `${threadOpsPerSecond.length} of them, where threads is ${threads}`);
  }
  const middle = median(samples);
  if (!isAbout(nsPerOp, middle)) {
    blame([...at, "nsPerOp"], `${nsPerOp} is not the median of the samples, ${middle}`);
  }
  if (!isAbout(opsPerSecond.median, 1e9 / nsPerOp)) {
    blame([...at, "opsPerSecond", "median"], `${opsPerSecond.median} is not that of ${nsPerOp} ns an operation`);
  }
  const { events = [], liveBytes = [], footprintBytes = [] } = footprint ?? {};
  if (liveBytes.length !== events.length || footprintBytes.length !== events.length) {
    blame([...at, "footprint"], "its lists are not of one length");
  }
}

export type Result = v.InferOutput<typeof ResultSchema>;
export type Latency = v.InferOutput<typeof LatencySchema>;
export type Ratio = v.InferOutput<typeof RatioSchema>;
export type Failure = v.InferOutput<typeof FailureSchema>;
export type Expectation = v.InferOutput<typeof ExpectationSchema>;
export type ResultFile = v.InferOutput<typeof ResultFileSchema>;
