/**
 * `explain`: which of the flags that differ makes B slower, or faster, than A, and what shows it.
 *
 * All builds that `ablation.ts` plans are measured in the same rounds, each in a process of its own. What a flag does
 * is the difference between builds that differ in it alone, round by round, from A's side and from B's; so it does not
 * depend on what anybody expects of the flag, and no sentence here has a flag's name. The rest is evidence for it:
 * counting builds say how often the flag's code runs, `micro` what the stages cost, V8's own log what became of the
 * loop.
 *
 * Where the singles of one side do not add up to the whole, the pairs are measured too. In the end the smallest set of
 * flags that should bring B back to A is built, and compared with A.
 *
 * @module
 */
import { mean, median } from "simple-statistics";
import { FLAGS, type Flags, InvalidOptionError, parseVariant } from "../../heap/mod.ts";
import {
  bonferroni,
  captureEnvironment,
  COMPARE_LEVEL,
  deltaOf,
  type Interval,
  LEAST_DELTA,
  loadWarning,
  LOOKS,
  signedRankInterval,
  type Verdict,
  verdictOf,
} from "../../measure/mod.ts";
import type { ExplainFile, ExplainFlag, Ratio } from "../../model/mod.ts";
import { changeWithBounds, fastShare, PATH_SHARE, percent, withCommas } from "../../report/mod.ts";
import {
  type Ablation,
  type AblationPlan,
  type Configuration,
  differingFlags,
  type FlagName,
  type NamedFlags,
  planAblations,
  type Step,
  subsets,
  withValuesOf,
} from "./ablation.ts";
import { compare, ratioOf } from "../compare/compare.ts";
import { type Contestant, type Harness, heapContestant } from "../contest/contestants.ts";
import { countUnit } from "../bench/counts.ts";
import { EVIDENCE, STAGE_REACHES } from "./evidence.ts";
import { type JitEvidence, jitEvidence } from "./jit/jit.ts";
import { historyCosts } from "../micro/micro.ts";
import { Rounds, type RoundsPlan } from "../contest/rounds.ts";
import type { Workload } from "../../workloads/mod.ts";

/** What to explain: two variants of this source. */
export interface ExplainPlan extends RoundsPlan {
  readonly workload: Workload;
  /** What the processes of the builds run, if that is a replay. V8 is not asked then. */
  readonly harness?: Harness;
  readonly a: string;
  readonly b: string;
  /** Numbers of rounds at which is looked whether all findings are decided; those of a comparison if absent. */
  readonly looks?: readonly number[];
}

/** How far it is. */
export interface ExplainProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly label: string;
}

/** What goes to the file, but for the command. */
export type ExplainRun = Omit<ExplainFile, "schema" | "command">;

type Report = (progress: ExplainProgress) => void;

const CONTROL = "control";
/** Pairs are measured among so many flags at most: those with the largest effects. */
const MOST_PAIRED_FLAGS = 4;
/** Sets of flags that are tried as the fix. */
const MOST_FIXES = 3;
const MICRO = { rounds: 12, slotMilliseconds: 5 };

/**
 * Explains.
 *
 * @throws InvalidOptionError for a variant that does not exist; ContestantError if a build cannot do its work.
 */
