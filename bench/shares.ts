/**
 * Where a replay's time goes: what V8's profiler sees in our heap while a trace is replayed again and again, as a table of
 * shares, a column a trace.
 *
 *     deno run -P bench/shares.ts ../shared/traces/systemui.zip ../shared/traces/gcc-hello.trace.gz
 *     deno run -P bench/shares.ts --seconds 4 systemui.zip
 *
 * A sample is taken every 100 µs, and belongs to the function whose code ran, inlined or not, and to its line: so V8 has to
 * be told before it compiles that it is looked at. Lines are known by their text, not by their number. A sample falls on
 * the instruction that is waited for, or the next one: what the load of a link costs, a miss of the cache mostly, is seen
 * where the link is used. It is a warm replay: for a cold one there is not the time.
 *
 * What belongs to no part is a row too, and so is what V8 did besides. The last rows are not of the samples: the time in the
 * system, which is in the parts above where it was caused, and has the profiler's own signals in it; and what a counting
 * build counted in its second replay, which takes more slabs and spans than the hundredth does.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { Session } from "node:inspector";
import process from "node:process";
import { type CounterName, DEFAULT_VARIANT, Heap } from "../src/heap/mod.ts";
import { countUnit } from "../src/lab/bench/counts.ts";
import { adaptHeap } from "../src/peers/heap.ts";
import { markdownTable } from "../src/report/tables/rows.ts";
import { readTrace } from "../src/traces/mod.ts";
import { replayWords } from "../src/traces/replay_words.ts";
import { prepareReplay, type Replay, replayWorkload } from "../src/workloads/mod.ts";

const INTERVAL_MICROSECONDS = 100;
const WARM_MILLISECONDS = 1000;

/** A place in the code, as the profiler names it: its file without the folder, its function, and the text of its line. */
interface Place {
  readonly file: string;
  readonly name: string;
  readonly text: string;
}

