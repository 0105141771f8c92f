/** How long single operations took, as a replay has it; with figures as long as they get. */
import type { Latency } from "../../../src/model/mod.ts";

const longest = { event: 8561, cause: "page faults", pageFaults: 16_384, againNs: 120 } as const;
const histogram = { ns: [10, 20, 400, 98_765_432], counts: [500_000, 500_000, 99, 1] };

/** Of one contestant. */
export const LATENCY: Latency = {
  replays: 57,
  clock: { stepNs: 10, p50Ns: 30.2, p99Ns: 80.7, p999Ns: 109, p9999Ns: 875, longestNs: 40_300 },
  operations: [
    {
      operation: "all",
      blocks: "all",
      count: 1_000_100,
      p50Ns: 10,
      p99Ns: 20,
      p999Ns: 20,
      p9999Ns: 12_345_678,
      longestNs: 98_765_432,
      longest,
      histogram,
    },
    {
      operation: "realloc",
      blocks: "large",
      count: 12,
      p50Ns: 182,
      longestNs: 23_400,
      longest: { event: 3373, cause: "unknown", againNs: 160 },
      histogram: { ns: [182, 23_400], counts: [11, 1] },
    },
  ],
};
