/**
 * The rows of a gate: for each threshold and size what was found, its verdict, and why.
 *
 * @module
 */
import type { CompareFile, CompareRow, GateRow } from "../../model/mod.ts";
import { areDisturbed } from "../../measure/mod.ts";
import { percent } from "../../report/mod.ts";
import { countUnit } from "../bench/counts.ts";
import { footprintOf } from "./footprint.ts";
import type { GatePlan, GateRule, RuleOf, TimedRule } from "./plan.ts";
import { threadsOf, type Threshold } from "./thresholds.ts";
import type { Timed, TimedRuns } from "./timed.ts";
import { type Bar, isBestCode, judgeInterval, timedBar, type Timing } from "./verdict.ts";

/** The share of fast frees at each size, counted. */
export async function fastFreeRows(rule: RuleOf<"fast-free-share">): Promise<GateRow[]> {
  const { threshold: { least, most }, workload, sizes, variant } = rule;
  const bar: Bar = least === undefined ? { bound: "most", threshold: most! } : { bound: "least", threshold: least };
  const rows: GateRow[] = [];
  for (const { size, parameters } of sizes) {
    const { counts: { frees, fastFrees } } = await countUnit(variant, workload, size, parameters);
    const share = fastFrees / frees;
    rows.push(
      frees === 0
        ? missingRow(rule, size, bar, "share", "a unit frees nothing")
        : row(rule, size, bar, "share", exactly(share), `counted: ${fastFrees} of ${frees} frees`),
    );
  }
  return rows;
}

/** The footprint at each size. */
export async function footprintRows(rule: RuleOf<"footprint">): Promise<GateRow[]> {
  const { threshold: { most }, workload, sizes, variant } = rule;
  const bar: Bar = { bound: "most", threshold: most };
  const rows: GateRow[] = [];
  for (const { size, parameters } of sizes) {
    const { residentBytes, liveBytes } = await footprintOf(variant, workload, parameters);
    rows.push(
      liveBytes === 0 ? missingRow(rule, size, bar, "times", "nothing is live at the end of a unit") : row(
        rule,
        size,
        bar,
        "times",
        exactly(residentBytes / liveBytes),
        `${kibibytes(residentBytes)} in memory for ${kibibytes(liveBytes)} asked for`,
      ),
    );
  }
  return rows;
}

/** What `bench` timed at each size. */
export function timedRows(plan: GatePlan, rule: TimedRule, runs: TimedRuns): GateRow[] {
  const { threshold, sizes } = rule;
  const bar: Bar = threshold.kind === "net-ns"
    ? { bound: "most", threshold: threshold.most }
    : { bound: "least", threshold: threshold.least };
  const unit = threshold.kind === "net-ns" ? "ns" : "times";
  return sizes.map(({ size }) => {
    const timed = runs.timed(rule, size);
    if ("missing" in timed) return missingRow(rule, size, bar, unit, timed.missing);
    return row(
      rule,
      size,
      timedBar(bar, timed, plan.quick),
      unit,
      timed,
      `${reasonOf(timed, plan.quick)}${timed.isNet === true ? "; net times: the loops differ" : ""}`,
    );
  });
}

/**
 * What `compare` found at a size. A regression is judged by the throughput that is kept. Beyond the threshold it is no-go
 * only beyond what the control, which compares equals, differs by, as in `compare`.
 *
 * @param rounds Of the comparison: where too many were disturbed, nothing is decided.
 */
export function regressionRow(
  plan: GatePlan,
  rule: RuleOf<"regression">,
  compared: CompareRow,
  { measured, discarded, disturbed = 0 }: CompareFile["rounds"],
): GateRow {
  const least = 1 - rule.threshold.most;
  const kept: Bar = { bound: "least", threshold: least, failsBeyond: Math.min(least, 1 / (1 + compared.delta)) };
  const { ratio, low, high } = compared;
  const lost = { measured: 1 - ratio, low: 1 - high, high: 1 - low };
  const shown: Bar = { bound: "most", threshold: rule.threshold.most };
  const timing: Timing = { isRatio: true, isBusy: false, tiers: [] }; // of many processes, each compiled anew
  const because = `${reasonOf(timing, plan.quick)}; ${compared.rounds} rounds, the control reaches ${
    percent(compared.delta)
  }`;
  if (areDisturbed(disturbed, measured + discarded)) {
    const reason = `${disturbed} of ${measured + discarded} rounds were disturbed by other work`;
    return { ...row(rule, compared.size, shown, "share", lost, reason), verdict: "undecided" };
  }
  return {
    ...row(rule, compared.size, shown, "share", lost, because),
    verdict: judgeInterval(compared, timedBar(kept, timing, plan.quick)),
  };
}

function row(
  rule: GateRule,
  size: number,
  bar: Bar,
  unit: GateRow["unit"],
  { measured, low, high }: Pick<Exclude<Timed, { missing: string }>, "measured" | "low" | "high">,
  because: string,
): GateRow {
  return {
    ...missingRow(rule, size, bar, unit, because),
    measured,
    low,
    high,
    verdict: judgeInterval({ low, high }, bar),
  };
}

function missingRow(
  { threshold, workload, variant }: GateRule,
  size: number,
  bar: Bar,
  unit: GateRow["unit"],
  because: string,
): GateRow {
  const { name, kind } = threshold;
  const against = againstOf(threshold), threads = threadsOf(threshold);
  return {
    name,
    kind,
    workload: workload.name,
    size,
    ...(threads === 1 ? {} : { threads }),
    variant,
    ...(against === undefined ? {} : { against }),
    measured: null,
    low: null,
    high: null,
    threshold: bar.threshold,
    bound: bar.bound,
    unit,
    verdict: "undecided",
    because,
  };
}

/** What a threshold is a ratio to. */
function againstOf(threshold: Threshold): string | undefined {
  switch (threshold.kind) {
    case "ratio":
      return threshold.peer;
    case "scaling":
      return "1 thread";
    case "sharing":
      return "own heaps";
    case "regression":
      return threshold.against ?? threshold.baseline;
  }
  return undefined;
}

/** What was counted has no width. */
function exactly(value: number): { measured: number; low: number; high: number } {
  return { measured: value, low: value, high: value };
}

/** By which rule it was judged. */
function reasonOf({ isRatio, isBusy, tiers }: Timing, quick: boolean): string {
  if (!isRatio && (quick || isBusy)) {
    return `nanoseconds, ${quick ? "timed in short" : "on a busy machine"}: never no-go`;
  }
  if (!quick) return "timed: decided where the whole interval is on one side";
  return isBestCode(tiers)
    ? "timed in short: no-go only below half of what is asked for"
    : "timed in short, and not all in V8's best code: never no-go";
}

function kibibytes(bytes: number): string {
  return `${Math.round(bytes / 1024)} KiB`;
}
