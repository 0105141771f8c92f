/**
 * A recipe instead of a recording: a line from which the events are made, always the same ones. It is a long-running
 * program in little time; what counts is its footprint over its live bytes, from beginning to end.
 *
 *     hakmem aging: seed=12345 megabytes=32 phases=24 events=100000 threads=4
 *
 * The program goes through phases of so many events. From phase to phase
 *
 * - *sizes* drift: their middle goes from 48 bytes to 768 and back, each size is from a fourth of it to four times as
 *   large; one block in 512 has 32 to 256 KiB;
 * - *live bytes* go up to `megabytes` and down to half of that, in ramps and plateaus;
 * - *lifetimes* differ: of eight blocks one is to last, seven die young, at random. At the end of a phase three in four
 *   of the young die together, and what is left of them lasts; so do a quarter of those that had lasted, one here and
 *   one there: that leaves holes between survivors, whose size is not the one that is asked for next;
 * - *threads* come and go: at the end of each phase one ends, and a new one comes. What it had is freed by others.
 *
 * Nothing is freed at the end: the heap is looked at as old as it has become.
 *
 * After what is known of fragmentation: ramps, peaks and plateaus, and blocks that die together, are those of Wilson,
 * Johnstone, Neely and Boles, "Dynamic Storage Allocation: A Survey and Critical Review" (1995); that real programs fragment
 * little since what is allocated together dies together, Johnstone and Wilson, "The Memory Fragmentation Problem: Solved?"
 * (1998), so here three quarters do, and a quarter does not. Sizes that grow while survivors pin what lay between them
 * are what Robson's bound is made of (1971, 1974); threads that end and leave blocks behind, Larson and Krishnan (1998).
 *
 * @module
 */
import { Random } from "../../measure/mod.ts";
import { TraceBuilder } from "../builder.ts";
import type { TraceFormat } from "./format.ts";
import { formatHead } from "../text/lines.ts";
import { TraceError } from "../trace.ts";

const HEAD = "hakmem aging:";

/** What a recipe says, with what is allowed. */
const LIMITS = {
  seed: [1, 0xffff_ffff],
  megabytes: [1, 1024],
  phases: [2, 1000],
  events: [1000, 10_000_000],
  threads: [1, 64],
} as const;
type Recipe = Record<keyof typeof LIMITS, number>;

/** Of so many blocks one is to last, and one is large. */
const LASTING = 8;
const LARGE = 512;
const KIB = 1024;

/** The format. */
export const aging: TraceFormat = {
  name: "aging",
  description: "a recipe for the events of a program that runs for long, as bench/aging.trace",
  recognises: (head) => head.startsWith(HEAD),
  decode: (content, sink) => {
    const [line] = formatHead(new TextDecoder("latin1").decode(content.head())).split(/\r?\n/, 1);
    const builder = new TraceBuilder(aging.name, () => "the recipe", {}, sink);
    cook(recipeOf(line!), builder);
    return builder.finish();
  },
};

/** @throws TraceError if a number is missing, unknown or out of range. */
function recipeOf(text: string): Recipe {
  const words = (text.slice(HEAD.length).match(/\S+/g) ?? []).map((word) => word.split("=", 2));
  const given = new Map(words.map(([name, value]) => [name!, value === undefined ? NaN : Number(value)]));
  for (const name of given.keys()) {
    if (!Object.hasOwn(LIMITS, name)) {
      throw new TraceError(`a recipe has ${Object.keys(LIMITS).join(", ")}, and no ${name}`);
    }
  }
  return Object.fromEntries(
    Object.entries(LIMITS).map(([name, [least, most]]) => {
      const value = given.get(name) ?? NaN;
      if (Number.isInteger(value) && value >= least && value <= most) return [name, value];
      throw new TraceError(`a recipe has ${name}, a whole number from ${least} to ${most}`);
    }),
  ) as Recipe;
}

/** A block that is live: the number that it is known by, and its bytes. */
interface Block {
  readonly id: number;
  readonly size: number;
}

function cook<R>({ seed, megabytes, phases, events, threads }: Recipe, builder: TraceBuilder<R>): void {
  const random = new Random(seed), lasting: Block[] = [], crew = Array.from({ length: threads }, (_, index) => index);
  let made = 0, liveBytes = 0, hired = threads;
  const anyThread = (): number => crew[random.below(threads)]!;
  const allocate = (size: number): Block => {
    builder.malloc(anyThread(), ++made, size);
    liveBytes += size;
    return { id: made, size };
  };
  const free = ({ id, size }: Block): void => {
    builder.free(anyThread(), id);
    liveBytes -= size;
  };
  for (let phase = 0; phase < phases; phase++) {
    const goal = megabytes * 1e6 * (1 - wave(phase, 6) / 2), middle = 48 * 2 ** (4 * wave(phase, 16));
    const young: Block[] = [], end = builder.events + events;
    while (builder.events < end) {
      const dies = random.below(4) < (liveBytes < goal ? 1 : 3);
      const from = random.below(LASTING) === 0 || young.length === 0 ? lasting : young;
      if (dies && from.length > 0) {
        free(takeAny(from, random));
        continue;
      }
      const block = allocate(sizeAround(middle, random));
      (random.below(LASTING) === 0 ? lasting : young).push(block);
    }
    // What dies together dies in the order in which it was made; a quarter of what had lasted dies with it.
    for (const each of [young, lasting]) {
      const survives = (): boolean => random.below(4) < (each === young ? 1 : 3);
      const survivors = each.filter((block) => survives() || void free(block));
      each.length = 0;
      for (const block of survivors) each.push(block);
    }
    for (const block of young) lasting.push(block);
    if (threads === 1) continue;
    const leaver = phase % threads;
    builder.threadEnd(crew[leaver]!);
    crew[leaver] = hired++;
  }
}

/** From 0 to 1 and back in a period of so many phases, with a plateau at both ends. */
function wave(phase: number, period: number): number {
  const at = phase % period / period, ramp = 2 * Math.min(at, 1 - at);
  return Math.min(1, Math.max(0, 1.5 * ramp - 0.25));
}

/** As likely in each doubling: from a fourth of the middle to four times that. */
function sizeAround(middle: number, random: Random): number {
  if (random.below(LARGE) === 0) return 32 * KIB + random.below(224 * KIB);
  return Math.round(middle * 2 ** (random.below(4096) / 1024 - 2));
}

/** Takes one out; the last takes its place. */
function takeAny(blocks: Block[], random: Random): Block {
  const index = random.below(blocks.length), taken = blocks[index]!, last = blocks.pop()!;
  if (index < blocks.length) blocks[index] = last;
  return taken;
}
