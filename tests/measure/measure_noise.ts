/**
 * Measures what the noise of `noise.ts` is fitted to: an allocator against itself, as `compare` runs it. Each round has
 * three fresh processes of one variant, warmed up; each size is measured in random, then mirrored order. Prints a JSON
 * line a round and size, with the slots in the order in which they ran: whose, when (ms), ns a unit, tier.
 *
 *     deno run -P tests/measure/measure_noise.ts 40 > rounds.jsonl
 *     deno run -P tests/measure/fit_noise.ts rounds.jsonl
 *
 * 40 rounds take some five minutes.
 *
 * @module
 */
import { DEFAULT_VARIANT } from "../../src/heap/mod.ts";
import { Child } from "../../src/lab/contest/child.ts";
import { enter } from "../../src/lab/contest/contestants.ts";
import { warmUp } from "../../src/lab/contest/warm_up.ts";
import { Random } from "../../src/measure/mod.ts";
import { completeParameters, WORKLOADS } from "../../src/workloads/mod.ts";

/** One slot of a round, as this script prints it. */
export interface MeasuredSlot {
  readonly who: number;
  /** Milliseconds since the script started. */
  readonly at: number;
  readonly nanoseconds: number;
  readonly tier: string;
}

/** One line of what this script prints. */
export interface MeasuredRound {
  readonly round: number;
  readonly size: number;
  readonly slots: readonly MeasuredSlot[];
}

const SIZES = [128, 256, 512, 1024];
const SLOT_MILLISECONDS = 50;
const ORDER_SEED = 20_240_607;

async function main(rounds: number): Promise<void> {
  const workload = WORKLOADS.get("random-mixed");
  const { contestants } = await enter([DEFAULT_VARIANT], []);
  const command = contestants.find(({ runtime }) => runtime === "deno")?.command;
  if (workload === undefined || command === undefined) throw new Error("nothing to measure");
  const requests = SIZES.map((size) => ({
    workload: workload.name,
    parameters: completeParameters(workload, { size }),
  }));
  const random = new Random(ORDER_SEED);
  const units: number[] = []; // of the first process, the same for all
  for (let round = 0; round < rounds; round++) {
    await using children = new AsyncDisposableStack();
    const started: Child[] = [];
    for (let who = 0; who < 3; who++) started.push(children.use(await Child.start(command)));
    for (const child of random.shuffled(started)) {
      for (const [index, request] of requests.entries()) {
        const warm = await warmUp(child, request, { slotMilliseconds: SLOT_MILLISECONDS });
        units[index] ??= warm.units;
      }
    }
    for (const [index, request] of requests.entries()) {
      const order = random.shuffled([0, 1, 2]);
      const slots: MeasuredSlot[] = [];
      for (const who of [...order, ...order.toReversed()]) {
        const count = units[index] ?? 1;
        const at = Math.round(performance.now());
        const slot = await (started[who] as Child).run({ ...request, units: count });
        slots.push({ who, at, nanoseconds: Math.round(slot.nanoseconds / count), tier: slot.tier });
      }
      console.log(JSON.stringify({ round, size: SIZES[index], slots }));
    }
  }
}

if (import.meta.main) await main(Number(Deno.args[0] ?? 40));
