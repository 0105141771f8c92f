/**
 * `--trace`: a trace of a real program instead of a workload, for the commands that compare builds.
 *
 * @module
 */
import type { ReplayPlan } from "../../lab/replay/replay.ts";
import { traceName } from "../../traces/mod.ts";
import { traceOf } from "./reading.ts";
import { UsageError } from "./values.ts";

/** Options that go together with a trace: the others are a workload's, or a baseline's, which has one. */
const OF_TRACES = ["trace", "quick", "threads", "json", "csv", "markdown", "html"];

/** @throws UsageError if an option was given that says something of a workload. */
export function assertOfTraces(options: object): void {
  const other = Object.entries(options).find(([name, value]) => value !== undefined && !OF_TRACES.includes(name));
  if (other === undefined) return;
  const option = other[0].replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UsageError(`--${option} means nothing to a trace: leave it or --trace out`);
}

/** What is to be replayed. @throws TraceError if the file is not a trace. */
export function tracePlan(path: string, threads: number): Pick<ReplayPlan, "trace" | "threads" | "file"> {
  return { trace: traceOf(path), threads, file: traceName(path) };
}
