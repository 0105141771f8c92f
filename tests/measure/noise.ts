/**
 * Simulated experiments of `compare`: what the verdict would be told if the machine were so noisy.
 *
 * A round has three fresh processes: A, B, and A again, the control. Each row (size) of a round has six slots, or twelve
 * if it is the only one: the three in random order, then mirrored. The time of a slot is the product of what the machine
 * does at that moment (a random walk and a trend), of what the process is (V8 and the layout of its memory make each one
 * a little different, or much slower), and of what befalls the slot alone (a little always, now and then a lot). All is
 * kept as logarithms.
 *
 * @module
 */
import { median } from "simple-statistics";
import type { PairedRounds, Random } from "../../src/measure/mod.ts";

/** How noisy: standard deviations and lengths of logarithms of time, chances from 0 to 1. */
export interface Noise {
  /** Of a process, alike in all its rows. */
  readonly process: number;
  /** Of a process in one row. */
  readonly row: number;
  /** Of a slot. */
  readonly slot: number;
  /** How many slots something else disturbs, and by how much in the mean; the lengths are exponential. */
  readonly spikeChance: number;
  readonly spike: number;
  /** How many processes have a row in which V8 stayed with slower code, and how much slower that is. */
  readonly slowChance: number;
  readonly slow: number;
  /** Of the machine's step from one slot to the next. */
  readonly walk: number;
  /** How much slower the machine gets from a comparison's first slot to its last possible one. */
  readonly trend: number;
}

/** Nothing is noisy. */
export const QUIET: Noise = {
  process: 0,
  row: 0,
  slot: 0,
  spikeChance: 0,
  spike: 0,
  slowChance: 0,
  slow: 0,
  walk: 0,
  trend: 0,
};

