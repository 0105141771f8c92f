/**
 * The result file, `hakmem.results/1`: its schema, and the types that follow from it. Reports take what this describes
 * and nothing else, so a file that was read back prints as the run did.
 *
 * Times are nanoseconds per operation; `samples` are in the order of the rounds, so those of two results pair up.
 *
 * @module
 */
import * as v from "valibot";
import { CountsRowSchema } from "./counts.ts";

/** How long a program ran while it was traced: by the clock, and on processors, where that is known. */
export const RanForSchema = v.object({ wallSeconds: v.number(), processorSeconds: v.exactOptional(v.number()) });

const EstimateSchema = v.object({ median: v.number(), low: v.number(), high: v.number() });

export const RatioSchema = v.object({ ratio: v.number(), low: v.number(), high: v.number() });

/** What only a replay has. Memory is taken apart from time, in a process that replays for the first time. */
const ReplayFields = {
  /** Of the trace, thread ends not counted. */
  events: v.exactOptional(v.number()),
  /** Whether what was written to each block was found there again. */
  verified: v.exactOptional(v.boolean()),
  /** The most bytes in memory at one of the samples. */
  peakFootprintBytes: v.exactOptional(v.number()),
  averageFootprintBytes: v.exactOptional(v.number()),
  /** The most bytes that the program had asked for and not freed; of the trace, so the same for all. */
  peakLiveBytes: v.exactOptional(v.number()),
  /** Beyond those of the do-nothing allocator. */
  pageFaults: v.exactOptional(v.number()),
  /** Nanoseconds per event of first replays, each in a process of its own; paired by rounds among contestants. */
  coldSamples: v.exactOptional(v.array(v.number())),
  /** The longest event; of each, the shortest of several replays counts, which no interruption prolonged. */
  longestNs: v.exactOptional(v.number()),
  /** What the footprint is of: the allocator's own mapping, or the process beyond that of the do-nothing allocator. */
  footprintOf: v.exactOptional(v.picklist(["mapping", "process"])),
  /** The footprint over time: after each of `events` events. */
  footprint: v.exactOptional(v.object({
    events: v.array(v.number()),
    liveBytes: v.array(v.number()),
    footprintBytes: v.array(v.number()),
  })),
};

/** One contestant at one size, with one number of threads. */
export const ResultSchema = v.object({
  workload: v.string(),
  /**
   * The variant, the peer's name, or the file's of a library that was named by its path (the path, where the files of two
   * have one name); `none` is the do-nothing allocator.
   */
  allocator: v.string(),
  /** What people read in its place: `slab-map`, `mimalloc 3.4.3`, `none (native)`; absent in files of older versions. */
  label: v.exactOptional(v.string()),
  runtime: v.picklist(["deno", "native", "ffi", "js", "harness"]),
  /** The language of its loop, TypeScript or C: it tells the two `none` apart. */
  host: v.picklist(["deno", "native"]),
  /** Of native peers: the library that served malloc, and what it says of its version. */
  library: v.exactOptional(v.string()),
  libraryVersion: v.exactOptional(v.string()),
  /** The largest size of random-mixed, the size of hot-pair, the exclusive bound of larson, the largest of slow-mix. */
  size: v.number(),
  threads: v.number(),
  /** With several threads: whether all use one heap, or each its own. */
  heaps: v.optional(v.picklist(["shared", "own"])),
  /** Of one unit, like the checksum; a sample is `unitsPerSlot` units. */
  operations: v.number(),
  checksum: v.pipe(v.string(), v.regex(/^[0-9a-f]{8}$/)),
  /** The bounds are those of the median (95 %). */
  opsPerSecond: EstimateSchema,
  nsPerOp: v.number(),
  /** What is left when the harness around a do-nothing allocator is subtracted, round by round; 0 for that itself. */
  netNsPerOp: v.number(),
  samples: v.array(v.number()),
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
  /** With several threads, the throughput of each: the median, and that of each slot. */
  threadOpsPerSecond: v.optional(v.array(v.number())),
  threadSamples: v.optional(v.array(v.array(v.number()))),
  /** The slowest thread's throughput over the fastest one's, the median of the slots. */
  fairness: v.optional(v.number()),
  unitsPerSlot: v.number(),
  /** What V8's code the measured loop ran in, by slot. */
  tiers: v.array(v.string()),
  parameters: v.record(v.string(), v.number()),
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
  cores: v.number(),
  loadAverage: v.array(v.number()),
  revision: v.string(),
  memoryBytes: v.exactOptional(v.number()),
  pageBytes: v.exactOptional(v.number()),
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
  coreLimit: v.exactOptional(v.number()),
  memoryLimitBytes: v.exactOptional(v.number()),
  /** The share of the last ten seconds in which work waited for a core, 0 to 1. */
  corePressure: v.exactOptional(v.number()),
});

export const WarningSchema = v.object({
  code: v.string(),
  message: v.string(),
  advice: v.string(),
  /** The message in a few words, if it is about how far the result can be trusted; absent in files of older versions. */
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
  size: v.number(),
  /** Absent if there was one. */
  threads: v.optional(v.number()),
  expected: v.number(),
  measured: RatioSchema,
  /** Where the interval lies. */
  verdict: v.picklist(["as expected", "above", "below"]),
});

/** A whole result file. */
export const ResultFileSchema = v.object({
  schema: v.literal("hakmem.results/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  rounds: v.object({
    wanted: v.number(),
    measured: v.number(),
    /** The seed of the contestants' order. */
    orderSeed: v.number(),
    slotMilliseconds: v.number(),
  }),
  results: v.array(ResultSchema),
  expectations: v.array(ExpectationSchema),
  /** What the variants reached in one unit of each size; with `--counters` only. */
  counters: v.optional(v.array(CountsRowSchema)),
  /** What was replayed. */
  trace: v.exactOptional(v.object({
    file: v.string(),
    format: v.string(),
    events: v.number(),
    threads: v.number(),
    blocks: v.number(),
    /** The share of frees by another thread than the one that allocated the block. */
    crossThreadFrees: v.number(),
    /** How long the program ran, where the trace says so. */
    ran: v.exactOptional(RanForSchema),
  })),
  /** Peers that were refused, died, did not answer or had no memory left: they have no results. */
  failures: v.exactOptional(v.array(FailureSchema)),
  /** Who was left out, and why. */
  notes: v.array(v.string()),
  warnings: v.array(WarningSchema),
});

export type Result = v.InferOutput<typeof ResultSchema>;
export type Ratio = v.InferOutput<typeof RatioSchema>;
export type Failure = v.InferOutput<typeof FailureSchema>;
export type Expectation = v.InferOutput<typeof ExpectationSchema>;
export type ResultFile = v.InferOutput<typeof ResultFileSchema>;

/**
 * Reads a result file.
 *
 * @throws v.ValiError if it is not one; the message names the first field that is wrong.
 */
export function parseResultFile(text: string): ResultFile {
  return v.parse(ResultFileSchema, JSON.parse(text));
}
