/**
 * A heap's profile as a program gets it, and as what the formats of `src/profile` are written from.
 *
 * @module
 */

import type { Sample, StackProfile } from "../../profile/profile.ts";

/**
 * A call in a stack.
 *
 * @example
 * ```ts
 * import { Heap, type ProfiledFrame } from "@hakmem/hakmem";
 * import { assert } from "@std/assert";
 *
 * using heap = await Heap.open({ profile: { everyBytes: 1 } });
 * (function load() {
 *   heap.malloc(100);
 * })();
 * const frames: readonly ProfiledFrame[] = heap.profile().stacks[0]!.frames;
 * assert(frames.length > 0); // of a program, frames[0].function is "load"; frames of the library's own are left out
 * ```
 */
export interface ProfiledFrame {
  /** The function, as V8 names it; `(anonymous)` if it has no name, as what a module does at its top level. */
  readonly function: string;
  /** The file, or the URL of what is not a file; empty for what is V8's own. */
  readonly file: string;
  /** From 1; 0 for what is V8's own. */
  readonly line: number;
  /** From 1; 0 for what is V8's own. */
  readonly column: number;
}

/**
 * A sampled block that is live.
 *
 * @example
 * ```ts
 * import { Heap, type ProfiledBlock } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open({ profile: { everyBytes: 1 } });
 * const ptr = heap.malloc(1000);
 * const block: ProfiledBlock = heap.profile().stacks[0]!.live[0]!;
 * assertEquals([block.ptr, block.size, block.objects], [ptr, 1000, 1]);
 * ```
 */
export interface ProfiledBlock {
  /** Where it begins. */
  readonly ptr: number;
  /** The bytes that were asked for. */
  readonly size: number;
  /** How many blocks like it, itself among them, it stands for: 1 / (1 - exp(-size / everyBytes)). */
  readonly objects: number;
  /** The distance between samples, in bytes on average, that it was drawn with. */
  readonly everyBytes: number;
  /** When it was allocated, in milliseconds since 1970. */
  readonly timeMs: number;
  /** The number of the thread that allocated it, from 0: that which opened the heap. A number is given again. */
  readonly thread: number;
}

/**
 * Sums of a stack, or of all; estimated from samples.
 *
 * @example
 * ```ts
 * import { Heap, type ProfileSums } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open({ profile: { everyBytes: 1 } });
 * heap.free(heap.malloc(1000));
 * const sums: ProfileSums = heap.profile();
 * assertEquals([sums.inUseBytes, sums.allocatedBytes], [0, 1000]);
 * ```
 */
export interface ProfileSums {
  /** Blocks that are live. */
  readonly inUseObjects: number;
  /** Their bytes, as they were asked for. */
  readonly inUseBytes: number;
  /** Blocks that were allocated since the heap was opened. */
  readonly allocatedObjects: number;
  /** Their bytes. */
  readonly allocatedBytes: number;
  /** Sampled allocations, from which these come. */
  readonly samples: number;
}

/**
 * A stack that blocks were allocated with.
 *
 * @example
 * ```ts
 * import { Heap, type ProfiledStack } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open({ profile: { everyBytes: 1 } });
 * for (let i = 0; i < 3; i++) heap.malloc(1000);
 * const [stack]: readonly ProfiledStack[] = heap.profile().stacks;
 * assertEquals([stack?.inUseObjects, stack?.inUseBytes, stack?.live.length], [3, 3000, 3]);
 * ```
 */
export interface ProfiledStack extends ProfileSums {
  /** The calls, the innermost of the program's first; at most 32. */
  readonly frames: readonly ProfiledFrame[];
  /** The sampled blocks that are live. */
  readonly live: readonly ProfiledBlock[];
}

/**
 * What {@linkcode Heap.profile} gives: who allocated what, estimated from samples.
 *
 * @example
 * ```ts
 * import { Heap, type HeapProfile } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open({ profile: true });
 * const profile: HeapProfile = heap.profile();
 * assertEquals([profile.schema, profile.everyBytes], ["hakmem.profile/1", 524288]);
 * ```
 */
export interface HeapProfile extends ProfileSums {
  /** The version of this object: its members keep their names and meaning, and others may come. */
  readonly schema: "hakmem.profile/1";
  /** Bytes from one sample to the next, on average, as they were asked for. */
  readonly everyBytes: number;
  /**
   * A larger number where a thread allocated so fast that more samples would have cost too much; otherwise the same.
   */
  readonly coarsestEveryBytes: number;
  /** When the heap was opened, in milliseconds since 1970. */
  readonly beganMs: number;
  /** When this was asked for, likewise. */
  readonly takenMs: number;
  /** Allocations that were due to be sampled, and were not, for want of memory or stack. */
  readonly lost: number;
  /** Most bytes in use first, then most bytes allocated. */
  readonly stacks: readonly ProfiledStack[];
  /** What is to be known of these figures, a sentence each; often none. */
  readonly notes: readonly string[];
}

