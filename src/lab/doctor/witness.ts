/**
 * `doctor --witness`: whether the twins in C, with which native allocators are measured, cost what plain C costs. Equal
 * checksums show that a twin does the right work, not that it adds nothing to it; `native/witness.c`, which shares no
 * line with them, shows the latter.
 *
 * In each round twin and witness have a fresh process each, with the same library preloaded, and measure as many
 * operations there and back (A B B A ...), in turns that are short: a neighbour of the machine then slows both
 * of a pair, or few pairs, and the median of the pairs is the round's. Both run on one processor, drawn for the round, as
 * one of two may be half as fast as the other while its neighbour is busy. With sh8bench and mimalloc, eight rounds in
 * ten were within 0.76 and 1.43 without that, and within 1.01 and 1.13 with it. A row's ratio is Hodges and Lehmann's estimate
 * over the rounds, as of `compare`, and its interval is exact, of 99 %. Rows whose
 * interval lies on neither side of the bound get as many rounds again, up to four times.
 *
 * @module
 */
import { median } from "simple-statistics";
import { buildNative, type NativeTarget } from "../../os/mod.ts";
import {
  captureEnvironment,
  COMPARE_LEVEL,
  type Interval,
  Random,
  ratios,
  signedRankInterval,
} from "../../measure/mod.ts";
import { findPeers, installedLibraries, PeerError } from "../../peers/find.ts";
import type { WitnessFile, WitnessRow } from "../../model/mod.ts";
import { completeParameters, type Parameters, WORKLOADS } from "../../workloads/mod.ts";
import { type ChildCommand, ContestantError } from "../contest/child.ts";
import { type Contestant, peerContestant, WORKLOADS_HARNESS, WORKLOADS_PROGRAM } from "../contest/contestants.ts";
import type { Report } from "./noise.ts";
import type { Identity } from "../contest/identity.ts";
import { ProtocolError } from "../contestant/protocol.ts";
import { labelsOf } from "../bench/results.ts";
import { shareProcessor } from "../contest/processor.ts";
import { startVerified } from "../contest/verified.ts";
import { warmUp } from "../contest/warm_up.ts";

/** The workloads that the witness knows; it has their default parameters. */
export const WITNESSED: readonly string[] = [
  "random-mixed",
  "hot-pair",
  "larson",
  "sh8bench",
  "alloc-test",
  "slow-mix",
];

/** What to compare. */
export interface WitnessPlan {
  /** Of {@linkcode WITNESSED}. */
  readonly workloads: readonly string[];
  /** Native ones: names, and paths of shared libraries. */
  readonly peers: readonly string[];
  readonly orderSeed: number;
  /** The twins, if they are not those of this project. */
  readonly twins?: NativeTarget;
}

/** The independent program. */
export const WITNESS_PROGRAM: NativeTarget = {
  name: "witness",
  sources: [new URL("../../../native/witness.c", import.meta.url)],
  kind: "executable",
  flags: ["-fno-builtin", "-ldl"], // it says why
};

const WITHIN = 0.1;
/** Rounds after which rows are looked at. */
const LOOKS = [12, 24, 48, 96, 192];
const SLOT_MILLISECONDS = 3;
/** Longer where a turn begins with page faults, as the one before it gave the large blocks back. */
const SLOW_MIX_MILLISECONDS = 48;
/** Pairs of turns in a round, and those before them that do not count. */
const SLOT_PAIRS = 5;
const WARM_PAIRS = 1;
const UNIT_CYCLES = 4096;
const MOST_SEED = 0xffff_fffe;

/** The system's allocator, and the libraries of the table that are installed here. */
export function witnessedPeers(): string[] {
  return ["system", ...installedLibraries().map(({ name }) => name)];
}

/**
 * Compares the twins with the witness.
 *
 * @param signal Ends it, after the round of a row that is being measured.
 * @throws {NativeBuildError} if there is no C compiler
 * @throws PeerError if a peer is not there, or is not a native one
 * @throws ContestantError if a process cannot do its work
 */
export async function compareWithWitness(
  plan: WitnessPlan,
  report: Report,
  signal: AbortSignal,
): Promise<Omit<WitnessFile, "schema" | "command">> {
  const environment = await captureEnvironment();
  const random = new Random(plan.orderSeed);
  const pairs = await pairsOf(plan);
  for (const [index, pair] of pairs.entries()) {
    signal.throwIfAborted();
    report({ phase: "warming up", done: index, total: pairs.length, label: pair.name });
    await pair.calibrate();
  }
  for (const [look, rounds] of LOOKS.entries()) {
    const waiting = pairs.filter((pair) => pair.rounds === 0 || witnessVerdict(pair.interval()) === "undecided");
    const more = rounds - (LOOKS[look - 1] ?? 0);
    for (let done = 0; done < more * waiting.length;) {
      for (const pair of random.shuffled(waiting)) {
        signal.throwIfAborted();
        report({ phase: look === 0 ? "measuring" : "again", done, total: more * waiting.length, label: pair.name });
        await pair.measure(random);
        done++;
      }
    }
  }
  const labels = labelsOf(pairs);
  const rows = pairs.map((pair) => rowOf(pair, labels.get(pair.contestant.allocator)));
  const verdicts = rows.map(({ verdict }) => verdict);
  return {
    environment: { ...environment, loadAverage: [...environment.loadAverage] },
    orderSeed: plan.orderSeed,
    within: WITHIN,
    level: COMPARE_LEVEL,
    rows,
    verdict: (["differs", "undecided"] as const).find((verdict) => verdicts.includes(verdict)) ?? "agrees",
  };
}

