/**
 * `stress --threads`: each variant through each scenario, in a process of its own, as `stress.ts` does it for one thread.
 * Threads take other turns each time, so a failure is reported as it was found, not made again.
 *
 * @module
 */
import { Heap } from "../../heap/mod.ts";
import type { StressFile, StressRun, StressThreadsFailure } from "../../model/mod.ts";
import { heapLabel } from "../../report/mod.ts";
import { type Build, heapOptions } from "../../lab/inspect/flags.ts";
import type { StressProgress } from "./stress.ts";
import { runChild } from "./process.ts";

/** What to run. */
export interface ThreadsPlan {
  readonly variants: readonly string[];
  readonly build: Build;
  /** Names of scenarios, `SCENARIOS`. */
  readonly scenarios: readonly string[];
  /** Workers at a time, from 2. */
  readonly threads: number;
  readonly seed: number;
  /** In all; each scenario of each variant gets its share. */
  readonly seconds: number;
}

const CHILD = new URL("./threads_child.ts", import.meta.url);
/** What is too long, in milliseconds. */
export interface ThreadsLimits {
  /** For the process to say nothing; with many threads on a busy machine its coordinator may wait for seconds. */
  readonly silence: number;
  /** For an operation of a Worker; none takes that long, not on a busy machine. */
  readonly hang: number;
}

const LIMITS: ThreadsLimits = { silence: 20_000, hang: 10_000 };

/**
 * Runs a plan.
 *
 * @param entry What the processes run.
 * @returns what ran; if it is aborted, what ran until then.
 * @throws InvalidOptionError if a variant does not exist.
 */
export async function stressThreads(
  { variants, build, scenarios, threads, seed, seconds }: ThreadsPlan,
  report: (progress: StressProgress) => void,
  signal: AbortSignal,
  limits: ThreadsLimits = LIMITS,
  entry: URL = CHILD,
): Promise<Omit<StressFile, "schema" | "command">> {
  for (const variant of variants) (await Heap.open(heapOptions(variant, build))).close();
  const runs: StressRun[] = [];
  const pairs = variants.flatMap((variant) => scenarios.map((scenario) => ({ variant, scenario })));
  const milliseconds = seconds * 1000 / pairs.length;
  for (const [index, { variant, scenario }] of pairs.entries()) {
    const start = performance.now();
    const tick = () => {
      const done = index * milliseconds + Math.min(milliseconds, performance.now() - start);
      report({
        phase: "stress",
        done,
        total: pairs.length * milliseconds,
        label: `${heapLabel(variant)}, ${scenario}`,
      });
    };
    tick();
    const request = { variant, build, scenario, threads, seed, milliseconds, hang: limits.hang };
    const outcome = await runChild(request, limits.silence, { entry, signal, tick });
    const failure = outcome.failure ?? (outcome.death === undefined ? undefined : deathOf(outcome.death));
    runs.push({
      variant,
      threads: { scenario, ...NOTHING },
      ...outcome.sums,
      seconds: Math.round(performance.now() - start) / 1000,
      ...(failure === undefined ? {} : { failure }),
    });
    if (signal.aborted) break;
  }
  return { build, seed, threads, runs };
}

const NOTHING = {
  handedOver: 0,
  workers: 0,
  terminated: 0,
  inDoubt: 0,
  lost: 0,
  threadSlots: 0,
  peakFootprintBytes: 0,
  peakLiveBytes: 0,
};

/** What the Workers did last went with the process. */
function deathOf(message: string): StressThreadsFailure {
  return { message, last: [] };
}
