/**
 * What Linux says of itself in `/proc` and `/sys`, as far as it matters to a measurement. Where a file is missing, so is the
 * fact.
 *
 * @module
 */

/** All of it may be absent: other systems, containers and virtual machines do not say everything. */
export interface SystemFacts {
  /** What sets the processor's frequency: `performance`, `powersave`, `schedutil`. */
  readonly governor?: string;
  /** Whether it may run above its nominal frequency. */
  readonly boost?: boolean;
  /** Whether two threads share a core (SMT, hyper-threading). */
  readonly simultaneousThreads?: boolean;
  /** As CPUID and `lscpu` have them; of ARM: the implementer, the part, and 16 times the variant plus the revision. */
  readonly cpuFamily?: number;
  readonly cpuModel?: number;
  readonly cpuStepping?: number;
  /** The instructions that all of its level have: `x86-64-v1` to `x86-64-v4`, `armv8-a` to `armv9-a`. */
  readonly isaLevel?: string;
  /** Pages of 2 MiB that the kernel makes by itself: `always`, `madvise`, `never`. */
  readonly transparentHugePages?: string;
  /** `kernel.randomize_va_space`: 0 is off, 2 all of it. */
  readonly addressRandomisation?: number;
  /** What the kernel's clock reads: `tsc`, `kvm-clock`, `hpet`. */
  readonly clockSource?: string;
  /** Whether the processor's counter ticks evenly, at any frequency and in sleep; absent where it has none. */
  readonly invariantTsc?: boolean;
  readonly virtualMachine?: boolean;
  /** Cores that the container allows, 1.5 for instance; absent if it has no limit. */
  readonly coreLimit?: number;
  readonly memoryLimitBytes?: number;
  /** The share of the last ten seconds in which work waited for a core, 0 to 1. */
  readonly corePressure?: number;
  /** `kernel.perf_event_paranoid`: over 2, users may not count anything. */
  readonly perfEventParanoid?: number;
}

const CPU = "/sys/devices/system/cpu";
const CGROUP = "/sys/fs/cgroup";

/** The files, one path each. The last two pairs are those of control groups, version 2 and version 1. */
const FILES = {
  processors: "/proc/cpuinfo",
  governor: `${CPU}/cpu0/cpufreq/scaling_governor`,
  boost: `${CPU}/cpufreq/boost`,
  noTurbo: `${CPU}/intel_pstate/no_turbo`,
  threads: `${CPU}/smt/active`,
  hugePages: "/sys/kernel/mm/transparent_hugepage/enabled",
  randomisation: "/proc/sys/kernel/randomize_va_space",
  clockSource: "/sys/devices/system/clocksource/clocksource0/current_clocksource",
  paranoid: "/proc/sys/kernel/perf_event_paranoid",
  pressure: "/proc/pressure/cpu",
  cores: `${CGROUP}/cpu.max`,
  memory: `${CGROUP}/memory.max`,
  coresQuota: `${CGROUP}/cpu/cpu.cfs_quota_us`,
  coresPeriod: `${CGROUP}/cpu/cpu.cfs_period_us`,
  memoryOfOld: `${CGROUP}/memory/memory.limit_in_bytes`,
} as const;

/** What {@linkcode parseSystemFacts} wants to see the lines of. */
export const SYSTEM_FILES: readonly string[] = Object.values(FILES);

const NO_LIMIT = 2 ** 62; // bytes: version 1 says "none" by a number like this

/**
 * The facts in the lines of {@linkcode SYSTEM_FILES}.
 *
 * @param text Lines of `path:content`.
 */
