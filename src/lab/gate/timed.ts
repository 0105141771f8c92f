/**
 * The timed part of a gate. Thresholds of one workload with the same parameters share a run of `bench`, so that all their
 * contestants take part in the same rounds; a regression has a run of `compare` of its own.
 *
 * @module
 */
import { differences, estimate, ratios } from "../../measure/mod.ts";
import { peerName } from "../../peers/native.ts";
import type { Failure, GateFile, Result } from "../../model/mod.ts";
import { hasOwnHeaps, heapLabel, judgedRatio } from "../../report/mod.ts";
import { bench, type BenchPlan } from "../bench/bench.ts";
import { compare, type CompareRun } from "../compare/compare.ts";
import type { GatePlan, GateRule, RuleOf, TimedRule } from "./plan.ts";
import { threadsOf } from "./thresholds.ts";
import type { Timing } from "./verdict.ts";
import { resolveSpec } from "../contest/specs.ts";

/** Rounds of a comparison in the quick form. */
const QUICK_LOOK = 20;

/** Warnings which say that the machine was not ours alone. */
const BUSY: ReadonlySet<string> = new Set(["LOAD", "STEAL"]);

/** What is shown meanwhile. */
export type ShowProgress = (progress: { phase: string; done: number; total: number; label: string }) => void;

/** What was timed of a threshold at a size; `missing` says why it was not. */
export type Timed =
  | { readonly missing: string }
  | (Timing & { readonly isNet?: boolean; readonly measured: number; readonly low: number; readonly high: number });

/** Runs of `bench`, and the thresholds that need them. */
export class TimedRuns {
  readonly notes: string[] = [];
  readonly warnings: GateFile["warnings"] = [];
  readonly failures: Failure[] = [];
  readonly #runs = new Map<string, { results: readonly Result[]; isBusy: boolean; cores: number }>();

  /** Runs what thresholds need that `bench` serves. */
  async run(plan: GatePlan, rules: readonly TimedRule[], show: ShowProgress, signal: AbortSignal): Promise<void> {
    const groups = Map.groupBy(rules, keyOf);
    let number = 0;
    for (const [key, group] of groups) {
      const title = `run ${++number} of ${groups.size}, ${group[0]!.workload.name}:`;
      const run = await bench(
        benchPlanOf(plan, group),
        (state) => show({ ...state, phase: `${title} ${state.phase}` }),
        signal,
      );
      signal.throwIfAborted();
      this.failures.push(...run.failures ?? []);
      const isBusy = run.warnings.some(({ code }) => BUSY.has(code));
      this.#runs.set(key, { results: run.results, isBusy, cores: run.environment.cores });
      this.notes.push(...run.notes.filter((note) => !this.notes.includes(note)));
      this.warn(run.warnings, group[0]!.workload.name);
    }
  }

  /** Keeps warnings of a run; those of the machine only once. */
  warn(warnings: GateFile["warnings"], workload: string): void {
    for (const warning of warnings) {
      if (warning.code !== "LOAD") this.warnings.push({ ...warning, message: `${workload}: ${warning.message}` });
      else if (!this.warnings.some(({ code }) => code === "LOAD")) this.warnings.push(warning);
    }
  }

