/**
 * `doctor`: what this machine can measure, and what disturbs it. The facts are those that every result file has as its
 * `environment`, and the noise floor; each comes with what it means for a measurement, and what to do about it.
 *
 * @module
 */
import { captureEnvironment, type Environment, loadWarning, stealWarning } from "../../measure/mod.ts";
import type { DoctorFile, Fact, Noise } from "../../model/mod.ts";
import { NOISE_FLOOR, percent } from "../../report/doctor.ts";
import { heapLabel, processorOf } from "../../report/mod.ts";
import { installedLibraries } from "../../peers/find.ts";
import { NATIVE_LIBRARIES, type NativeLibrary } from "../../peers/native.ts";
import { measureNoise, type NoisePlan, type Report } from "./noise.ts";

/**
 * Looks at the machine, and measures its noise floor.
 *
 * @param signal Ends it.
 * @throws ContestantError if a process that is measured cannot do its work; what `signal` says if it is aborted.
 */
export async function doctor(
  plan: NoisePlan,
  report: Report,
  signal: AbortSignal,
): Promise<Omit<DoctorFile, "schema" | "command">> {
  const environment = await captureEnvironment();
  const noise = await measureNoise(plan, report, signal);
  return {
    environment: { ...environment, loadAverage: [...environment.loadAverage] },
    noise,
    facts: factsOf(environment, noise),
  };
}

const WAITING = 0.05; // of the time, somebody had to wait for a core
const LOUD = 0.05; // a noise floor above this hides what allocators differ by
const FEWEST_CORES = 2;
const GIB = 2 ** 30;

/** What is known, each with what it means. What a system does not say is left out, or a note if one would look for it. */
export function factsOf(environment: Environment, noise: Noise): Fact[] {
  return [
    processor,
    cores,
    limits,
    governor,
    boost,
    hugePages,
    addresses,
    pages,
    clock,
    virtualMachine,
    load,
    pressure,
    stolen,
    runtime,
    nativeLibrary,
    () => peersFact(installedLibraries()),
    perf,
    noiseFloor,
  ].map((judge) => judge(environment, noise)).filter((fact) => fact !== undefined);
}

/** Makes a fact of what is known, or nothing. */
type Judge = (environment: Environment, noise: Noise) => Fact | undefined;

const processor: Judge = (environment) => ({
  fact: "processor",
  value: processorOf({ ...environment, loadAverage: [...environment.loadAverage] }),
  state: "ok",
  meaning: "figures hold for this one; ratios travel better than nanoseconds",
});

const cores: Judge = ({ cores, simultaneousThreads }) => {
  const shared = simultaneousThreads === true ? ", some sharing one" : "";
  if (cores >= FEWEST_CORES) {
    return {
      fact: "cores",
      value: `${cores}${shared}`,
      state: "ok",
      meaning: "one for the contestant, one for V8's compilers and the lab" +
        (shared === "" ? "" : "; a busy neighbour on the same core slows it down"),
    };
  }
  return {
    fact: "cores",
    value: String(cores),
    state: "warning",
    meaning: "V8's compilers and the lab take time from what is measured",
    advice: "give the machine two cores or more",
  };
};

const limits: Judge = ({ coreLimit, memoryLimitBytes, memoryBytes }) => {
  const memory = memoryLimitBytes === undefined ? [] : [`${(memoryLimitBytes / GIB).toFixed(1)} GiB`];
  if (coreLimit !== undefined) {
    return {
      fact: "container limits",
      value: [`${Number(coreLimit.toFixed(2))} cores`, ...memory].join(", "),
      state: "warning",
      meaning: "a contestant that has used its share up stands still, in the middle of a slot",
      advice: "run without a quota on cores; to choose which ones: docker run --cpuset-cpus",
    };
  }
  return {
    fact: "container limits",
    value: memory[0] ?? "none seen",
    state: "ok",
    meaning: `no quota stops a contestant; the machine has ${(memoryBytes / GIB).toFixed(1)} GiB`,
  };
};

const governor: Judge = ({ governor }) => {
  if (governor === undefined) {
    return {
      fact: "governor",
      value: "not said",
      state: "note",
      meaning: "the frequency is decided elsewhere: by the host of a virtual machine, or by the firmware",
    };
  }
  if (governor === "performance") {
    return {
      fact: "governor",
      value: governor,
      state: "ok",
      meaning: "the processor does not slow down between slots",
    };
  }
  return {
    fact: "governor",
    value: governor,
    state: "warning",
    meaning: "the frequency follows the load, so slots after a pause are slower",
    advice: "sudo cpupower frequency-set -g performance",
  };
};

