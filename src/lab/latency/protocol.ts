/**
 * How long single operations took, as a contestant tells it; the same line of all languages, since the same C writes it
 * (`native/latency.h`):
 *
 *     > latency replay units=3
 *     ok ticks=1234567890 nanoseconds=475000000 step=26 longest-0=8320,17,52,2,0,0,0 counts-0=26:1203,52:44/26:1201 ...
 *
 * Ticks passed in so many nanoseconds, and the clock goes by so many at once. For each kind of operation, by its
 * number: the longest (ticks, event, its shortest time in another replay, its page faults in a replay in which they
 * were counted, nanoseconds that the thread was not running, whether the collector and a compiler of V8 worked in it),
 * and how many were in each bucket, by batch: the replays are counted in five, one after the other. If several are the
 * longest, the first counts. Kind 6 are the empty intervals, which price the clock.
 *
 * @module
 */
import type { Histogram } from "../../measure/mod.ts";
import { pairsOf, ProtocolError } from "../contestant/protocol.ts";

/** What the kinds are, in the order of their numbers: of small blocks, and of large ones. */
export const KINDS = ["malloc", "free", "realloc"].flatMap((operation) =>
  (["small", "large"] as const).map((blocks) => ({ operation: operation as "malloc" | "free" | "realloc", blocks }))
);

/** The longest operation of a kind, with what was known when it had ended. */
export interface LongestAnswer {
  readonly ticks: number;
  readonly event: number;
  /** The shortest time of the same event. */
  readonly againTicks: number;
  readonly pageFaults: number;
  readonly idleNanoseconds: number;
  readonly isCollected: boolean;
  readonly isCompiled: boolean;
}

/** Operations of one kind. */
export interface KindAnswer {
  readonly longest: LongestAnswer;
  /** By batch. */
  readonly batches: readonly Histogram[];
}

/** An answer. */
export interface LatencyAnswer {
  readonly ticksPerNanosecond: number;
  /** Ticks by which the clock goes. */
  readonly step: number;
  /** The empty intervals. */
  readonly empty: KindAnswer;
  /** By {@link KINDS}; undefined where there were none. */
  readonly kinds: readonly (KindAnswer | undefined)[];
}

/**
 * Reads an answer.
 *
 * @throws ProtocolError with the contestant's own message if it could not do it.
 */
export function parseLatency(line: string): LatencyAnswer {
  const [verb, ...words] = line.trim().split(" ");
  if (verb === "error") throw new ProtocolError(words.join(" "));
  const answer = new Map(pairsOf(words));
  const figures = (name: string): number[] => (answer.get(name) ?? "").split(",").map(Number);
  const kindOf = (kind: number): KindAnswer | undefined => {
    const counts = answer.get(`counts-${kind}`);
    if (counts === undefined) return undefined;
    const [ticks, event, againTicks, pageFaults, idleNanoseconds, collected, compiled] = figures(`longest-${kind}`);
    const longest = {
      ticks: ticks!,
      event: event!,
      againTicks: againTicks!,
      pageFaults: pageFaults!,
      idleNanoseconds: idleNanoseconds!,
      isCollected: collected === 1,
      isCompiled: compiled === 1,
    };
    const batches = counts.split("/").map((batch) =>
      batch === "" ? [] : batch.split(",").map((pair) => pair.split(":").map(Number) as [number, number])
    );
    if (![...Object.values(longest), ...batches.flat(2)].every((each) => Number.isFinite(Number(each)))) {
      throw new ProtocolError(`not an answer: "${line.slice(0, 200)}"`);
    }
    return { longest, batches };
  };
  const empty = kindOf(KINDS.length), [ticks] = figures("ticks"), [nanoseconds] = figures("nanoseconds");
  const [step] = figures("step");
  if (verb !== "ok" || empty === undefined || !(ticks! > 0) || !(nanoseconds! > 0) || !(step! >= 0)) {
    throw new ProtocolError(`not an answer: "${line.slice(0, 200)}"`);
  }
  return {
    ticksPerNanosecond: ticks! / nanoseconds!,
    step: step!,
    empty,
    kinds: KINDS.map((_kind, number) => kindOf(number)),
  };
}