/** The parts, each with what belongs to it; the first that takes a place has it. */
const PARTS: readonly (readonly [name: string, has: (place: Place) => boolean])[] = [
  ["pop: the link, and misses on it", ({ file, name, text }) => isMalloc(file, name) && /ptr >> 2|rooms/.test(text)],
  ["pop: the rest of malloc", ({ file, name }) => isMalloc(file, name)],
  ["push: free", ({ file, name }) => isHotPath(file) && name === "free"],
  ["full and empty lists: magazines", ({ file, name }) => file === "magazines.ts" || name === "makeRoom"],
  [
    "full and empty lists: spilled and taken",
    ({ name }) => /^#?(spill|spillAll|reuse|giveChain|give|splice|isFree|freeSmall)$/.test(name),
  ],
  [
    "large",
    ({ file, name }) =>
      /^(large|span_cache|page_heap)\.ts$/.test(file) || /^#(freeLarge|mallocSlow|allocLarge)$/.test(name),
  ],
  ["carve, slabs, refill", ({ file }) => /^(thread_cache|class_slabs|slabs|links)\.ts$/.test(file)],
  ["sections", ({ file }) => /^(journal|lock)\.ts$/.test(file)],
  ["front gate", ({ file, name }) => /^(front_gate|remote_frees|headers)\.ts$/.test(file) || name === "freeSlow"],
  ["realloc, with its copies", ({ file, name }) => file === "release.ts" && /^#?(realloc|copy)$/.test(name)],
  ["calloc, with its clearing", ({ file, name }) => file === "release.ts" && /^#?(calloc|clear)$/.test(name)],
  ["heap: what is left", ({ file }) => HEAP_FILES.has(file)],
  ["the replay: loop, writing and verifying blocks", ({ file }) => REPLAY_FILES.has(file)],
  ["garbage collector", ({ name }) => name === "(garbage collector)"],
  ["V8 and Deno: what is left", () => true],
];

/** The default's hot path, or that of the counting build, which is generated. */
function isHotPath(file: string): boolean {
  return file === "default.ts" || file === "generated.ts";
}

function isMalloc(file: string, name: string): boolean {
  return isHotPath(file) && name === "malloc";
}

const filesOf = (folder: string): string[] =>
  [...Deno.readDirSync(new URL(folder, import.meta.url))].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesOf(`${folder}${name}/`) : name
  );
const REPLAY_FILES = new Set(["replay.ts", "replay_blocks.ts", "shares.ts"]);
const HEAP_FILES = new Set([...filesOf("../src/heap/"), ...filesOf("../src/os/")]);
/** Of both folders: the adapter in `peers` reads and writes blocks, and hands calls on. */
const ADAPTER = "peers/heap.ts";

/** What is shown of a million events, besides the shares. */
const COUNTED: readonly CounterName[] = [
  "mallocs",
  "frees",
  "fastFrees",
  "refills",
  "magazinesFilled",
  "magazinesTaken",
  "spills",
  "slabsTaken",
  "spansTaken",
];

/** What a process found of a trace. */
interface Found {
  readonly nsPerEvent: number;
  /** By part, of 1. */
  readonly shares: Readonly<Record<string, number>>;
  readonly inSystem: number;
  readonly faults: number;
  readonly counts: Readonly<Record<string, number>>;
}

interface ProfileNode {
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
}

/** Has V8's inspector do something. */
function post(
  session: Session,
  method: string,
  parameters: object = {},
): Promise<{ profile?: { nodes: ProfileNode[] } }> {
  return new Promise((resolve, reject) => {
    session.post(
      method,
      parameters,
      (error: Error | null, result?: object) => error ? reject(error) : resolve(result ?? {}),
    );
  });
}

/** Replays for so long; how often. */
function replayFor(replay: Replay, milliseconds: number): number {
  const start = performance.now();
  let replays = 0;
  for (; performance.now() - start < milliseconds; replays++) {
    replay.begin();
    replay.advance(replay.events);
  }
  return replays;
}

async function profile(path: string, seconds: number): Promise<Found> {
  const words = replayWords(readTrace(path), 1),
    { counts } = await countUnit(DEFAULT_VARIANT, replayWorkload(words), 0, {});
  using heap = await Heap.open();
  const replay = prepareReplay(adaptHeap(heap), words, true), session = new Session();
  session.connect();
  await post(session, "Profiler.enable");
  await post(session, "Profiler.setSamplingInterval", { interval: INTERVAL_MICROSECONDS });
  await post(session, "Profiler.start"); // before anything is compiled that is looked at
  replayFor(replay, WARM_MILLISECONDS);
  await post(session, "Profiler.stop");
  await post(session, "Profiler.start");
  const before = process.resourceUsage(), start = performance.now();
  const replays = replayFor(replay, 1000 * seconds);
  const milliseconds = performance.now() - start, after = process.resourceUsage();
  const { profile } = await post(session, "Profiler.stop");
  const ticks = new Map(PARTS.map(([name]) => [name, 0])), malloc = heap.malloc.toString().split("\n");
  let total = 0;
  for (const { callFrame: { functionName, url, lineNumber }, positionTicks = [] } of profile!.nodes) {
    for (const { line, ticks: count } of positionTicks) {
      const file = url.endsWith(ADAPTER) ? "replay.ts" : url.split("/").at(-1)!;
      const place = { file, name: functionName, text: malloc[line - 1 - lineNumber] ?? "" };
      const [part] = PARTS.find(([, has]) => has(place))!;
      ticks.set(part, ticks.get(part)! + count);
      total += count;
    }
  }
  const events = replays * replay.events;
  return {
    nsPerEvent: milliseconds * 1e6 / events,
    shares: Object.fromEntries([...ticks].map(([part, count]) => [part, count / total])),
    inSystem: (after.systemCPUTime - before.systemCPUTime) / 1000 / milliseconds,
    faults: (after.minorPageFault - before.minorPageFault) / events,
    counts: Object.fromEntries(COUNTED.map((name) => [name, counts[name]! / replay.events])),
  };
}

function table(files: readonly string[], found: readonly Found[]): string {
  const row = (name: string, cell: (found: Found) => string): string[] => [name, ...found.map(cell)];
  const perMillion = (share: number): string => Math.round(1e6 * share).toLocaleString("en-US");
  return markdownTable(["of a warm replay's time, %", ...files.map((file) => file.split("/").at(-1)!)], [
    ...PARTS.map(([part]) => row(part, ({ shares }) => (100 * shares[part]!).toFixed(1))),
    row("all, ns an event", ({ nsPerEvent }) => nsPerEvent.toFixed(1)),
    row("of it in the system, page faults and calls, %", ({ inSystem }) => (100 * inSystem).toFixed(1)),
    row("page faults, of a million events", ({ faults }) => perMillion(faults)),
    ...COUNTED.map((name) => row(`${name}, of a million events`, ({ counts }) => perMillion(counts[name]!))),
  ]);
}

const { seconds = "2", one, _: files } = parseArgs(Deno.args, { string: ["seconds", "one", "_"] });
if (one !== undefined) {
  try {
    console.log(JSON.stringify(await profile(one, Number(seconds))));
  } catch (error) {
    console.error((error as Error).message);
    Deno.exitCode = 3;
  }
} else if (files.length === 0) {
  console.error("usage: deno run -P bench/shares.ts [--seconds N] TRACE...");
  Deno.exitCode = 3;
} else {
  const script = new URL(import.meta.url).pathname, found: Found[] = [];
  for (const file of files.map(String)) {
    const args = ["run", "-q", "-P", script, "--seconds", seconds, "--one", file];
    const { success, stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
    if (!success) Deno.exit(3); // it has said why
    found.push(JSON.parse(new TextDecoder().decode(stdout)));
  }
  console.log(table(files.map(String), found));
}
