/**
 * The entry of a Deno child that replays a trace: one allocator, and the requests of `replay_protocol.ts`.
 *
 *     deno run -P replay_child.ts --allocator heap --variant slab-map --words /tmp/words
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import process from "node:process";
import { addressOfView, openVirtualMemory, type VirtualMemory } from "../os/mod.ts";
import { openAllocator } from "../peers/mod.ts";
import { parseReplayWords } from "../traces/replay_words.ts";
import { type Allocator, OutOfMemory, prepareReplay, type Replay, ReplayFailure } from "../workloads/mod.ts";
import { formatChecksum, formatSlot, type Slot } from "./protocol.ts";
import { formatFigures, parseReplayRequest, type ReplayRequest } from "./replay_protocol.ts";
import { serve } from "./serving.ts";
import { keepUnoptimised, openTierProbe } from "./tier.ts";

const tierOf = openTierProbe();

function answerWith<P>(allocator: Allocator<P>, words: Int32Array, isVerified: boolean, system: VirtualMemory) {
  const replay = prepareReplay(allocator, words, isVerified);
  keepUnoptimised(replay.advance);
  const residentBytes = residencyOf(allocator, system);
  const mapping = Number(allocator.residentBytes !== undefined || allocator.mapping !== undefined);
  let faultsBefore = 0, position = 0;
  const advance = (to: number): string => {
    if (position === 0) faultsBefore = pageFaults();
    replay.advance(position = to);
    const faults = pageFaults() - faultsBefore;
    return formatFigures({ resident: residentBytes(), faults, mapping });
  };
  return ({ verb, count }: ReplayRequest): string => {
    if (verb === "run") return formatSlot(run(replay, count));
    if (verb === "longest") return formatFigures({ nanoseconds: longest(replay, count) });
    return advance(count);
  };
}

function run(replay: Replay, units: number): Slot {
  let milliseconds = 0;
  for (let unit = 0; unit < units; unit++) {
    replay.begin();
    const start = performance.now();
    replay.advance(replay.events);
    milliseconds += performance.now() - start;
  }
  const tier = tierOf(replay.hot);
  const checksum = formatChecksum(replay.checksum);
  replay.begin();
  const operations = units * replay.events;
  return { units, nanoseconds: milliseconds * 1e6, operations, checksum, slotChecksum: checksum, tier };
}

function longest(replay: Replay, units: number): number {
  const least = new Float64Array(replay.events).fill(Infinity);
  for (let unit = 0; unit < units; unit++) replay.timeEach(least, () => performance.now() * 1e6);
  replay.begin();
  return least.reduce((most, each) => Math.max(most, each), 0);
}

/** What is in memory of the allocator's mapping; of the whole process, if it has none that is its own. */
function residencyOf<P>({ residentBytes, mapping }: Allocator<P>, system: VirtualMemory): () => number {
  if (residentBytes !== undefined) return residentBytes;
  if (mapping === undefined) return () => system.residentBytes();
  const address = addressOfView(mapping);
  return () => system.residentPages(address, mapping.byteLength) * system.pageSize;
}

function pageFaults(): number {
  const { minorPageFault, majorPageFault } = process.resourceUsage();
  return minorPageFault + majorPageFault;
}

if (import.meta.main) {
  await serve(async () => {
    const { allocator = "none", variant = "", words: path = "", source } = parseArgs(Deno.args, {
      string: ["allocator", "variant", "words", "source"],
    });
    const words = parseReplayWords(Deno.readFileSync(path));
    const system = await openVirtualMemory();
    const use = <P>(opened: Allocator<P>) => answerWith(opened, words, allocator !== "none", system);
    const answer = allocator === "ffi"
      ? use(await (await import("../peers/ffi.ts")).openTouchingFfi())
      : await openAllocator(allocator, variant, use, source);
    return (line) => answer(parseReplayRequest(line));
  }, (error) => error instanceof OutOfMemory || error instanceof ReplayFailure);
}
