/**
 * `micro`: what each stage of the hot path costs, in the default heap and in the history's, what stands behind it, step
 * by step, and what `mincore` does, in nanoseconds and ticks of the processor's counter. Loops of one stage more and
 * one less are measured in turns, in random order, round by round; a stage is the median of the differences within
 * rounds. Single calls are never timed.
 *
 * @module
 */
import { MIB, PAGE_BYTES } from "../../heap/inspect/mod.ts";
import { differences, type Estimate, estimate, Random } from "../../measure/mod.ts";
import { openVirtualMemory, type VirtualMemory } from "../../os/mod.ts";
import type { MicroFile, MicroPath, MicroRow, MicroSlowPath } from "../../model/mod.ts";
import { defaultLoops } from "./default.ts";
import { historyLoops } from "./history.ts";
import type { Loop, StageLoops } from "./loops.ts";
import { type SlowPath, slowPaths } from "./slow.ts";

/** What to measure. */
export interface MicroPlan {
  readonly rounds: number;
  readonly slotMilliseconds: number;
  readonly seed: number;
}

/** A loop that is timed, and what it took. */
interface TimedLoop {
  readonly loop: Loop;
  /** In an iteration: what is kept is of one. */
  readonly operations: number;
  iterations: number;
  readonly nanoseconds: number[];
  readonly ticks: number[];
}

/** The loops of a path, and what they took. */
interface Measured {
  readonly loops: readonly TimedLoop[];
  readonly whole: TimedLoop;
}

/** Tells how far it is. */
type Report = (progress: { phase: string; done: number; total: number; label: string }) => void;

/** Runs a plan. */
export async function micro(plan: MicroPlan, report: Report, signal: AbortSignal): Promise<MicroFile> {
  const system = await openVirtualMemory();
  const paths = [await defaultLoops(), await historyLoops()].map(timedPath);
  const slow = (await slowPaths()).map((path) => ({
    path,
    base: timedLoop(path.base, path.operations),
    steps: path.steps.map(({ loop }) => timedLoop(loop, path.operations)),
  }));
  const ways = timedWays(system);
  await timeInTurns(
    system,
    [
      ...paths.flatMap(({ loops, whole }) => [...loops, whole]),
      ...slow.flatMap(({ base, steps }) => [base, ...steps]),
      ...ways.map(({ loop }) => loop),
    ],
    plan,
    report,
    signal,
  );
  const [defaultHeap, history] = paths.map(priced) as [MicroPath, MicroPath];
  return {
    schema: "hakmem.micro/1",
    rounds: plan.rounds,
    defaultHeap,
    ...history,
    slowPaths: slow.map(({ path, base, steps }) => pricedSlow(path, base, steps)),
    mincore: pricedWays(ways, paths.at(-1)!),
    source: system.source,
  };
}

/** What the stages of the history's path cost, and a call of `mincore`: all of `micro` that `explain` has use for. */
export async function historyCosts(
  plan: MicroPlan,
  signal: AbortSignal,
): Promise<Pick<MicroFile, "stages" | "mincore">> {
  const system = await openVirtualMemory();
  const path = timedPath(await historyLoops()), ways = timedWays(system).slice(0, 1);
  await timeInTurns(system, [...path.loops, ...ways.map(({ loop }) => loop)], plan, () => {}, signal);
  return { stages: stageRows(path), mincore: pricedWays(ways, path) };
}

function timedLoop(loop: Loop, operations = 1): TimedLoop {
  return { loop, operations, iterations: 0, nanoseconds: [], ticks: [] };
}

function timedPath({ loops, whole, ...path }: StageLoops): Pick<StageLoops, "variant" | "stages"> & Measured {
  return { ...path, loops: loops.map((loop) => timedLoop(loop)), whole: timedLoop(whole) };
}

function timedWays(system: VirtualMemory): { name: string; loop: TimedLoop }[] {
  return mincoreLoops(system).map(({ name, loop }) => ({ name, loop: timedLoop(loop) }));
}

/** Warms loops up, and times them in turns. */
async function timeInTurns(
  system: VirtualMemory,
  loops: readonly TimedLoop[],
  { rounds, slotMilliseconds, seed }: MicroPlan,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  for (const [done, timed] of loops.entries()) {
    report({ phase: "warming up", done, total: loops.length, label: "" });
    calibrate(system, timed, slotMilliseconds);
    await interrupted(signal);
  }
  const random = new Random(seed);
  const total = rounds * loops.length;
  for (let round = 0, done = 0; round < rounds; round++) {
    for (const timed of random.shuffled(loops)) {
      report({ phase: "measuring", done: done++, total, label: "" });
      run(system, timed);
      await interrupted(signal);
    }
  }
}

