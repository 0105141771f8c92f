/**
 * The entry of a Deno child that replays a trace: one allocator, and the requests of `protocol.ts`.
 *
 *     deno run -P child.ts --allocator heap --variant slab-map --words /tmp/words
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import process from "node:process";
import { addressOfView, LATENCY_MODE, type LatencyClock, openVirtualMemory, type VirtualMemory } from "../../os/mod.ts";
import { openAllocator } from "../../peers/mod.ts";
import { parseReplayWords, REPLAY } from "../../traces/replay_words.ts";
import {
  type Allocator,
  latencyKinds,
  OutOfMemory,
  prepareReplay,
  type Replay,
  ReplayFailure,
  timed,
} from "../../workloads/mod.ts";
import { CrewFailed } from "../contestant/crew/crew.ts";
import { latencyPasses } from "../latency/passes.ts";
import { formatChecksum, formatTurn, ProtocolError, type Tier, type Turn } from "../contestant/protocol.ts";
import { ReplayCrew } from "./crew.ts";
import { formatFigures, parseReplayRequest, type ReplayRequest } from "./protocol.ts";
import { serve } from "../contestant/serving.ts";
import { keepUnoptimised, openTierProbe } from "../contestant/tier.ts";

const tierOf = openTierProbe();

/** Answers the requests of a replay. */
type ReplayAnswer = (request: ReplayRequest) => string | Promise<string>;

/** The replay of one thread. */
function answerAlone<P>(
  allocator: Allocator<P>,
  words: Int32Array,
  isVerified: boolean,
  memory: Counters,
): ReplayAnswer {
  const replay = prepareReplay(allocator, words, isVerified);
  keepUnoptimised(replay.advance);
  return ({ verb, count }) => {
    if (verb === "latency") throw new ProtocolError("this process times whole replays");
    if (verb === "run") return formatTurn(run(replay, count));
    if (verb === "longest") return formatFigures({ nanoseconds: longest(replay, count) });
    replay.advance(count);
    return memory.figures();
  };
}

/** The replay of one thread, each of whose operations is timed. */
function answerLatency<P>(
  allocator: Allocator<P>,
  words: Int32Array,
  isVerified: boolean,
  clock: LatencyClock,
): (units: number) => string {
  const replay = prepareReplay(timed(allocator, clock), words, isVerified);
  keepUnoptimised(replay.advance);
  const replayTimed = (mode: number) => {
    replay.begin();
    clock.replay(mode);
    replay.advance(replay.events);
    clock.replay(LATENCY_MODE.OFF);
  };
  return (units) => {
    const answer = latencyPasses(clock, latencyKinds(words), units, replayTimed);
    replay.begin();
    return answer;
  };
}

/** The replay of several. */
async function answerTogether<P>(
  allocator: Allocator<P>,
  words: Int32Array,
  isVerified: boolean,
  memory: Counters,
  options: Parameters<typeof ReplayCrew.open>[3],
): Promise<ReplayAnswer> {
  const crew = await ReplayCrew.open(allocator, words, isVerified, options);
  const events = words[REPLAY.EVENTS]!;
  let isFresh = true;
  return async ({ verb, count }) => {
    if (verb === "longest" || verb === "latency") throw new ProtocolError("only one thread can tell the longest event");
    if (verb === "advance") {
      await crew.step({ isFresh, to: count });
      isFresh = count === events;
      return memory.figures();
    }
    let milliseconds = 0;
    for (let unit = 0; unit < count; unit++) milliseconds += await crew.step({ isFresh: true, to: events });
    return formatTurn(turnOf(count, events, milliseconds, crew.checksum, tierOf(crew.hot)));
  };
}

/** What is in memory of an allocator, and page faults since this was made. */
class Counters {
  readonly #residentBytes: () => number;
  readonly #mapping: number;
  readonly #faults = pageFaults();