async function pairsOf({ workloads, peers, twins = WORKLOADS_PROGRAM }: WitnessPlan): Promise<Pair[]> {
  const { path } = await buildNative(WITNESS_PROGRAM);
  const found = findPeers(peers);
  const other = found.find(({ language }) => language !== "native");
  if (other !== undefined) throw new PeerError(`${other.name} has no witness: it is not measured by a loop in C`);
  const contestants = await Promise.all(
    found.map((peer) => peerContestant(peer, { ...WORKLOADS_HARNESS, program: twins })),
  );
  return workloads.flatMap((workload) => contestants.map((contestant) => new Pair(workload, contestant, path)));
}

/** The twin of a workload and the witness of it, with one allocator. */
class Pair {
  readonly samples = { twin: [] as number[], witness: [] as number[], ratio: [] as number[] };
  identity?: Identity;
  readonly #witness: ChildCommand;
  readonly #parameters: Parameters;
  #units = 1;
  #operations = 0;

  constructor(readonly workload: string, readonly contestant: Contestant, witness: string) {
    const { command: twin } = contestant;
    this.#witness = { ...twin, label: `witness of ${twin.label}`, path: witness, args: [workload] };
    this.#parameters = parametersOf(workload);
  }

  get name(): string {
    return `${this.workload}, ${this.contestant.label}`;
  }

  get rounds(): number {
    return this.samples.twin.length;
  }

  /** Finds how many units make a turn that is long enough. */
  async calibrate(): Promise<void> {
    await using twin = await startVerified(this.contestant.command);
    const request = { workload: this.workload, parameters: this.#parameters };
    const slotMilliseconds = this.workload === "slow-mix" ? SLOW_MIX_MILLISECONDS : SLOT_MILLISECONDS;
    this.#units = (await warmUp(twin, request, { slotMilliseconds })).units;
    this.#operations = this.#units * WORKLOADS.get(this.workload)!.operationsPerUnit(this.#parameters);
    if (twin.identity !== undefined) this.identity = twin.identity;
  }

  /** A round, with fresh processes. */
  async measure(random: Random): Promise<void> {
    await using twin = await startVerified(this.contestant.command);
    await using witness = await startVerified(this.#witness);
    const run = {
      twin: async () => {
        // Another part of the random stream in each turn, as the witness's goes on: with one and the same, slow-mix with
        // glibc took up to 9 % longer than the witness, by where its large blocks came to lie.
        const parameters = { ...this.#parameters, seed: 1 + random.below(MOST_SEED) };
        const { nanoseconds, operations } = await twin.run({ workload: this.workload, parameters, units: this.#units });
        return nanoseconds / operations;
      },
      witness: () => witness.ask(String(this.#operations), parseAnswer),
    };
    shareProcessor([twin, witness], random);
    const times = { twin: [] as number[], witness: [] as number[] };
    const order = random.shuffled(["twin", "witness"] as const);
    for (let pair = 0; pair < WARM_PAIRS + SLOT_PAIRS; pair++) {
      for (const who of pair % 2 === 0 ? order : order.toReversed()) times[who].push(await run[who]());
    }
    const counted = { twin: times.twin.slice(WARM_PAIRS), witness: times.witness.slice(WARM_PAIRS) };
    this.samples.twin.push(median(counted.twin));
    this.samples.witness.push(median(counted.witness));
    this.samples.ratio.push(median(ratios(counted.twin, counted.witness)));
  }

  /** Of the logarithm of the ratio. */
  interval(): Interval {
    return signedRankInterval(this.samples.ratio.map(Math.log), COMPARE_LEVEL);
  }
}

/** The defaults, apart from units that are small compared with a turn. */
function parametersOf(name: string): Parameters {
  const workload = WORKLOADS.get(name)!;
  return completeParameters(workload, workload.parameters["cycles"] === undefined ? {} : { cycles: UNIT_CYCLES });
}

/** The witness's answer: nanoseconds, and operations. */
function parseAnswer(answer: string): number {
  const [, nanoseconds, operations] = /^(\d+) ([1-9]\d*)$/.exec(answer) ?? [];
  if (nanoseconds === undefined) throw new ProtocolError(answer.replace(/^error /, ""));
  return Number(nanoseconds) / Number(operations);
}

function witnessVerdict({ low, high }: Interval): WitnessRow["verdict"] {
  const bound = Math.log1p(WITHIN);
  if (low > bound || high < -bound) return "differs";
  return low >= -bound && high <= bound ? "agrees" : "undecided";
}

function rowOf(pair: Pair, label: string | undefined): WitnessRow {
  const { workload, contestant, identity, samples, rounds } = pair;
  if (identity === undefined) throw new ContestantError(contestant.label, "did not say which library serves it");
  const { value, low, high } = pair.interval();
  return {
    workload,
    allocator: contestant.allocator,
    ...(label === undefined ? {} : { label }),
    library: identity.library,
    ...(identity.version === undefined ? {} : { libraryVersion: identity.version }),
    twinNsPerOp: median(samples.twin),
    witnessNsPerOp: median(samples.witness),
    ratio: Math.exp(value),
    low: Math.exp(low),
    high: Math.exp(high),
    rounds,
    verdict: witnessVerdict({ value, low, high }),
    samples,
  };
}
