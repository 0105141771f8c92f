/**
 * Stack profiles and the formats that they are written in.
 *
 * @module
 */

import { toFolded } from "./folded.ts";
import { toPprof } from "./pprof.ts";
import type { StackProfile } from "./profile.ts";
import { toSpeedscope } from "./speedscope.ts";

export type { Frame, Mapping, Sample, SampleType, StackProfile } from "./profile.ts";
export { merged, nameOfFrame, sampleTypeAt, shortNameOf } from "./profile.ts";
export { toFolded, toPprof, toSpeedscope };

/** A format: how the names of its files end, and what writes it. */
export interface ProfileFormatRow {
  readonly ending: string;
  readonly write: (profile: StackProfile) => Uint8Array<ArrayBuffer>;
}

/** Every format by its name. */
export const PROFILE_FORMATS = {
  pprof: { ending: ".pb.gz", write: toPprof },
  speedscope: { ending: ".speedscope.json", write: (profile) => toSpeedscope(profile) },
  folded: { ending: ".folded", write: (profile) => toFolded(profile) },
} as const satisfies { readonly [name: string]: ProfileFormatRow };
