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
import { EnvironmentSchema } from "./schema.ts";

function listOf<Schema extends v.GenericSchema>(item: Schema) {
  return v.pipe(v.array(item), v.readonly());
}

const SlabSchema = v.object({
  slab: v.number(),
  sizeClass: v.number(),
  owner: v.number(),
  blocks: v.number(),
  liveBlocks: v.number(),
  cachedBlocks: v.number(),
  freeBlocks: v.number(),
  uncarvedBlocks: v.number(),
  residentBytes: v.number(),
});

const ClassSchema = v.object({
  sizeClass: v.number(),
  stride: v.number(),
  slabs: v.number(),
  liveBlocks: v.number(),
  cachedBlocks: v.number(),
  freeBlocks: v.number(),
  blocks: v.number(),
  uncarvedBlocks: v.number(),
  liveBytes: v.number(),
  residentBytes: v.number(),
  wasteBytes: v.number(),
});

/** As `heap.snapshot()` gives it, which says what each field is. */
const SnapshotSchema = v.object({
  totals: v.object({
    variant: v.string(),
    reservedBytes: v.number(),
    maxBytes: v.number(),
    chargedBytes: v.number(),
    residentBytes: v.number(),
    liveBytes: v.number(),
    liveBlocks: v.number(),
    largeBytes: v.number(),
    largeBlocks: v.number(),
    superslabs: v.number(),
    slabs: v.number(),
  }),
  tableBytes: v.number(),
  fragmentation: v.number(),
  roundingBytes: v.exactOptional(v.number()),
  classes: listOf(ClassSchema),
  superslabs: listOf(v.object({ ptr: v.number(), residentBytes: v.number(), slabs: listOf(SlabSchema) })),
  largeBlocks: listOf(v.object({
    ptr: v.number(),
    spanPtr: v.number(),
    spanBytes: v.number(),
    liveBytes: v.number(),
    residentBytes: v.number(),
  })),
  freeSpans: listOf(v.object({
    ptr: v.number(),
    bytes: v.number(),
    isClean: v.boolean(),
    residentBytes: v.number(),
  })),
});

/** The heap after one event. */
const FrameSchema = v.object({
  event: v.number(),
  /** What the program had asked for and not freed. */
  askedBytes: v.number(),
  /** The same blocks, as they are: all that may be written. */
  liveBytes: v.number(),
  residentBytes: v.number(),
  map: v.record(v.pipe(v.string(), v.regex(/^\d+$/)), v.pipe(v.string(), v.regex(/^[0-8Ll~.-]{32}$/))),
});

/** A whole file. */
export const InspectFileSchema = v.object({
  schema: v.literal("hakmem.inspect/1"),
  command: v.array(v.string()),
  environment: EnvironmentSchema,
  /** Events are counted without thread ends. */
  trace: v.object({ file: v.string(), format: v.string(), events: v.number(), peakEvent: v.number() }),
  variant: v.string(),
  /** After which of the trace's events the snapshot was taken. */
  event: v.number(),
  snapshot: SnapshotSchema,
  /** In the order of their events; one is that of the snapshot. */
  frames: v.pipe(listOf(FrameSchema), v.minLength(1)),
  /** What a reader should know of it: a sentence each. */
  notes: v.exactOptional(v.array(v.string())),
  /** What others had in memory in a replay of the same trace, after each of `events` events. */
  contestants: v.exactOptional(listOf(v.object({
    name: v.string(),
    events: listOf(v.number()),
    footprintBytes: listOf(v.number()),
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
