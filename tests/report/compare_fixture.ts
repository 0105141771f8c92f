/** A comparison as a run would leave it: two sizes, 20 rounds, one of them discarded, and a host that took time. */
import type { CompareFile, CompareRow, TurnDisturbance } from "../../src/model/mod.ts";
import { fixture } from "./fixture.ts";

const ROUNDS = 20;

/** A noise that is the same at every run: from -1 to 1. */
function noise(index: number): number {
  const value = Math.sin(index * 12.9898) * 43758.5453;
  return 2 * (value - Math.floor(value)) - 1;
}

function samplesOf(ns: number, seed: number): number[] {
  return Array.from({ length: ROUNDS }, (_, round) => ns * (1 + 0.02 * noise(seed + round)));
}

function row(size: number, a: number, ratio: number, verdict: CompareRow["verdict"]): CompareRow {
  return {
    workload: "random-mixed",
    size,
    threads: 1,
    ratio,
    low: ratio * 0.985,
    high: ratio * 1.012,
    rounds: ROUNDS,
    verdict,
    delta: 0.02,
    control: { ratio: 1.001, low: 0.991, high: 1.011 },
    samples: { a: samplesOf(a, size), b: samplesOf(a / ratio, size + 50), control: samplesOf(a, size + 100) },
    parameters: { size, "working-set": 8192, cycles: 50_000, seed: 12345 },
  };
}

function slotsOf(rows: readonly CompareRow[]): TurnDisturbance[] {
  const slots: TurnDisturbance[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const { size, samples } of rows) {
      for (const contestant of ["a", "b", "control", "control", "b", "a"] as const) {
        const index = slots.length, isDisturbed = round === 7;
        slots.push({
          at: index * 62 + 300,
          round,
          size,
          contestant,
          nsPerOp: (samples[contestant][round] ?? 0) *
            (isDisturbed ? 1.3 + 0.2 * noise(index) : 1 + 0.004 * noise(index)),
          stolenMs: isDisturbed || index % 53 === 0 ? 10 : 0,
          othersMs: index % 31 === 0 ? -10 : 0,
          pressureMs: isDisturbed ? 22.5 : Math.max(0, 2 * noise(index)),
          preemptions: isDisturbed ? 31 : Math.max(0, Math.round(3 * noise(index + 7))),
          tier: "turbofan",
          discarded: isDisturbed,
        });
      }
    }
  }
  return slots;
}

/** `e3-1` against `box`: a regression at one size, not sure at the other. */
export function compareFixture(): CompareFile {
  const rows = [row(128, 27.1, 0.791, "regression"), row(1024, 82.6, 0.985, "inconclusive")];
  return {
    schema: "hakmem.compare/1",
    command: ["deno", "run", "-P", "cli.ts", "compare", "box", "e3-1", "--size", "128,1024"],
    environment: fixture().environment,
    a: "box",
    b: "e3-1",
    sources: { "box": "0123456789ab" },
    level: 0.99,
    rows,
    verdict: "regression",
    rounds: { measured: ROUNDS, discarded: 1, looks: [20], orderSeed: 7, slotMilliseconds: 50 },
    slots: slotsOf(rows),
    baseline: {
      schema: "hakmem.baseline/1",
      name: "last-week",
      contestant: "0123456789ab,box",
      revision: "0123456789ab",
      date: "2025-01-01T03:04:05.678Z",
      environment: fixture().environment,
      rows: [{ workload: "random-mixed", size: 128, nsPerOp: 27.4 }],
    },
    notes: ["another machine saved the baseline: its figures are shown only"],
    warnings: [{ code: "STEAL", message: "the host took 130 ms", advice: "run again on a quiet machine" }],
  };
}
