/**
 * `compare`: whether B is as fast as A, by the algorithm of `src/measure/verdict.ts` on rounds as
 * `../contest/rounds.ts` measures them. A takes part twice: the second A is the control, which says what difference the
 * machine makes between equals. The rounds are looked at when there are 20, and if a row is still inconclusive, when
 * there are 40, and then when there are 80, at no other time.
 *
 * @module
 */
import {
  bimodalWarning,
  bonferroni,
  captureEnvironment,
  COMPARE_LEVEL,
  highestLevel,
  type Interval,
  isSettled,
  judge,
  leastRounds,
  loadWarning,
  LOOKS,
  modesOf,
  overall,
  signedRankInterval,
  threadsWarning,
  tierWarning,
  type Warning,
  whoAt,
} from "../../measure/mod.ts";
import type { CompareFile, CompareRow, Ratio } from "../../model/mod.ts";
import { Rounds, type RoundsPlan } from "../contest/rounds.ts";
import type { ResolvedSpec } from "../contest/specs.ts";
import { longerBy, settingIn } from "../contest/warnings.ts";

/** What to compare. */
export interface ComparePlan extends RoundsPlan {
  readonly a: { readonly name: string; readonly spec: ResolvedSpec };
  readonly b: { readonly name: string; readonly spec: ResolvedSpec };
  /** What is replayed, if the workload is a trace. */
  readonly trace?: NonNullable<CompareFile["trace"]>;
  readonly notes?: readonly string[];
  /** Numbers of rounds at which is looked; those of the algorithm if absent. */
  readonly looks?: readonly number[];
}

/**
 * How far it is, and what is known of the whole: the sizes' geometric mean, with an interval as soon as there is one.
 */
export interface CompareProgress {
  readonly phase: "calibrating" | "comparing";
  readonly done: number;
  readonly total: number;
  readonly label: string;
}

/** What goes to the file, but for the command and the baseline. */
export type CompareRun = Omit<CompareFile, "schema" | "command" | "baseline">;

/** An interval that is as likely to miss a size as not says nothing, so it is not shown when the user stops. */
const USELESS_LEVEL = 0.5;

/** The labels of the three in the rounds. */
const A = "a", B = "b", CONTROL = "control";

/**
 * Compares.
 *
 * @throws ContestantError if a contestant dies or cannot do its work; DisagreementError if one did other work.
 */
export async function compare(
  plan: ComparePlan,
  report: (progress: CompareProgress) => void,
  signal: AbortSignal,
): Promise<CompareRun> {
  const environment = await captureEnvironment();
  const looks = plan.looks ?? LOOKS;
  let overallLevel = COMPARE_LEVEL, level = bonferroni(plan.sizes.length);
  const contestants = [
    { ...plan.a.spec.contestant, label: A },
    { ...plan.b.spec.contestant, label: B },
    { ...plan.a.spec.contestant, label: CONTROL },
  ];
  let calibrated = 0;
  const rounds = await Rounds.open(plan, contestants, signal, () => {
    report({ phase: "calibrating", done: calibrated++, total: contestants.length, label: "" });
  });
  let rows: CompareRow[] = [];
  let interrupted = false;
  for (const look of looks) {
    while (rounds.rounds.length < look) {
      report({ phase: "comparing", done: rounds.rounds.length, total: look, label: soFar(plan, rounds, level) });
      try {
        await rounds.measure();
      } catch (error) {
        if (!signal.aborted) throw error;
        if (rounds.rounds.length < leastRounds(level)) { // intervals of what level there can be, if no verdict
          level = highestLevel(rounds.rounds.length);
          overallLevel = 1 - plan.sizes.length * (1 - level);
          if (overallLevel <= USELESS_LEVEL) throw error;
        }
        interrupted = true;
        break;
      }
    }
    rows = plan.sizes.map((_size, index) => rowOf(plan, rounds, index, level));
    if (interrupted) rows = rows.map((row) => ({ ...row, verdict: "inconclusive" }));
    if (interrupted || isSettled(rows)) break;
  }
  const sources = [plan.a, plan.b].flatMap(({ name, spec }) => spec.source === undefined ? [] : [[name, spec.source]]);
  return {
    environment: { ...environment, loadAverage: [...environment.loadAverage] },
    a: plan.a.name,
    b: plan.b.name,
    sources: Object.fromEntries(sources),
    level: overallLevel,
    rows,
    verdict: overall(rows.map(({ verdict }) => verdict)),
    ...(interrupted ? { interrupted } : {}),
    rounds: {
      measured: rounds.rounds.length,
      discarded: rounds.discarded,
      disturbed: rounds.disturbed,
      looks: [...looks],
      orderSeed: plan.orderSeed,
      slotMilliseconds: plan.slotMilliseconds,
    },
    slots: rounds.slots,
    ...(plan.trace === undefined ? {} : { trace: plan.trace }),
    notes: [...plan.notes ?? [], ...rounds.notes],
    warnings: warningsOf(plan, rounds, environment),
  };
}

