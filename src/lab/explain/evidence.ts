/**
 * How often the code behind a flag runs, and how often each stage of the hot path does: from the counts of a counting
 * build and the flags it was built with. This table is all that the lab knows of what flags mean.
 *
 * @module
 */
import type { Flags } from "../../heap/mod.ts";
import type { CountsRow } from "../../model/mod.ts";
import type { FlagName } from "./ablation.ts";

type Counts = CountsRow["counts"];

/** Where a flag acts. */
export interface Evidence {
  /** What is counted, in words: "per million frees, ...". */
  readonly what: string;
  /** How often that happened in a build with these flags. */
  readonly reached: (counts: Counts, flags: Flags) => number;
}

const pushes = ({ fastFrees }: Counts): number => fastFrees;
const pops = ({ mallocs, refills }: Counts): number => Math.max(0, mallocs - refills);
/** The Box is entered at each push and each pop. */
const boxed = (counts: Counts, { push }: Flags): number => push === "box" ? pushes(counts) + pops(counts) : 0;

/** By flag. */
export const EVIDENCE: { readonly [Name in FlagName]: Evidence } = {
  header: { what: "frees that look for a class", reached: ({ frees }) => frees },
  classes: { what: "mallocs that look for a class", reached: ({ mallocs }) => mallocs },
  writeHeader: {
    what: "headers written by malloc",
    reached: (counts, { header, writeHeader }) => header === "byte" && writeHeader === "alloc" ? pops(counts) : 0,
  },
  c7: { what: "frees that found no header", reached: ({ headerRejects }) => headerRejects },
  readable: { what: "calls of mincore", reached: ({ mincoreCalls }) => mincoreCalls },
  push: {
    what: "pushes and pops through the Box, or header restores of box-lite",
    reached: (counts, flags) => flags.push === "box-lite" ? pushes(counts) : boxed(counts, flags),
  },
  restore: {
    what: "headers restored by free",
    reached: (counts, { restore }) => restore === 1 ? pushes(counts) : 0,
  },
  integrity: {
    what: "pushes and pops that are checked",
    reached: (counts, flags) => flags.integrity > 0 ? boxed(counts, flags) : 0,
  },
  classify: { what: "calls of the front gate", reached: ({ frontGateCalls }) => frontGateCalls },
  interior: { what: "frees that are checked", reached: ({ frees }, { interior }) => interior === 1 ? frees : 0 },
  again: { what: "frees that are checked", reached: ({ frees }, { again }) => again === 1 ? frees : 0 },
  links: { what: "pops that are checked", reached: (counts, { links }) => links === 1 ? pops(counts) : 0 },
  prewarm: { what: "lists filled when the heap was opened, after that", reached: () => 0 },
  capacity: { what: "spills of a full list", reached: ({ spills }) => spills },
  magazines: {
    what: "full lists set aside, or spilled",
    reached: ({ magazinesFilled = 0, spills }) => magazinesFilled + spills,
  },
  spanCache: {
    what: "spans taken from the page heap, and given to it",
    reached: ({ spansTaken = 0, spansGiven = 0 }) => spansTaken + spansGiven,
  },
  spill: { what: "spills of a full list", reached: ({ spills }) => spills },
  shared: { what: "locks taken", reached: ({ locksTaken = 0 }) => locksTaken },
  refill: { what: "refills of an empty list", reached: ({ refills }) => refills },
  track: {
    what: "operations that are recorded",
    reached: (counts, flags) => flags.track === 1 ? boxed(counts, flags) : 0,
  },
  profile: { what: "mallocs that count bytes", reached: ({ mallocs }, { profile }) => profile === 1 ? mallocs : 0 },
  guard: {
    what: "mallocs counted down to the next that is guarded",
    reached: ({ mallocs }, { guard }) => guard * mallocs,
  },
  verbose: { what: "calls that are logged, in a release build", reached: () => 0 },
  counters: {
    what: "operations that are counted",
    reached: ({ mallocs, frees }, { counters }) => counters === 1 ? mallocs + frees : 0,
  },
};

/** By stage, as `micro` names them: how often it runs in a build, in all. */
export const STAGE_REACHES: Readonly<Record<string, (counts: Counts, flags: Flags) => number>> = {
  "class lookup": ({ mallocs }) => mallocs,
  "pop": pops,
  "header write": EVIDENCE.writeHeader.reached,
  "boundary test": ({ frees }, { header, readable }) => header === "byte" && readable === "boundary" ? frees : 0,
  "header read": ({ frees }, { header }) => header === "byte" ? frees : 0,
  "magic and class check": ({ frees }, { header }) => header === "byte" ? frees : 0,
  "capacity check": pushes,
  "push": pushes,
  "header restore": EVIDENCE.restore.reached,
  "Box: class bounds": EVIDENCE.integrity.reached,
  "Box: atomic counter": EVIDENCE.integrity.reached,
  "Box: guard": boxed,
  "Box: contamination": boxed,
  "Box: head range, alignment": (counts, flags) => flags.integrity >= 2 ? boxed(counts, flags) : 0,
  "Box: scan of 100 blocks": (counts, flags) => flags.integrity >= 3 ? boxed(counts, flags) : 0,
  "registry lookup": ({ frees, registryLookups }, { header }) => registryLookups + (header === "none" ? frees : 0),
  "AllocHeader probe": ({ frontGateCalls, registryLookups }) => Math.max(0, frontGateCalls - registryLookups),
  "mincore": ({ mincoreCalls }) => mincoreCalls,
};
