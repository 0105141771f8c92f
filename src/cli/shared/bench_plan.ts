/**
 * From the options of `bench` to what the lab is to measure: defaults, what `--quick` makes shorter, and the checks
 * that take more than one option.
 *
 * @module
 */
import { DEFAULT_VARIANT, InvalidOptionError, parseVariant } from "../../heap/mod.ts";
import type { BenchPlan } from "../../lab/bench/bench.ts";
import { freshSeed } from "../../measure/mod.ts";
import { hakmemVariant } from "../../os/mod.ts";
import { defaultPeers } from "../../peers/find.ts";
import { parseExpectation } from "../../report/mod.ts";
import { completeParameters, ParameterError, type Parameters, type Workload, WORKLOADS } from "../../workloads/mod.ts";
import { UsageError } from "./values.ts";
import type { WorkloadOptions } from "./workload_options.ts";

/** The options, as the parser gives them. */
export interface BenchOptions extends WorkloadOptions {
  variant?: string[] | undefined;
  peer?: string[] | undefined;
  rounds?: number | undefined;
  quick?: boolean | undefined;
  seconds?: number | undefined;
  threads?: number[] | undefined;
  ownHeaps?: boolean | undefined;
  counters?: boolean | undefined;
  latency?: boolean | undefined;
  instructions?: boolean | undefined;
  expect?: number | undefined;
}

const DEFAULT_SIZES = [128, 256, 512, 1024];

type Effort = typeof EFFORT.normal | typeof EFFORT.quick;

/** The slots, the rounds and the work of a unit: enough for a quiet machine, or as much as 15 s allow. */
const EFFORT = {
  normal: { rounds: 10, slotMilliseconds: 50, unitDeadline: 10_000, parameters: {} },
  quick: {
    rounds: 6,
    slotMilliseconds: 8,
    unitDeadline: 150,
    parameters: { "cycles": 20_000, "larson-rounds": 20 },
  },
} as const;

// A slot starts with an empty working set. A unit that visits each of many slots a few times has it settled; for fewer
// slots the cycles above are enough.
const SETTLED_SLOTS = 8192;
const CYCLES_PER_SLOT = 4;

/** Parses `--expect`. */
export function expectation(text: string): number {
  const ratio = parseExpectation(text);
  if (ratio !== undefined) return ratio;
  throw new UsageError(`--expect ${text} is not a ratio to system: write '+20%', 1.2 or 1.2x`);
}

/**
 * What the options ask for.
 *
 * @throws UsageError if they do not fit together, or are out of their limits.
 */
export function planOf(options: BenchOptions): BenchPlan & { readonly workload: Workload } {
  const { workload, sizes, effort } = measured(options);
  const peers = options.peer ?? defaultPeers();
  if (options.expect !== undefined && !peers.includes("system")) {
    throw new UsageError("--expect is a ratio to system: --peer must contain system");
  }
  if (options.seconds !== undefined && workload.name !== "larson") {
    throw new UsageError(`--seconds means nothing to ${workload.name}, only to larson`);
  }
  const threads = options.threads ?? [1];
  for (const count of threads) checkThreads(workload, count);
  if (options.ownHeaps === true) checkOwnHeaps(workload, threads);
  return {
    workload,
    sizes,
    threads,
    ownHeaps: options.ownHeaps === true,
    variants: variantsOf(options.variant),
    peers,
    rounds: options.rounds ?? effort.rounds,
    slotMilliseconds: effort.slotMilliseconds,
    orderSeed: freshSeed(),
    unitDeadline: options.peer === undefined ? effort.unitDeadline : undefined,
    seconds: options.seconds,
  };
}

/** @throws UsageError if a workload has no meaning with so many threads. */
export function checkThreads(workload: Workload, threads: number): void {
  const wrong = workload.checkThreads?.(threads);
  if (wrong !== undefined) throw new UsageError(`--threads ${threads} is not allowed in ${workload.name}: ${wrong}`);
}

/** @throws UsageError if there is nothing for which each thread could have a heap. */
export function checkOwnHeaps({ name, crossing, canStayApart }: Workload, threads: readonly number[]): void {
  if (crossing !== undefined && canStayApart !== true) {
    throw new UsageError(`--own-heaps means nothing to ${name}: a thread frees what another one allocated`);
  }
  if (threads.every((count) => count === 1)) {
    throw new UsageError("--own-heaps is a heap for each of several threads: --threads 2");
  }
}

/** What is run, and with which effort. */
export interface Measured {
  readonly workload: Workload;
  readonly sizes: BenchPlan["sizes"];
  readonly effort: Effort;
}

/** How much is measured by these options. */
export function effortOf({ quick }: { quick?: boolean | undefined }): Effort {
  return quick === true ? EFFORT.quick : EFFORT.normal;
}

/** The workload, its sizes and the effort of these options: for all commands that measure. */
export function measured(options: WorkloadOptions & { quick?: boolean | undefined }): Measured {
  const workload = WORKLOADS.get(options.workload ?? "random-mixed");
  if (workload === undefined) throw new UsageError(`there is no workload ${options.workload}`);
  const effort = effortOf(options);
  return { workload, sizes: sizesOf(workload, options, effort.parameters), effort };
}

/** A parameter set for each size; one for a workload that mixes them, whose upper bound stands for them. */
function sizesOf(workload: Workload, options: WorkloadOptions, effort: Parameters): BenchPlan["sizes"] {
  const asked: Record<string, number | undefined> = {
    "cycles": options.cycles,
    "working-set": options.workingSet,
    "seed": options.seed,
    "min": options.min,
    "max": options.max,
    "chunks": options.chunks,
    "larson-rounds": options.larsonRounds,
  };
  const given: Record<string, number> = {};
  for (const [name, value] of Object.entries(effort)) {
    const spec = workload.parameters[name];
    if (spec !== undefined) given[name] = Math.min(value, spec.default);
  }
  for (const [name, value] of Object.entries(asked)) {
    if (value !== undefined) given[name] = value;
  }
  const slots = given["working-set"] ?? 0;
  if (options.cycles === undefined && slots > SETTLED_SLOTS) given["cycles"] = CYCLES_PER_SLOT * slots;
  const complete = (more: Parameters) => rethrown(() => completeParameters(workload, { ...given, ...more }));
  if (workload.parameters["size"] !== undefined) {
    return [...new Set(options.size ?? workload.sizes ?? DEFAULT_SIZES)].map((size) => ({
      size,
      parameters: complete({ size }),
    }));
  }
  const parameters = complete(options.size === undefined ? {} : { size: options.size[0] ?? 0 });
  return [{ size: workload.largestSize?.(parameters) ?? 0, parameters }];
}

/** The variants that were asked for, or the default one. */
export function variantsOf(asked: readonly string[] | undefined): string[] {
  const names = asked ?? [hakmemVariant() ?? DEFAULT_VARIANT];
  if (names.length === 0) throw new UsageError("--variant names no variant");
  return names.map((name) => rethrown(() => parseVariant(name).name));
}

/** Errors about values are the user's to mend. */
function rethrown<R>(check: () => R): R {
  try {
    return check();
  } catch (error) {
    if (error instanceof ParameterError || error instanceof InvalidOptionError) throw new UsageError(error.message);
    throw error;
  }
}