function rowOf(
  { workload, sizes, threads = 1 }: ComparePlan,
  rounds: Rounds,
  index: number,
  level: number,
): CompareRow {
  const differences = rounds.differences(index, A, B), control = rounds.differences(index, A, CONTROL);
  const judged = judge({ differences, control }, level, rounds.areDisturbed);
  const { size, parameters } = sizes[index]!;
  return {
    workload: workload.name,
    size,
    threads,
    ...ratioOf(judged.difference),
    rounds: differences.length,
    verdict: judged.verdict,
    delta: Math.expm1(judged.delta),
    control: ratioOf(judged.control),
    samples: {
      a: rounds.samples(index, A),
      b: rounds.samples(index, B),
      control: rounds.samples(index, CONTROL),
    },
    parameters: { ...parameters },
  };
}

/** From logarithms of times to throughput: the bounds change sides. */
export function ratioOf({ value, low, high }: Interval): Ratio {
  return { ratio: Math.exp(-value), low: Math.exp(-high), high: Math.exp(-low) };
}

/** What the rounds say so far, in a few words. */
function soFar({ sizes }: ComparePlan, rounds: Rounds, level: number): string {
  if (rounds.rounds.length === 0) return "";
  const bySize = sizes.map((_size, index) => rounds.differences(index, A, B));
  const means = rounds.rounds.map((_round, at) => bySize.reduce((sum, each) => sum + each[at]!, 0) / bySize.length);
  if (means.length < leastRounds(level)) {
    return `B/A ${Math.exp(-means.reduce((sum, each) => sum + each, 0) / means.length).toFixed(3)}`;
  }
  const { ratio, low, high } = ratioOf(signedRankInterval(means, level));
  return `B/A ${ratio.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
}

function warningsOf(
  plan: ComparePlan,
  rounds: Rounds,
  environment: { loadAverage: readonly number[]; cores: number },
): Warning[] {
  const tiers = (contestant: string) =>
    rounds.slots.filter((turn) => turn.contestant === contestant && !turn.discarded).map(({ tier }) => tier);
  const longer = longerBy(plan.sizes.map(({ parameters }) => parameters));
  return [
    loadWarning(environment.loadAverage[0] ?? 0, environment.cores),
    rounds.warning,
    threadsWarning(plan.threads ?? 1, environment.cores),
    tierWarning(plan.a.name, [...tiers(A), ...tiers(CONTROL)], longer),
    tierWarning(plan.b.name, tiers(B), longer),
    ...plan.sizes.flatMap(({ size }, index) => modesAt(plan, rounds, index, size)),
  ].filter((warning) => warning !== undefined);
}

/** Who has two speeds at a size. A and its control are the same contestant in processes of their own. */
function modesAt(plan: ComparePlan, rounds: Rounds, index: number, size: number): (Warning | undefined)[] {
  const [a, b, control] = [A, B, CONTROL].map((name) => rounds.fastest(index, name)) as [number[], number[], number[]];
  const setting = settingIn(plan.workload.name, { size, threads: plan.threads ?? 1 });
  return [
    bimodalWarning(whoAt(plan.a.name, [setting]), modesOf([...a, ...control], [...b, ...b])),
    bimodalWarning(whoAt(plan.b.name, [setting]), modesOf(b, a)),
  ];
}
