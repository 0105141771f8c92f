/** An explanation as a run would leave it: three flags, a pair, and a rest that nothing explains. */
import type { CountsRow, ExplainFile, ExplainFlag, Ratio } from "../../src/model/mod.ts";
import { fixture } from "./fixture.ts";

function around(ratio: number, share: number): Ratio {
  return { ratio, low: ratio * (1 - share), high: ratio * (1 + share) };
}

function flag(
  name: string,
  [a, b]: [string | number, string | number],
  ratio: number,
  [inA, inB]: [number, number],
  [finding, because]: [ExplainFlag["finding"], string],
): ExplainFlag {
  return {
    flag: name,
    a,
    b,
    meaning: `what ${name} is for, in a sentence of the usual length`,
    ...around(ratio, 0.012),
    fromA: { from: "phase7", to: `phase7,${name}=${b}`, ...around(ratio * 1.01, 0.015) },
    fromB: { from: `e3-1,${name}=${a}`, to: "e3-1", ...around(ratio * 0.99, 0.015) },
    reachedPerMillionFrees: Math.max(inA, inB),
    reached: { a: inA, b: inB, what: `${name} on free` },
    finding,
    because,
  };
}

function counts(variant: string, size: number, registryLookups: number): CountsRow {
  return {
    workload: "random-mixed",
    variant,
    size,
    counts: {
      mallocs: 27_000,
      frees: 27_000,
      fastFrees: 26_444,
      slowFrees: 556,
      frontGateCalls: 556,
      registryLookups,
      mincoreCalls: 555,
      headerRejects: 0,
      refills: 64,
      spills: 12,
      remoteFrees: 0,
      slabsTaken: 9,
      slabsReturned: 0,
    },
  };
}

/** `phase7` and `e3-1`, of which the second is slower. */
export function explainFixture(): ExplainFile {
  const flags = [
    flag("push", ["direct", "box"], 0.931, [1_000_000, 1_000_000], [
      "confirmed",
      "the interval of its effect is beyond δ from both sides, and its code runs on every free",
    ]),
    flag("restore", [0, 1], 0.996, [0, 1_000_000], ["rejected", "its whole interval is within δ"]),
    flag("integrity", [0, 1], 0.742, [0, 1_000_000], [
      "confirmed",
      "the interval of its effect is beyond δ from both sides, and its code runs on every free",
    ]),
    flag("classify", ["registry-first", "registry-last"], 1.002, [20_592, 20_592], [
      "rejected",
      "fast frees never reach it: 20,592 of a million frees do",
    ]),
    flag("c7", ["headerless", "header"], 1.018, [900, 0], ["undecided", "its interval is partly beyond δ"]),
  ];
  return {
    schema: "hakmem.explain/1",
    command: ["deno", "run", "-P", "cli.ts", "explain", "phase7", "e3-1"],
    environment: fixture().environment,
    a: "phase7",
    b: "e3-1",
    workload: "random-mixed",
    sizes: [
      { size: 128, aNsPerOp: 21.2, bNsPerOp: 33.1, ...around(0.64, 0.01) },
      { size: 1024, aNsPerOp: 81.7, bNsPerOp: 98.9, ...around(0.826, 0.02) },
    ],
    level: 0.99,
    rounds: 20,
    delta: 0.023,
    control: around(1.002, 0.012),
    total: around(0.727, 0.01),
    flags,
    pairs: [{ flags: ["push", "integrity"], ...around(1.021, 0.02) }],
    unexplained: around(1.014, 0.03),
    counters: {
      a: [counts("phase7", 128, 0), counts("phase7", 1024, 0)],
      b: [counts("e3-1", 128, 556), counts("e3-1", 1024, 556)],
    },
    stages: [
      { stage: "header read", nanoseconds: 0.42, low: 0.4, high: 0.47, a: 1, b: 1 },
      { stage: "push, direct", nanoseconds: 0.61, low: 0.55, high: 0.7, a: 1, b: 0 },
      { stage: "push, Box", nanoseconds: 2.1, low: 1.95, high: 2.3, a: 0, b: 1 },
      { stage: "atomic counter", nanoseconds: 5.02, low: 4.9, high: 5.2, a: 0, b: 2 },
      { stage: "mincore", nanoseconds: 671, low: 655, high: 690, a: 0.0206, b: 0.0206 },
    ],
    jit: [
      {
        variant: "phase7",
        loop: "runUnit",
        tier: "turbofan",
        processes: 4,
        inlined: [
          { callee: "malloc", inlined: true, reason: "", times: 4 },
          { callee: "free", inlined: true, reason: "", times: 4 },
        ],
        deopts: [],
        optimisations: 1,
        codeBytes: 3104,
      },
      {
        variant: "e3-1",
        loop: "runUnit",
        tier: "turbofan",
        processes: 4,
        inlined: [
          { callee: "malloc", inlined: true, reason: "", times: 4 },
          { callee: "free", inlined: false, reason: "cumulative bytecode size", times: 1 },
        ],
        deopts: [{ function: "free", reason: "wrong map", kind: "eager", count: 2 }],
        optimisations: 3,
      },
    ],
    fix: {
      variant: "e3-1,integrity=0,push=direct",
      flags: ["integrity", "push"],
      ...around(0.993, 0.012),
      verdict: "equivalent",
    },
    build: [
      { flag: "header", a: "byte", b: "byte" },
      ...flags.map(({ flag, a, b }) => ({ flag, a, b })),
      { flag: "capacity", a: 512, b: 512 },
    ],
    notes: ["c7 cannot be changed in A without writeHeader"],
    warnings: [{ code: "LOAD", message: "the load average was 3.00 on 2 cores", advice: "stop other work" }],
  };
}
