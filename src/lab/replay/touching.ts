/**
 * How much of a trace's memory a replay touches: all of it up to 1 GiB live at once. Beyond that, blocks up to 64 KiB
 * whole, and 64 MiB of the larger ones, since touching a page costs more than all the rest; and less, if the machine
 * does not have that much for every contestant. What is not touched is asked for all the same.
 *
 * @module
 */
import { captureEnvironment } from "../../measure/mod.ts";
import { MOST_TOUCHED, peakTouched, touchedBytes } from "../../traces/replay_words.ts";
import { type Trace, TraceError } from "../../traces/mod.ts";

/** What is touched, and what a reader should know of it. */
export interface Touching {
  /** Bytes of a block, at most. */
  readonly touched: number;
  readonly notes: readonly string[];
}

/** What is free now is not all for replays. */
const SHARE = 0.5;

/**
 * Finds out how much can be touched.
 *
 * @param replays How many processes have the trace's memory at the same time.
 * @throws TraceError if not even a page of each block can be.
 */
export async function touchingOf(trace: Trace, replays: number): Promise<Touching> {
  if (peakTouched(trace, MOST_TOUCHED) <= MOST_TOUCHED) return touchingUpTo(MOST_TOUCHED, trace);
  const { memoryLimitBytes = Infinity } = await captureEnvironment();
  const free = Math.min(Deno.systemMemoryInfo().available, memoryLimitBytes);
  const budget = Math.max(MOST_TOUCHED, SHARE * free / replays);
  const touched = touchedBytes(trace, Math.min(budget, peakTouched(trace, SMALL) + MORE_TOUCHED));
  if (touched !== undefined) return touchingUpTo(touched, trace);
  throw new TraceError(
    `too much is live at once in small blocks for a replay: each of the ${replays} processes has ` +
      `${(budget / 1e9).toFixed(1)} GB of memory here; fewer allocators (--peer) leave more for each`,
  );
}

/** Blocks up to so many bytes are touched whole, and of all others together so many more. */
const SMALL = 2 ** 16, MORE_TOUCHED = 2 ** 26;

function touchingUpTo(touched: number, { sizes }: Trace): Touching {
  const isCut = sizes.some((size) => size > touched);
  return { touched, notes: isCut ? [`of each block only the first ${megabytes(touched)} are written and read`] : [] };
}

function megabytes(bytes: number): string {
  return bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 1024} KiB`;
}