const boost: Judge = ({ boost }) =>
  boost === undefined ? undefined : {
    fact: "boost",
    value: boost ? "on" : "off",
    state: "ok",
    meaning: boost
      ? "the frequency depends on heat and on the other cores; taking turns cancels most of it"
      : "the frequency does not depend on heat or on the other cores",
  };

const hugePages: Judge = ({ transparentHugePages }) => {
  if (transparentHugePages === undefined) return undefined;
  const fact = "huge pages", value = transparentHugePages;
  if (value !== "always") {
    return { fact, value, state: "ok", meaning: "the kernel does not merge pages behind a contestant's back" };
  }
  return {
    fact,
    value,
    state: "warning",
    meaning:
      "the kernel may turn memory into pages of 2 MiB when it likes: page faults and footprint differ from run to run",
    advice: "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
  };
};

const addresses: Judge = ({ addressRandomisation }) => {
  if (addressRandomisation === undefined) return undefined;
  const fact = "ASLR";
  if (addressRandomisation > 0) {
    return {
      fact,
      value: addressRandomisation === 1 ? "on, not for the heap" : "on",
      state: "ok",
      meaning: "each process has other addresses, lucky or unlucky ones for the caches: trust many processes, not one",
    };
  }
  return {
    fact,
    value: "off",
    state: "warning",
    meaning: "all processes have the same addresses, and luck with them looks like a result",
    advice: "sudo sysctl kernel.randomize_va_space=2",
  };
};

const pages: Judge = ({ pageBytes }) =>
  pageBytes === undefined ? undefined : {
    fact: "page size",
    value: `${pageBytes} bytes`,
    state: "ok",
    meaning: "the unit in which memory is taken and given back: footprints compare on equal pages only",
  };

const SLOW_CLOCKS = ["hpet", "acpi_pm", "jiffies", "refined-jiffies"];

const clock: Judge = ({ clockSource, invariantTsc }) => {
  if (clockSource === undefined && invariantTsc === undefined) return undefined;
  const even = invariantTsc === undefined ? "" : invariantTsc ? "even TSC" : "uneven TSC";
  const value = [...new Set([clockSource ?? "", even])].filter((word) => word !== "").join(", ");
  if (SLOW_CLOCKS.includes(clockSource ?? "")) {
    return {
      fact: "clock",
      value,
      state: "warning",
      meaning: "reading the clock takes a microsecond or more",
      advice: "find out why the kernel gave the TSC up: dmesg | grep -i tsc",
    };
  }
  if (invariantTsc === false) {
    return {
      fact: "clock",
      value,
      state: "warning",
      meaning: "the processor's counter changes its pace: ticks of micro are not time",
      advice: "read the nanoseconds of micro, not its ticks",
    };
  }
  const ticks = invariantTsc === true ? "; ticks of micro are time, not cycles of the core" : "";
  return { fact: "clock", value, state: "ok", meaning: `reading it costs some tens of nanoseconds${ticks}` };
};

const virtualMachine: Judge = ({ virtualMachine }) =>
  virtualMachine === undefined ? undefined : {
    fact: "virtual machine",
    value: virtualMachine ? "yes" : "no",
    state: virtualMachine ? "note" : "ok",
    meaning: virtualMachine
      ? "its host decides on the frequency, and what its other guests do is not seen here: see stolen time"
      : "nobody else has these cores",
  };

const load: Judge = ({ loadAverage, cores }) => {
  const average = loadAverage[0] ?? 0;
  const warning = loadWarning(average, cores);
  const row = { fact: "load", value: `${average.toFixed(2)} on ${cores} ${cores === 1 ? "core" : "cores"}` };
  if (warning === undefined) return { ...row, state: "ok", meaning: "little else ran in the last minute" };
  return { ...row, state: "warning", meaning: "other work takes cores and caches", advice: "stop it, or wait" };
};

const pressure: Judge = ({ corePressure }) => {
  if (corePressure === undefined) return undefined;
  const row = { fact: "core pressure", value: percent(corePressure) };
  if (corePressure < WAITING) {
    return { ...row, state: "ok", meaning: "how much of the last 10 s something waited for a core" };
  }
  return {
    ...row,
    state: "warning",
    meaning: "how much of the last 10 s something waited for a core: contestants would wait too",
    advice: "stop other work",
  };
};

