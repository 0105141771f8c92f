/**
 * The table of workloads. Adding one: its file in `synthetic/`, its twin in `native/workloads/` and the table of
 * `native/workloads.c`, one line below.
 *
 * @module
 */
import { allocTest } from "./synthetic/alloctest.ts";
import { cacheScratch, cacheThrash } from "./synthetic/cache_lines.ts";
import { hotPair } from "./synthetic/hot_pair.ts";
import { larson } from "./synthetic/larson.ts";
import { mstress } from "./synthetic/mstress.ts";
import { randomMixed } from "./synthetic/random_mixed.ts";
import { rptest } from "./synthetic/rptest.ts";
import { sh6bench } from "./synthetic/sh6bench.ts";
import { sh8bench } from "./synthetic/sh8bench.ts";
import { slowMix } from "./synthetic/slow_mix.ts";
import { xmallocTest } from "./synthetic/xmalloctest.ts";
import type { Parameters, ParameterSpec, Workload } from "./workload.ts";

export { type Allocator, numberSlots, OutOfMemory, type Slots } from "./allocator.ts";
export { prepareReplay, type Replay, ReplayFailure, replayWorkload } from "./replay/replay.ts";
export { prepareMember, type ReplayMember, type ReplayMemory, replayMemory } from "./replay/replay_member.ts";
export { LARGE_BLOCK, latencyKinds, timed, unitKinds } from "./timed.ts";
export { among, bytesOf, type CommonMemory, OtherThreadFailed, type Workspace } from "./workspace.ts";
export { type Parameters, type ParameterSpec, type Runner, type Workload } from "./workload.ts";

/** Every workload, by name. */
export const WORKLOADS: ReadonlyMap<string, Workload> = new Map(
  [
    randomMixed,
    hotPair,
    larson,
    slowMix,
    sh6bench,
    sh8bench,
    allocTest,
    mstress,
    rptest,
    xmallocTest,
    cacheScratch,
    cacheThrash,
  ].map((workload) => [workload.name, workload]),
);

/** A parameter is out of its limits; the message says which values are allowed. */
export class ParameterError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ParameterError";
  }
}

/**
 * The parameters of a run: what was given, defaults for the rest.
 *
 * @throws ParameterError if one is unknown to the workload or not allowed.
 */
export function completeParameters(workload: Workload, given: Parameters): Parameters {
  for (const name of Object.keys(given)) {
    if (workload.parameters[name] !== undefined) continue;
    const known = Object.keys(workload.parameters).map((each) => `--${each}`).join(", ");
    throw new ParameterError(`--${name} means nothing to ${workload.name}, which has ${known}`);
  }
  const complete: Record<string, number> = {};
  for (const [name, spec] of Object.entries(workload.parameters)) {
    complete[name] = checkParameter(name, given[name] ?? spec.default, spec);
  }
  const wrong = workload.check?.(complete);
  if (wrong !== undefined) throw new ParameterError(wrong);
  return complete;
}

function checkParameter(name: string, value: number, spec: ParameterSpec): number {
  const { min, max } = spec;
  const isAllowed = Number.isInteger(value) && value >= min && value <= max &&
    (spec.powerOfTwo !== true || Number.isInteger(Math.log2(value)));
  if (isAllowed) return value;
  const kind = spec.powerOfTwo === true ? "a power of two" : "a whole number";
  throw new ParameterError(`--${name} ${value} is not allowed: ${spec.description}, ${kind} from ${min} to ${max}`);
}
