/**
 * `bench --latency`: how long single operations of a workload take (`../latency/latency.ts`), besides its throughput,
 * which is measured before and by other processes. Each contestant has one more process for each size, in which one
 * unit is run again and again. What its operations are is found here, by an allocator that only notes them, and goes to
 * all in a file.
 *
 * With one thread only: how long an operation waits for another thread is up to that thread.
 *
 * @module
 */
import type { Result } from "../../model/mod.ts";
import { unitKinds } from "../../workloads/mod.ts";
import type { Workload } from "../../workloads/mod.ts";
import { type BenchPlan, type BenchRun, measureAfterwards, noteOf, type Progress } from "./bench.ts";
import { type Contestant, enter, type Harness, WORKLOADS_HARNESS } from "../contest/contestants.ts";
import { latencyHarness, timeOperations } from "../latency/latency.ts";
import { formatRequest } from "../contestant/protocol.ts";

/**
 * Adds to a run how long single operations took. A peer that fails is left as it is, with a note; if it is interrupted, the
 * run keeps what was measured.
 */
export async function withLatency(
  run: BenchRun,
  plan: BenchPlan & { readonly workload: Workload },
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<BenchRun> {
  if (run.isInterrupted) return run;
  const { workload, variants, peers } = plan;
  const timed = run.results.filter(({ runtime, threads }) => runtime !== "harness" && threads === 1);
  if (timed.length === 0) return { ...run, notes: [...run.notes, "single operations are timed with one thread only"] };
  const path = await Deno.makeTempFile({ prefix: "hakmem-latency-" });
  try {
    const { contestants } = await enter(variants, peers, harnessOf(path));
    if (!contestants.some(({ language }) => language === "native")) {
      return { ...run, notes: [...run.notes, "single operations are not timed: the clock for that is in C"] };
    }
    const measure = async (contestant: Contestant, { parameters, nsPerOp }: Result) => {
      const kinds = unitKinds(workload, parameters);
      await Deno.writeFile(path, kinds);
      const requestOf = (units: number) =>
        formatRequest({ workload: workload.name, units, parameters }).replace(/^run /, "latency ");
      return await timeOperations(contestant, kinds.length, nsPerOp, requestOf, signal);
    };
    const { found, failures } = await measureAfterwards(
      "timing single operations",
      timed,
      contestants,
      measure,
      report,
      signal,
    );
    const results = run.results.map((result) => {
      const latency = found.get(result);
      return latency === undefined ? result : { ...result, latency };
    });
    if (signal.aborted) return { ...run, results, isInterrupted: true };
    const all = [...run.failures ?? [], ...failures];
    return {
      ...run,
      results,
      ...(all.length === 0 ? {} : { failures: all }),
      notes: [...run.notes, ...failures.map(noteOf)],
    };
  } finally {
    await Deno.remove(path);
  }
}

/** What the processes run. @param path The file with the kinds. */
function harnessOf(path: string): Harness {
  const harness = { ...WORKLOADS_HARNESS, childArgs: [`--kinds=${path}`], programArgs: [path] };
  return latencyHarness(harness, new URL("../latency/contestant.ts", import.meta.url), ["-D_GNU_SOURCE="]);
}