export function parseSystemFacts(text: string): SystemFacts {
  const lines = text.split("\n");
  const linesOf = (path: string) =>
    lines.filter((line) => line.startsWith(`${path}:`)).map((line) => line.slice(path.length + 1));
  const word = (path: string): string | undefined => linesOf(path)[0]?.trim() || undefined;
  const number = (path: string): number | undefined => numberOf(word(path));
  const flags = linesOf(FILES.processors).find((line) => line.startsWith("flags"))?.split(/\s+/);
  const noTurbo = number(FILES.noTurbo), boost = number(FILES.boost), threads = number(FILES.threads);
  const pressure = /^some avg10=([\d.]+)/.exec(word(FILES.pressure) ?? "")?.[1];
  const memory = number(FILES.memory) ?? number(FILES.memoryOfOld);
  return present({
    ...processorFacts(linesOf(FILES.processors)),
    governor: word(FILES.governor),
    boost: boost === undefined ? noTurbo === undefined ? undefined : noTurbo === 0 : boost === 1,
    simultaneousThreads: threads === undefined ? undefined : threads === 1,
    transparentHugePages: /\[(\w+)\]/.exec(word(FILES.hugePages) ?? "")?.[1],
    addressRandomisation: number(FILES.randomisation),
    clockSource: word(FILES.clockSource),
    invariantTsc: flags?.includes("tsc") ? flags.includes("constant_tsc") && flags.includes("nonstop_tsc") : undefined,
    virtualMachine: flags?.includes("hypervisor"),
    coreLimit: coreLimit(word(FILES.cores), number(FILES.coresQuota), number(FILES.coresPeriod)),
    memoryLimitBytes: memory !== undefined && memory < NO_LIMIT ? memory : undefined,
    corePressure: pressure === undefined ? undefined : Number(pressure) / 100,
    perfEventParanoid: number(FILES.paranoid),
  });
}

/** The first processor's family, model, stepping and level, from the lines of `/proc/cpuinfo`. */
function processorFacts(lines: readonly string[]) {
  const field = (name: string): string | undefined =>
    lines.find((line) => line.split(":", 1)[0]!.trim() === name)?.split(":")[1]?.trim();
  const value = (name: string): number | undefined => {
    const text = field(name);
    return text !== undefined && /^(0x[\da-f]+|\d+)$/i.test(text) ? Number(text) : undefined;
  };
  const variant = value("CPU variant"), revision = value("CPU revision");
  const flags = field("flags")?.split(/\s+/), features = field("Features")?.split(/\s+/);
  return {
    cpuFamily: value("cpu family") ?? value("CPU implementer"),
    cpuModel: value("model") ?? value("CPU part"),
    cpuStepping: value("stepping") ??
      (variant === undefined || revision === undefined ? undefined : 16 * variant + revision),
    isaLevel: flags?.includes("lm")
      ? levelOf("x86-64-v1", X86_LEVELS, flags)
      : features?.includes("asimd")
      ? levelOf("armv8-a", ARM_LEVELS, features)
      : undefined,
  };
}

type Levels = readonly (readonly [level: string, asks: readonly string[]])[];

/**
 * What each level asks for beyond the one before: the x86-64 psABI, in Linux's words. LZCNT (`abm`) is left out: whoever
 * has the rest of v3 has it, but some hypervisors do not say so.
 */
const X86_LEVELS: Levels = [
  ["x86-64-v2", ["cx16", "lahf_lm", "popcnt", "pni", "ssse3", "sse4_1", "sse4_2"]],
  ["x86-64-v3", ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"]],
  ["x86-64-v4", ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]],
];

/** The same of ARM, by what Linux tells of each version of the architecture. */
const ARM_LEVELS: Levels = [
  ["armv8.1-a", ["atomics", "asimdrdm", "crc32"]],
  ["armv8.2-a", ["dcpop"]],
  ["armv8.3-a", ["jscvt", "fcma", "lrcpc"]],
  ["armv8.4-a", ["dit", "uscat", "ilrcpc", "asimddp"]],
  ["armv8.5-a", ["frint", "flagm2", "sb"]],
  ["armv9-a", ["sve2"]],
];

/** The highest level of which, and of all below, everything is there. */
function levelOf(lowest: string, levels: Levels, has: readonly string[]): string {
  const missing = levels.findIndex(([, asks]) => !asks.every((flag) => has.includes(flag)));
  return (missing === -1 ? levels : levels.slice(0, missing)).at(-1)?.[0] ?? lowest;
}

/** Version 2 says `150000 100000` or `max 100000`, version 1 has -1 for no limit. */
function coreLimit(max: string | undefined, quota: number | undefined, period: number | undefined): number | undefined {
  const [allowed, of] = max === undefined ? [quota, period] : max.split(" ").map(numberOf);
  return allowed !== undefined && of !== undefined && allowed > 0 && of > 0 ? allowed / of : undefined;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** An object without what is undefined in another. */
function present<T extends object>(facts: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as T;
}
