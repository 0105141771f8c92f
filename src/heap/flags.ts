/**
 * Flags: the choices that a heap is compiled with. Each is one row of {@linkcode FLAGS}: its values, its default, and
 * what it means. The hot path is generated for each set of them (`hot/template.ts`), so V8 never sees the branches of the
 * others: this is the project's `#if`.
 *
 * A variant is a name for a set of flags (see `variants.ts`); `name,flag=value,...` overrides single ones.
 *
 * @module
 */

import { InvalidOptionError } from "./errors.ts";

/**
 * What the flag `classes` chooses between.
 *
 * @example
 * ```ts
 * import { type ClassSet, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open({ variant: "phase7" });
 * const classes: ClassSet = heap.flags.classes;
 * assertEquals(classes, "seed");
 * ```
 */
export type ClassSet = "fine" | "seed";

/**
 * The flags that a heap is built with.
 *
 * @example
 * ```ts
 * import { type Flags, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open({ variant: "slab-map,refill=32" });
 * const flags: Flags = heap.flags;
 * assertEquals(flags.refill, 32);
 * ```
 */
export interface Flags {
  /** How the class of a pointer is found: the byte in front of the block, or the slab map. */
  readonly header: "byte" | "none";
  /** Which size classes there are. */
  readonly classes: ClassSet;
  /** When the header byte is written: at each malloc, once when the block is carved, or never (a bug of the history). */
  readonly writeHeader: "alloc" | "carve" | "never";
  /** Whether the largest class of `seed` has a header, or keeps the byte reserved and goes the slow way on free. */
  readonly c7: "header" | "headerless";
  /** When `mincore` guards the read of a header: never, where the header is on another page, or always. */
  readonly readable: "never" | "boundary" | "always";
  /** How a block gets on its list: by plain stores; the same with the header restored; or through the checked Box. */
  readonly push: "direct" | "box-lite" | "box";
  /** 1: the header is written again when a block is freed. */
  readonly restore: 0 | 1;
  /**
   * What the Box checks: 1 class bounds, and an atomic counter; 2 the head; 3 a scan of 100 blocks; 4 the whole list,
   * each of its blocks with a canary behind the link.
   */
  readonly integrity: 0 | 1 | 2 | 3 | 4;
  /** In which order the front gate asks: the registry, then headers; headers, then the registry; or it only if need be. */
  readonly classify: "registry-first" | "registry-last" | "probe";
  /** 1: free checks that the pointer is the start of a block (slab map only). */
  readonly interior: 0 | 1;
  /** 1: free checks that the block is not the one freed last in its class. */
  readonly again: 0 | 1;
  /** 1: malloc checks that the block it takes off a list lies in a slab of its class: a link may be overwritten. */
  readonly links: 0 | 1;
  /** 1: a thread's free lists of the classes up to 1 KiB are filled when it opens the heap, or attaches to it. */
  readonly prewarm: 0 | 1;
  /** Blocks that a thread keeps of a class before it spills; fewer for large classes (see `threads/thread_cache.ts`). */
  readonly capacity: number;
  /** 1: a full list is set aside whole until a thread has too many; 0: it is spilled (`threads/magazines.ts`). */
  readonly magazines: 0 | 1;
  /** 1: a large block that is freed is kept by class, to be given out again (`core/span_cache.ts`). */
  readonly spanCache: 0 | 1;
  /** How much of a full list a spill gives back to the slabs, in percent; at least one block. */
  readonly spill: number;
  /** Whether other threads may attach from the start, as after `share()`: sections take the lock. */
  readonly shared: 0 | 1;
  /** Blocks carved at once; fewer for large classes. */
  readonly refill: number;
  /** 1: the last operations of the Box are kept in a ring, and shown with an error. */
  readonly track: 0 | 1;
  /** 1: one allocation in some lies at the end of pages of its own (`guard/`), as `Heap.open({ guard: true })` asks for. */
  readonly guard: 0 | 1;
  /** 1: a counting build. Counts what it does, and is slower for it. */
  readonly counters: 0 | 1;
  /** 1: blocks are sampled, for `heap.profile()`; see the option `profile` of `Heap.open`. Release builds only. */
  readonly profile: 0 | 1;
  /** 1: the first five calls of each path go to the `log` of `Heap.open`. Debug builds only; a release build refuses. */
  readonly verbose: 0 | 1;
}

/** A flag's row: its allowed values (a range for a number), and a sentence. */
export interface FlagRow {
  readonly values: readonly (string | number)[] | { readonly least: number; readonly most: number };
  readonly meaning: string;
}