  /** What was timed of a threshold at a size. */
  timed(rule: TimedRule, size: number): Timed {
    const { threshold, variant } = rule;
    const { results: all, isBusy, cores } = this.#runs.get(keyOf(rule)) ?? { results: [], isBusy: false, cores: 0 };
    const threads = threadsOf(threshold);
    if (threads > cores) return { missing: `${threads} threads need as many cores, and there are ${cores}` };
    const variants = all.filter((each) => each.size === size && each.runtime === "deno" && each.allocator === variant);
    const others = all.filter((each) => each.size === size && each.runtime !== "deno" && each.threads === threads);
    const ours = variants.find((result) => result.threads === threads && !hasOwnHeaps(result));
    if (ours === undefined) return { missing: `${heapLabel(variant)} was not measured` };
    const missing = (name: string) => {
      const failure = this.failures.find(({ allocator }) => allocator === peerName(name));
      return { missing: failure?.message.split("\n")[0] ?? `${name} was not measured` };
    };
    const over = (other: Result | undefined, name: string): Timed => {
      if (other === undefined) return missing(name);
      const timing = {
        isRatio: true,
        isBusy,
        tiers: other.runtime === "deno" ? [...ours.tiers, ...other.tiers] : ours.tiers,
      };
      if (other.threads !== ours.threads) return { ...timesOf(ratios(other.samples, ours.samples)), ...timing };
      const { ratio, isNet } = judgedRatio(ours, other, all);
      if (ratio === undefined) {
        return { missing: `the loops differ, and without them nothing is left to compare with ${name}` };
      }
      return { measured: ratio.median, low: ratio.low, high: ratio.high, ...timing, isNet };
    };
    switch (threshold.kind) {
      case "ratio":
        return over(others.find(({ allocator }) => allocator === peerName(threshold.peer)), threshold.peer);
      case "scaling":
        return over(variants.find((result) => result.threads === 1), `${heapLabel(variant)} with one thread`);
      case "sharing":
        return over(
          variants.find((result) => result.threads === threads && hasOwnHeaps(result)),
          "a heap for each thread",
        );
      case "net-ns": {
        const harness = others.find(({ runtime, host }) => runtime === "harness" && host === ours.host);
        if (harness === undefined) return { missing: "the loop alone was not measured" };
        const tiers = [...ours.tiers, ...harness.tiers];
        return { ...timesOf(differences(ours.samples, harness.samples)), isRatio: false, isBusy, tiers };
      }
    }
  }
}

function timesOf(samples: readonly number[]): { measured: number; low: number; high: number } {
  const { median, low, high } = estimate(samples);
  return { measured: median, low, high };
}

/** The same for thresholds that can share a run: sizes may differ, other parameters not. */
function keyOf({ workload, sizes }: GateRule): string {
  const { size: _size, ...shared } = sizes[0]!.parameters;
  return `${workload.name} ${JSON.stringify(shared)}`;
}

function benchPlanOf({ rounds, slotMilliseconds, orderSeed }: GatePlan, rules: readonly TimedRule[]): BenchPlan {
  const sizes = new Map(rules.flatMap((rule) => rule.sizes.map((each) => [each.size, each])));
  const peers = rules.flatMap(({ threshold }) => threshold.kind === "ratio" ? [threshold.peer] : []);
  const threads = rules.flatMap(({ threshold }) =>
    threshold.kind === "scaling" ? [1, threshold.threads] : [threadsOf(threshold)]
  );
  return {
    threads: [...new Set(threads)].toSorted((a, b) => a - b),
    ownHeaps: rules.some(({ threshold }) => threshold.kind === "sharing"),
    workload: rules[0]!.workload,
    sizes: [...sizes.values()],
    variants: [...new Set(rules.map(({ variant }) => variant))],
    peers: [...new Set(peers)],
    rounds,
    slotMilliseconds,
    orderSeed,
  };
}

/** Compares for a `regression` threshold; a row for each size. */
export async function runRegression(
  plan: GatePlan,
  rule: RuleOf<"regression">,
  against: string,
  show: ShowProgress,
  signal: AbortSignal,
): Promise<Pick<CompareRun, "rows" | "rounds" | "notes" | "warnings">> {
  const { workload, sizes, variant } = rule;
  const run = await compare(
    {
      workload,
      sizes,
      threads: threadsOf(rule.threshold),
      slotMilliseconds: plan.slotMilliseconds,
      orderSeed: plan.orderSeed,
      a: { name: against, spec: await resolveSpec(against) },
      b: { name: variant, spec: await resolveSpec(variant) },
      ...(plan.quick ? { looks: [QUICK_LOOK] } : {}),
    },
    (state) => show({ ...state, phase: `${heapLabel(variant)} against ${against}: ${state.phase}` }),
    signal,
  );
  signal.throwIfAborted(); // a part of a comparison decides no threshold
  return run;
}
