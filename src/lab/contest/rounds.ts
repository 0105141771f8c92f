/**
 * Rounds: what `compare` and `explain` are made of. In a round every contestant has a fresh process, since V8 decides
 * anew in each how to compile the same source, and memory lies elsewhere; so the round, not the turn, is the unit of
 * which statistics are made.
 *
 * The processes of a round are started and warmed up, and then all kept alive while a baton goes round: the one that
 * has it measures a turn, the others wait. For each size the order is random, then mirrored (A B C C B A), so the turns
 * of one size lie close together, and a machine that slows down steadily slows all of them alike. Those with one thread
 * run on one processor, drawn for the round: of two, one may be half as fast as the other while its neighbour on the
 * host is busy, and whoever has that one is slow for the whole round (src/DECISIONS.md). All measure the same number of
 * operations, which is calibrated before the first round so that the fastest one's turn is long enough.
 *
 * A round that was disturbed (`../../measure/disturbance.ts`) is discarded whole and measured again, at most one round
 * in five. If more than a fifth were disturbed, there is no verdict.
 *
 * @module
 */
import { median } from "simple-statistics";
import {
  areDisturbed,
  type Disturbance,
  disturbanceBetween,
  disturbedWarning,
  isDisturbed,
  Random,
  readDisturbance,
  type Warning,
} from "../../measure/mod.ts";
import type { TurnDisturbance } from "../../model/mod.ts";
import type { Parameters, Workload } from "../../workloads/mod.ts";
import { Agreements } from "./agreement.ts";
import type { Child } from "./child.ts";
import { Children } from "./children.ts";
import type { Contestant } from "./contestants.ts";
import { shareProcessor } from "./processor.ts";
import type { Request, Turn } from "../contestant/protocol.ts";
import { warm, warmAll, warmUp } from "./warm_up.ts";

/** What rounds are made of. */
export interface RoundsPlan {
  readonly workload: Pick<Workload, "name">;
  /** Parameters that are complete, a set for each size. */
  readonly sizes: readonly { readonly size: number; readonly parameters: Parameters }[];
  /** Of each contestant; 1 if absent. */
  readonly threads?: number;
  readonly slotMilliseconds: number;
  /** As of a warm-up's goal. */
  readonly warmMilliseconds?: number;
  readonly orderSeed: number;
  /** How often the baton goes to all contestants and back, for each size; twice if absent. */
  readonly passes?: number;
  /** Reads what disturbs the machine; the machine's own if absent. */
  readonly readDisturbance?: (processes: readonly number[]) => Promise<Disturbance>;
}

/** What a round measured: for each size, by contestant, nanoseconds per operation of its turns, in order. */
export type Round = readonly ReadonlyMap<string, readonly number[]>[];

/** Of so many rounds one may be discarded; beyond that the machine is what it is. */
const DISCARDS = 4;

/** The rounds of a comparison. */
export class Rounds {
  /** The rounds that count. */
  readonly rounds: Round[] = [];
  /** Every turn, also those of rounds that were discarded. */
  readonly slots: TurnDisturbance[] = [];
  /** Rounds that were discarded. */
  discarded = 0;
  /** Rounds that were disturbed, discarded or not. */
  disturbed = 0;
  readonly #plan: RoundsPlan;
  readonly #contestants: readonly Contestant[];
  readonly #units: readonly number[];
  /** Nanoseconds per unit of each contestant at each size, when it was warm. */
  readonly #paces: ReadonlyMap<string, readonly number[]>;
  readonly #signal: AbortSignal;
  readonly #random: Random;
  readonly #agreements = new Agreements();
  readonly #started = performance.now();

  private constructor(
    plan: RoundsPlan,
    contestants: readonly Contestant[],
    units: readonly number[],
    paces: ReadonlyMap<string, readonly number[]>,
    signal: AbortSignal,
  ) {
    this.#plan = plan;
    this.#contestants = contestants;
    this.#units = units;
    this.#paces = paces;
    this.#signal = signal;
    this.#random = new Random(plan.orderSeed);
  }

  /**
   * Calibrates: finds for each size how many units give the fastest contestant a turn that is long enough.
   *
   * @param contestants Each by a label that tells it from the others in these rounds.
   * @throws ContestantError if one cannot do its work
   */
  static async open(
    plan: RoundsPlan,
    contestants: readonly Contestant[],
    signal: AbortSignal,
    onContestant: (label: string) => void = () => {},
  ): Promise<Rounds> {
    const units = plan.sizes.map(() => 1), paces = new Map<string, number[]>();
    for (const { label, command } of contestants) {
      onContestant(label);
      await using children = new Children(signal);
      const child = await children.start(command);
      for (const [index, { parameters }] of plan.sizes.entries()) {
        const request = { workload: plan.workload.name, threads: plan.threads ?? 1, parameters };
        const found = await warmUp(child, request, plan);
        units[index] = Math.max(units[index]!, found.units);
        paces.set(label, [...paces.get(label) ?? [], found.nanosecondsPerUnit]);
      }
    }
    return new Rounds(plan, contestants, units, paces, signal);
  }