export async function explain(plan: ExplainPlan, report: Report, signal: AbortSignal): Promise<ExplainRun> {
  const environment = await captureEnvironment();
  const a = parseVariant(plan.a), b = parseVariant(plan.b);
  const ablation = planAblations(a, b);
  if (ablation.ablations.length === 0) {
    throw new InvalidOptionError(`${a.name} and ${b.name} are built with the same flags: there is nothing to explain.`);
  }
  report({ phase: "counting", done: 0, total: 1, label: "" });
  const counted = new Map<string, Counts["a"]>();
  for (const { key, variant } of ablation.configurations) counted.set(key, await countAll(plan, variant));
  const counts = { a: counted.get(ablation.a.key)!, b: counted.get(ablation.b.key)! };
  report({ phase: "timing stages", done: 0, total: 1, label: "" });
  const stages = await stageRows(plan, a.flags, b.flags, counts, signal);

  const looks = plan.looks ?? LOOKS;
  const rounds = await openRounds(plan, ablation.configurations, report, signal);
  const measured = new Effects(plan, rounds, bonferroni(ablation.ablations.length + 1));
  const rare = rareIn(stages, () =>
    Math.min(...plan.sizes.flatMap((_size, index) => [
      ...rounds.samples(index, "a"),
      ...rounds.samples(index, "b"),
    ])));
  const look = async (wanted: number) => {
    await measureTo(
      rounds,
      wanted,
      "measuring ablations",
      `${ablation.configurations.length + 1} builds a round`,
      report,
    );
    const delta = deltaOf(measured.between("a", CONTROL));
    return {
      delta,
      flags: ablation.ablations.map((each) => explainFlag(each, a, b, measured, counts, counted, delta, rare))
        .map((flag) => rounds.areDisturbed ? undecided(flag) : flag),
    };
  };
  let { delta, flags } = await look(looks[0]!);
  for (const wanted of looks.slice(1)) {
    if (flags.every(({ finding }) => finding !== "undecided")) break;
    ({ delta, flags } = await look(wanted));
  }
  const control = measured.between("a", CONTROL), total = measured.between("a", "b");
  const rest = measured.rest(ablation.ablations);
  const pairs = await explainPairs(plan, ablation, measured, flags, delta, looks[0]!, report, signal);
  const fix = await findFix(plan, a, b, verdictOf(total, delta), ablation, measured, delta, report, signal);
  const jit = plan.harness === undefined ? await jitOf(plan, [a.name, b.name], report, signal) : [];
  const load = loadWarning(environment.loadAverage[0] ?? 0, environment.cores);
  return {
    environment: { ...environment, loadAverage: [...environment.loadAverage] },
    a: a.name,
    b: b.name,
    workload: plan.workload.name,
    sizes: plan.sizes.map(({ size }, index) => ({
      size,
      aNsPerOp: median(rounds.samples(index, "a")),
      bNsPerOp: median(rounds.samples(index, "b")),
      ...ratioOf(signedRankInterval(rounds.differences(index, "a", "b"), bonferroni(plan.sizes.length))),
    })),
    level: COMPARE_LEVEL,
    rounds: rounds.rounds.length,
    delta: Math.expm1(delta),
    control: ratioOf(control),
    total: ratioOf(total),
    flags: flags.toSorted((one, other) => Math.abs(Math.log(other.ratio)) - Math.abs(Math.log(one.ratio))),
    pairs,
    unexplained: ratioOf(rest),
    counters: counts,
    stages,
    jit,
    ...(fix === undefined ? {} : { fix }),
    build: NAMES.map((flag) => ({ flag, a: a.flags[flag], b: b.flags[flag] })),
    notes: rounds.notes,
    warnings: [load, rounds.warning].filter((warning) => warning !== undefined),
  };
}

const NAMES = Object.keys(FLAGS) as FlagName[];

/** Rounds of these builds, and of the first a second time, as the control. */
async function openRounds(
  plan: ExplainPlan,
  builds: readonly Configuration[],
  report: Report,
  signal: AbortSignal,
): Promise<Rounds> {
  const contestants = builds.map(({ key, variant }) => ({ ...contestantOf(plan, variant, variant), label: key }));
  const first = builds[0]!;
  contestants.push({ ...contestantOf(plan, first.variant, `${first.variant} again`), label: CONTROL });
  let calibrated = 0;
  // Effects are means over the sizes: with several of them, one pass each is as good as two of one.
  const passes = plan.sizes.length === 1 ? 2 : 1;
  return await Rounds.open({ ...plan, passes }, contestants, signal, (label) => {
    report({ phase: "calibrating", done: calibrated++, total: contestants.length, label });
  });
}

function contestantOf({ harness }: ExplainPlan, variant: string, label: string): Contestant {
  return heapContestant(variant, label, undefined, harness);
}

async function measureTo(rounds: Rounds, wanted: number, phase: string, label: string, report: Report): Promise<void> {
  while (rounds.rounds.length < wanted) {
    report({ phase, done: rounds.rounds.length, total: wanted, label });
    await rounds.measure();
  }
}

/** Effects between builds of the same rounds: logarithms of ratios of times, the mean over the sizes. */
class Effects {
  readonly #plan: ExplainPlan;
  readonly #rounds: Rounds;
  readonly #level: number;

  constructor(plan: ExplainPlan, rounds: Rounds, level: number) {
    this.#plan = plan;
    this.#rounds = rounds;
    this.#level = level;
  }

  /** A number a round: ln(time of `to` / time of `from`), the mean over the sizes. */
  perRound(from: string, to: string): number[] {
    const bySize = this.#plan.sizes.map((_size, index) => this.#rounds.differences(index, from, to));
    return this.#rounds.rounds.map((_round, at) => mean(bySize.map((differences) => differences[at]!)));
  }

  between(from: string, to: string): Interval {
    return this.interval(this.perRound(from, to));
  }

