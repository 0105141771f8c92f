import type { Result } from "../../../src/model/mod.ts";

/** What `bench --instructions` adds to results; with figures as long as they get. */
export const COUNTED: Required<Pick<Result, "instructions" | "code">> = {
  instructions: {
    tool: "valgrind",
    operations: 200_010,
    perOperation: { instructions: 1_000_000, l1Misses: 12_345, lastLevelMisses: 0.0519 },
    net: { instructions: 999_976.5, l1Misses: 12_344.5, lastLevelMisses: -0.0012 },
  },
  code: {
    loop: "mixedChunk",
    tier: "turbofan",
    machineBytes: 1652,
    bytecode: [{ function: "malloc", bytes: 173 }, { function: "free", bytes: 205 }],
  },
};
