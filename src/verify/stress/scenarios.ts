/**
 * What a threaded `stress` does, one scenario after the other.
 *
 * @module
 */
import type { Ending, Role } from "./worker.ts";

/** One of {@linkcode SCENARIOS}. */
export interface Scenario {
  /** In a few words. */
  readonly meaning: string;
  /** Of the oracle's table, a thread: the most blocks that are live. */
  readonly slots: number;
  /** What Workers do, seat by seat, over and over. */
  readonly roles: readonly Role[];
  /** How they end: one of these, at random. If there is none, they work until all is over. */
  readonly endings: readonly Ending[];
  /** How long they work: from, to. */
  readonly milliseconds: readonly [least: number, most: number];
  /** Of one heap; then comes the next. */
  readonly heapMilliseconds: number;
  /** Whether one heap in three is short of memory. */
  readonly isScarce: boolean;
  /** The footprint of a release build may be so many times what is live at most. */
  readonly mostFootprint?: number;
}

/** Every scenario by its name. */
export const SCENARIOS: { readonly [name: string]: Scenario } = {
  mix: {
    meaning: "all operations on blocks of all, by Workers that end in the middle of anything",
    slots: 2048,
    roles: ["anything"],
    endings: ["close", "leave", "terminate", "operation", "section", "section", "attach"],
    milliseconds: [20, 600],
    heapMilliseconds: 5000,
    isScarce: true,
  },
  succession: {
    meaning: "the same by Workers that hardly live, one after another",
    slots: 512,
    roles: ["anything"],
    endings: ["close", "leave", "terminate", "operation", "section", "attach"],
    milliseconds: [0, 4],
    heapMilliseconds: Infinity,
    isScarce: false,
  },
  "producer-consumer": {
    meaning: "Workers that only allocate, others that only free, and end: footprint at most twice what is live",
    slots: 32_768,
    roles: ["produce", "consume"],
    endings: ["close", "leave", "terminate", "operation", "section", "section"],
    milliseconds: [300, 2000],
    heapMilliseconds: Infinity,
    isScarce: false,
    mostFootprint: 2,
  },
};
