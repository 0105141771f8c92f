/**
 * What makes a measurement doubtful: each warning is data, and comes with advice.
 *
 * @module
 */
import type { Modes } from "./bimodal.ts";
import type { Estimate } from "./statistics.ts";

/** One reason for doubt. */
export interface Warning {
  readonly code: "LOAD" | "STEAL" | "THREADS" | "TIER" | "NOISE" | "UNSTABLE" | "DISTURBED" | "LOOPS" | "BIMODAL";
  readonly message: string;
  readonly advice: string;
  /** The message in a few words, if it is about how far the result can be trusted. */
  readonly brief?: string;
}

const LOAD_PER_CORE = 0.5; // a run keeps one core busy: half of the time of the other cores is still free below this
const STOLEN_SHARE = 0.01;
const WIDE = 0.1; // of the median, from low to high

/** Warns if other work was waiting for the cores when the run started. */
export function loadWarning(loadAverage: number, cores: number): Warning | undefined {
  if (loadAverage / cores < LOAD_PER_CORE) return undefined;
  return {
    code: "LOAD",
    message: `the load average was ${loadAverage.toFixed(2)} on ${counted(cores, "core")} when the run started`,
    advice: "stop other work and run again",
    brief: `load ${loadAverage.toFixed(2)} on ${counted(cores, "core")}`,
  };
}

/** Warns if the host of a virtual machine gave its cores to others meanwhile. */
export function stealWarning(stolen: number, total: number): Warning | undefined {
  if (total <= 0 || stolen / total < STOLEN_SHARE) return undefined;
  return {
    code: "STEAL",
    message: `the host took ${(100 * stolen / total).toFixed(1)} % of the machine's time during the run`,
    advice: "run again when it is quieter, or with more --rounds",
    brief: `the host took ${(100 * stolen / total).toFixed(1)} % of the time`,
  };
}

/** Says that too many rounds were disturbed for a verdict. */
export function disturbedWarning(disturbed: number, rounds: number): Warning {
  return {
    code: "DISTURBED",
    message: `other work, or the machine's host, took time from ${disturbed} of ${rounds} rounds: there is no verdict`,
    advice: "stop other work and run again",
    brief: `${disturbed} of ${rounds} rounds disturbed`,
  };
}

/**
 * Says that the loops around the allocators do not cost the same in both languages.
 *
 * @param difference By how much, in words.
 */
export function loopsWarning(difference: string, settings: readonly string[]): Warning {
  return {
    code: "LOOPS",
    message: `${whoAt("the do-nothing loops in TypeScript and C", settings)} differ by ${difference}`,
    advice: "across languages, read the ratios of net times: those of the whole compare the loops, too",
  };
}

/** Warns if the processes of a contestant ran at one of two speeds, so that its median is not the speed of any. */
export function bimodalWarning(who: string, modes: Modes | undefined): Warning | undefined {
  if (modes === undefined) return undefined;
  const { fast, slow, fastCount, slowCount } = modes;
  return {
    code: "BIMODAL",
    message: `${who} runs at one of two speeds for the life of a process: ${nanosecondsOf(fast)} in ${fastCount} ` +
      `of ${fastCount + slowCount}, ${nanosecondsOf(slow)} in ${slowCount}`,
    advice: "its median says how often each occurred, too: read the two speeds",
    brief: `${who} runs at one of two speeds, ${nanosecondsOf(fast)} or ${nanosecondsOf(slow)}`,
  };
}

function nanosecondsOf(time: number): string {
  return `${time < 100 ? time.toPrecision(3) : Math.round(time)} ns/op`;
}

/** Warns if there were more threads than cores. */
export function threadsWarning(threads: number, cores: number): Warning | undefined {
  if (threads <= cores) return undefined;
  return {
    code: "THREADS",
    message: `${threads} threads had ${counted(cores, "core")}: they took turns`,
    advice: `scaling can be measured up to --threads ${cores}`,
    brief: `${threads} threads took turns on ${counted(cores, "core")}`,
  };
}

/**
 * Warns if V8 did not run the measured loop in its best compiler's code.
 *
 * @param who With the setting, if there are several.
 * @param longer The option that makes the loop run longer, if there is one.
 */
export function tierWarning(who: string, tiers: readonly string[], longer?: string): Warning | undefined {
  const others = tiers.filter((tier) => tier !== "turbofan" && tier !== "native" && tier !== "unknown");
  if (others.length === 0) return undefined;
  return {
    code: "TIER",
    message: `${others.length} of ${tiers.length} turns of ${who} ran in ${[...new Set(others)].join(" and ")} code`,
    advice: `run again: V8 decides anew in each process${longer === undefined ? "" : `; or raise ${longer}`}`,
  };
}

/** Somebody's throughput at each setting: a size, with its threads where there are several; empty if there is one only. */
export interface Throughputs {
  readonly who: string;
  readonly at: ReadonlyMap<string, Estimate>;
}

/** Warns if intervals of throughput are wide: once, with whose they are, where, and how wide. */
export function noiseWarning(all: readonly Throughputs[]): Warning | undefined {
  const wide = all.flatMap(({ who, at }) => {
    const widths = [...at].map(([setting, { median, low, high }]) => ({ setting, width: (high - low) / median }))
      .filter(({ width }) => width >= WIDE);
    return widths.length === 0 ? [] : [{ who, widths }];
  });
  if (wide.length === 0) return undefined;
  const widest = percentOf(Math.max(...wide.flatMap(({ widths }) => widths.map(({ width }) => width))));
  const each = wide.map(({ who, widths }) => {
    const settings = widths.map(({ setting, width }) => `${setting} (${percentOf(width)})`.trim());
    return widths[0]!.setting === "" ? `${who} ${settings[0]}` : `${who} at ${settings.join(", ")}`;
  });
  return {
    code: "NOISE",
    message: `95 % intervals are up to ${widest} of the median wide: ${each.join(", ")}`,
    advice: "run on a quiet machine, or with more --rounds",
    brief: `intervals up to ${widest} wide`,
  };
}

/** Warns if the speed of a contestant was still changing when its warm-up ended. Places as of `noiseWarning`. */
export function unstableWarning(who: string, settings: readonly string[], longer?: string): Warning | undefined {
  if (settings.length === 0) return undefined;
  return {
    code: "UNSTABLE",
    message: `${whoAt(who, settings)} was still changing its speed by over 10 % a turn when its warm-up ended`,
    advice: longer === undefined ? "run again" : `run again, or raise ${longer}`,
    brief: `${who} was still changing its speed`,
  };
}

function percentOf(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Somebody, at some settings: those with a name. */
export function whoAt(who: string, settings: readonly string[]): string {
  const named = settings.filter((setting) => setting !== "");
  return named.length === 0 ? who : `${who} at ${named.join(", ")}`;
}
