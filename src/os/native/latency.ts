/**
 * The clock for single operations: `native/latency.c`, which says how it works. Begin and end of an operation are two
 * calls through FFI that V8 makes from compiled code; the histogram and the evidence are kept on the other side.
 *
 * Why not `performance.now()`: a call takes 80 ns, and it steps by 200 ns or more. A counter that is returned to
 * JavaScript costs as much as a mark that is kept in C, or three times as much where it is a double that V8 puts on its
 * heap, for its collector to find. And the same code measures the allocators in C, so the clocks are one.
 *
 * @module
 */
import { buildNative, type NativeTarget } from "./build.ts";
import { requireNativeAccess } from "../permissions.ts";

const SYMBOLS = {
  hakmem_latency_open: { parameters: [/* kinds, by event */ "buffer", /* events */ "u32"], result: "i32" },
  hakmem_latency_keep_each: { parameters: [/* by event */ "buffer"], result: "void" },
  hakmem_latency_read_traces: { parameters: [], result: "i32" },
  hakmem_latency_forget: { parameters: [], result: "void" },
  hakmem_latency_batch: { parameters: [/* replay */ "u32", /* of */ "u32"], result: "void" },
  hakmem_latency_replay: { parameters: [/* mode */ "u32"], result: "void" },
  hakmem_latency_begin: { parameters: [], result: "void" },
  hakmem_latency_end: { parameters: [], result: "u32" },
  hakmem_latency_empty: { parameters: [], result: "void" },
  hakmem_latency_missing: { parameters: [], result: "u32" },
  hakmem_latency_answer: { parameters: [/* text */ "buffer", /* capacity */ "u32"], result: "i32" },
  hakmem_latency_bucket: { parameters: [/* ticks */ "u64"], result: "u32" },
} as const satisfies Deno.ForeignLibraryInterface;

const LIBRARY: NativeTarget = {
  name: "latency",
  sources: [
    new URL("../../../native/latency.c", import.meta.url),
    new URL("../../../native/latency.h", import.meta.url),
  ],
  kind: "library",
  // V8 goes on to write its traces to a stream of the library when Deno has closed it, at the end of the process.
  flags: Deno.build.os === "linux" ? ["-Wl,-z,nodelete"] : [],
};

/** Characters of an answer. */
const MOST_ANSWER = 1 << 19;

/** What becomes of the operations of a replay; `enum latency_mode` has the same. */
export const LATENCY_MODE = { OFF: 0, TIMED: 1, FAULTS: 2 } as const;

/** The functions of the clock: the FFI functions themselves where they are hot. */
export interface LatencyClock {
  /**
   * Makes ready for operations of these kinds (`native/latency.h`), by event.
   *
   * @throws {Error} where there is no memory
   */
  open(kinds: Uint8Array<ArrayBuffer>): void;
  /**
   * From now on keeps each event of the latest replay in an array as long as the kinds: its ticks, with the highest bit set
   * if V8 collected or compiled meanwhile; or its page faults, in a replay in which they are counted.
   *
   * @throws {RangeError} for an array of another length
   */
  keepEach(byEvent: Uint32Array<ArrayBuffer>): void;
  /** Forgets what was recorded, as after a warm-up; the next replay should not count, since caches were emptied by it. */
  forget(): void;
  /** The replay that follows is one of so many, from 0: they are counted in batches, one after the other. */
  batch(replay: number, replays: number): void;
  /** The operations that follow are those of the first event and on. @param mode of {@link LATENCY_MODE} */
  replay(mode: number): void;
  /** Starts the clock, after all that came before. */
  begin(): void;
  /** Stops it after the operation. 1 if an empty interval is due, to price the clock. */
  end(): number;
  /** Stops it after nothing. */
  empty(): void;
  /** Operations of the replay that have not been there yet. */
  missing(): number;
  /** What was found, as the line of the protocol. */
  answer(): string;
  /** The bucket of so many ticks. */
  bucket(ticks: bigint): number;
}

/**
 * Opens the library, which stays open until the process ends. From then on what V8 writes to C's stdout, as its traces, is
 * evidence, and nobody sees it. The first run on a machine compiles.
 *
 * @throws {NativeBuildError} where there is no compiler
 */
export async function openLatencyClock(): Promise<LatencyClock> {
  requireNativeAccess();
  const { path } = await buildNative(LIBRARY);
  const c = Deno.dlopen(path, SYMBOLS).symbols;
  c.hakmem_latency_read_traces(); // where that cannot be, collector and compiler are not known
  let kept = new Uint8Array(0), keptEach: Uint32Array<ArrayBuffer>; // C has their addresses
  return {
    open(kinds) {
      kept = kinds;
      c.hakmem_latency_keep_each(null); // another replay's may be shorter
      if (c.hakmem_latency_open(kept, kept.length) !== 1) throw new Error("no memory for the latencies");
    },
    keepEach(byEvent) {
      if (byEvent.length !== kept.length) throw new RangeError(`${byEvent.length} places for ${kept.length} events`);
      keptEach = byEvent;
      c.hakmem_latency_keep_each(keptEach);
    },
    forget: c.hakmem_latency_forget,
    batch: c.hakmem_latency_batch,
    replay: c.hakmem_latency_replay,
    begin: c.hakmem_latency_begin,
    end: c.hakmem_latency_end,
    empty: c.hakmem_latency_empty,
    missing: c.hakmem_latency_missing,
    answer() {
      const text = new Uint8Array(MOST_ANSWER), length = c.hakmem_latency_answer(text, text.length);
      if (length < 0) throw new Error("the answer is too long");
      return new TextDecoder().decode(text.subarray(0, length));
    },
    bucket: c.hakmem_latency_bucket,
  };
}
