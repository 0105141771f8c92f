/**
 * The file of `inspect`, `hakmem.inspect/1`: a heap in the middle of a trace, and its map at some events of the whole.
 *
 * A map has a text for each 2 MiB of the heap's address space that is in use, by its number; a character is 64 KiB:
 *
 *     0 to 8    a slab, by the share of its blocks that is live, in eighths, rounded up
 *     -         a slab that is free, in a superslab
 *     L, l      a large block: where its span begins, and the rest of that
 *     ~         free, but touched since the system had it
 *     .         untouched
 *
 * @module
 */
import * as v from "valibot";
import { EnvironmentSchema } from "./results.ts";
import { Amount, Count } from "./values.ts";

function listOf<Schema extends v.GenericSchema>(item: Schema) {
  return v.pipe(v.array(item), v.readonly());
}

const SlabSchema = v.object({
  slab: Count,
  sizeClass: Count,
  owner: Count,
  blocks: Count,
  liveBlocks: Count,
  cachedBlocks: Count,
  freeBlocks: Count,
  uncarvedBlocks: Count,
  residentBytes: Count,
});

const ClassSchema = v.pipe(
  v.object({
    sizeClass: Count,
    stride: Count,
    slabs: Count,
    liveBlocks: Count,
    cachedBlocks: Count,
    freeBlocks: Count,
    blocks: Count,
    uncarvedBlocks: Count,
    liveBytes: Count,
    residentBytes: Count,
    wasteBytes: Amount,
  }),
  v.check(
    ({ liveBlocks, blocks }) => liveBlocks <= blocks && blocks > 0,
    ({ input: { liveBlocks, blocks } }) => `${liveBlocks} live blocks are not of ${blocks}`,
  ),
);

/** As `heap.snapshot()` gives it, which says what each field is. */
const SnapshotSchema = v.object({
  totals: v.object({
    schema: v.optional(v.literal("hakmem.stats/1"), "hakmem.stats/1"), // files of 0.1 have none
    variant: v.string(),
    reservedBytes: Count,
    maxBytes: Count,
    chargedBytes: Count,
    residentBytes: Count,
    liveBytes: Count,
    liveBlocks: Count,
    largeBytes: Count,
    largeBlocks: Count,
    superslabs: Count,
    slabs: Count,
  }),
  tableBytes: Count,
  fragmentation: Amount,
  roundingBytes: v.exactOptional(Count),
  classes: listOf(ClassSchema),
  superslabs: listOf(v.object({ ptr: Count, residentBytes: Count, slabs: listOf(SlabSchema) })),
  largeBlocks: listOf(v.object({
    ptr: Count,
    spanPtr: Count,
    spanBytes: Count,
    liveBytes: Count,
    residentBytes: Count,
  })),
  freeSpans: listOf(v.object({
    ptr: Count,
    bytes: Count,
    isClean: v.boolean(),
    residentBytes: Count,
  })),
});

/** The heap after one event. */
const FrameSchema = v.object({
  event: Count,
  /** What the program had asked for and not freed. */
  askedBytes: Count,
  /** The same blocks, as they are: all that may be written. */
  liveBytes: Count,
  residentBytes: Count,
  map: v.record(v.pipe(v.string(), v.regex(/^\d+$/)), v.pipe(v.string(), v.regex(/^[0-8Ll~.-]{32}$/))),
});

/** A whole file. */
export const InspectFileSchema = v.object({
  schema: v.literal("hakmem.inspect/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  /** Events are counted without thread ends. */
  trace: v.object({ file: v.string(), format: v.string(), events: Count, peakEvent: Count }),
  variant: v.string(),
  /** After which of the trace's events the snapshot was taken. */
  event: Count,
  snapshot: SnapshotSchema,
  /** In the order of their events; one is that of the snapshot. */
  frames: v.pipe(listOf(FrameSchema), v.minLength(1)),
  /** What a reader should know of it: a sentence each. */
  notes: v.exactOptional(v.array(v.string())),
  /** What others had in memory in a replay of the same trace, after each of `events` events. */
  contestants: v.exactOptional(listOf(v.object({
    name: v.string(),
    events: listOf(Count),
    footprintBytes: listOf(Count),
  }))),
});

export type InspectFile = v.InferOutput<typeof InspectFileSchema>;
export type InspectFrame = v.InferOutput<typeof FrameSchema>;

/** Slabs of a line of a map. */
export const MAP_COLUMNS = 32;

/** The frame of a file's snapshot. */
export function chosenFrame({ frames, event }: Pick<InspectFile, "frames" | "event">): InspectFrame {
  return frames.find((frame) => frame.event === event) ?? frames.at(-1)!;
}
