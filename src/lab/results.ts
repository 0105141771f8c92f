/**
 * From slots to results: nanoseconds per operation of each round, their medians and intervals, and the ratios and
 * differences that are paired within the rounds.
 *
 * @module
 */
import { differences, type Estimate, estimate, ratios } from "../measure/mod.ts";
import type { Ratio, Result } from "../report/mod.ts";
import type { Parameters } from "../workloads/mod.ts";
import type { Contestant } from "./contestants.ts";
import type { Identity } from "./identity.ts";
import type { Slot } from "./protocol.ts";

/** All slots of one contestant at one size, in the order of the rounds. */
export interface Series {
  readonly contestant: Contestant;
  readonly workload: string;
  readonly size: number;
  readonly parameters: Parameters;
  /** Operations of one unit. */
  readonly unitOperations: number;
  readonly slots: readonly Slot[];
  /** What served its malloc, if that was asked. */
  readonly identity?: Identity | undefined;
}

/** The results of series that were measured in the same rounds. */
export function resultsOf(all: readonly Series[]): Result[] {
  return all.map((series) => resultOf(series, all));
}

function resultOf(series: Series, all: readonly Series[]): Result {
  const { contestant, workload, size, parameters, slots, identity } = series;
  const { allocator, runtime, host } = contestant;
  const last = slots.at(-1);
  if (last === undefined) throw new RangeError(`${contestant.label} has no slots at ${size}`);
  const samples = slots.map(nanosecondsPerOperation);
  const time = estimate(samples);
  const peersOfSize = all.filter((other) => other.size === size);
  const harness = peersOfSize.find((other) => isHarness(other.contestant) && other.contestant.host === host);
  const system = peersOfSize.find((other) => other.contestant.allocator === "system");
  const result: Result = {
    workload,
    allocator,
    runtime,
    host,
    ...(identity === undefined ? {} : { library: identity.library }),
    ...(identity?.version === undefined ? {} : { libraryVersion: identity.version }),
    size,
    threads: 1,
    operations: series.unitOperations,
    checksum: last.checksum,
    opsPerSecond: throughput(time),
    nsPerOp: time.median,
    netNsPerOp: harness === undefined ? time.median : netTime(samples, harness),
    samples,
    unitsPerSlot: last.units,
    tiers: slots.map((slot) => slot.tier),
    parameters: { ...parameters },
  };
  if (system !== undefined && !isHarness(contestant)) {
    result.ratioToSystem = asRatio(estimate(ratios(system.slots.map(nanosecondsPerOperation), samples)));
  }
  return result;
}

function isHarness({ runtime }: Contestant): boolean {
  return runtime === "harness";
}

function nanosecondsPerOperation({ nanoseconds, operations }: Slot): number {
  return nanoseconds / operations;
}

function netTime(samples: readonly number[], harness: Series): number {
  return estimate(differences(samples, harness.slots.map(nanosecondsPerOperation))).median;
}

/** The fastest time is the highest throughput: the bounds change places. */
function throughput({ median, low, high }: Estimate): Estimate {
  return { median: 1e9 / median, low: 1e9 / high, high: 1e9 / low };
}

function asRatio({ median, low, high }: Estimate): Ratio {
  return { ratio: median, low, high };
}
