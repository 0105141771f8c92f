/**
 * The heap profile: what a heap loads that is opened with `profile`, and no other.
 *
 * @module
 */

import { toFolded } from "../../profile/folded.ts";
import { toSpeedscope } from "../../profile/speedscope.ts";
import type { StackProfile } from "../../profile/profile.ts";
import type { LargeBlocks } from "../core/large.ts";
import type { SizeClasses } from "../core/size_classes.ts";
import { given, InvalidOptionError } from "../errors.ts";
import type { HeapMemory } from "../state/memory.ts";
import { type HeapProfile, stackProfileOf } from "./profile.ts";
import { Samples } from "./samples.ts";

/**
 * A file format of profiles.
 *
 * - `pprof`: gzipped protobuf, for `go tool pprof`, and most services that keep profiles. File names end in `.pb.gz`.
 * - `speedscope`: JSON for https://www.speedscope.app. File names end in `.speedscope.json`.
 * - `folded`: lines of text for flame graphs, of the bytes in use.
 *
 * @example
 * ```ts
 * import { Heap, type ProfileFormat } from "@hakmem/hakmem";
 * import { assert } from "@std/assert";
 *
 * const format: ProfileFormat = "folded";
 * using heap = await Heap.open({ profile: { everyBytes: 1 } });
 * heap.malloc(100);
 * assert(new TextDecoder().decode(heap.profile({ format })).endsWith(" 100\n"));
 * ```
 */
export type ProfileFormat = "pprof" | "speedscope" | "folded";

/** Makes the samples of a heap. */
export type MakeSamples = (memory: HeapMemory, classes: SizeClasses, large: LargeBlocks) => Samples;

/** What a profiled heap needs, loaded. */
export interface Profiling {
  readonly samples: MakeSamples;
  /** @throws {InvalidOptionError} for a format that does not exist, or that cannot be written here. */
  write(profile: HeapProfile, format: ProfileFormat): Uint8Array<ArrayBuffer>;
}

type Write = (profile: StackProfile) => Uint8Array<ArrayBuffer>;

/** What writes pprof's format needs a package; where that cannot be had the others can. */
async function loadPprof(): Promise<Write> {
  try {
    const { toPprof } = await import("../../profile/pprof.ts");
    return toPprof;
  } catch (error) {
    const [reason = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return () => {
      const message = "the format pprof needs the npm package pprof-format, which could not be loaded: " +
        `${reason.replace(/\.$/, "")}. speedscope and folded need nothing.`;
      throw Object.assign(new InvalidOptionError(message), { cause: error });
    };
  }
}

/**
 * Loads what a profiled heap needs.
 *
 * @param everyBytes bytes from one sample to the next, on average, of a heap that is new.
 */
export async function loadProfiling(everyBytes: number): Promise<Profiling> {
  const formats: { readonly [Name in ProfileFormat]: Write } = {
    pprof: await loadPprof(),
    speedscope: (profile) => toSpeedscope(profile, "heap"),
    folded: (profile) => toFolded(profile),
  };
  return {
    samples: (memory, classes, large) => new Samples(memory, classes, large, everyBytes),
    write(profile, format) {
      if (!Object.hasOwn(formats, format)) {
        throw new InvalidOptionError(`${given(format)}: a format is ${Object.keys(formats).join(", ")}.`);
      }
      return formats[format](stackProfileOf(profile));
    },
  };
}