const stolen: Judge = (_environment, { stolen }) => {
  if (stolen === undefined) return undefined;
  const row = { fact: "stolen time", value: percent(stolen) };
  const meaning = "what the host of the virtual machine gave to others while the noise floor was measured";
  const warning = stealWarning(stolen, 1);
  if (warning === undefined) return { ...row, state: "ok", meaning };
  return { ...row, state: "warning", meaning, advice: "measure when it is quieter, or with more rounds" };
};

const runtime: Judge = ({ deno, v8 }, { tiers }) => {
  const row = { fact: "Deno, V8", value: `${deno}, ${v8}` };
  const slow = tiers.filter((tier) => tier === "maglev" || tier === "baseline");
  if (slow.length > 0) {
    return {
      ...row,
      state: "warning",
      meaning: `the measured loop ran in ${slow.join(" and ")} code part of the time`,
      advice: "run it again: V8 decides anew in each process",
    };
  }
  const known = tiers.includes("unknown") ? "; it does not say which of its compilers made the code" : "";
  return { ...row, state: "ok", meaning: `another version is another compiler: compare runs of the same one${known}` };
};

const nativeLibrary: Judge = ({ nativeLibrary, nativeNote }) => {
  const fact = "native library";
  const note = nativeNote === undefined ? "" : ` (${nativeNote})`;
  if (nativeLibrary === "native") {
    return { fact, value: "compiled", state: "ok", meaning: `memory and clocks are one call each${note}` };
  }
  return {
    fact,
    value: nativeLibrary === "libc" ? "libc instead" : "none",
    state: "warning",
    meaning: `slow paths take several calls, ticks are nanoseconds, and there are no peers in C${note}`,
    advice: "install a C compiler that is called cc",
  };
};

/** The allocators that are installed as shared libraries, and how to have the others. */
export function peersFact(installed: readonly NativeLibrary[]): Fact {
  const names = (libraries: readonly NativeLibrary[]) => libraries.map(({ name }) => name).join(", ");
  const missing = NATIVE_LIBRARIES.filter((library) => !installed.includes(library));
  const packages = missing.flatMap(({ package: name }) => name === undefined ? [] : [name]);
  return {
    fact: "native peers",
    value: installed.length === 0 ? "none" : names(installed),
    state: installed.length === 0 ? "note" : "ok",
    meaning: "allocators that bench --peer can preload besides the system's; the command peers checks them" +
      (missing.length === 0 ? "" : `; not here: ${names(missing)}`),
    ...(packages.length === 0 ? {} : { advice: `apt-get install ${packages.join(" ")}` }),
  };
}

const perf: Judge = ({ perf, perfEventParanoid }) => {
  const fact = "perf";
  if (perf === undefined) {
    return {
      fact,
      value: "not installed",
      state: "note",
      meaning: "nothing here needs it; with it, cache misses and machine code can be looked at",
      advice: "install linux-perf, if you want to",
    };
  }
  if (perf === "hardware counters") {
    return { fact, value: perf, state: "ok", meaning: "perf stat and perf record work on contestants" };
  }
  const forbidden = perfEventParanoid !== undefined && perfEventParanoid > 2;
  return {
    fact,
    value: perf,
    state: "note",
    meaning: "perf can sample by time, but counts no cycles and no cache misses",
    ...(forbidden ? { advice: "sudo sysctl kernel.perf_event_paranoid=2" } : {}),
  };
};

const noiseFloor: Judge = (_environment, { variant, pairs, slotMilliseconds, ratio, level, floor, spread }) => {
  const { median, low, high } = ratio;
  const interval = `${percent(low - 1)} to ${percent(high - 1)}`;
  const row = {
    fact: NOISE_FLOOR,
    value: percent(floor),
    meaning: `two processes of ${heapLabel(variant)} seemed to differ by ${percent(Math.abs(median - 1))} ` +
      `(${Math.floor(1000 * level) / 10} % interval: ${interval}) in ${pairs} ${pairs === 1 ? "pair" : "pairs"} of ` +
      `slots of ${slotMilliseconds} ms; within a pair by ${percent(spread)}`,
  };
  if (floor < LOUD) return { ...row, state: "ok" };
  return { ...row, state: "warning", advice: "mend what is marked above, and run it again" };
};
