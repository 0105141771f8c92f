/**
 * What `micro` finds, `hakmem.micro/1`: for each stage of a path its own cost, and what stands behind the path.
 *
 * @module
 */

/** A median and its interval. */
export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** One row: a stage, or a way of asking `mincore`. */
export interface MicroRow {
  readonly name: string;
  /** Of one operation. */
  readonly nanoseconds: Interval;
  /** Of the processor's counter. */
  readonly ticks: Interval;
  /** Nanoseconds of all stages up to this one; absent for `mincore`. */
  readonly cumulative?: number;
  /** Whether the stage is part of the sum that is compared with the whole. */
  readonly isOnFastPath: boolean;
}

/** The hot path of a variant. */
export interface MicroPath {
  readonly stages: readonly MicroRow[];
  /** malloc and free themselves in the same loop, the stages' sum, and what that leaves of them. */
  readonly whole: {
    readonly variant: string;
    readonly nanoseconds: Interval;
    readonly sum: number;
    readonly rest: number;
  };
}

/** What stands behind the hot path: steps, each of which does what the one before does and a layer more. */
export interface MicroSlowPath {
  readonly name: string;
  readonly steps: readonly MicroRow[];
  /** What they come to; absent where the rows have nothing to do with one another. */
  readonly whole?: Interval;
}

/** What `micro` found. The stages and the whole of the file itself are those of a variant of the history. */
export interface MicroFile extends MicroPath {
  readonly schema: "hakmem.micro/1";
  readonly rounds: number;
  readonly defaultHeap: MicroPath;
  readonly slowPaths: readonly MicroSlowPath[];
  readonly mincore: readonly MicroRow[];
  /** Where the counter is read from: `native`, or `libc`, whose ticks are nanoseconds. */
  readonly source: "native" | "libc";
}
