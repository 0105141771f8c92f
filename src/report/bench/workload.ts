/**
 * What was done to the allocators, in words. A file has only the workload's name; the words are those of today.
 *
 * @module
 */
import type { Result } from "../../model/results.ts";
import { WORKLOADS } from "../../workloads/mod.ts";

/** The workload's name, what it does, and what an operation is; the name alone of a workload that there is no longer. */
export function workloadText(results: readonly Pick<Result, "workload">[]): string {
  const name = results[0]?.workload ?? "nothing", workload = WORKLOADS.get(name);
  return workload === undefined ? name : `${name}: ${workload.description}; an operation is ${workload.operation}`;
}
