/**
 * What is replayed: the events of a trace as 32-bit words, one array that TypeScript and C both read, so both do the
 * same in the same order and neither decodes anything.
 *
 *     head    MAGIC, VERSION, events, slots, largest size, members, large events, wide
 *     event   kind | alignment << 8 | WATCHED | member << 16    the alignment as its base-2 logarithm; LARGE with the kind
 *             slot                                       where its block's pointer is kept; 0 is the null pointer
 *             size                                       bytes of the block; of a free, those that it had
 *             former size                                of a realloc, the bytes that the block had before; 0 of others
 *     large   event, size in 64 KiB, ...                 at the end: what a LARGE event really asks for, ascending
 *
 * A block may be larger than the machine can have in memory, many times over. So of those beyond some size only so many
 * bytes are written and read: that is their size above, and their events are LARGE.
 *
 * Where more than 1 GiB is live, pointers into a heap may have more than 31 bits: the words are *wide*.
 *
 * A program's pointers lie in as much memory as it has live blocks, so a replay's should too: a slot is used again when
 * its block is freed, the last one first. Thread ends are left out: they ask nothing of an allocator.
 *
 * Several threads replay as the *members* of a crew, and each has some of the trace's threads: the busiest goes to the
 * member with the least to do, and so on. What one thread did stays in order; what several did to one block too,
 * because a member waits until the event before it of the same block is done, if another member does that. A slot is
 * then used by one block alone: otherwise members would wait for events that have nothing to do with theirs. For them,
 * three columns follow the events:
 *
 *     after   for each event the one to wait for, or -1; that one is WATCHED, so that it is told of when it is done
 *     starts  for each member where its events begin in the order, and where the last one's end
 *     order   the events, member by member
 *
 * @module
 */
import { EVENT, type Trace, TraceError } from "./trace.ts";

/** Where things are; `native/replay.c` has the same. Counted in words. */
export const REPLAY = {
  MAGIC: 0x50524b48,
  VERSION: 2,
  HEAD: 8,
  EVENTS: 2,
  SLOTS: 3,
  LARGEST: 4,
  MEMBERS: 5,
  LARGES: 6,
  WIDE: 7,
  /** Of one event. */
  EVENT: 4,
} as const;

/** Another member waits for this event. */
export const WATCHED = 1 << 15;
/** With the kind of an event that asks for more than it has for a size; and the unit of what it really asks for. */
export const LARGE = 8;
export const LARGE_UNIT = 65_536;
/** The most members. */
export const MOST_MEMBERS = 16;

/** A block is never touched beyond this; with more live at once words are wide. */
export const MOST_TOUCHED = 2 ** 30;
const PAGE_BYTES = 4096;

/** The most bytes that are live and touched at once, if at most so many of each block are touched. */
export function peakTouched({ length, sizes, formerSizes }: Trace, most: number): number {
  let live = 0, peak = 0;
  for (let event = 0; event < length; event++) {
    live += Math.min(sizes[event]!, most) - Math.min(formerSizes[event]!, most);
    if (live > peak) peak = live;
  }
  return peak;
}

/**
 * How many bytes of a block are to be touched, at most, so that no more than some bytes are touched and live at once:
 * the largest power of two that does, from a page up to {@link MOST_TOUCHED}.
 *
 * @param budget Bytes that may be touched and live at once.
 * @returns undefined if even a page of each is too much.
 */
export function touchedBytes(trace: Trace, budget: number): number | undefined {
  for (let most = MOST_TOUCHED; most >= PAGE_BYTES; most /= 2) if (peakTouched(trace, most) <= budget) return most;
  return undefined;
}

/**
 * The words of a trace.
 *
 * @param members How many threads will replay it, 1 to {@link MOST_MEMBERS}.
 * @param touched The most bytes of a block that are written and read: see {@link touchedBytes}.
 */
