/**
 * What the slowest operations of a replay are. A trace is replayed again and again, each operation is timed by itself, and
 * those beyond p99.9 and p99.99 are told apart by what the heap did in them, as shares.
 *
 *     deno run -P bench/tail.ts ../shared/traces/gcc-hello.trace.gz ../shared/traces/systemui.zip
 *
 * The percentiles of all operations have what disturbed the machine. Those of the medians, by event over all replays, have
 * not: they are what the allocator does itself, or waits for each time.
 *
 * What the heap did is counted in another process, by a counting build that replays as often before: of one thread, the
 * same event does the same in both. Page faults are counted in as many replays more, and an event had them if it has
 * them there in every second replay. Where it was none of that the hot path took so long: always, if the median of the
 * event is at least half as long, so that it is misses of caches; otherwise once. libc, called through FFI, is there
 * for comparison.
 *
 * @module
 */
import { Heap, type HeapCounters } from "../src/heap/mod.ts";
import { parseLatency } from "../src/lab/latency/protocol.ts";
import { merged, percentile } from "../src/measure/mod.ts";
import { LATENCY_MODE, type LatencyClock, openLatencyClock } from "../src/os/mod.ts";
import { openTouchingFfi } from "../src/peers/ffi.ts";
import { adaptHeap } from "../src/peers/heap.ts";
import { openAllocator } from "../src/peers/mod.ts";
import { readTrace } from "../src/traces/mod.ts";
import { REPLAY, replayWords } from "../src/traces/replay_words.ts";
import { EVENT } from "../src/traces/trace.ts";
import { type Allocator, latencyKinds, prepareReplay, timed } from "../src/workloads/mod.ts";

/** Operations that are timed, and those of a warm-up, at least. */
const TIMED_OPERATIONS = 1_500_000;
const WARM_OPERATIONS = 4_000_000;
const LEAST_REPLAYS = 3;
/** Of an event's ticks: V8 collected or compiled meanwhile. */
const DISTURBED = 2 ** 31;
const SHARES = [0.999, 0.9999];

type Counts = (counter: Exclude<keyof HeapCounters, "slowFrees">) => number;

/** What the heap did in an operation, by how often each was counted in it: the first that is true. */
const WORK: readonly (readonly [name: string, is: (counts: Counts) => boolean])[] = [
  ["large: several spans go back", (counts) => counts("spansGiven") > 1],
  ["carve: a new slab", (counts) => counts("slabsTaken") > 0],
  ["large: a span is taken, or grows", (counts) => counts("spansTaken") > 0],
  ["large: a span goes back, or shrinks", (counts) => counts("spansGiven") > 0],
  ["a full list is spilled", (counts) => counts("spills") > 0],
  ["a slab goes back", (counts) => counts("slabsReturned") > 0],
  ["a full list is set aside", (counts) => counts("magazinesFilled") > 0],
  ["a list is taken back", (counts) => counts("magazinesTaken") > 0],
  ["refill from a slab", (counts) => counts("refills") > 0],
];

function replaysOf(events: number, operations: number): number {
  return Math.max(LEAST_REPLAYS, Math.ceil(operations / events));
}

function readWords(path: string): Int32Array {
  return replayWords(readTrace(path), 1);
}

/**
 * Writes what the heap did to a file, a byte for each replay and event: 0 for nothing, otherwise the index in `WORK`
 * plus one.
 */
async function count(path: string, out: string): Promise<void> {
  using heap = await Heap.open({ variant: "slab-map,counters=1" });
  let did = new Uint8Array(0), event = 0, before: HeapCounters | undefined;
  const end = (): number => {
    if (before === undefined) return 0;
    const after = heap.counters()!, was = before;
    did[event++] = WORK.findIndex(([, is]) => is((counter) => after[counter] - was[counter])) + 1;
    before = after;
    return 0;
  };
  const marked = timed(adaptHeap(heap), { begin: () => {}, end, empty: () => {} });
  const replay = prepareReplay(marked, readWords(path), true), { events } = replay;
  const first = replaysOf(events, WARM_OPERATIONS) + 1;
  using file = await Deno.open(out, { write: true, create: true, truncate: true });
  const writer = file.writable.getWriter();
  for (let at = 0; at < first + replaysOf(events, TIMED_OPERATIONS); at++) {
    before = undefined;
    replay.begin();
    if (at >= first) {
      did = new Uint8Array(events);
      event = 0;
      before = heap.counters();
    }
    replay.advance(events);
    if (at >= first) await writer.write(did);
  }
}

