/**
 * A trace's stacks as the file of `trace info --by stack`.
 *
 * @module
 */
import { type Frame, merged } from "../../profile/mod.ts";
import type { StacksFile } from "../../model/mod.ts";
import { STACK_VALUES, type StackValue } from "../../traces/mod.ts";
import type { TraceProfile } from "./profile.ts";

/** All of the file that follows from the trace. Stacks of the same calls are one. */
export function stacksFileOf(
  { profile, totals, notes }: TraceProfile,
  value: StackValue,
): Omit<StacksFile, "schema" | "command" | "file"> {
  const { format, events, whole, stacks: { by, depth, sampleBytes } } = totals;
  const stacks = merged(profile.samples, (frame) => JSON.stringify(frameOf(frame))).map(({ frames, values }) => ({
    ...Object.fromEntries(STACK_VALUES.map((name, at) => [name, values[at]!])) as typeof whole,
    frames: frames.map(frameOf),
  }));
  return {
    format,
    events,
    value,
    by,
    depth,
    ...(sampleBytes === undefined ? {} : { sampleBytes }),
    whole,
    stacks: stacks.toSorted((a, b) => b[value] - a[value]),
    remarks: [...notes],
  };
}

function frameOf({ function: name, file, line, module = "", address = 0n }: Frame) {
  return { function: name, file, line, module, offset: address.toString(16) };
}
