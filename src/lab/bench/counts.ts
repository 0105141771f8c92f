/**
 * How often the stages of a variant are reached: one unit of a workload on a counting build, or some by each of several
 * threads. It is run apart from what is measured, since counting costs time. The counts of one thread's unit are the
 * same on every machine; those of several threads depend on which thread comes when.
 *
 * @module
 */
import { Heap, type HeapCounters } from "../../heap/mod.ts";
import { adaptHeap } from "../../peers/heap.ts";
import type { CountsRow } from "../../model/mod.ts";
import type { Parameters, Workload } from "../../workloads/mod.ts";
import { Crew } from "../contestant/crew/crew.ts";
import type { Request } from "../contestant/protocol.ts";

/** Units of each thread, or of each set of blocks: enough that the sets go from hand to hand. */
const UNITS = 4;

/**
 * Counts one unit, after one that fills the caches and is not counted; with several threads, some units by each, of
 * which all have the same heap.
 *
 * @throws InvalidOptionError for a variant that does not exist.
 */
export async function countUnit(
  variant: string,
  workload: Workload,
  size: number,
  parameters: Parameters,
  threads = 1,
): Promise<CountsRow> {
  const counting = `${variant},counters=1`;
  using heap = await Heap.open({ variant: counting });
  const counted = threads === 1
    ? countOne(heap, workload, parameters)
    : await countCrew(heap, counting, { workload: workload.name, threads, parameters, units: UNITS });
  return {
    workload: workload.name,
    variant,
    size,
    ...(threads === 1 ? {} : { threads }),
    counts: difference(counted[0], counted[1]),
  };
}

/** The counters, before what is counted and after it. */
type Counted = readonly [before: HeapCounters, after: HeapCounters];

function countOne(heap: Heap, workload: Workload, parameters: Parameters): Counted {
  const runner = workload.prepare(adaptHeap(heap), parameters);
  runner.begin();
  runner.unit();
  const before = heap.counters()!;
  runner.unit();
  const after = heap.counters()!;
  runner.drain();
  runner.end();
  return [before, after];
}

async function countCrew(
  heap: Heap,
  variant: string,
  request: Request & { readonly threads: number },
): Promise<Counted> {
  await using crew = new Crew(adaptHeap(heap), () => "unknown", {
    name: "heap",
    variant,
    source: undefined,
    ownHeaps: false,
  });
  await crew.turn(request);
  const read: HeapCounters[] = [];
  await crew.turn(request, () => read.push(heap.counters()!));
  return [read[0]!, read[1]!];
}

function difference(before: HeapCounters, after: HeapCounters): CountsRow["counts"] {
  const names = Object.keys(after) as (keyof HeapCounters)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as CountsRow["counts"];
}
