/**
 * What workloads with one hot loop have in common: a unit is so many iterations, in calls of the loop that are long
 * enough to cost nothing, and short enough for V8 to optimise the loop within a unit. Their files have the loop, its
 * sizes and its parameters.
 *
 * @module
 */
import { CHUNK_ITERATIONS, parameter, type Parameters, type Runner, seeEnd, STATE } from "../workload.ts";

/** Such a loop, with all that it works on but for its state. */
export interface Loop {
  /** The loop itself. */
  readonly hot: Runner["hot"];
  /** Calls it for some iterations; it goes on from what the state is, and leaves it as it is then. */
  readonly run: (state: Int32Array, iterations: number) => void;
  /** Iterations of a unit; the parameter `cycles` if absent. */
  readonly iterations?: number;
  /** Iterations of a call, at most. */
  readonly chunk?: number;
  /** Before the clock starts, when the state is zeros but for the seed. */
  readonly begin?: (state: Int32Array) => void;
  /** After each unit, on the clock. */
  readonly settle?: () => void;
  /** As of `Runner`. */
  readonly drain?: (state: Int32Array) => number;
  /** As of `Runner`. */
  readonly end?: () => void;
}

/**
 * The runner of a loop.
 *
 * @param state Where the loop keeps its state: zeros of the workspace, {@linkcode STATE.LENGTH} of them or more.
 */
export function loopRunner(parameters: Parameters, state: Int32Array, loop: Loop): Runner {
  const { hot, run, chunk = CHUNK_ITERATIONS, begin, settle, drain, end } = loop;
  const seed = parameter(parameters, "seed");
  const iterations = loop.iterations ?? parameter(parameters, "cycles");
  seeEnd((scratch) => run(scratch, 0));
  return {
    begin() {
      state.fill(0);
      state[STATE.RANDOM] = seed | 0;
      begin?.(state);
    },
    unit() {
      for (let left = iterations; left > 0; left -= chunk) run(state, Math.min(left, chunk));
      settle?.();
    },
    drain: () => drain?.(state) ?? 0,
    end: () => end?.(),
    get checksum() {
      return (state[STATE.CHECKSUM] as number) >>> 0;
    },
    hot,
  };
}

/** Begins where nothing is random: the seed is what the checksum starts from. */
export function seedChecksum(state: Int32Array): void {
  state[STATE.CHECKSUM] = state[STATE.RANDOM]!;
}