  constructor(allocator: Pick<Allocator<unknown>, "residentBytes" | "mapping">, system: VirtualMemory) {
    this.#residentBytes = residencyOf(allocator, system);
    this.#mapping = Number(allocator.residentBytes !== undefined || allocator.mapping !== undefined);
  }

  /** As the line of an answer. */
  figures(): string {
    return formatFigures({
      resident: this.#residentBytes(),
      faults: pageFaults() - this.#faults,
      mapping: this.#mapping,
    });
  }
}

function run(replay: Replay, units: number): Turn {
  let milliseconds = 0;
  for (let unit = 0; unit < units; unit++) {
    replay.begin();
    const start = performance.now();
    replay.advance(replay.events);
    milliseconds += performance.now() - start;
  }
  const turn = turnOf(units, replay.events, milliseconds, replay.checksum, tierOf(replay.hot));
  replay.begin();
  return turn;
}

/** A turn of whole replays, each of which has the same checksum. */
function turnOf(units: number, events: number, milliseconds: number, checksum: number, tier: Tier): Turn {
  const text = formatChecksum(checksum);
  const nanoseconds = milliseconds * 1e6, operations = units * events;
  return { units, nanoseconds, operations, checksum: text, turnChecksum: text, tier };
}

function longest(replay: Replay, units: number): number {
  const least = new Float64Array(replay.events).fill(Infinity);
  for (let unit = 0; unit < units; unit++) replay.timeEach(least, () => performance.now() * 1e6);
  replay.begin();
  return least.reduce((most, each) => Math.max(most, each), 0);
}

/** What is in memory of the allocator's mapping; of the whole process, if it has none that is its own. */
function residencyOf(
  { residentBytes, mapping }: Pick<Allocator<unknown>, "residentBytes" | "mapping">,
  system: VirtualMemory,
): () => number {
  if (residentBytes !== undefined) return residentBytes;
  if (mapping === undefined) return () => system.residentBytes();
  const address = addressOfView(mapping);
  return () => system.residentPages(address, mapping.byteLength) * system.pageSize;
}

function pageFaults(): number {
  const { minorPageFault, majorPageFault } = process.resourceUsage();
  return minorPageFault + majorPageFault;
}

/**
 * Serves until stdin ends, and ends the process.
 *
 * @param clock If given, requests for the times of single operations are served, and no others.
 */
export function serveReplay(clock?: LatencyClock): Promise<never> {
  return serve(async () => {
    const { allocator: name = "none", variant = "", words: path = "", source } = parseArgs(Deno.args, {
      string: ["allocator", "variant", "words", "source"],
    });
    const words = parseReplayWords(Deno.readFileSync(path));
    const system = await openVirtualMemory();
    const isVerified = name !== "none";
    const use = <P>(allocator: Allocator<P>): ReplayAnswer | Promise<ReplayAnswer> => {
      const memory = new Counters(allocator, system);
      if (clock !== undefined) {
        const answer = answerLatency(allocator, words, isVerified, clock);
        return ({ verb, count }) => {
          if (verb === "latency") return answer(count);
          throw new ProtocolError("this process times single operations");
        };
      }
      if (words[REPLAY.MEMBERS] === 1) return answerAlone(allocator, words, isVerified, memory);
      return answerTogether(allocator, words, isVerified, memory, { name, variant, source });
    };
    const answer = await (name === "ffi"
      ? use(await (await import("../../peers/ffi.ts")).openTouchingFfi())
      : openAllocator(name, variant, use, source));
    return async (line) => {
      try {
        return await answer(parseReplayRequest(line));
      } catch (error) {
        // TLSF in WebAssembly ends so where its memory cannot grow.
        if (error instanceof WebAssembly.RuntimeError) {
          throw new Error(`WebAssembly: ${error.message}: out of memory`);
        }
        throw error;
      }
    };
  }, (error) =>
    error instanceof OutOfMemory || error instanceof ReplayFailure || error instanceof CrewFailed);
}

if (import.meta.main) await serveReplay();
