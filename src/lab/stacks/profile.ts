/**
 * The stacks of a trace as a profile: what each of them allocated, with the names of its calls.
 *
 * @module
 */
import type { Frame, Mapping, Sample, StackProfile } from "../../profile/mod.ts";
import {
  readStackTotals,
  STACK_VALUES,
  type StackTotals,
  type StackValue,
  TraceError,
  type TraceStacks,
} from "../../traces/mod.ts";
import { symbolise, type Symbols } from "./symbols.ts";

/** A trace's stacks, with what a reader should know of them. */
export interface TraceProfile {
  readonly profile: StackProfile;
  readonly totals: StackTotals & { readonly stacks: TraceStacks };
  /** A sentence each, without an end. */
  readonly notes: readonly string[];
}

/** The unit of each value, as profiles call it. */
export const UNIT_OF: Readonly<Record<StackValue, "bytes" | "count">> = {
  allocated: "bytes",
  blocks: "count",
  peak: "bytes",
  temporary: "count",
  left: "bytes",
};

/**
 * Reads a trace, and finds the names of its calls.
 *
 * @param value which of the totals a viewer shows first
 * @throws TraceError if it cannot be read, or has no stacks
 */
export async function profileOf(path: string, value: StackValue, signal?: AbortSignal): Promise<TraceProfile> {
  const { stacks, ...rest } = readStackTotals(path);
  if (stacks === undefined) {
    throw new TraceError(`${path} has no stacks: only recordings that record --stacks makes have them`);
  }
  const { framesOf, notes } = await namesOf(stacks, [...rest.totals.keys()], signal);
  const samples: Sample[] = [...rest.totals].map(([stack, total]) => ({
    frames: framesOf(stack),
    values: STACK_VALUES.map((value) => total[value]),
  }));
  const { sampleBytes } = stacks, all = [...rest.remarks, ...notes];
  return {
    profile: {
      sampleTypes: STACK_VALUES.map((type) => ({ type, unit: UNIT_OF[type] })),
      defaultSampleType: value,
      samples,
      ...(sampleBytes === undefined ? {} : { period: { type: "allocated", unit: "bytes", value: sampleBytes } }),
      mappings: programFirst(stacks.modules),
      comments: all,
    },
    totals: { ...rest, stacks },
    notes: all,
  };
}

/** Modules at no address: those of frames are in their files. pprof takes the first one for the program. */
function programFirst(modules: TraceStacks["modules"]): Mapping[] {
  const isLibrary = ({ path }: { path: string }) => /\.so(?:\.|$)/.test(path.slice(path.lastIndexOf("/") + 1));
  const inOrder = [...modules.filter((module) => !isLibrary(module)), ...modules.filter(isLibrary)];
  return inOrder.map(({ path, buildId }) => ({ start: 0n, limit: 0n, offset: 0n, file: path, buildId }));
}

/** Finds the names of all calls of some stacks. */
async function namesOf(
  stacks: TraceStacks,
  wanted: readonly number[],
  signal?: AbortSignal,
): Promise<{ framesOf: (stack: number) => Frame[]; notes: readonly string[] }> {
  const { modules, parents, moduleOf, offsets } = stacks;
  const isWanted = new Uint8Array(parents.length);
  for (const stack of wanted) {
    for (let node = stack; node !== 0 && isWanted[node] === 0; node = parents[node]!) isWanted[node] = 1;
  }
  const addresses = modules.map((module) => ({ module, offsets: new Set<number>() }));
  for (let node = 1; node < parents.length; node++) {
    if (isWanted[node] === 1) addresses[moduleOf[node]! - 1]?.offsets.add(offsets[node]!);
  }
  const asked = addresses.filter(({ offsets }) => offsets.size > 0);
  const { symbols, notes } = await symbolise(
    asked.map(({ module, offsets }) => ({ module, offsets: [...offsets] })),
    signal,
  );
  const symbolsOf = new Map<unknown, Symbols>(asked.map(({ module }, at) => [module, symbols[at]!]));
  const framesAt = (node: number): readonly Frame[] => {
    const module = modules[moduleOf[node]! - 1], offset = offsets[node]!;
    return symbolsOf.get(module)?.get(offset) ?? [withoutModule(offset)];
  };
  const framesOf = (stack: number) => {
    const frames: Frame[] = [];
    for (let node = stack; node !== 0; node = parents[node]!) frames.push(...framesAt(node));
    return frames;
  };
  return { framesOf, notes };
}

/** Code of no module, as a JIT makes it; or the callers that the limit of depth left out. */
function withoutModule(offset: number): Frame {
  if (offset === 0) return { function: "(callers left out)", file: "", line: 0 };
  return { function: "", file: "", line: 0, address: BigInt(offset) };
}
