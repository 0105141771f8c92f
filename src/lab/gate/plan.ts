/**
 * What a gate has to measure and to judge.
 *
 * @module
 */
import type { Parameters, Workload } from "../../workloads/mod.ts";
import type { Threshold, ThresholdKind } from "./thresholds.ts";

/** A threshold, and all that it takes to measure it. */
export interface GateRule<T extends Threshold = Threshold> {
  readonly threshold: T;
  readonly workload: Workload;
  /** Parameters that are complete, a set for each size. */
  readonly sizes: readonly { readonly size: number; readonly parameters: Parameters }[];
  /** The variant with its flags, as the heap names it. */
  readonly variant: string;
}

/** A rule whose threshold is of one kind. */
export type RuleOf<Kind extends ThresholdKind> = GateRule<Extract<Threshold, { kind: Kind }>>;

/** What to judge, and with which effort. */
export interface GatePlan {
  readonly rules: readonly GateRule[];
  readonly rounds: number;
  readonly slotMilliseconds: number;
  readonly orderSeed: number;
  /** Whether what is timed is no-go only where noise cannot be the reason. */
  readonly quick: boolean;
}

/** A threshold that `bench` serves. */
export type TimedRule = RuleOf<"ratio"> | RuleOf<"net-ns"> | RuleOf<"scaling"> | RuleOf<"sharing">;

/** Whether a rule's threshold is of a kind. */
export function isKind<Kind extends ThresholdKind>(rule: GateRule, kind: Kind): rule is RuleOf<Kind> {
  return rule.threshold.kind === kind;
}

/** Whether `bench` serves it. */
export function isTimed(rule: GateRule): rule is TimedRule {
  return isKind(rule, "ratio") || isKind(rule, "net-ns") || isKind(rule, "scaling") || isKind(rule, "sharing");
}
