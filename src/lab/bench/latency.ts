/**
 * `bench --latency`: how long single operations of a workload take (`../latency/latency.ts`), beside its throughput,
 * which is measured before and by other processes. Each contestant has one more process for each size, in which one
 * unit is run again and again. What its operations are is found here, by an allocator that only notes them, and goes to
 * all in a file.
 *
 * With one thread only: how long an operation waits for another thread is up to that thread.
 *
 * @module
 */
import type { Failure } from "../../model/mod.ts";
import { unitKinds } from "../../workloads/mod.ts";
import type { Workload } from "../../workloads/mod.ts";
import { type BenchPlan, type BenchRun, failureOfPeer, noteOf, type Progress } from "./bench.ts";
import { ContestantError } from "../contest/child.ts";
import { enter, type Harness, WORKLOADS_HARNESS } from "../contest/contestants.ts";
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
  const { workload, sizes, variants, peers } = plan;
  const failures: Failure[] = [], results = [...run.results];
  const timed = results.filter(({ runtime, threads }) => runtime !== "harness" && threads === 1);
  if (timed.length === 0) return { ...run, notes: [...run.notes, "single operations are timed with one thread only"] };
  const path = await Deno.makeTempFile({ prefix: "hakmem-latency-" });
  try {
    const { contestants } = await enter(variants, peers, harnessOf(path));
    if (!contestants.some(({ language }) => language === "native")) {
      return { ...run, notes: [...run.notes, "single operations are not timed: the clock for that is in C"] };
    }
    let done = 0;
    for (const { size, parameters } of sizes) {
      const kinds = unitKinds(workload, parameters);
      await Deno.writeFile(path, kinds);
      for (const result of timed.filter((each) => each.size === size)) {
        const contestant = contestants.find(({ allocator, runtime, language }) =>
          allocator === result.allocator && runtime === result.runtime && language === result.host
        )!;
        report({ phase: "timing single operations", done: done++, total: timed.length, label: contestant.label });
        const requestOf = (units: number) =>
          formatRequest({ workload: workload.name, units, parameters }).replace(/^run /, "latency ");
        try {
          const latency = await timeOperations(contestant, kinds.length, result.nsPerOp, requestOf, signal);
          results[results.indexOf(result)] = { ...result, latency };
        } catch (error) {
          if (signal.aborted) return { ...run, results, isInterrupted: true };
          if (!(error instanceof ContestantError)) throw error;
          failures.push(failureOfPeer(contestant, error));
        }
      }
    }
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
