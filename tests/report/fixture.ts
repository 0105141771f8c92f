/** A result file as a run would leave it, with round numbers. */
import type { Result, ResultFile } from "../../src/model/mod.ts";

function result(allocator: string, runtime: Result["runtime"], host: Result["host"], size: number, ns: number): Result {
  const samples = [0, 1, 2, 3, 4, 5].map((round) => ns * (1 + round / 100));
  const [low = ns, high = ns] = [1e9 / (ns * 1.05), 1e9 / ns];
  return {
    workload: "random-mixed",
    allocator,
    runtime,
    host,
    size,
    threads: 1,
    operations: 50_000,
    checksum: "0426546b",
    opsPerSecond: { median: 1e9 / (ns * 1.025), low, high },
    nsPerOp: ns * 1.025,
    netNsPerOp: runtime === "harness" ? 0 : ns * 1.025 - 6,
    samples,
    unitsPerSlot: 20,
    tiers: samples.map(() => host === "deno" ? "turbofan" : "native"),
    parameters: { size, "working-set": 8192, cycles: 50_000, seed: 12345 },
    ...(runtime === "harness" ? {} : { ratioToSystem: { ratio: 15 / ns, low: 14.5 / ns, high: 15.5 / ns } }),
  };
}

/** Our heap, three peers and the harnesses, at two sizes. */
export function fixture(): ResultFile {
  return {
    schema: "hakmem.results/1",
    command: ["deno", "run", "-P", "cli.ts", "bench"],
    environment: {
      date: "2025-01-02T03:04:05.678Z",
      deno: "2.9.6",
      v8: "15.0",
      os: "linux 6.1",
      arch: "x86_64",
      cpu: "A CPU",
      cores: 8,
      loadAverage: [0.1, 0.2, 0.3],
      revision: "0123456789ab",
    },
    rounds: { wanted: 6, measured: 6, orderSeed: 7, slotMilliseconds: 50 },
    results: [128, 1024].flatMap((size) => [
      result("slab-map", "deno", "deno", size, 10),
      result("ffi", "ffi", "deno", size, 20),
      result("thi.ng", "js", "deno", size, 8000),
      result("none", "harness", "deno", size, 6),
      result("system", "native", "native", size, 15),
      result("none", "harness", "native", size, 6),
    ]),
    expectations: [],
    notes: [],
    warnings: [{ code: "LOAD", message: "the load average was 3.00 on 2 cores", advice: "stop other work" }],
  };
}