export function replayWords(trace: Trace, members = 1, touched = MOST_TOUCHED): Int32Array<ArrayBuffer> {
  const { length, kinds, threads, blocks, blockCount, sizes, formerSizes, alignments } = trace;
  const memberOf = dealThreads(trace, members);
  const { slots, slotCount } = members > 1 ? { slots: blocks, slotCount: blockCount + 1 } : assignSlots(trace);
  const words = new Int32Array(REPLAY.HEAD + length * REPLAY.EVENT);
  const large: number[] = [];
  let at: number = REPLAY.HEAD, largest = 0, live = 0, peak = 0;
  for (let event = 0; event < length; event++) {
    const kind = kinds[event]!;
    if (kind === EVENT.THREAD_END) continue;
    const asked = sizes[event]!, size = Math.min(asked, touched), former = Math.min(formerSizes[event]!, touched);
    largest = Math.max(largest, size);
    live += asked - formerSizes[event]!;
    if (live > peak) peak = live;
    if (asked > touched) large.push((at - REPLAY.HEAD) / REPLAY.EVENT, Math.ceil(asked / LARGE_UNIT));
    words[at] = kind | (asked > touched ? LARGE : 0) | alignments[event]! << 8 | memberOf[threads[event]!]! << 16;
    words[at + 1] = slots[event]!;
    words[at + 2] = kind === EVENT.FREE ? former : size;
    words[at + 3] = kind === EVENT.REALLOC ? former : 0;
    at += REPLAY.EVENT;
  }
  const events = (at - REPLAY.HEAD) / REPLAY.EVENT;
  words.set([
    REPLAY.MAGIC,
    REPLAY.VERSION,
    events,
    slotCount,
    largest,
    members,
    large.length / 2,
    Number(peak > MOST_TOUCHED),
  ]);
  const own = members > 1 ? withOrder(words.subarray(0, at), events, slotCount, members) : words.subarray(0, at);
  const all = new Int32Array(own.length + large.length);
  all.set(own);
  all.set(large, own.length);
  return all;
}

/** What LARGE events really ask for, by event. */
export function largeSizes(words: Int32Array): ReadonlyMap<number, number> {
  const { end } = memberColumns(words), sizes = new Map<number, number>();
  for (let at = end; at < end + 2 * words[REPLAY.LARGES]!; at += 2) sizes.set(words[at]!, words[at + 1]! * LARGE_UNIT);
  return sizes;
}

/** Where the columns of members begin, and how many words there are in all. */
export function memberColumns(words: Int32Array): { after: number; starts: number; order: number; end: number } {
  const events = words[REPLAY.EVENTS]!, members = words[REPLAY.MEMBERS]!;
  const after = REPLAY.HEAD + events * REPLAY.EVENT;
  if (members === 1) return { after, starts: after, order: after, end: after };
  const starts = after + events, order = starts + members + 1;
  return { after, starts, order, end: order + events };
}

/**
 * Reads the words back.
 *
 * @throws TraceError if they are not such words, or something is cut off.
 */
export function parseReplayWords(bytes: Uint8Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / 4));
  const isSound = words.length >= REPLAY.HEAD && words[0] === REPLAY.MAGIC && words[1] === REPLAY.VERSION &&
    words.length === memberColumns(words).end + 2 * words[REPLAY.LARGES]!;
  if (!isSound) throw new TraceError("these are not words of a replay");
  return words;
}

/** The member of each thread. */
function dealThreads({ kinds, threads, threadNames }: Trace, members: number): Uint8Array {
  const memberOf = new Uint8Array(threadNames.length);
  const events = new Float64Array(threadNames.length), loads = new Float64Array(members);
  for (let event = 0; event < threads.length; event++) {
    if (kinds[event] !== EVENT.THREAD_END) events[threads[event]!]!++;
  }
  const busiestFirst = [...events.keys()].toSorted((a, b) => events[b]! - events[a]!);
  for (const thread of busiestFirst) {
    const member = loads.indexOf(Math.min(...loads));
    memberOf[thread] = member;
    loads[member]! += events[thread]!;
  }
  return memberOf;
}

/** Adds the columns of members, and marks the events that are waited for. */
function withOrder(words: Int32Array, events: number, slotCount: number, members: number): Int32Array<ArrayBuffer> {
  const { after, starts, order, end } = memberColumns(words);
  const all = new Int32Array(end);
  all.set(words);
  const last = new Int32Array(slotCount).fill(-1); // by slot: its latest event
  const own: number[][] = Array.from({ length: members }, () => []);
  for (let event = 0; event < events; event++) {
    const at = REPLAY.HEAD + event * REPLAY.EVENT;
    const member = all[at]! >>> 16, slot = all[at + 1]!;
    own[member]!.push(event);
    const before = slot === 0 ? -1 : last[slot]!;
    const beforeAt = REPLAY.HEAD + before * REPLAY.EVENT;
    const isOthers = before >= 0 && all[beforeAt]! >>> 16 !== member;
    all[after + event] = isOthers ? before : -1;
    if (isOthers) all[beforeAt]! |= WATCHED;
    last[slot] = event;
  }
  let position = 0;
  for (const [member, list] of own.entries()) {
    all[starts + member] = position;
    all.set(list, order + position);
    position += list.length;
  }
  all[starts + members] = position;
  return all;
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
