/**
 * The file format of speedscope (https://www.speedscope.app, `speedscope/src/lib/file-format-spec.ts`): JSON, with the
 * frames once and a profile of weighted stacks for each sample type.
 *
 * Speedscope draws a box for each frame of the list. So a caller is one frame from wherever it calls, as in other programs'
 * files, or a function that allocates in three lines would be three boxes all the way up; the innermost call, which is what
 * allocates, is a frame for each line.
 *
 * @module
 */

import { type Frame, merged, nameOfFrame, sampleTypeAt, type StackProfile } from "./profile.ts";

/** The units that speedscope knows, by those of pprof; it shows others as bare numbers. */
const UNITS: { readonly [unit: string]: string } = {
  bytes: "bytes",
  nanoseconds: "nanoseconds",
  microseconds: "microseconds",
  milliseconds: "milliseconds",
  seconds: "seconds",
};

/** @param place in the stack; the innermost is 0. */
function keyOf(frame: Frame, place: number): string {
  const { file, line, column } = frame, function_ = `${nameOfFrame(frame)}\t${file}`;
  return place > 0 ? function_ : `${function_}\t${line}\t${column ?? 0}`;
}

/**
 * A profile as a speedscope file.
 *
 * @param name of the file, as speedscope shows it.
 */
export function toSpeedscope(profile: StackProfile, name = "profile"): Uint8Array<ArrayBuffer> {
  const indices = new Map<string, number>(), frames: Record<string, string | number>[] = [];
  const indexOf = (frame: Frame, place: number): number => {
    const key = keyOf(frame, place), known = indices.get(key);
    if (known !== undefined) return known;
    const { file, line, column } = frame;
    frames.push({
      name: nameOfFrame(frame),
      ...(file === "" ? {} : { file }),
      ...(place === 0 && line > 0 ? { line } : {}),
      ...(place === 0 && column !== undefined ? { col: column } : {}),
    });
    indices.set(key, frames.length - 1);
    return frames.length - 1;
  };
  const stacks = merged(profile.samples, keyOf).map(({ frames, values }) => ({
    stack: frames.map(indexOf).reverse(),
    values: values.map(Math.round),
  }));
  const profiles = profile.sampleTypes.map(({ type, unit }, at) => {
    const shown = stacks.filter(({ values }) => values[at]! > 0), weights = shown.map(({ values }) => values[at]!);
    return {
      type: "sampled",
      name: type,
      unit: UNITS[unit] ?? "none",
      startValue: 0,
      endValue: weights.reduce((sum, weight) => sum + weight, 0),
      samples: shown.map(({ stack }) => stack),
      weights,
    };
  });
  const file = {
    $schema: "https://www.speedscope.app/file-format-schema.json",
    exporter: "hakmem",
    name,
    activeProfileIndex: sampleTypeAt(profile),
    shared: { frames },
    profiles,
  };
  return new TextEncoder().encode(JSON.stringify(file));
}