  /** Measures one round more; again if it has to be discarded. */
  async measure(): Promise<void> {
    for (;;) {
      this.#signal.throwIfAborted();
      const { round, slots, milliseconds } = await this.#round();
      const disturbed = isDisturbed(slots, milliseconds, navigator.hardwareConcurrency);
      const mayDiscard = this.discarded < (this.rounds.length + DISCARDS) / DISCARDS;
      const discarded = disturbed && mayDiscard;
      this.slots.push(...slots.map((turn) => ({ ...turn, discarded })));
      if (disturbed) this.disturbed++;
      if (!discarded) {
        this.rounds.push(round);
        return;
      }
      this.discarded++;
    }
  }

  /** Whether so many rounds were disturbed that nothing follows from them. */
  get areDisturbed(): boolean {
    return areDisturbed(this.disturbed, this.rounds.length + this.discarded);
  }

  /** What to say about that. */
  get warning(): Warning | undefined {
    return this.areDisturbed ? disturbedWarning(this.disturbed, this.rounds.length + this.discarded) : undefined;
  }

  /** What to say about rounds that were discarded. */
  get notes(): string[] {
    if (this.discarded === 0) return [];
    const times = this.discarded === 1 ? "1 round was" : `${this.discarded} rounds were`;
    return [`${times} measured again: other work, or the machine's host, took its time`];
  }

  async #round(): Promise<MeasuredRound> {
    await using children = new Children(this.#signal);
    const processes = await Promise.all(
      this.#contestants.map(async ({ label, command }) => ({ label, child: await children.start(command) })),
    );
    await warmAll(processes.map(({ label, child }) => async () => {
      for (const [index, units] of this.#units.entries()) {
        await warm(child, this.#request(index, units), this.#paces.get(label)![index]!, this.#plan);
      }
    }));
    if ((this.#plan.threads ?? 1) === 1) shareProcessor(processes.map(({ child }) => child), this.#random);
    return await this.#baton(processes);
  }

  async #baton(processes: readonly ContestantProcess[]): Promise<MeasuredRound> {
    const { sizes, readDisturbance: read = readDisturbance } = this.#plan;
    const slots: TurnDisturbance[] = [];
    const round: Map<string, number[]>[] = sizes.map(() => new Map(processes.map(({ label }) => [label, []])));
    const ids = processes.map(({ child }) => child.id);
    const passes = this.#plan.passes ?? 2;
    let before = await read(ids);
    const started = performance.now();
    for (const index of this.#random.shuffled([...sizes.keys()])) {
      const { size } = sizes[index]!;
      for (let pass = 0; pass < passes; pass++) {
        const order = this.#random.shuffled(processes);
        for (const { label, child } of [...order, ...order.toReversed()]) {
          this.#signal.throwIfAborted(); // its process may answer once more before it ends
          const turn = await child.run(this.#request(index, this.#units[index]!));
          const at = Math.round(performance.now() - this.#started);
          const after = await read(ids);
          this.#agreements.record(`${this.#plan.workload.name} ${size}`, label, turn);
          const nsPerOp = perOperation(turn);
          round[index]!.get(label)!.push(nsPerOp);
          slots.push({
            at,
            round: this.rounds.length + this.discarded + 1,
            size,
            contestant: label,
            nsPerOp,
            ...disturbanceBetween(before, after, child.id),
            tier: turn.tier,
            discarded: false,
          });
          before = after;
        }
      }
    }
    this.#agreements.check();
    return { round, slots, milliseconds: performance.now() - started };
  }

  #request(index: number, units: number): Request {
    const { workload, sizes, threads = 1 } = this.#plan;
    return { workload: workload.name, units, threads, parameters: sizes[index]!.parameters };
  }

  /**
   * For each round that counts, the median of ln(time of `b` / time of `a`) of its pairs of turns: the first of the one
   * with the first of the other, and so on.
   */
  differences(index: number, a: string, b: string): number[] {
    return this.rounds.map((round) => {
      const size = round[index]!, under = size.get(a)!;
      return median(size.get(b)!.map((time, pair) => Math.log(time / under[pair]!)));
    });
  }

  /** For each round that counts, the median of a contestant's turns: nanoseconds per operation. */
  samples(index: number, label: string): number[] {
    return this.rounds.map((round) => median(round[index]!.get(label)!));
  }

  /** For each round that counts, the fastest of a contestant's turns: what slows one turn only is not seen. */
  fastest(index: number, label: string): number[] {
    return this.rounds.map((round) => Math.min(...round[index]!.get(label)!));
  }
}

interface MeasuredRound {
  readonly round: Round;
  readonly slots: TurnDisturbance[];
  readonly milliseconds: number;
}

/** A contestant's process in this round. */
interface ContestantProcess {
  readonly label: string;
  readonly child: Child;
}

/** Nanoseconds per operation. */
export function perOperation({ nanoseconds, operations }: Turn): number {
  return nanoseconds / operations;
}
