/**
 * A replay by several threads: what one member of the crew does. It goes through its own events in the trace's order, and
 * before an event whose block another member had last, it waits for that one (`../../traces/replay_words.ts`).
 *
 * Members tell how far they are by a word each, and only after events that another waits for: all that a member did
 * before is done then too. Nobody waits in a circle, since the earliest event that is not done waits for none.
 *
 * @module
 */
import { EVENT } from "../../traces/trace.ts";
import { memberColumns, REPLAY, WATCHED } from "../../traces/replay_words.ts";
import type { Allocator, Slots } from "../allocator.ts";
import { OtherThreadFailed } from "../workspace.ts";
import { CHUNK_ITERATIONS, seeEnd } from "../workload.ts";
import { damaged, outOfMemory, type Rare, rareBy, REPLAY_STATE, replaySlots, replayState } from "./replay.ts";
import { byteOf, type Differs, differsOf, type Touch, touchOf } from "./replay_blocks.ts";

/** Ints between the words of two members, so that they are in lines of their own. */
const APART = 32;
/**
 * Looks at a word before the processor is given away, and how often it is before this thread sleeps. So many looks take
 * as long as the 2000 in C, some microseconds: the code that waits is seldom hot enough to be compiled.
 */
const SPINS = 100;
const YIELDS = 100;
/** Microseconds. */
const NAP = 50;
// V8 folds a module's own constants, but loads imported ones each time.
const MALLOC = EVENT.MALLOC, FREE = EVENT.FREE, FIRST_EVENT = REPLAY.HEAD, WATCHED_BIT = WATCHED;

/** What the members share; zeros at first. */
export interface ReplayMemory {
  readonly slots: SharedArrayBuffer;
  readonly progress: SharedArrayBuffer;
}

/** Memory for a replay by the members that its words are for. */
export function replayMemory(words: Int32Array): ReplayMemory {
  return {
    slots: new SharedArrayBuffer(8 * words[REPLAY.SLOTS]!),
    progress: new SharedArrayBuffer(4 * APART * words[REPLAY.MEMBERS]!),
  };
}

/** One thread's part in a replay. */
export interface ReplayMember {
  /** Frees its share of what is live, and starts over. All members are idle, or do the same. */
  begin(): void;
  /** Does its events before `to`, which is counted among all events. */
  advance(to: number): void;
  /** 32 bits of what it did since `begin`, as an unsigned number. */
  readonly checksum: number;
  /** The function that the time is spent in. */
  // deno-lint-ignore ban-types
  readonly hot: Function;
}

/**
 * Binds a member to its thread's allocator.
 *
 * @param isVerified As of `prepareReplay`.
 * @param failed Its first int is not 0 once a member has failed.
 * @param pause Gives the processor to others for 0, otherwise sleeps so many microseconds.
 */
export function prepareMember<P>(
  allocator: Allocator<P>,
  words: Int32Array,
  isVerified: boolean,
  member: number,
  memory: ReplayMemory,
  failed: Int32Array,
  pause: (microseconds: number) => void,
): ReplayMember {
  const { malloc, free, nothing } = allocator;
  const members = words[REPLAY.MEMBERS]!;
  const slots = replaySlots(allocator, words, memory.slots);
  const progress = new Int32Array(memory.progress);
  const state = replayState(isVerified);
  const touch = touchOf(allocator), differs = differsOf(allocator);
  const rare = rareBy(allocator, slots, words, touch, differs, state);
  const { after, starts, order } = memberColumns(words);
  const first = order + words[starts + member]!, end = order + words[starts + member + 1]!;
  const wait = (event: number) => {
    const word = (words[REPLAY.HEAD + event * REPLAY.EVENT]! >>> 16) * APART;
    for (let tries = 0; Atomics.load(progress, word) <= event; tries++) {
      if (tries < SPINS) continue;
      if (Atomics.load(failed, 0) !== 0) throw new OtherThreadFailed("another thread has failed");
      pause(tries < SPINS + YIELDS ? 0 : NAP);
    }
  };
  const own = member * APART;
  const chunk = compileOwn(
    malloc,
    free,
    rare,
    touch,
    differs,
    byteOf,
    wait,
    nothing,
    slots,
    words,
    progress,
    state,
    own,
    after,
  );
  seeEnd(() => chunk(first, first));
  let position = first;
  return {
    begin() {
      for (let slot = member; slot < slots.length; slot += members) {
        if (slots[slot] === nothing) continue;
        free(slots[slot] as P);
        slots[slot] = nothing;
      }
      position = first;
      state[REPLAY_STATE.CHECKSUM] = 0;
      Atomics.store(progress, own, 0);
    },
    advance(to) {
      while (position < end && words[position]! < to) {
        const from = position;
        while (position < end && position < from + CHUNK_ITERATIONS && words[position]! < to) position++;
        chunk(from, position);
      }
      Atomics.store(progress, own, to);
    },
    get checksum() {
      return state[REPLAY_STATE.CHECKSUM]! >>> 0;
    },
    hot: chunk,
  };
}

/** As `compileChunk` for one thread: the loop over the events at positions of the order. */
function compileOwn<P>(
  malloc: Allocator<P>["malloc"],
  free: Allocator<P>["free"],
  rare: Rare,
  touch: Touch<P>,
  differs: Differs<P>,
  byteOf: (slot: number) => number,
  wait: (event: number) => void,
  nothing: P,
  slots: Slots<P>,
  words: Int32Array,
  progress: Int32Array,
  state: Int32Array,
  own: number,
  after: number,
): (from: number, to: number) => void {
  return function replayOwn(from, to) {
    const end = to | 0;
    const mask = state[REPLAY_STATE.MASK] as number;
    let checksum = state[REPLAY_STATE.CHECKSUM] as number;
    for (let position = from | 0; position < end; position = (position + 1) | 0) {
      const event = words[position] as number;
      const before = words[(after + event) | 0] as number;
      if (before >= 0) wait(before);
      const at = (FIRST_EVENT + (event << 2)) | 0;
      const head = words[at] as number, slot = words[(at + 1) | 0] as number, size = words[(at + 2) | 0] as number;
      const kind = head & 0xff;
      checksum = ((checksum << 5) - checksum + (slot ^ size ^ kind)) | 0; // times 31, as C compiles it
      if (kind === FREE) {
        const pointer = slots[slot] as P;
        if (size !== 0 && (differs(pointer, size, byteOf(slot)) & mask) !== 0) {
          throw damaged(at, "was overwritten before its free");
        }
        if (slot !== 0) slots[slot] = nothing;
        free(pointer);
      } else if (kind === MALLOC) {
        const pointer = malloc(size);
        if (pointer === nothing) throw outOfMemory(at, size);
        if (size !== 0) touch(pointer, size, byteOf(slot));
        slots[slot] = pointer;
      } else {
        rare(at);
      }
      if ((head & WATCHED_BIT) !== 0) Atomics.store(progress, own, event + 1);
    }
    state[REPLAY_STATE.CHECKSUM] = checksum;
  };
}
