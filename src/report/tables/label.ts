/**
 * What people read as an allocator's name, in every table, chart, headline and message. Ours is `hakmem`, whichever of
 * its designs is the default: a reader need not know our variants to find our row. Any other variant follows in
 * brackets:
 *
 *     hakmem        hakmem (e3-2)        hakmem (slab-map,refill=32)        hakmem, own heaps        none (deno)
 *
 * Result files keep the variant beside it, as `allocator`. Commands whose subjects are specs (`compare`, `explain`,
 * `flags`) call each as it was typed.
 *
 * @module
 */
import { DEFAULT_VARIANT } from "../../heap/mod.ts";
import type { Result } from "../../model/results.ts";

/** What tells one contestant of a run from the others. */
export type Labelled = Pick<Result, "allocator" | "runtime"> & Partial<Pick<Result, "host" | "heaps">>;

/** The label of a heap of ours, by its variant. */
export function heapLabel(variant: string): string {
  return labelOf({ allocator: variant, runtime: "deno" });
}

/** The label of any allocator; lab/bench adds their versions to those of native peers. */
export function labelOf({ allocator, runtime, host, heaps }: Labelled): string {
  if (runtime === "harness") return `${allocator} (${host})`;
  if (runtime !== "deno") return allocator;
  const label = allocator === DEFAULT_VARIANT ? "hakmem" : `hakmem (${allocator})`;
  return heaps === "own" ? `${label}, own heaps` : label;
}
