/** Scripted contestants for comparisons: their times come from a formula, so what the verdict should be is known. */
import type { Contestant } from "../../../src/lab/contest/contestants.ts";
import type { Disturbance } from "../../../src/measure/mod.ts";
import type { RoundsPlan } from "../../../src/lab/contest/rounds.ts";
import { completeParameters, WORKLOADS } from "../../../src/workloads/mod.ts";
import { scriptedCommand } from "../helpers.ts";

/**
 * A contestant that answers at once.
 *
 * @param nanoseconds JavaScript for the time of a unit; `now` is the wall clock in milliseconds, `noise()` a factor near 1.
 */
export function timed(label: string, nanoseconds: string): Contestant {
  const body = `
    const units = Number(/units=(\\d+)/.exec(line)[1]);
    const threadsPart = (line, time) => {
      const threads = Number(/ threads=(\\d+)/.exec(line)?.[1] ?? 1);
      const list = (value) => Array.from({ length: threads }, () => value).join();
      return threads === 1 ? "" : " thread-nanoseconds=" + list(time) + " thread-operations=" + list(units);
    };
    const now = Date.now(), noise = () => Math.exp((Math.random() + Math.random() - 1) * 0.01);
    const time = Math.round(units * (${nanoseconds}));
    say("ok nanoseconds=" + time + " operations=" + units * 100 +
      " checksum=0000abcd slot-checksum=0000abcd tier=turbofan" + threadsPart(line, time));
  `;
  return { allocator: label, runtime: "deno", label, language: "deno", command: scriptedCommand(label, body) };
}

/** Two sizes, in slots that need no time. */
export function planOfSizes(sizes: readonly number[] = [128]): RoundsPlan {
  const workload = WORKLOADS.get("random-mixed")!;
  return {
    workload,
    sizes: sizes.map((size) => ({ size, parameters: completeParameters(workload, { size, cycles: 1000 }) })),
    slotMilliseconds: 50,
    orderSeed: 7,
    readDisturbance: still, // whatever else this machine does
  };
}

/** A machine on which nothing else runs. */
function still(): Promise<Disturbance> {
  return Promise.resolve({ stolen: 0, pressure: 0, others: 0, preemptions: new Map() });
}

/** Never stops anything. */
export const forever: AbortSignal = new AbortController().signal;
