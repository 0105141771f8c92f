/**
 * The file of `record`, `hakmem.record/1`: the processes of a program, what each asked for, and what was not recorded.
 *
 * @module
 */
import * as v from "valibot";
import { RanForSchema } from "./results.ts";
import { TraceFileSchema } from "./trace.ts";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** What is said of a trace here; `trace info` says more. */
const SummarySchema = v.pick(TraceFileSchema, [
  "events",
  "kinds",
  "threads",
  "blocks",
  "allocatedBytes",
  "largestBytes",
  "peakLiveBytes",
  "peakLiveBlocks",
  "endLiveBytes",
  "endLiveBlocks",
  "crossThreadFrees",
  "sizes",
  "lifetimes",
]);

const ProcessSchema = v.object({
  /** The recording. */
  file: v.string(),
  /** Of the recording. */
  fileBytes: Count,
  pid: Count,
  /** The name of the executable. */
  program: v.string(),
  /** Whether it is a fork that became no program of its own: its parent's blocks are not in its recording. */
  forked: v.boolean(),
  /** The system's error number, if recording stopped before the process did; otherwise 0. */
  stopped: Count,
  /** Whether it went on when the program had ended: what it did later is not recorded. */
  running: v.boolean(),
  /** Calls that were not recorded, because a signal had interrupted the recorder. */
  lost: Count,
  /** Frees and reallocs of blocks whose allocation was not seen; the frees are left out. */
  unknownBlocks: Count,
  /** Blocks whose free was not seen, though their addresses were given out again. */
  unseenFrees: Count,
  /** Whether there were more events than a trace may have; those are left out. */
  cut: v.boolean(),
  /**
   * If recording was paused at the start: how often it was resumed, and whether the signal was the program's at the
   * exit.
   */
  stretches: v.exactOptional(Count),
  lostSignal: v.exactOptional(v.boolean()),
  /** How its stacks were found, if it has any; and how many allocations have none, for want of numbers or of room. */
  stacks: v.exactOptional(v.object({
    by: v.picklist(["auto", "fp", "unwind"]),
    depth: Count,
    sampleBytes: v.exactOptional(Count),
  })),
  lostStacks: v.exactOptional(Count),
  /** Whether it ended in a system call of the recorder, which a sandbox may have killed it for. */
  wasCalling: v.exactOptional(v.boolean()),
  /** How long it ran, with the recorder in it; absent if it did not exit by itself. */
  ran: v.exactOptional(RanForSchema),
  ...SummarySchema.entries,
});

const MissingSchema = v.object({
  /** Its name; of forks that of the program that forked. */
  program: v.string(),
  /** Absent for forks: their parent's entry counts them. */
  pid: v.exactOptional(Count),
  count: Count,
  reason: v.string(),
});

export const RecordFileSchema = v.object({
  schema: v.literal("hakmem.record/1"),
  command: v.array(v.string()),
  /** What was run, and as which process; absent in files of older versions, as is all that is optional below. */
  program: v.exactOptional(v.string()),
  pid: v.exactOptional(Count),
  /** How the program ended: its exit code or the signal that killed it. */
  exitCode: v.exactOptional(v.number()),
  signal: v.exactOptional(v.string()),
  /** How long it ran, with the recorder in it. */
  seconds: v.number(),
  /** The program first, if anything was recorded of it. */
  processes: v.pipe(v.array(ProcessSchema), v.minLength(1)),
  /** Programs that were replaced by another one in their process (exec), and whose recordings were not kept. */
  replaced: Count,
  /** Programs and processes of which nothing was recorded though it should have been. */
  missing: v.exactOptional(v.array(MissingSchema)),
  /** The folder of the recorder's own files, if a recording could not be made of one. */
  kept: v.exactOptional(v.string()),
  /** What else a reader should know of the files: a sentence each. */
  notes: v.exactOptional(v.array(v.string())),
});

export type RecordedProcess = v.InferOutput<typeof ProcessSchema>;
export type MissingProcess = v.InferOutput<typeof MissingSchema>;
export type RecordFile = v.InferOutput<typeof RecordFileSchema>;
/** How many of each size, or lifetime. */
export type Histogram = RecordedProcess["sizes"];
/** How a program ended. */
export type Outcome = Pick<RecordFile, "exitCode" | "signal" | "seconds">;
