/**
 * Variants: the designs that the allocator has had, each a row of flags under a name. The lab compares them; a program
 * takes the default.
 *
 * @module
 */

import { given, InvalidOptionError } from "./errors.ts";
import { type Flags, withOverrides } from "./flags.ts";

/** Ours: no header, the class of a pointer comes from a flat map of slabs. */
const SLAB_MAP: Flags = {
  header: "none",
  classes: "fine",
  writeHeader: "never",
  c7: "header",
  readable: "never",
  push: "direct",
  restore: 0,
  integrity: 0,
  classify: "registry-first",
  interior: 1,
  again: 1,
  links: 1,
  prewarm: 1,
  capacity: 512,
  magazines: 1,
  spanCache: 1,
  spill: 50,
  shared: 0,
  refill: 64,
  track: 0,
  guard: 0,
  counters: 0,
  profile: 0,
  verbose: 0,
};

/** The history's: a byte in front of each block holds its class. */
const PHASE_7: Flags = {
  ...SLAB_MAP,
  header: "byte",
  classes: "seed",
  writeHeader: "alloc",
  c7: "headerless",
  readable: "boundary",
  interior: 0,
  magazines: 0,
  spanCache: 0,
};

/** Every list access through the checked Box. */
const BOX: Flags = { ...PHASE_7, c7: "header", push: "box", restore: 1 };

/** The registry is asked last. */
const E3: Flags = { ...BOX, push: "direct", classify: "registry-last" };

/** Every variant by its name, in the order of the history. */
export const VARIANTS: { readonly [name: string]: Flags } = {
  "phase7-macro-bug": { ...PHASE_7, writeHeader: "never", readable: "always", prewarm: 0 },
  "phase7-1.2": { ...PHASE_7, readable: "always", prewarm: 0 },
  "phase7-1.3": { ...PHASE_7, prewarm: 0 },
  "phase7": PHASE_7,
  "box": BOX,
  "e3-1": { ...E3, push: "box", integrity: 1 },
  "e3-2-direct": { ...E3, restore: 0 },
  "e3-2-box-lite": { ...E3, push: "box-lite" },
  "e3-2": E3,
  "e4": { ...E3, classify: "probe" },
  "slab-map": SLAB_MAP,
};

/** The variant that a heap is built from when none is named. */
export const DEFAULT_VARIANT = "slab-map";

/** A variant as it was asked for, and what that means. */
export interface Variant {
  /** As written, without spaces: `slab-map` or `slab-map,refill=32`. */
  readonly name: string;
  readonly flags: Flags;
}

/**
 * Reads `name` or `name,flag=value,...`.
 *
 * @throws {InvalidOptionError} for a name, a flag or a value that does not exist; it names those that do.
 */
export function parseVariant(text: string): Variant {
  if (typeof text !== "string") throw new InvalidOptionError(`${given(text)}: a variant is a name, and flags.`);
  const [name = "", ...overrides] = text.split(",").map((part) => part.trim());
  if (!Object.hasOwn(VARIANTS, name)) {
    throw new InvalidOptionError(
      `there is no variant "${name}". The variants are: ${Object.keys(VARIANTS).join(", ")}.`,
    );
  }
  return { name: [name, ...overrides].join(","), flags: withOverrides(VARIANTS[name]!, overrides) };
}
