/**
 * `flags`: what a variant is built with, where each value came from, and what two variants differ in. It reads the
 * tables of flags and variants, and names none of them. What a debug build changes is asked of a heap that was
 * opened as one.
 *
 * @module
 */
import { FLAGS, type Flags, Heap, type HeapOptions, parseVariant, VARIANTS } from "../../heap/mod.ts";
import type { FlagsFile, VariantFlags } from "../../model/mod.ts";
import { bytecodeOf } from "./bytecode.ts";

/** The builds that `--build` chooses between. */
export const BUILDS = ["release", "debug"] as const;

/** One of {@linkcode BUILDS}. */
export type Build = typeof BUILDS[number];

const NAMES = Object.keys(FLAGS) as (keyof Flags)[];

/**
 * Options of a heap of a build.
 *
 * The heap's own type says which builds it knows; `Heap.open` answers for the rest.
 */
export function heapOptions(variant: string, build: Build): HeapOptions {
  return { variant, build: build as NonNullable<HeapOptions["build"]> };
}

/**
 * Describes one variant, or two and what they differ in.
 *
 * @throws InvalidOptionError for a variant, a flag or a value that does not exist; it names those that do.
 */
export async function describeFlags(variants: readonly string[], build: Build): Promise<FlagsFile> {
  const described: VariantFlags[] = [];
  for (const variant of variants) described.push(await describeVariant(variant, build));
  const [a, b] = described;
  const differences = a === undefined || b === undefined ? [] : a.flags.flatMap(({ flag, value, meaning }, index) => {
    const other = b.flags[index]?.value ?? "";
    return value === other ? [] : [{ flag, a: value, b: other, meaning }];
  });
  return { schema: "hakmem.flags/1", build, variants: described, differences };
}

async function describeVariant(text: string, build: Build): Promise<VariantFlags> {
  const { name, flags: released } = parseVariant(text);
  const flags = build === "release" ? released : await builtFlags(name, build);
  const [row = "", ...overrides] = name.split(",");
  const overridden = new Set(overrides.map((override) => override.split("=")[0]?.trim()));
  return {
    name,
    flags: NAMES.map((flag) => ({
      flag,
      value: flags[flag],
      from: flags[flag] !== released[flag] ? `${build} build` : overridden.has(flag) ? "override" : row,
      meaning: FLAGS[flag].meaning,
    })),
    bytecode: await bytecodeOf(variantWith(row, flags)),
  };
}

/** A release variant that has these flags, which a build may have changed. */
function variantWith(row: string, flags: Flags): string {
  const overrides = NAMES.filter((flag) => flag !== "verbose" && flags[flag] !== VARIANTS[row]?.[flag]);
  return [row, ...overrides.map((flag) => `${flag}=${flags[flag]}`)].join(",");
}

async function builtFlags(variant: string, build: Build): Promise<Flags> {
  using heap = await Heap.open(heapOptions(variant, build));
  return heap.flags;
}