/** Every flag, in the order in which they are shown. */
export const FLAGS: { readonly [Name in keyof Flags]: FlagRow } = {
  header: {
    values: ["byte", "none"],
    meaning: "class of a pointer from the byte in front of it, or from the slab map",
  },
  classes: { values: ["seed", "fine"], meaning: "eight powers of two to 2 KiB, or 73 classes to 32 KiB" },
  writeHeader: { values: ["alloc", "carve", "never"], meaning: "when the header is written" },
  c7: { values: ["header", "headerless"], meaning: "whether the largest seed class has a header" },
  readable: { values: ["never", "boundary", "always"], meaning: "when mincore guards the read of a header" },
  push: { values: ["direct", "box-lite", "box"], meaning: "how a block gets on its list: stores, or the checked Box" },
  restore: { values: [0, 1], meaning: "write the header again when a block is freed" },
  integrity: {
    values: [0, 1, 2, 3, 4],
    meaning: "Box: 1 bounds and atomic counter, 2 head, 3 scan of 100, 4 whole list, canary",
  },
  classify: {
    values: ["registry-first", "registry-last", "probe"],
    meaning: "what the front gate asks: registry or headers first, or it only for what has no header",
  },
  interior: { values: [0, 1], meaning: "free checks that a pointer is the start of a block" },
  again: { values: [0, 1], meaning: "free checks that a block is not the one freed last" },
  links: { values: [0, 1], meaning: "malloc checks that a list leads into a slab of its class" },
  prewarm: { values: [0, 1], meaning: "fill a thread's lists of small classes when it opens or attaches" },
  capacity: { values: { least: 4, most: 65_536 }, meaning: "blocks a thread keeps per class before it spills" },
  magazines: { values: [0, 1], meaning: "a full list is set aside whole, and not spilled" },
  spanCache: { values: [0, 1], meaning: "freed large blocks are kept by class, to be given out again" },
  spill: { values: { least: 1, most: 100 }, meaning: "percent of a full list that a spill gives back" },
  shared: { values: [0, 1], meaning: "other threads may attach from the start: sections take the lock" },
  refill: { values: { least: 1, most: 4_096 }, meaning: "blocks carved at once" },
  track: { values: [0, 1], meaning: "keep the Box's last operations, and show them with an error" },
  guard: { values: [0, 1], meaning: "one allocation in 1000 has pages of its own, and is watched" },
  counters: { values: [0, 1], meaning: "count what the heap does" },
  profile: { values: [0, 1], meaning: "sample blocks, with their stacks, for heap.profile()" },
  verbose: { values: [0, 1], meaning: "debug build: log the first 5 calls of each path" },
};

const NAMES = Object.keys(FLAGS) as (keyof Flags)[];

function allowed(row: FlagRow): string {
  return "least" in row.values
    ? `a whole number from ${row.values.least} to ${row.values.most}`
    : row.values.join(" or ");
}

/**
 * Reads one `flag=value`.
 *
 * @throws {InvalidOptionError} for a flag or a value that does not exist; it names those that do.
 */
function parseFlag(name: string, text: string): Partial<Flags> {
  if (!Object.hasOwn(FLAGS, name)) {
    throw new InvalidOptionError(`there is no flag "${name}". The flags are: ${NAMES.join(", ")}.`);
  }
  const row = FLAGS[name as keyof Flags];
  if ("least" in row.values) {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= row.values.least && value <= row.values.most) return { [name]: value };
  } else {
    const value = row.values.find((candidate) => String(candidate) === text);
    if (value !== undefined) return { [name]: value };
  }
  throw new InvalidOptionError(`the flag ${name} takes ${allowed(row)}, not "${text}".`);
}

/**
 * Lays single flags, written as `["flag=value", ...]`, over a set.
 *
 * @throws {InvalidOptionError} for unknown flags and values, and for flags that contradict one another.
 */
export function withOverrides(flags: Flags, overrides: readonly string[]): Flags {
  let result = flags;
  for (const override of overrides) {
    const [name = "", value = ""] = override.split("=", 2).map((part) => part.trim());
    result = { ...result, ...parseFlag(name, value) };
  }
  assertConsistent(result);
  return result;
}

/** Each row: what is wrong, and whether these flags have it. */
const CONTRADICTIONS: readonly [message: string, holds: (flags: Flags) => boolean][] = [
  [
    "header=byte holds the class in four bits, so it needs classes=seed",
    (f) => f.header === "byte" && f.classes !== "seed",
  ],
  [
    "interior=1 is a check of the slab map; with header=byte it must be 0",
    (f) => f.header === "byte" && f.interior === 1,
  ],
  ["restore=1 writes a header, so it needs header=byte", (f) => f.header === "none" && f.restore === 1],
  [
    "integrity and track are checks of the Box; without push=box they must be 0",
    (f) => f.push !== "box" && (f.integrity > 0 || f.track === 1),
  ],
  [
    "magazines=1 has a word where a header may be, so it needs header=none",
    (f) => f.header === "byte" && f.magazines === 1,
  ],
  [
    "guard=1 has pages in front of blocks where a header may be, so it needs header=none",
    (f) => f.header === "byte" && f.guard === 1,
  ],
];

function assertConsistent(flags: Flags): void {
  for (const [message, holds] of CONTRADICTIONS) if (holds(flags)) throw new InvalidOptionError(`${message}.`);
}

/**
 * What a heap checks; see `HeapOptions`.
 *
 * @example
 * ```ts
 * import { type Build, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const build: Build = "debug";
 * using heap = await Heap.open({ build });
 * assertEquals(heap.build, "debug");
 * ```
 */
export type Build = "release" | "debug";

/** The flags of a debug build: designs with a header go through the Box, with its checks and its log. */
export function debugFlags(flags: Flags): Flags {
  return flags.header === "byte" ? { ...flags, push: "box", integrity: 4, track: 1 } : flags;
}

/** The flags as one text, equal for equal flags. */
export function flagsToQuery(flags: Flags): string {
  return new URLSearchParams(NAMES.map((name) => [name, String(flags[name])])).toString();
}
