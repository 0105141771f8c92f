/** A history as a run would leave it: a commit that made it slower, a stretch that made it faster, and one that is not known. */
import type { HistoryComparison, HistoryFile } from "../../src/model/mod.ts";
import { compareFixture } from "./compare_fixture.ts";
import { fixture } from "./fixture.ts";

const COMMITS = 41;

function comparison(
  a: number,
  b: number,
  purpose: HistoryComparison["purpose"],
  ratio: number,
  verdict: HistoryComparison["verdict"],
): HistoryComparison {
  const [small, large] = compareFixture().rows.map(({ samples: _, ...row }) => row);
  const of = (row: typeof small, factor: number) => ({
    ...row!,
    ratio: ratio * factor,
    low: ratio * factor * 0.985,
    high: ratio * factor * 1.012,
    verdict,
  });
  return {
    a,
    b,
    purpose,
    kept: a === 0,
    verdict,
    level: 0.99,
    rows: [of(small, 1), of(large, 1.02)],
    rounds: { measured: 20, discarded: 1, disturbed: 1 },
    date: "2026-01-03T03:04:05.678Z",
    warnings: [],
  };
}

/** See above: commit 10; some of 24 to 27, of which 25 and 26 do not run; 27 to 40. */
export function historyFixture(): HistoryFile {
  const commits = Array.from({ length: COMMITS }, (_, at): HistoryFile["commits"][number] => ({
    hash: (0x1234567 + at * 0x10101).toString(16).padStart(8, "0").repeat(5),
    subject: at % 3 === 0
      ? `Commit ${at} has a subject that says more than there is room for in a line of a terminal`
      : `commit ${at}`,
    author: "A. Author",
    date: `2026-01-${String(1 + at % 28).padStart(2, "0")}T03:04:05+01:00`,
    parents: at === 10 ? 2 : 1,
    source: at - Number(at > 20),
    ...(at === 25 || at === 26 ? { skipped: "its heap does not open" } : {}),
  }));
  const comparisons = [
    comparison(0, 40, "ends", 0.95, "regression"),
    comparison(0, 20, "middle", 0.9, "regression"),
    comparison(0, 9, "middle", 1.001, "equivalent"),
    comparison(0, 10, "middle", 0.9, "regression"),
    comparison(9, 10, "confirmation", 0.899, "regression"),
    comparison(10, 40, "ends", 1.06, "improvement"),
    comparison(10, 24, "middle", 0.998, "equivalent"),
    comparison(10, 27, "middle", 1.055, "improvement"),
    comparison(24, 27, "confirmation", 1.05, "improvement"),
    comparison(27, 40, "ends", 1.03, "inconclusive"),
  ];
  const points = ([[0, 1], [9, 1.001], [10, 0.9], [20, 0.9], [24, 0.898], [27, 0.95], [40, 0.95]] as const).map((
    [commit, ratio],
  ) => ({
    commit,
    rows: [128, 1024].map((size) => ({ size, threads: 1, ratio, low: ratio * 0.98, high: ratio * 1.02 })),
  }));
  return {
    schema: "hakmem.history/1",
    command: ["deno", "run", "-P", "cli.ts", "history", "--since", "HEAD~40"],
    environment: fixture().environment,
    tree: "/home/a/hakmem",
    workload: "random-mixed",
    commits,
    comparisons,
    changes: [
      { verdict: "regression", certainty: "commit", from: 9, to: 10, comparison: 4 },
      { verdict: "improvement", certainty: "range", from: 24, to: 27, comparison: 8 },
      { verdict: "inconclusive", certainty: "undecided", from: 27, to: 40, comparison: 9 },
    ],
    curve: points,
    verdict: "regression",
    state: "/home/a/.cache/hakmem/histories/0123456789abcdef.json",
    notes: [],
    warnings: [{ code: "LOAD", message: "the load was 2", advice: "stop other work", brief: "load 2 on 2 cores" }],
  };
}