/** What a heap's memory has of a stack. */
export interface KeptStack {
  readonly text: string;
  readonly samples: number;
  readonly allocatedObjects: number;
  readonly allocatedBytes: number;
  readonly live: readonly ProfiledBlock[];
}

/** A frame as text: `at function (file:line:column)`, the function left out, or its place. */
const FRAME = /^\s*at (?:async )?(?:(.*?) \()?([^()]*?)(?::(\d+):(\d+))?\)?$/;

function frameOf(line: string): ProfiledFrame {
  const [, name, place = "", at, column] = FRAME.exec(line) ?? [];
  // Of a native function there is a name, and `<anonymous>` or `native` in the place of a file.
  const file = at === undefined ? "" : place.startsWith("file://") ? pathOf(place) : place;
  return {
    function: name ?? (at === undefined ? line.trim() : "(anonymous)"),
    file,
    line: Number(at ?? 0),
    column: Number(column ?? 0),
  };
}

function pathOf(url: string): string {
  try {
    return decodeURIComponent(new URL(url).pathname);
  } catch {
    return url;
  }
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** The plain data of a profile. */
export function readProfile(
  kept: readonly KeptStack[],
  sampling: Pick<HeapProfile, "everyBytes" | "coarsestEveryBytes" | "beganMs" | "lost">,
): HeapProfile {
  const stacks = kept.filter(({ samples, live }) => samples > 0 || live.length > 0).map(({ text, ...stack }) => ({
    frames: text.split("\n").filter((line) => line !== "").map(frameOf),
    inUseObjects: sum(stack.live, ({ objects }) => objects),
    inUseBytes: sum(stack.live, ({ objects, size }) => objects * size),
    ...stack,
  })).sort((a, b) => b.inUseBytes - a.inUseBytes || b.allocatedBytes - a.allocatedBytes);
  const { everyBytes, coarsestEveryBytes, lost } = sampling, notes: string[] = [];
  if (coarsestEveryBytes > everyBytes) {
    notes.push(
      `A thread allocated so fast that sampling every ${everyBytes} bytes would have taken too much of its ` +
        `time: at the fastest it was every ${coarsestEveryBytes}. The sums are unbiased, and coarser.`,
    );
  }
  if (lost > 0) notes.push(`${lost} allocations were not sampled, for want of memory or stack.`);
  return {
    schema: "hakmem.profile/1",
    takenMs: Date.now(),
    ...sampling,
    inUseObjects: sum(stacks, ({ inUseObjects }) => inUseObjects),
    inUseBytes: sum(stacks, ({ inUseBytes }) => inUseBytes),
    allocatedObjects: sum(stacks, ({ allocatedObjects }) => allocatedObjects),
    allocatedBytes: sum(stacks, ({ allocatedBytes }) => allocatedBytes),
    samples: sum(stacks, ({ samples }) => samples),
    stacks,
    notes,
  };
}

/** The same for the formats: values as Go's heap profiles have them, with their threads as labels. */
export function stackProfileOf(profile: HeapProfile): StackProfile {
  const samples = profile.stacks.flatMap(({ frames, allocatedObjects, allocatedBytes, live }): Sample[] => {
    const threads = [...Map.groupBy(live, ({ thread }) => thread)];
    return [
      { frames, values: [allocatedObjects, allocatedBytes, 0, 0] },
      ...threads.map(([thread, blocks]) => ({
        frames,
        values: [0, 0, sum(blocks, ({ objects }) => objects), sum(blocks, ({ objects, size }) => objects * size)],
        labels: { thread: String(thread) },
      })),
    ];
  });
  return {
    sampleTypes: [
      { type: "alloc_objects", unit: "count" },
      { type: "alloc_space", unit: "bytes" },
      { type: "inuse_objects", unit: "count" },
      { type: "inuse_space", unit: "bytes" },
    ],
    defaultSampleType: "inuse_space",
    samples,
    timeMs: profile.takenMs,
    durationMs: profile.takenMs - profile.beganMs,
    period: { type: "space", unit: "bytes", value: profile.everyBytes },
    comments: [...profile.notes],
  };
}
