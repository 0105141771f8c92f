/**
 * Flags: the choices that a heap is compiled with. Each is one row of {@linkcode FLAGS}: its values, its default, and
 * what it means. The hot module reads them from its own URL into module constants (`tiny.ts?header=byte`), so that V8
 * folds them and drops the branches of the others: this is the project's `#if`.
 *
 * A variant is a name for a set of flags (see `variants.ts`); `name,flag=value,...` overrides single ones.
 *
 * @module
 */

import { InvalidOptionError } from "./errors.ts";
import type { ClassSet } from "./size_classes.ts";

/** The flags that a heap is built with. */
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
  /** 1: free checks that the pointer is the start of a block (slab map only). */
  readonly interior: 0 | 1;
  /** 1: free checks that the block is not the one freed last in its class (slab map only). */
  readonly again: 0 | 1;
  /** 1: the free lists of the classes up to 1 KiB are filled when the heap opens. */
  readonly prewarm: 0 | 1;
  /** Blocks that a thread keeps of a class before it spills half; fewer for large classes (see `thread_cache.ts`). */
  readonly capacity: number;
  /** Blocks carved at once; fewer for large classes. */
  readonly refill: number;
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
  interior: { values: [0, 1], meaning: "free checks that a pointer is the start of a block" },
  again: { values: [0, 1], meaning: "free checks that a block is not the one freed last" },
  prewarm: { values: [0, 1], meaning: "fill the free lists of small classes when the heap opens" },
  capacity: { values: { least: 4, most: 65_536 }, meaning: "blocks a thread keeps per class before it spills half" },
  refill: { values: { least: 1, most: 4_096 }, meaning: "blocks carved at once" },
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

function assertConsistent(flags: Flags): void {
  if (flags.header === "byte" && flags.classes !== "seed") {
    throw new InvalidOptionError("header=byte holds the class in four bits, so it needs classes=seed.");
  }
  if (flags.header === "byte" && (flags.interior === 1 || flags.again === 1)) {
    throw new InvalidOptionError("interior=1 and again=1 are checks of the slab map; with header=byte they must be 0.");
  }
}

/** The query that tells the hot module its flags. */
export function flagsToQuery(flags: Flags): string {
  return new URLSearchParams(NAMES.map((name) => [name, String(flags[name])])).toString();
}

/** The flags in the URL of a hot module; `defaults` where it has none. */
export function flagsFromUrl(url: string, defaults: Flags): Flags {
  const overrides = [...new URL(url).searchParams].filter(([name]) => Object.hasOwn(FLAGS, name));
  return withOverrides(defaults, overrides.map(([name, value]) => `${name}=${value}`));
}
