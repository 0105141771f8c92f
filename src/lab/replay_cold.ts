/**
 * First replays: the time of a trace in a process that has replayed nothing yet, as a program runs once. Each round starts
 * a process for each contestant, in random order, one at a time; so times of one round lie close together, and are
 * compared within it.
 *
 * @module
 */
import { Random } from "../measure/mod.ts";
import type { Failure } from "../report/mod.ts";
import { failureOfPeer, type Progress } from "./bench.ts";
import type { Contestant } from "./contestants.ts";
import { startVerified } from "./verified.ts";
import { REPLAY } from "./warnings.ts";

/** What to time. */
export interface ColdPlan {
  readonly contestants: readonly Contestant[];
  readonly rounds: number;
  readonly orderSeed: number;
  /** Milliseconds that a replay may take. */
  readonly deadlineOf: (contestant: Contestant) => number;
}

/** After so many seconds there are no more rounds than a median needs. */
const PATIENCE = 20;
const FEWEST_ROUNDS = 3;

/**
 * Nanoseconds per event of first replays, by contestant, a number a round; without the peers that failed.
 *
 * @throws ContestantError if our heap cannot do its work
 */
export async function coldSamples(
  { contestants, rounds, orderSeed, deadlineOf }: ColdPlan,
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<{ samples: ReadonlyMap<Contestant, readonly number[]>; failures: Failure[] }> {
  const samples = new Map(contestants.map((contestant): [Contestant, number[]] => [contestant, []]));
  const failures: Failure[] = [];
  const random = new Random(orderSeed), total = rounds * contestants.length, start = performance.now();
  for (let round = 0, done = 0; round < rounds; round++) {
    if (round >= FEWEST_ROUNDS && performance.now() - start > 1000 * PATIENCE) break;
    for (const contestant of random.shuffled([...samples.keys()])) {
      report({ phase: "replaying first", done: done++, total, label: contestant.label });
      try {
        samples.get(contestant)!.push(await firstReplay(contestant, deadlineOf(contestant), signal));
      } catch (error) {
        failures.push(failureOfPeer(contestant, error));
        samples.delete(contestant);
      }
    }
  }
  return { samples, failures };
}

async function firstReplay(contestant: Contestant, deadline: number, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  await using child = await startVerified(contestant.command);
  const stop = () => void child[Symbol.asyncDispose]();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const { nanoseconds, operations } = await child.run({ workload: REPLAY, units: 1, parameters: {} }, deadline);
    return nanoseconds / operations;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