/** What a path's stages cost, each and together, and what all of malloc and free does. */
function priced({ variant, stages, loops, whole }: Pick<StageLoops, "variant" | "stages"> & Measured): MicroPath {
  const rows = stageRows({ stages, loops });
  const nanoseconds = sinceStart(whole, loops),
    sum = rows.filter((stage) => stage.isOnFastPath).at(-1)?.cumulative ?? 0;
  return { stages: rows, whole: { variant, nanoseconds, sum, rest: nanoseconds.median - sum } };
}

function stageRows({ stages, loops }: Pick<StageLoops, "stages"> & Pick<Measured, "loops">): MicroRow[] {
  return stages.map(({ name, isOnFastPath }, index) => ({
    ...row(name, loops[index + 1]!, loops[index]!),
    cumulative: sinceStart(loops[index + 1]!, loops).median,
    isOnFastPath,
  }));
}

/** What a loop takes more than the empty one. */
function sinceStart(timed: TimedLoop, loops: readonly TimedLoop[]): Estimate {
  return estimate(differences(timed.nanoseconds, loops[0]!.nanoseconds));
}

function pricedWays(
  ways: readonly { name: string; loop: TimedLoop }[],
  { loops }: Pick<Measured, "loops">,
): MicroRow[] {
  return ways.map(({ name, loop }) => ({ ...row(name, loop, loops[0]!), isOnFastPath: false }));
}

/** What each step of a path costs, and all steps up to it; of things that are not a path, each alone. */
function pricedSlow({ name, isLadder, steps }: SlowPath, base: TimedLoop, loops: readonly TimedLoop[]): MicroSlowPath {
  const sinceBase = (timed: TimedLoop) => estimate(differences(timed.nanoseconds, base.nanoseconds));
  return {
    name,
    steps: steps.map((step, index) => {
      const timed = loops[index]!, before = isLadder && index > 0 ? loops[index - 1]! : base;
      return {
        ...row(step.name, timed, before),
        ...(isLadder ? { cumulative: sinceBase(timed).median } : {}),
        isOnFastPath: false,
      };
    }),
    ...(isLadder ? { whole: sinceBase(loops.at(-1)!) } : {}),
  };
}

function row(name: string, more: TimedLoop, less: TimedLoop): Omit<MicroRow, "isOnFastPath"> {
  return {
    name,
    nanoseconds: estimate(differences(more.nanoseconds, less.nanoseconds)),
    ticks: estimate(differences(more.ticks, less.ticks)),
  };
}

/** Finds how many iterations fill a turn, in runs that warm the loop up. */
function calibrate(system: VirtualMemory, timed: TimedLoop, slotMilliseconds: number): void {
  timed.iterations = Math.ceil(1000 / timed.operations);
  for (let warm = 0; warm < 3;) {
    run(system, timed);
    const nanoseconds = timed.nanoseconds.pop()! * timed.iterations * timed.operations;
    timed.ticks.pop();
    if (nanoseconds >= slotMilliseconds * 1e6) warm++;
    else timed.iterations *= 2;
  }
}

let sink = 0;

function run(system: VirtualMemory, { loop, operations, iterations, nanoseconds, ticks }: TimedLoop): void {
  const startTicks = system.ticks(), start = system.monotonicNanoseconds();
  sink = (sink + loop(iterations)) | 0;
  const end = system.monotonicNanoseconds(), endTicks = system.ticks();
  nanoseconds.push(Number(end - start) / iterations / operations);
  ticks.push(Number(endTicks - startTicks) / iterations / operations);
}

/** Lets signals in. */
async function interrupted(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  signal.throwIfAborted();
}

/** The history's four: the call itself, the test alone, the test and then the call where it says so, and always so. */
function mincoreLoops(system: VirtualMemory): { name: string; loop: Loop }[] {
  const PAGES = 64;
  const bytes = PAGES * PAGE_BYTES;
  const base = system.reserve(bytes, MIB); // stays: it is one reservation a process
  const addresses = Array.from({ length: PAGES }, (_, page) => base + BigInt(page * PAGE_BYTES));
  const isMapped = (page: number): number => system.isMapped(addresses[page & (PAGES - 1)] as bigint) ? 1 : 0;
  const every = (offset: (index: number) => number, isGuarded: boolean): Loop => (iterations) => {
    let mapped = 0;
    for (let index = 0; index < iterations; index++) {
      const ptr = offset(index);
      if (!isGuarded || (ptr & 0xfff) === 0) mapped = (mapped + isMapped(ptr >>> 12)) | 0;
    }
    return mapped;
  };
  const align: Loop = (iterations) => {
    let aligned = 0;
    for (let index = 0; index < iterations; index++) if ((Math.imul(index, 48) & 0xfff) === 0) aligned++;
    return aligned;
  };
  return [
    { name: "MINCORE: the call, on a mapped page", loop: every((index) => index << 12, false) },
    { name: "ALIGN: (ptr & 0xfff) === 0 alone", loop: align },
    { name: "HYBRID: the test, then the call where it says so", loop: every((index) => Math.imul(index, 48), true) },
    { name: "BOUNDARY: the test, always on a boundary", loop: every((index) => index << 12, true) },
  ];
}
