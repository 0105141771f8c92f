/**
 * A stack profile as plain data: stacks, and what was measured of each, of one or more kinds. What made it, a heap that
 * samples its blocks or a recording of a native program, does not matter to the formats beside this file, which write it
 * for other people's viewers.
 *
 * @module
 */

/** What a value of each sample is, as `inuse_space` in `bytes`. Units are those of pprof: `bytes`, `count`, `nanoseconds`. */
export interface SampleType {
  readonly type: string;
  readonly unit: string;
}

/** A call in a stack. */
export interface Frame {
  /** Its function: `(anonymous)` if it has no name; empty if it is not known, as where a module has no symbols. */
  readonly function: string;
  /** The source file, as a path, or as a URL if it is not a file; empty if it is not known. */
  readonly file: string;
  /** The line in it, from 1; 0 if it is not known. */
  readonly line: number;
  /** The column in the line, from 1. */
  readonly column?: number;
  /** Where the instruction is in the address space of the process, for native code. */
  readonly address?: bigint;
  /** The executable or library that the instruction is of. */
  readonly module?: string;
  /** The build id of the module, in hexadecimal digits. */
  readonly buildId?: string;
}

/** A stack and its values. */
export interface Sample {
  /** The calls, the innermost first. */
  readonly frames: readonly Frame[];
  /** A value for each sample type, in their order. Formats round them to whole numbers. */
  readonly values: readonly number[];
  /** Further facts about the sample, such as its thread. Only pprof's format keeps it. */
  readonly labels?: { readonly [key: string]: string | number };
}

/** A part of the address space that a module has. */
export interface Mapping {
  readonly start: bigint;
  /** The first address after it. */
  readonly limit: bigint;
  /** Where in the file it begins, in bytes. */
  readonly offset: bigint;
  readonly file: string;
  /** In hexadecimal digits; empty if there is none. */
  readonly buildId: string;
}

/** See the module. */
export interface StackProfile {
  readonly sampleTypes: readonly SampleType[];
  /** The sample type that viewers show first, by its `type`; the last one if it is left out. */
  readonly defaultSampleType?: string;
  readonly samples: readonly Sample[];
  /** When the profile was taken, in milliseconds since 1970. */
  readonly timeMs?: number;
  /** How long it was measured, in milliseconds. */
  readonly durationMs?: number;
  /** What was counted between two samples, and how much of it, on average. */
  readonly period?: SampleType & { readonly value: number };
  readonly mappings?: readonly Mapping[];
  /** Sentences for whoever reads the profile. */
  readonly comments?: readonly string[];
}

/** The index of the sample type with a name, or of the default one. @throws {RangeError} for a name that it does not have. */
export function sampleTypeAt({ sampleTypes, defaultSampleType }: StackProfile, type = defaultSampleType): number {
  if (type === undefined) return sampleTypes.length - 1;
  const at = sampleTypes.findIndex((candidate) => candidate.type === type);
  const names = sampleTypes.map((candidate) => candidate.type).join(", ");
  if (at < 0) throw new RangeError(`there is no sample type "${type}" in this profile; it has ${names}`);
  return at;
}

/**
 * One sample for each stack that differs by what `nameOf` says of its frames, with the sums of the values.
 *
 * @param nameOf Called with a frame and its place in the stack; the innermost is 0.
 */
export function merged(samples: readonly Sample[], nameOf: (frame: Frame, place: number) => string): Sample[] {
  const sums = new Map<string, { frames: readonly Frame[]; values: number[] }>();
  for (const { frames, values } of samples) {
    const key = frames.map(nameOf).join("\n"), sum = sums.get(key);
    if (sum === undefined) sums.set(key, { frames, values: [...values] });
    else values.forEach((value, at) => sum.values[at]! += value);
  }
  return [...sums.values()];
}

/**
 * A call as people read it where there is one name for all of it: its function, or if that is not known, its module and
 * offset.
 */
export function nameOfFrame({ function: name, module = "", address }: Frame): string {
  if (name !== "") return name;
  const file = module.slice(module.lastIndexOf("/") + 1) || "(unknown)";
  return address === undefined ? file : `${file}@0x${address.toString(16)}`;
}

/**
 * A name in C++ without what makes it long: the arguments of templates, the types of parameters and of what is returned.
 * `std::vector<int, std::allocator<int> >::resize(unsigned long)` is `std::vector::resize`, and so are the parts of it that
 * a compiler puts elsewhere (`[clone .cold]`).
 */
export function shortNameOf(name: string): string {
  const kept: string[] = [];
  let depth = 0;
  const whole = name.replace(/(?: \[clone [^\]]*\])+$/, "").replaceAll("(anonymous namespace)", "{anonymous}");
  for (const part of whole.split(PARTS)) {
    if (part === "<" || part === "(") depth++;
    else if (part === ">" || part === ")") depth--;
    else if (depth === 0) kept.push(part);
  }
  const plain = kept.join("").replace(/ const$/, "").trim();
  const word = /(?:operator .*|\S+)$/.exec(plain)?.[0] ?? ""; // behind the type of what is returned
  const isWhole = depth === 0 && word !== "" && !/^::|::::|\.\./.test(word); // otherwise it is of another language
  return isWhole ? word : name;
}

/** Operators that have brackets in their names, and brackets. */
const PARTS = /(operator(?:<=>|<<|<|>>|>|->|\(\))|->|[<>()])/;