  ofStep({ from, to }: Step): number[] {
    return this.perRound(from.key, to.key);
  }

  /** What a flag does: the mean of both directions. */
  ofFlag({ fromA, fromB }: Ablation): number[] {
    const sides = [fromA, fromB].filter((step) => step !== undefined).map((step) => this.ofStep(step));
    return this.#rounds.rounds.map((_round, at) => sides.length === 0 ? 0 : mean(sides.map((side) => side[at]!)));
  }

  /** What the flags leave of the whole. */
  rest(ablations: readonly Ablation[]): Interval {
    const effects = ablations.map((ablation) => this.ofFlag(ablation));
    return this.interval(
      this.perRound("a", "b").map((total, at) => total - effects.reduce((sum, effect) => sum + effect[at]!, 0)),
    );
  }

  interval(differences: readonly number[]): Interval {
    return signedRankInterval(differences, this.#level);
  }
}

type Counts = { readonly a: ExplainFile["counters"]["a"]; readonly b: ExplainFile["counters"]["b"] };

async function countAll({ workload, sizes }: ExplainPlan, variant: string): Promise<Counts["a"]> {
  const rows = [];
  for (const { size, parameters } of sizes) rows.push(await countUnit(variant, workload, size, parameters));
  return rows;
}

/** Of all sizes together, per million frees. */
function perMillionFrees(
  rows: Counts["a"],
  flags: Flags,
  reached: (counts: Counts["a"][number]["counts"], flags: Flags) => number,
): number {
  const frees = rows.reduce((sum, { counts }) => sum + counts.frees, 0);
  const times = rows.reduce((sum, { counts }) => sum + reached(counts, flags), 0);
  return frees === 0 ? 0 : Math.round(1e6 * times / frees);
}

function explainFlag(
  ablation: Ablation,
  a: NamedFlags,
  b: NamedFlags,
  measured: Effects,
  counts: Counts,
  counted: ReadonlyMap<string, Counts["a"]>,
  delta: number,
  isRare: IsRare,
): ExplainFlag {
  const { flag, fromA, fromB } = ablation;
  const step = fromA ?? fromB;
  const fastFrees = step && { a: fastShare(counted.get(step.from.key)!), b: fastShare(counted.get(step.to.key)!) };
  const evidence = EVIDENCE[flag];
  const reached = {
    a: perMillionFrees(counts.a, a.flags, evidence.reached),
    b: perMillionFrees(counts.b, b.flags, evidence.reached),
    what: evidence.what,
  };
  // Where A and B free alike, what a flag does to the path in builds between them is not part of the difference.
  const movesFrees = fastFrees !== undefined && Math.abs(fastFrees.b - fastFrees.a) >= PATH_SHARE &&
    Math.abs(fastShare(counts.b) - fastShare(counts.a)) >= PATH_SHARE;
  const reachedPerMillionFrees = Math.max(reached.a, reached.b);
  const effect = measured.interval(measured.ofFlag(ablation));
  const sideOf = (step: Step | undefined) =>
    step === undefined
      ? undefined
      : { from: step.from.variant, to: step.to.variant, ...ratioOf(measured.interval(measured.ofStep(step))) };
  const [sideA, sideB] = [sideOf(fromA), sideOf(fromB)];
  return {
    flag,
    a: a.flags[flag],
    b: b.flags[flag],
    meaning: FLAGS[flag].meaning,
    ...ratioOf(effect),
    ...(sideA === undefined ? {} : { fromA: sideA }),
    ...(sideB === undefined ? {} : { fromB: sideB }),
    reachedPerMillionFrees,
    reached,
    ...(fastFrees === undefined ? {} : { fastFrees }),
    ...findingOf(effect, delta, reached, movesFrees ? fastFrees : undefined, step !== undefined, isRare),
  };
}

/** A flag of which rounds that were disturbed too often say nothing. */
function undecided(flag: ExplainFlag): ExplainFlag {
  const because = `the machine was disturbed too often; ${changeWithBounds(flag)}; ${flag.reached.what}`;
  return { ...flag, finding: "undecided", because };
}

/** What to think of a flag, and why. */
function findingOf(
  effect: Interval,
  delta: number,
  reached: ExplainFlag["reached"],
  moved: ExplainFlag["fastFrees"],
  isMeasured: boolean,
  isRare: IsRare,
): Pick<ExplainFlag, "finding" | "because"> {
  const size = changeWithBounds(ratioOf(effect));
  const often = `${withCommas(reached.a)} in A and ${withCommas(reached.b)} in B, of a million frees: ${reached.what}`;
  const most = Math.max(reached.a, reached.b);
  if (!isMeasured) {
    return { finding: "undecided", because: `no build changes it without contradicting the other flags; ${often}` };
  }
  const verdict = verdictOf(effect, delta);
  const path = moved === undefined ? "" : `fast frees go from ${share(moved.a)} to ${share(moved.b)} by it alone; `;
  if (verdict === "regression" || verdict === "improvement" || path !== "") {
    return { finding: "confirmed", because: `${path}throughput changes by ${size}; ${often}` };
  }
  if (most === 0) return { finding: "rejected", because: `its code is never reached; ${often}` };
  if (verdict === "equivalent") {
    return { finding: "rejected", because: `no effect beyond ${percent(Math.expm1(delta))}: ${size}; ${often}` };
  }
  const bound = isRare(most);
  if (bound !== undefined) return { finding: "rejected", because: `too rare to matter: ${bound}; ${often}` };
  return { finding: "undecided", because: `the interval is too wide, ${size}; ${often}` };
}

/** Says why what runs so often of a million frees is too rare to matter; undefined if it is not. */
type IsRare = (reached: number) => string | undefined;

/**
 * What is reached so seldom that it would not count even if each time cost as much as a call into the system, the most
 * expensive that a free can come to.
 *
 * @param fastest Nanoseconds that an operation takes at least.
 */
function rareIn(stages: ExplainFile["stages"], fastest: () => number): IsRare {
  const call = stages.find(({ stage }) => stage === "mincore")?.high;
  return (reached) => {
    if (call === undefined) return undefined;
    const part = reached * call / 1e6 / fastest();
    if (part > LEAST_DELTA) return undefined;
    return `at ${Math.round(call)} ns each, as a call of mincore takes, it would be ${percent(part)} of an operation`;
  };
}

function share(part: number): string {
  return `${(100 * part).toFixed(2)} %`;
}

async function stageRows(
  plan: ExplainPlan,
  a: Flags,
  b: Flags,
  counts: Counts,
  signal: AbortSignal,
): Promise<ExplainFile["stages"]> {
  const { stages, mincore } = await historyCosts({ ...MICRO, seed: plan.orderSeed }, signal);
  const call = mincore[0];
  const rows = [...stages, ...(call === undefined ? [] : [{ ...call, name: "mincore" }])];
  return rows.flatMap(({ name, nanoseconds: { median: nanoseconds, low, high } }) => {
    const reached = STAGE_REACHES[name];
    if (reached === undefined) return [];
    const perFree = (rowsOf: Counts["a"], flags: Flags) => perMillionFrees(rowsOf, flags, reached) / 1e6;
    return [{ stage: name, nanoseconds, low, high, a: perFree(counts.a, a), b: perFree(counts.b, b) }];
  });
}

/** What V8 made of the loop, in several processes, for the first size: the code is the same for all. */
async function jitOf(
  { workload, sizes }: ExplainPlan,
  variants: readonly string[],
  report: Report,
  signal: AbortSignal,
): Promise<ExplainFile["jit"]> {
  const rows = [];
  for (const [done, variant] of variants.entries()) {
    const asked: JitEvidence[] = [];
    for (let process = 0; process < JIT_PROCESSES; process++) {
      report({
        phase: "asking V8",
        done: done * JIT_PROCESSES + process,
        total: variants.length * JIT_PROCESSES,
        label: variant,
      });
      asked.push(await jitEvidence(variant, workload, sizes[0]!.parameters, signal));
    }
    const { codeBytes, inlined, deopts, ...rest } = asked.at(-1)!;
    const timesOf = (callee: string) =>
      asked.filter((evidence) => evidence.inlined.some((each) => each.callee === callee && each.inlined)).length;
    rows.push({
      ...rest,
      processes: JIT_PROCESSES,
      inlined: inlined.map((each) => ({ ...each, times: timesOf(each.callee) })),
      deopts: deopts.map((each) => ({ ...each })),
      ...(codeBytes === undefined ? {} : { codeBytes }),
    });
  }
  return rows;
}

/** V8's decisions differ from process to process. */
const JIT_PROCESSES = 4;

/** The pairs, where the singles of A's side do not add up to the whole. */
async function explainPairs(
  plan: ExplainPlan,
  { a, configurations, ablations }: AblationPlan,
  measured: Effects,
  flags: readonly ExplainFlag[],
  delta: number,
  wanted: number,
  report: Report,
  signal: AbortSignal,
): Promise<ExplainFile["pairs"]> {
  const fromA = ablations.flatMap((each) => each.fromA === undefined ? [] : [measured.ofStep(each.fromA)]);
  const missing = measured.interval(
    measured.perRound("a", "b").map((total, at) => total - fromA.reduce((sum, side) => sum + side[at]!, 0)),
  );
  const surplus = verdictOf(missing, delta);
  const addsUp = surplus === "equivalent" || surplus === "inconclusive";
  if (addsUp || ablations.length < 2) return [];
  const effectOf = (flag: string) => Math.abs(Math.log(flags.find((each) => each.flag === flag)?.ratio ?? 1));
  const singles = ablations.filter(({ fromA: step }) => step?.from === a)
    .toSorted((one, other) => effectOf(other.flag) - effectOf(one.flag)).slice(0, MOST_PAIRED_FLAGS);
  const b = configurations[1]!;
  const pairs = subsets(singles, 2).filter((set) => set.length === 2).flatMap(([one, other]) => {
    const both = withValuesOf(
      { name: a.variant, flags: a.flags },
      { name: b.variant, flags: b.flags },
      [one!.flag, other!.flag],
    );
    return both === undefined ? [] : [{ one: one!, other: other!, both }];
  });
  if (pairs.length === 0) return [];
  const builds = new Map([a, ...singles.map(({ fromA: step }) => step!.to), ...pairs.map(({ both }) => both)]
    .map((build) => [build.key, build]));
  const rounds = await openRounds(plan, [...builds.values()], report, signal);
  await measureTo(rounds, wanted, "measuring pairs", `${builds.size + 1} builds a round`, report);
  const effects = new Effects(plan, rounds, bonferroni(pairs.length));
  return pairs.map(({ one, other, both }) => {
    const whole = effects.perRound("a", both.key);
    const left = effects.ofStep(one.fromA!), right = effects.ofStep(other.fromA!);
    const beyond = whole.map((effect, at) => effect - left[at]! - right[at]!);
    return { flags: [one.flag, other.flag] as [string, string], ...ratioOf(effects.interval(beyond)) };
  });
}

/** The fewest flags of A that bring B back, built and measured. */
async function findFix(
  plan: ExplainPlan,
  a: NamedFlags,
  b: NamedFlags,
  verdict: Verdict,
  { ablations }: AblationPlan,
  measured: Effects,
  delta: number,
  report: Report,
  signal: AbortSignal,
): Promise<ExplainFile["fix"]> {
  if (verdict !== "regression") return undefined;
  const loss = measured.between("a", "b").value;
  const effects = new Map(ablations.map((each) => [each.flag, measured.interval(measured.ofFlag(each)).value]));
  const candidates = subsets(differingFlags(a.flags, b.flags), ablations.length)
    .map((set) => ({ set, left: loss - set.reduce((sum, flag) => sum + (effects.get(flag) ?? 0), 0) }))
    .filter(({ set, left }) => set.length > 0 && left <= delta)
    .toSorted((one, other) => one.set.length - other.set.length || one.left - other.left)
    .flatMap(({ set }) => withValuesOf(b, a, set) === undefined ? [] : [{ set, build: withValuesOf(b, a, set)! }]);
  let best: ExplainFile["fix"];
  for (const { set, build } of candidates.slice(0, MOST_FIXES)) {
    const run = await compare(
      {
        ...plan,
        a: { name: a.name, spec: { contestant: contestantOf(plan, a.name, a.name) } },
        b: { name: build.variant, spec: { contestant: contestantOf(plan, build.variant, build.variant) } },
        looks: plan.looks ?? LOOKS,
      },
      (progress) => report({ ...progress, phase: "measuring a fix", label: `with A's ${set.join(", ")}` }),
      signal,
    );
    signal.throwIfAborted(); // a part of a comparison is not proof of a fix
    const found = { variant: build.variant, flags: [...set], ...together(run.rows), verdict: run.verdict };
    if (best === undefined || found.ratio > best.ratio) best = found;
    if (run.verdict !== "regression") return found;
  }
  return best;
}

/** Rows as one: the geometric mean of the ratios, and of their bounds, which is wider than it need be. */
function together(rows: readonly Ratio[]): Ratio {
  const geometric = (values: readonly number[]) => Math.exp(mean(values.map(Math.log)));
  return {
    ratio: geometric(rows.map(({ ratio }) => ratio)),
    low: geometric(rows.map(({ low }) => low)),
    high: geometric(rows.map(({ high }) => high)),
  };
}
