/**
 * What is replayed: the events of a trace as 32-bit words, one array that TypeScript and C both read, so both do the same
 * in the same order and neither decodes anything.
 *
 *     head    MAGIC, VERSION, events, slots, largest size, 0, 0, 0
 *     event   kind | alignment << 8 | thread << 16     the alignment as its base-2 logarithm
 *             slot                                      where its block's pointer is kept; 0 is the null pointer
 *             size                                      bytes of the block; of a free, those that it had
 *             former size                               of a realloc, the bytes that the block had before; else 0
 *
 * A program's pointers lie in as much memory as it has live blocks, so a replay's should too: a slot is used again when its
 * block is freed, the last one first. Thread ends are left out: they ask nothing of an allocator.
 *
 * @module
 */
import { EVENT, type Trace, TraceError } from "./trace.ts";

/** Where things are; `native/replay.c` has the same. Counted in words. */
export const REPLAY = {
  MAGIC: 0x50524b48,
  VERSION: 1,
  HEAD: 8,
  EVENTS: 2,
  SLOTS: 3,
  LARGEST: 4,
  /** Of one event. */
  EVENT: 4,
} as const;

/** The most bytes that may be live at once: pools in WebAssembly and in JavaScript have 1 GiB, and all take part. */
export const MOST_LIVE_BYTES = 2 ** 30;

/**
 * The words of a trace.
 *
 * @throws TraceError if more than {@link MOST_LIVE_BYTES} are live at once.
 */
export function replayWords(trace: Trace): Int32Array<ArrayBuffer> {
  const { length, kinds, threads, sizes, formerSizes, alignments } = trace;
  const { slots, slotCount } = assignSlots(trace);
  const words = new Int32Array(REPLAY.HEAD + length * REPLAY.EVENT);
  let at: number = REPLAY.HEAD, largest = 0, live = 0;
  for (let event = 0; event < length; event++) {
    const kind = kinds[event]!;
    if (kind === EVENT.THREAD_END) continue;
    const size = sizes[event]!;
    live += size - formerSizes[event]!;
    if (live > MOST_LIVE_BYTES) {
      throw new TraceError(`event ${event}: more than ${MOST_LIVE_BYTES} bytes are live, too many for a replay`);
    }
    largest = Math.max(largest, size);
    words[at] = kind | alignments[event]! << 8 | threads[event]! << 16;
    words[at + 1] = slots[event]!;
    words[at + 2] = kind === EVENT.FREE ? formerSizes[event]! : size;
    words[at + 3] = kind === EVENT.REALLOC ? formerSizes[event]! : 0;
    at += REPLAY.EVENT;
  }
  const events = (at - REPLAY.HEAD) / REPLAY.EVENT;
  words.set([REPLAY.MAGIC, REPLAY.VERSION, events, slotCount, largest]);
  return words.slice(0, at);
}

/**
 * Reads the words back.
 *
 * @throws TraceError if they are not such words, or an event is cut off.
 */
export function parseReplayWords(bytes: Uint8Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / 4));
  const events = words[REPLAY.EVENTS] ?? 0;
  const isSound = words[0] === REPLAY.MAGIC && words[1] === REPLAY.VERSION &&
    words.length === REPLAY.HEAD + events * REPLAY.EVENT;
  if (!isSound) throw new TraceError("these are no words of a replay");
  return words;
}

/** The slot of each event, and how many there are, the one of the null pointer with them. */
function assignSlots({ length, kinds, blocks, blockCount }: Trace): { slots: Uint32Array; slotCount: number } {
  const slots = new Uint32Array(length);
  const slotOf = new Uint32Array(blockCount + 1);
  const free: number[] = [];
  let slotCount = 1;
  for (let event = 0; event < length; event++) {
    const block = blocks[event]!;
    if (block === 0) continue;
    const slot = slotOf[block] ||= free.pop() ?? slotCount++;
    slots[event] = slot;
    if (kinds[event] === EVENT.FREE) free.push(slot);
  }
  return { slots, slotCount };
}