/** Normally distributed numbers, by the polar method (Marsaglia & Bray, "A Convenient Method", 1964). */
export class Normal {
  readonly #random: Random;
  #spare: number | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** With mean 0 and standard deviation 1. */
  next(): number {
    const spare = this.#spare;
    if (spare !== undefined) {
      this.#spare = undefined;
      return spare;
    }
    let x: number, y: number, square: number;
    do {
      x = 2 * uniform(this.#random) - 1;
      y = 2 * uniform(this.#random) - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt(-2 * Math.log(square) / square);
    this.#spare = factor * x;
    return factor * y;
  }
}

/** A number above 0, up to 1. */
function uniform(random: Random): number {
  return (random.below(2 ** 32) + 1) / 2 ** 32;
}

const CONTESTANTS = [0, 1, 2] as const; // A, B, A'
const PASSES = 2; // over the contestants and back, as `src/lab/contest/rounds.ts` does

/** Logarithms of the times that A, B and A' took for their slots in one row of a round. */
export type Times = readonly [readonly number[], readonly number[], readonly number[]];

/** One comparison that is being simulated. */
export class Simulation {
  readonly rows: readonly Rows[];
  /** Of each row, the fastest slots of A, B and A' in its rounds, as logarithms of time. */
  readonly fastest: readonly [number[], number[], number[]][];
  readonly #noise: Noise;
  readonly #random: Random;
  readonly #normal: Normal;
  readonly #slowdown: number;
  readonly #passes: number;
  readonly #trendStep: number;
  #machine = 0;

  /**
   * @param rounds The most it may have, over which the trend extends.
   * @param slowdown How much slower B truly is: ln(B / A).
   */
  constructor(
    noise: Noise,
    random: Random,
    rows: number,
    rounds: number,
    slowdown: number = 0,
    passes: number = PASSES,
  ) {
    this.rows = Array.from({ length: rows }, () => ({ differences: [], control: [] }));
    this.fastest = this.rows.map(() => [[], [], []]);
    this.#noise = noise;
    this.#random = random;
    this.#normal = new Normal(random);
    this.#slowdown = slowdown;
    this.#passes = passes;
    this.#trendStep = noise.trend / (rounds * rows * passes * 2 * CONTESTANTS.length);
  }

  /** Runs rounds until there are so many. */
  runTo(rounds: number): readonly PairedRounds[] {
    while ((this.rows[0]?.differences.length ?? rounds) < rounds) this.#round();
    return this.rows;
  }

  #round(): void {
    const { process, row, slow, slowChance } = this.#noise;
    const processes = CONTESTANTS.map(() => process * this.#normal.next());
    for (const [index, rounds] of this.rows.entries()) {
      const own = processes.map((each, who) =>
        each + row * this.#normal.next() + (this.#happens(slowChance) ? slow : 0) + (who === 1 ? this.#slowdown : 0)
      );
      const times = this.#times(own);
      for (const who of CONTESTANTS) this.fastest[index]![who].push(Math.min(...times[who]));
      record(times, rounds);
    }
  }

  #times(own: readonly number[]): Times {
    const { slot, spike, spikeChance, walk } = this.#noise;
    const times: [number[], number[], number[]] = [[], [], []];
    for (let pass = 0; pass < this.#passes; pass++) {
      const order = this.#random.shuffled(CONTESTANTS);
      for (const who of [...order, ...order.toReversed()]) {
        let time = this.#machine + own[who]! + slot * this.#normal.next();
        if (this.#happens(spikeChance)) time -= spike * Math.log(uniform(this.#random));
        times[who].push(time);
        this.#machine += this.#trendStep + walk * this.#normal.next();
      }
    }
    return times;
  }

  #happens(chance: number): boolean {
    return chance > 0 && uniform(this.#random) <= chance;
  }
}

/** A row's rounds, which grow. */
interface Rows extends PairedRounds {
  readonly differences: number[];
  readonly control: number[];
}

/** Adds to a row's rounds what the times of one say. */
export function record([a, b, control]: Times, { differences, control: controls }: Rows): void {
  differences.push(difference(b, a));
  controls.push(difference(control, a));
}

/** The number of a round, as `compare` takes it: the median of the pairs of slots, the first with the first. */
function difference(over: readonly number[], under: readonly number[]): number {
  return median(over.map((time, pair) => time - under[pair]!));
}

/**
 * What `fit_noise.ts` printed for 60 rounds of four sizes that `measure_noise.ts` measured, on a virtual machine of two
 * cores while others used it: noisier than a machine at rest. Equals differed by less than 1.8 % in half of the rounds,
 * 8.0 % in nine of ten and 30 % in 99 of 100; by this they do by 2.5, 12 and 43 %. No process ran slow code: the chance
 * is the greatest that this leaves likely.
 */
export const FITTED: Noise = {
  process: 0.0144,
  row: 0.00788,
  slot: 0.0103,
  spikeChance: 0.0987,
  spike: 0.171,
  slowChance: 0.00417,
  slow: Math.LN2,
  walk: 0.006,
  trend: -0.0145,
};

/** Nanoseconds a unit that three processes of one variant took: of each round, row and process the two slots. */
type RealRounds = readonly (readonly (readonly (readonly number[])[])[])[];

/** The rounds of `real_rounds.jsonl`, to which {@link FITTED} was fitted. */
export function realRounds(): RealRounds {
  const text = Deno.readTextFileSync(new URL("./real_rounds.jsonl", import.meta.url));
  return text.trim().split("\n").map((line) => JSON.parse(line));
}

/**
 * A comparison made of real rounds, drawn again and again. Which of its processes is A, which B, and which the control
 * is drawn too, so that they are equals; then B is slowed down.
 */
export class Redrawn {
  readonly #real: RealRounds;
  readonly #random: Random;
  readonly #rows: readonly Rows[];
  readonly #slowdown: number;

  constructor(real: RealRounds, random: Random, rows: number, slowdown: number = 0) {
    this.#real = real;
    this.#random = random;
    this.#rows = Array.from({ length: rows }, () => ({ differences: [], control: [] }));
    this.#slowdown = slowdown;
  }

  /** Draws rounds until there are so many. */
  runTo(rounds: number): readonly PairedRounds[] {
    while ((this.#rows[0]?.differences.length ?? rounds) < rounds) this.#round();
    return this.#rows;
  }

  #round(): void {
    const round = this.#real[this.#random.below(this.#real.length)]!;
    const measured = this.#random.shuffled(round), [a, b, control] = this.#random.shuffled(CONTESTANTS);
    for (const [index, rounds] of this.#rows.entries()) {
      const row = measured[index]!;
      const logs = (who: number, slowdown: number = 0) => row[who]!.map((time) => Math.log(time) + slowdown);
      record([logs(a!), logs(b!, this.#slowdown), logs(control!)], rounds);
    }
  }
}
