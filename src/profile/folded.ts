/**
 * Collapsed stacks, which Brendan Gregg's `flamegraph.pl` made common: a line for each stack, its calls from the
 * outermost on, and a value. inferno, speedscope and many more read them.
 *
 * ```
 * main (program.ts:40);load (program.ts:12);malloc (heap.ts:7) 524288
 * ```
 *
 * @module
 */

import { type Frame, merged, nameOfFrame, sampleTypeAt, type StackProfile } from "./profile.ts";

/** The call as one field: the separators of the format become other characters. */
function nameOf(frame: Frame): string {
  const { file, line } = frame, base = file.slice(file.lastIndexOf("/") + 1);
  const where = base === "" ? "" : ` (${base}${line > 0 ? `:${line}` : ""})`;
  return `${nameOfFrame(frame)}${where}`.replaceAll(";", ":").replaceAll(/\s+/g, " ");
}

/**
 * The stacks of a profile that have a value of one type, in UTF-8.
 *
 * @param type which; the profile's default one if it is left out.
 * @throws {RangeError} for a type that the profile does not have.
 */
export function toFolded(profile: StackProfile, type?: string): Uint8Array<ArrayBuffer> {
  const at = sampleTypeAt(profile, type);
  const lines = merged(profile.samples, nameOf).map(({ frames, values }) => ({
    stack: frames.map(nameOf).reverse().join(";"),
    value: Math.round(values[at]!),
  })).filter(({ value }) => value > 0);
  return new TextEncoder().encode(lines.map(({ stack, value }) => `${stack || "(no stack)"} ${value}\n`).join(""));
}
