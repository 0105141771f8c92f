/** A result file of several numbers of threads, as a run with `--threads 1,2,4 --own-heaps` would leave it. */
import type { Result, ResultFile } from "../../../src/model/mod.ts";
import { fixture } from "../fixture.ts";

/** Each number of threads is 0.9 times as fast as it could be; own heaps lose nothing. */
function withThreads(result: Result, threads: number, heaps: "shared" | "own"): Result {
  const speed = threads * (heaps === "own" ? 1 : 0.9);
  const { opsPerSecond: { median, low, high }, samples } = result;
  const threadSamples = Array.from(
    { length: threads },
    (_, thread) => samples.map((sample) => (1 - thread / 50) * speed / threads * 1e9 / sample),
  );
  return {
    ...result,
    threads,
    heaps,
    opsPerSecond: { median: median * speed, low: low * speed, high: high * speed },
    nsPerOp: result.nsPerOp / speed,
    samples: samples.map((sample) => sample / speed),
    threadSamples,
    threadOpsPerSecond: threadSamples.map((each) => each[2]!),
    fairness: 1 - (threads - 1) / 50,
    scaling: { ratio: speed, low: speed - 0.05, high: speed + 0.05 },
  };
}

/** Two sizes; thi.ng with one thread only. */
export function threadsFixture(): ResultFile {
  const file = fixture();
  const results = [128, 1024].flatMap((size) => {
    const alone = file.results.filter((result) => result.size === size);
    const crews = [2, 4].flatMap((threads) =>
      alone.filter(({ allocator }) => allocator !== "thi.ng").flatMap((result) => {
        if (result.runtime !== "deno") return [withThreads(result, threads, "shared")];
        const ratioToOwnHeaps = { ratio: 0.9, low: 0.88, high: 0.92 };
        return [{ ...withThreads(result, threads, "shared"), ratioToOwnHeaps }, withThreads(result, threads, "own")];
      })
    );
    return [...alone, ...crews];
  });
  return { ...file, results, notes: ["thi.ng is left out with 2, 4 threads"] };
}
