/**
 * How often the stages of a variant are reached: one unit of a workload on a counting build. It is run apart from what is
 * measured, since counting costs time; the counts of a unit are the same on every machine.
 *
 * @module
 */
import { Heap } from "../heap/mod.ts";
import { adaptHeap } from "../peers/heap.ts";
import type { CountsRow } from "../report/mod.ts";
import type { Parameters, Workload } from "../workloads/mod.ts";

/**
 * Counts one unit, after one that fills the caches and is not counted.
 *
 * @throws InvalidOptionError for a variant that does not exist.
 */
export async function countUnit(
  variant: string,
  workload: Workload,
  size: number,
  parameters: Parameters,
): Promise<CountsRow> {
  using heap = await Heap.open({ variant: `${variant},counters=1` });
  const runner = workload.prepare(adaptHeap(heap), parameters);
  runner.begin();
  runner.unit();
  const before = heap.counters()!;
  runner.unit();
  const after = heap.counters()!;
  runner.drain();
  runner.end();
  const counts = Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, count - before[name as keyof typeof before]]),
  ) as unknown as CountsRow["counts"];
  return { workload: workload.name, variant, size, counts };
}