/** Times an allocator's operations, and prints what they are. `did` has what `count` wrote, if anything did. */
function time<P>(
  name: string,
  allocator: Allocator<P>,
  clock: LatencyClock,
  words: Int32Array,
  did: Uint8Array | undefined,
): void {
  const replay = prepareReplay(timed(allocator, clock), words, true), { events } = replay;
  const replays = replaysOf(events, TIMED_OPERATIONS), kinds = latencyKinds(words);
  // Written to, so that their pages are in memory before anything is timed.
  const each = new Uint32Array(events).fill(1), all = new Uint32Array(events * replays).fill(1);
  const faulted = new Uint16Array(events);
  clock.open(kinds);
  clock.keepEach(each);
  const pass = (mode: number): void => {
    replay.begin();
    clock.replay(mode);
    replay.advance(events);
    clock.replay(LATENCY_MODE.OFF);
  };
  for (let left = replaysOf(events, WARM_OPERATIONS); left > 0; left--) pass(LATENCY_MODE.TIMED);
  clock.forget();
  pass(LATENCY_MODE.OFF);
  for (let at = 0; at < replays; at++) {
    pass(LATENCY_MODE.TIMED);
    all.set(each, at * events);
  }
  for (let at = 0; at < replays; at++) {
    pass(LATENCY_MODE.FAULTS);
    each.forEach((faults, event) => faulted[event]! += Number(faults > 0));
  }
  replay.begin(); // frees what is left

  const { ticksPerNanosecond, empty } = parseLatency(clock.answer()), gaps = merged(empty.batches);
  const price = percentile(gaps, 0.5) ?? 0;
  const net = (ticks: number): number => Math.max(0, (ticks & ~DISTURBED) - price) / ticksPerNanosecond;
  const medians = Array.from(
    { length: events },
    (_, event) => middle(Array.from({ length: replays }, (_, replay) => net(all[replay * events + event]!))),
  );
  const nameOf = (at: number): string => {
    const event = at % events, work = did?.[at] ?? 0, kind = words[REPLAY.HEAD + event * REPLAY.EVENT]! & 7;
    if (all[at]! >= DISTURBED) return "V8: collector, compiler";
    if (faulted[event]! * 2 >= replays) return "page faults";
    if (work > 0) return WORK[work - 1]![0];
    if (did !== undefined && (kind === EVENT.REALLOC || kind === EVENT.CALLOC)) return "copies and clearing";
    if (did !== undefined && (kinds[event]! & 1) === 1) return "large: the span cache";
    return medians[event]! * 2 >= net(all[at]!) ? "always: misses of caches" : "once: interruptions, misses";
  };
  const shown = (share: number, ns: readonly number[]) => `p${100 * share} ${at(ns, share).toFixed(0)}`;
  const sorted = medians.toSorted((a, b) => a - b);
  const alone = ((percentile(gaps, 0.9999) ?? 0) / ticksPerNanosecond).toFixed(0);
  console.error(`${name}: ${events} events, ${replays} times; nothing at all takes ${alone} ns at p99.99`);
  console.error(`  medians by event: ${SHARES.map((share) => shown(share, sorted)).join(", ")} ns`);
  const ns = Array.from(all, net), sortedNs = ns.toSorted((a, b) => a - b);
  for (const share of SHARES) {
    const least = at(sortedNs, share);
    const beyond = ns.keys().filter((index) => ns[index]! > least).toArray();
    console.error(`  all: ${shown(share, sortedNs)} ns; the ${beyond.length} beyond it:`);
    for (const [cause, own] of [...Map.groupBy(beyond, nameOf)].toSorted(([, a], [, b]) => b.length - a.length)) {
      const part = (100 * own.length / beyond.length).toFixed(1), usual = middle(own.map((index) => ns[index]!));
      console.error(`    ${part.padStart(5)} %  ${usual.toFixed(0).padStart(8)} ns  ${cause}`);
    }
  }
}

function middle(values: readonly number[]): number {
  return at(values.toSorted((a, b) => a - b), 0.5);
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
}

async function child(...args: readonly string[]): Promise<void> {
  const script = new URL(import.meta.url).pathname;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P", "--v8-flags=--trace-gc,--trace-opt,--trace-deopt", script, ...args],
    stdout: "null", // V8's traces, which the clock does not read before it is opened
  }).output();
  await Deno.stdout.write(stderr);
  if (!success) Deno.exit(3);
}

const [what, path, file] = Deno.args;
if (what === "--count") {
  await count(path!, file!);
} else if (what === "--time" || what === "--libc") {
  const clock = await openLatencyClock(), words = readWords(path!), trace = path!.split("/").at(-1);
  if (what === "--libc") time(`${trace}, libc`, await openTouchingFfi(), clock, words, undefined);
  else {
    const did = await Deno.readFile(file!);
    await openAllocator("heap", "slab-map", (heap) => time(`${trace}, hakmem`, heap, clock, words, did));
  }
  Deno.exit(0); // V8 has more to trace, and nobody reads it
} else {
  for (const trace of Deno.args) {
    const counted = await Deno.makeTempFile();
    try {
      await child("--count", trace, counted);
      await child("--time", trace, counted);
      await child("--libc", trace);
    } finally {
      await Deno.remove(counted);
    }
  }
}
