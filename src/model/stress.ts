/**
 * The file of `stress`, `hakmem.stress/1`: what was run, and, if something failed, the shortest list of operations that
 * fails. It holds all that a replay needs.
 *
 * @module
 */
import * as v from "valibot";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const block = Count;

/** One operation of a program; `block` is the number of the block that it makes, changes or frees. */
const OperationSchema = v.variant("op", [
  v.object({ op: v.literal("malloc"), block, size: Count }),
  v.object({ op: v.literal("calloc"), block, count: Count, size: Count }),
  v.object({ op: v.literal("alignedAlloc"), block, alignment: Count, size: Count }),
  v.object({ op: v.literal("realloc"), block, size: Count }),
  v.object({ op: v.literal("free"), block }),
  v.object({ op: v.literal("collect") }),
  v.object({ op: v.literal("audit") }),
  /** Overwrites a word of the heap's state, with a number or with what is in the next word. */
  v.object({ op: v.literal("damage"), word: Count, value: v.union([v.number(), v.literal("neighbour")]) }),
  /** Overwrites one of the first words of a block that was freed. */
  v.object({ op: v.literal("scribble"), block, word: Count, value: v.number() }),
]);

const ProgramSchema = v.object({
  /** What it was made from. */
  seed: v.number(),
  /** What `--scenario` named; absent for the usual programs. */
  scenario: v.exactOptional(v.literal("damage")),
  /** The heap's limit; unlimited if absent. */
  maxBytes: v.exactOptional(Count),
  operations: v.array(OperationSchema),
});

const FailureSchema = v.object({
  /** The error's message, or how the process ended. */
  message: v.string(),
  /** Its operations are the shortest list that was found. */
  program: ProgramSchema,
  /** How many there were at first. */
  unshrunk: Count,
});

/** What fails where threads are at work cannot be made again from a list: there are the last operations of each. */
const ThreadsFailureSchema = v.object({
  /** What was found, and by which Worker. */
  message: v.string(),
  /** The Worker that found it first. None where the process died: they went with it. */
  last: v.array(v.object({ worker: Count, operations: v.array(v.string()) })),
});

/** What threads did. Bytes are the heap's own pages in memory, and what the live blocks were asked for. */
const ThreadsSchema = v.object({
  scenario: v.string(),
  /** Operations on a block that another thread had made or changed last. */
  handedOver: Count,
  /** How many were started, and how many of them ended without `close()`. */
  workers: Count,
  terminated: Count,
  /** Blocks of which it could not be known whether they were there, and those that were and had no owner. */
  inDoubt: Count,
  lost: Count,
  /** Slots of the heap's thread table that were ever in use at once. */
  threadSlots: Count,
  peakFootprintBytes: Count,
  peakLiveBytes: Count,
});

const RunSchema = v.object({
  variant: v.string(),
  programs: Count,
  operations: Count,
  /** Operations by their name. */
  counts: v.record(v.string(), Count),
  seconds: v.number(),
  /** Of a run with several threads. */
  threads: v.exactOptional(ThreadsSchema),
  /** Absent if nothing failed. */
  failure: v.exactOptional(v.union([FailureSchema, ThreadsFailureSchema])),
});

export const StressFileSchema = v.object({
  schema: v.literal("hakmem.stress/1"),
  command: v.array(v.string()),
  build: v.string(),
  seed: v.number(),
  /** Absent for one. */
  threads: v.exactOptional(Count),
  runs: v.array(RunSchema),
});

/** The types of the parts, of which nothing is changed once it is there. */
type Frozen<T> = { readonly [Key in keyof T]: T[Key] extends (infer Item)[] ? readonly Item[] : T[Key] };

export type Operation = v.InferOutput<typeof OperationSchema>;
export type StressProgram = Frozen<v.InferOutput<typeof ProgramSchema>>;
export type StressFailure = Omit<Frozen<v.InferOutput<typeof FailureSchema>>, "program"> & {
  readonly program: StressProgram;
};
export type StressThreads = Frozen<v.InferOutput<typeof ThreadsSchema>>;
export type StressThreadsFailure = Omit<Frozen<v.InferOutput<typeof ThreadsFailureSchema>>, "last"> & {
  readonly last: readonly { readonly worker: number; readonly operations: readonly string[] }[];
};
export type StressRun = Omit<Frozen<v.InferOutput<typeof RunSchema>>, "failure" | "threads"> & {
  readonly threads?: StressThreads;
  readonly failure?: StressFailure | StressThreadsFailure;
};
export type StressFile = Omit<Frozen<v.InferOutput<typeof StressFileSchema>>, "runs"> & {
  readonly runs: readonly StressRun[];
};
