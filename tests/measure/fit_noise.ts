/**
 * Fits the noise of `noise.ts` to rounds that `measure_noise.ts` printed. Prints the constants, how well they fit (the
 * quantiles of the differences between equals, measured and simulated), and the rounds in the form of `real_rounds.jsonl`.
 *
 *     deno run -P tests/measure/fit_noise.ts rounds.jsonl [real_rounds.jsonl]
 *
 * - The two slots of a process in a row differ by the slots' own noise. Its standard deviation comes from the median of
 *   the distances, which the rare long ones hardly move; those beyond {@link FAR} of them are spikes.
 * - The shorter of the two stands for the process, as spikes only lengthen. What the processes of a round differ by is
 *   the process's where it is alike in two rows, without the rare long ones, and otherwise the row's.
 * - A process that takes {@link SLOW} times as long as its round's median is slow. If `n` rows had none, the chance is
 *   taken to be 3 / n: less would be more than they can say at 95 %.
 * - The machine's walk is what the median of a round differs by from the next, over the slots between them.
 *
 * @module
 */
import { mean, medianSorted, quantile } from "simple-statistics";
import { Random } from "../../src/measure/mod.ts";
import type { MeasuredRound, MeasuredSlot } from "./measure_noise.ts";
import { type Noise, Simulation } from "./noise.ts";

const FAR = 4;
const SLOW = 1.5;
const DEVIATION = 1.4826; // of a normal distribution, over the median distance from its middle
const QUANTILES = [0.5, 0.8, 0.9, 0.95, 0.99];
const ROUNDS = 2000; // simulated

function fit(rows: readonly MeasuredRound[]): Noise {
  const sizes = new Set(rows.map(({ size }) => size)).size;
  const within = rows.flatMap((row) => byProcess(row).map(([a, b]) => Math.log(a / b)));
  const slot = medianDistance(within) * DEVIATION / Math.SQRT2;
  const far = FAR * slot * Math.SQRT2;
  const beyond = within.filter((distance) => Math.abs(distance) > far).map((distance) => Math.abs(distance) - far);
  const spike = mean(beyond);
  const spikeChance = beyond.length / within.length / 2 / Math.exp(-far / spike);

  const speeds = rows.map((row) => byProcess(row).map(([a, b]) => Math.log(Math.min(a, b))));
  const differences = speeds.map((speed) => pairsOf(speed));
  const variance = (medianDistance(differences.flat()) * DEVIATION) ** 2 / 2;
  const products = rows.flatMap((row, index) =>
    rows[index + 1]?.round !== row.round ? [] : (differences[index] ?? []).map((each, pair) => {
      const next = differences[index + 1]?.[pair] ?? 0;
      return Math.max(Math.abs(each), Math.abs(next)) > FAR * Math.sqrt(2 * variance) ? [] : [each * next / 2];
    }).flat()
  );
  const shared = Math.max(0, mean(products));

  const slows = speeds.flatMap((speed) => speed.map((each) => each - middle(speed)))
    .filter((distance) => distance > Math.log(SLOW));
  const middles = speeds.map(middle);
  const steps = middles.slice(sizes).map((each, index) => each - (middles[index] ?? 0));
  return {
    process: Math.sqrt(shared),
    row: Math.sqrt(Math.max(0, variance - shared)),
    slot,
    spikeChance,
    spike,
    slowChance: Math.max(slows.length, 3) / (rows.length * 3),
    slow: slows.length === 0 ? Math.log(2) : mean(slows),
    walk: medianDistance(steps) * DEVIATION / Math.sqrt(6 * sizes),
    trend: middle(middles.slice(-10 * sizes)) - middle(middles.slice(0, 10 * sizes)),
  };
}

/** What each process took for its two slots. */
function byProcess({ slots }: MeasuredRound): [number, number][] {
  return [0, 1, 2].map((who) => {
    const [a, b] = slots.filter((slot: MeasuredSlot) => slot.who === who);
    if (a === undefined || b === undefined) throw new Error(`a round has not two turns of ${who}`);
    return [a.nanoseconds, b.nanoseconds];
  });
}

function pairsOf([a = NaN, b = NaN, control = NaN]: readonly number[]): number[] {
  return [b - a, control - a, control - b];
}

function middle(numbers: readonly number[]): number {
  return medianSorted(numbers.toSorted((a, b) => a - b));
}

function medianDistance(numbers: readonly number[]): number {
  return middle(numbers.map((number) => Math.abs(number)));
}

function distances(differences: readonly number[]): string {
  const sizes = differences.map((difference) => Math.abs(difference));
  return QUANTILES.map((share) => `${share * 100} %: ${quantile(sizes, share).toFixed(4)}`).join("  ");
}

if (import.meta.main) {
  const [from = "rounds.jsonl", to] = Deno.args;
  const lines = (await Deno.readTextFile(from)).trim().split("\n");
  const rows = lines.map((line): MeasuredRound => JSON.parse(line));
  const noise = fit(rows);
  const rounded = Object.entries(noise).map(([name, value]) => [name, Number(value.toPrecision(3))]);
  console.log(Object.fromEntries(rounded));
  const tiers = Map.groupBy(rows.flatMap(({ slots }) => slots), ({ tier }) => tier);
  console.log([...tiers].map(([tier, slots]) => `${slots.length} slots ran in ${tier} code`).join("\n"));
  const measured = rows.flatMap((row) => pairsOf(byProcess(row).map(([a, b]) => (Math.log(a) + Math.log(b)) / 2)));
  const simulated = new Simulation(noise, new Random(1), 4, ROUNDS, 0, 1).runTo(ROUNDS);
  console.log(`measured   ${distances(measured)}`);
  console.log(`simulated  ${distances(simulated.flatMap(({ differences, control }) => [...differences, ...control]))}`);
  if (to !== undefined) {
    const rounds = Map.groupBy(rows, ({ round }) => round);
    const text = [...rounds.values()].map((sizes) => JSON.stringify(sizes.map(byProcess))).join("\n");
    await Deno.writeTextFile(to, `${text}\n`);
  }
}
