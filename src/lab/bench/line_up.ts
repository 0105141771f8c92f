/**
 * Who takes part with how many threads. A process serves one number of threads: malloc in a C program that has ever had
 * a second one takes its locks from then on, and V8 has compiled for what the process did.
 *
 * @module
 */
import type { Workload } from "../../workloads/mod.ts";
import { type Contestant, type Contestants, withOwnHeaps } from "../contest/contestants.ts";

/** A contestant with a number of threads, to be started. */
export interface ContestantStart {
  readonly contestant: Contestant;
  readonly threads: number;
}

/** What decides who takes part. */
export interface LineUpPlan {
  readonly workload: Pick<Workload, "name" | "operationsPerUnit" | "crossing" | "loopsDiffer">;
  /** Numbers of threads, ascending; 1 if absent. */
  readonly threads?: readonly number[];
  /** Whether our heaps take part a second time, with a heap for each thread. */
  readonly ownHeaps?: boolean;
}

/** Everyone for each number of threads, except for those that cannot: a note names them. */
export function lineUp(
  { workload, threads = [1], ownHeaps = false }: LineUpPlan,
  { contestants, notes }: Contestants,
): {
  starts: ContestantStart[];
  notes: string[];
} {
  const crosses = workload.crossing !== undefined;
  const several = threads.filter((count) => count > 1);
  const left = several.length === 0 || !crosses ? [] : contestants.filter(({ heaps }) => heaps === "own");
  const starts = threads.flatMap((count) =>
    contestants.flatMap((contestant): ContestantStart[] => {
      if (count > 1 && left.includes(contestant)) return [];
      const isTwice = count > 1 && ownHeaps && contestant.runtime === "deno";
      return [contestant, ...(isTwice ? [withOwnHeaps(contestant)] : [])].map((each) => startOf(each, count));
    })
  );
  const names = left.map(({ label }) => label).join(", ");
  const note = `${names} are left out with ${several.join(", ")} threads: in ${workload.name} a thread frees what ` +
    "another one allocated, which they cannot";
  return { starts, notes: left.length === 0 ? [...notes] : [...notes, note] };
}

/** In messages of its process a contestant has its number of threads. */
function startOf(contestant: Contestant, threads: number): ContestantStart {
  if (threads === 1) return { contestant, threads };
  const label = `${contestant.label} with ${threads} threads`;
  return { contestant: { ...contestant, command: { ...contestant.command, label } }, threads };
}
