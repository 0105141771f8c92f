/**
 * The files of `trace info`: `hakmem.trace/1`, what a trace is like, with sizes and lifetimes as histograms, and
 * `hakmem.stacks/1`, what its stacks allocated; and that of the actions that make a trace of a trace.
 *
 * @module
 */
import * as v from "valibot";
import { RanForSchema } from "./results.ts";
import { Count } from "./values.ts";

const HistogramSchema = v.array(v.object({
  /** Above the bound of the row before, and not above this one. */
  upTo: v.number(),
  count: v.number(),
  bytes: v.number(),
}));

/** What a trace is like. Events are counted without thread ends, but in `kinds`. */
export const TraceFileSchema = v.object({
  schema: v.literal("hakmem.trace/1"),
  command: v.array(v.string()),
  file: v.string(),
  format: v.string(),
  events: v.number(),
  kinds: v.record(v.string(), v.number()),
  threads: v.number(),
  blocks: v.number(),
  /** Calls that gave the program no memory; they are not events. */
  failedCalls: v.number(),
  /** Frees and reallocs of blocks from before the trace; such frees are not events, such reallocs are allocations. */
  unknownBlocks: v.number(),
  /** Blocks whose address was given out again without a free in between: frees were added. */
  unseenFrees: v.number(),
  /** What a reader should know, that the file was cut off for one: a sentence each. */
  remarks: v.array(v.string()),
  /** How long the program ran, where the trace says so. */
  ran: v.exactOptional(RanForSchema),
  /** All that was asked for, by reallocs too. */
  allocatedBytes: v.number(),
  largestBytes: v.number(),
  peakLiveBytes: v.number(),
  peakEvent: v.number(),
  peakLiveBlocks: v.number(),
  endLiveBytes: v.number(),
  endLiveBlocks: v.number(),
  /** The share of frees, 0 to 1, by a thread that had not allocated the block. */
  crossThreadFrees: v.number(),
  /** Allocations by size; reallocs by their new one. */
  sizes: HistogramSchema,
  /** Freed blocks by what the program allocated while they lived, in bytes. */
  lifetimes: HistogramSchema,
  /** After each of `events` events. */
  live: v.object({ events: v.array(v.number()), liveBytes: v.array(v.number()) }),
  threadTable: v.array(v.object({
    name: v.string(),
    events: v.number(),
    allocations: v.number(),
    allocatedBytes: v.number(),
    frees: v.number(),
    /** Of blocks that another thread had allocated. */
    foreignFrees: v.number(),
  })),
});

export type TraceFile = v.InferOutput<typeof TraceFileSchema>;

/** The file of the actions that make a trace of a trace, `hakmem.trace-written/1`. */
export const TraceWrittenFileSchema = v.object({
  schema: v.literal("hakmem.trace-written/1"),
  command: v.array(v.string()),
  action: v.picklist(["convert", "cut", "anonymise"]),
  /** What was read, without its folder, and its format. */
  file: v.string(),
  format: v.string(),
  /** What was written, likewise; `stdout` if it went there. */
  output: v.string(),
  writtenAs: v.string(),
  /** Of what was written; thread ends are not counted. */
  events: Count,
  threads: Count,
  blocks: Count,
  /** What a reader should know, a sentence each. */
  notes: v.array(v.string()),
});

export type TraceWrittenFile = v.InferOutput<typeof TraceWrittenFileSchema>;

/** What was asked for by a stack or by all: bytes, blocks, bytes live at the peak, temporary blocks, bytes never freed. */
const StackTotalSchema = v.object({
  allocated: v.number(),
  blocks: v.number(),
  peak: v.number(),
  /** Blocks whose thread allocated nothing else before they were freed. */
  temporary: v.number(),
  left: v.number(),
});

/** The file of `trace info --by stack`, `hakmem.stacks/1`: what each stack of a trace allocated. */
export const StacksFileSchema = v.object({
  schema: v.literal("hakmem.stacks/1"),
  command: v.array(v.string()),
  file: v.string(),
  format: v.string(),
  events: v.number(),
  /** By which the stacks are sorted. */
  value: v.picklist(["allocated", "blocks", "peak", "temporary", "left"]),
  /** How the stacks were found, and how deep they may be. */
  by: v.picklist(["auto", "fp", "unwind"]),
  depth: v.number(),
  /** If only some allocations have a stack: one for so many bytes. The totals of the stacks are estimates then. */
  sampleBytes: v.exactOptional(v.number()),
  /** Of all events, exactly. */
  whole: StackTotalSchema,
  /** Those of the same calls are one; the most of the value first. */
  stacks: v.array(v.object({
    ...StackTotalSchema.entries,
    /** The calls, the innermost first; none if it is not known who called. */
    frames: v.array(v.object({
      /** Empty if it is not known, as is the file. */
      function: v.string(),
      file: v.string(),
      line: v.number(),
      module: v.string(),
      /** In the module, in hexadecimal digits. */
      offset: v.string(),
    })),
  })),
  /** What a reader should know: a sentence each. */
  remarks: v.array(v.string()),
});

export type StacksFile = v.InferOutput<typeof StacksFileSchema>;
