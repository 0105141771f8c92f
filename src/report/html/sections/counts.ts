/**
 * What counting builds counted: a table of shares, and the order in which the allocator's stages call one another, each
 * with how often it is reached.
 *
 * @module
 */
import { heapLabel } from "../../tables/label.ts";
import type { CountsRow } from "../../../model/counts.ts";
import { times } from "../../tables/format.ts";
import { type Markup, markup } from "../markup.ts";
import { numeric, renderTable } from "../table.ts";

type Counts = CountsRow["counts"];

const COLUMNS = {
  registryLookups: "registry lookups",
  mincoreCalls: "mincore calls",
  headerRejects: "header rejects",
  refills: "refills",
  spills: "spills",
} as const satisfies Partial<Record<keyof Counts, string>>;

/** The table; all columns after the share are per million frees. */
export function countsTable(rows: readonly CountsRow[]): Markup {
  return renderTable({
    caption: "Counted in one unit by a counting build; behind the share, per million frees",
    columns: [numeric("size"), { head: "allocator" }, numeric("fast frees"), ...Object.values(COLUMNS).map(numeric)],
    rows: rows.map(({ size, variant, counts }) => [
      size,
      heapLabel(variant),
      share(counts.fastFrees, counts.frees),
      ...(Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]).map((name) => perMillion(counts[name], counts.frees)),
    ]),
  });
}

/** A stage, what it is called from, and how often it was reached. */
interface Stage {
  readonly name: string;
  readonly depth: number;
  readonly reached: (counts: Counts) => number;
}

const CALL_ORDER: readonly Stage[] = [
  { name: "malloc", depth: 0, reached: ({ mallocs }) => mallocs },
  { name: "refill of an empty list", depth: 1, reached: ({ refills }) => refills },
  { name: "slab taken from the shared pool", depth: 2, reached: ({ slabsTaken }) => slabsTaken },
  { name: "span taken from the page heap", depth: 2, reached: ({ spansTaken = 0 }) => spansTaken },
  { name: "free", depth: 0, reached: ({ frees }) => frees },
  { name: "fast: pushed at once", depth: 1, reached: ({ fastFrees }) => fastFrees },
  { name: "mincore, before the header is read", depth: 1, reached: ({ mincoreCalls }) => mincoreCalls },
  { name: "header rejected", depth: 1, reached: ({ headerRejects }) => headerRejects },
  { name: "slow", depth: 1, reached: ({ slowFrees }) => slowFrees },
  { name: "front gate", depth: 2, reached: ({ frontGateCalls }) => frontGateCalls },
  { name: "registry lookup", depth: 3, reached: ({ registryLookups }) => registryLookups },
  { name: "spill of a full list", depth: 1, reached: ({ spills }) => spills },
  { name: "remote free", depth: 2, reached: ({ remoteFrees }) => remoteFrees },
  { name: "slab returned", depth: 2, reached: ({ slabsReturned }) => slabsReturned },
  { name: "span given to the page heap", depth: 2, reached: ({ spansGiven = 0 }) => spansGiven },
];

/** The call order with hit rates, per thousand frees, of A and of B; all sizes together. */
export function callOrder(a: readonly CountsRow[], b: readonly CountsRow[], names: { a: string; b: string }): Markup {
  if (a.length === 0 || b.length === 0) return markup``;
  const rate = (rows: readonly CountsRow[], { reached }: Stage) => {
    const frees = rows.reduce((sum, { counts }) => sum + counts.frees, 0);
    const total = rows.reduce((sum, { counts }) => sum + reached(counts), 0);
    return frees === 0 ? "" : total === 0 ? "0" : times(1000 * total / frees);
  };
  return renderTable({
    caption: "Who calls whom, and how often per thousand frees; all sizes together",
    columns: [{ head: "stage" }, numeric(`A: ${names.a}`), numeric(`B: ${names.b}`)],
    rows: CALL_ORDER.map((stage) => [
      markup`<span class="depth" style="--depth: ${stage.depth}">${stage.depth === 0 ? "" : "└ "}${stage.name}</span>`,
      rate(a, stage),
      rate(b, stage),
    ]),
  });
}

function share(part: number, whole: number): string {
  return whole === 0 ? "" : `${(100 * part / whole).toFixed(2)} %`;
}

function perMillion(count: number, frees: number): string {
  return frees === 0 ? "" : Math.round(1e6 * count / frees).toLocaleString("en");
}
