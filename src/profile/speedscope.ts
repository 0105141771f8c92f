/**
 * The file format of speedscope (https://www.speedscope.app, `speedscope/src/lib/file-format-spec.ts`): JSON, with the
 * frames once and a profile of weighted stacks for each sample type.
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

function keyOf(frame: Frame): string {
  const { file, line, column } = frame;
  return `${nameOfFrame(frame)}\t${file}\t${line}\t${column ?? 0}`;
}

/**
 * A profile as a speedscope file.
 *
 * @param name of the file, as speedscope shows it.
 */
export function toSpeedscope(profile: StackProfile, name = "profile"): Uint8Array<ArrayBuffer> {
  const indices = new Map<string, number>(), frames: Record<string, string | number>[] = [];
  const indexOf = (frame: Frame): number => {
    const key = keyOf(frame), known = indices.get(key);
    if (known !== undefined) return known;
    const { file, line, column } = frame;
    frames.push({
      name: nameOfFrame(frame),
      ...(file === "" ? {} : { file }),
      ...(line > 0 ? { line } : {}),
      ...(column === undefined ? {} : { col: column }),
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
