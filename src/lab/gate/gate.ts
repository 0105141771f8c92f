/**
 * `gate`: whether thresholds hold. Each is judged at each of its sizes: what is counted (the share of fast frees, the
 * footprint) in this process, the same on every machine; what is timed in runs of `bench` and `compare`.
 *
 * @module
 */
import { captureEnvironment } from "../../measure/mod.ts";
import { findPeer } from "../../peers/find.ts";
import type { GateFile, GateRow } from "../../model/mod.ts";
import { assertSameWork, loadBaseline } from "../compare/baseline.ts";
import { type GatePlan, type GateRule, isKind, isTimed, type RuleOf } from "./plan.ts";
import { fastFreeRows, footprintRows, regressionRow, timedRows } from "./rows.ts";
import { threadsOf } from "./thresholds.ts";
import { runRegression, type ShowProgress, TimedRuns } from "./timed.ts";
import { wholeVerdict } from "./verdict.ts";
import { resolveSpec } from "../contest/specs.ts";

/** What goes to the file, but for the command and the name of the gate. */
export type GateRun = Omit<GateFile, "schema" | "command" | "gate">;

/**
 * Measures and judges; rows are in the order of the rules. Those of a peer that fails are undecided.
 *
 * @throws ContestantError if our heap, or what is compared with it, cannot do its work; InvalidOptionError or PeerError if one
 * does not exist.
 */
export async function gate(plan: GatePlan, show: ShowProgress, signal: AbortSignal): Promise<GateRun> {
  const environment = await captureEnvironment();
  const references = await referencesOf(plan.rules);
  const counted = new Map<GateRule, GateRow[]>();
  for (const rule of plan.rules) {
    signal.throwIfAborted();
    if (isKind(rule, "fast-free-share")) counted.set(rule, await fastFreeRows(rule));
    if (isKind(rule, "footprint")) counted.set(rule, await footprintRows(rule));
  }
  const runs = new TimedRuns();
  await runs.run(plan, plan.rules.filter(isTimed), show, signal);
  const rows: GateRow[] = [];
  for (const rule of plan.rules) {
    if (isTimed(rule)) rows.push(...timedRows(plan, rule, runs));
    else if (isKind(rule, "regression")) {
      const against = references.get(rule)!;
      const { rows: compared, rounds, notes, warnings } = await runRegression(plan, rule, against, show, signal);
      rows.push(...compared.map((row) => regressionRow(plan, rule, row, rounds)));
      runs.notes.push(...notes);
      runs.warn(warnings, rule.workload.name);
    } else rows.push(...counted.get(rule)!);
  }
  return {
    environment: { ...environment, loadAverage: [...environment.loadAverage] },
    quick: plan.quick,
    rows,
    verdict: wholeVerdict(rows.map(({ verdict }) => verdict)),
    ...(runs.failures.length === 0 ? {} : { failures: runs.failures }),
    notes: runs.notes,
    warnings: runs.warnings,
  };
}

/**
 * Of each regression the contestant it is against. What is not there, and a baseline of other work, are found before
 * measuring.
 */
async function referencesOf(rules: readonly GateRule[]): Promise<Map<GateRule, string>> {
  const references = new Map<GateRule, string>();
  for (const rule of rules) {
    if (isKind(rule, "ratio")) findPeer(rule.threshold.peer);
    if (!isKind(rule, "regression")) continue;
    const { against, baseline } = rule.threshold;
    const contestant = against ?? await contestantOf(baseline!, rule);
    await resolveSpec(contestant);
    references.set(rule, contestant);
  }
  return references;
}

async function contestantOf(name: string, { workload, sizes, threshold }: RuleOf<"regression">): Promise<string> {
  const baseline = await loadBaseline(name);
  assertSameWork(baseline, { workload, sizes, threads: threadsOf(threshold) });
  return baseline.contestant;
}
