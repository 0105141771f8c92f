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

/** What is said of a fact: all but its name. */
type Said = Omit<Fact, "fact">;

const ok = (value: string, meaning: string): Said => ({ value, state: "ok", meaning });
const note = (value: string, meaning: string, advice?: string): Said => ({
  value,
  state: "note",
  meaning,
  ...(advice === undefined ? {} : { advice }),
});
const warning = (value: string, meaning: string, advice: string): Said => ({
  value,
  state: "warning",
  meaning,
  advice,
});

/**
 * What is known, each with what it means. What a system does not say is left out, or a note if one would look for it.
 */
export function factsOf(environment: Environment, noise: Noise): Fact[] {
  return Object.entries(FACTS).flatMap(([fact, say]) => {
    const said = say(environment, noise);
    return said === undefined ? [] : [{ fact, ...said }];
  });
}

const SLOW_CLOCKS = ["hpet", "acpi_pm", "jiffies", "refined-jiffies"];
const NATIVE_PEERS = "native peers";

/** By name: what is said of it, or nothing; in the order of the report. */
const FACTS: Readonly<Record<string, (environment: Environment, noise: Noise) => Said | undefined>> = {
  "processor": (environment) =>
    ok(
      processorOf({ ...environment, loadAverage: [...environment.loadAverage] }),
      "figures hold for this one; ratios travel better than nanoseconds",
    ),

  "cores": ({ cores, simultaneousThreads }) => {
    if (cores < FEWEST_CORES) {
      const meaning = "V8's compilers and the lab take time from what is measured";
      return warning(String(cores), meaning, "give the machine two cores or more");
    }
    const meaning = "one for the contestant, one for V8's compilers and the lab";
    return simultaneousThreads === true
      ? ok(`${cores}, some sharing one`, `${meaning}; a busy neighbour on the same core slows it down`)
      : ok(String(cores), meaning);
  },

  "container limits": ({ coreLimit, memoryLimitBytes, memoryBytes }) => {
    const memory = memoryLimitBytes === undefined ? [] : [`${(memoryLimitBytes / GIB).toFixed(1)} GiB`];
    if (coreLimit === undefined) {
      const meaning = `no quota stops a contestant; the machine has ${(memoryBytes / GIB).toFixed(1)} GiB`;
      return ok(memory[0] ?? "none seen", meaning);
    }
    return warning(
      [`${Number(coreLimit.toFixed(2))} cores`, ...memory].join(", "),
      "a contestant that has used its share up stands still, in the middle of a turn",
      "run without a quota on cores; to choose which ones: docker run --cpuset-cpus",
    );
  },

  "governor": ({ governor }) => {
    if (governor === undefined) {
      const meaning = "the frequency is decided elsewhere: by the host of a virtual machine, or by the firmware";
      return note("not said", meaning);
    }
    if (governor === "performance") return ok(governor, "the processor does not slow down between turns");
    return warning(
      governor,
      "the frequency follows the load, so turns after a pause are slower",
      "sudo cpupower frequency-set -g performance",
    );
  },

  "boost": ({ boost }) => {
    if (boost === undefined) return undefined;
    return boost
      ? ok("on", "the frequency depends on heat and on the other cores; taking turns cancels most of it")
      : ok("off", "the frequency does not depend on heat or on the other cores");
  },

  "huge pages": ({ transparentHugePages: pages }) => {
    if (pages === undefined) return undefined;
    if (pages !== "always") return ok(pages, "the kernel does not merge pages behind a contestant's back");
    return warning(
      pages,
      "the kernel may turn memory into pages of 2 MiB when it likes: page faults and footprint differ from run to run",
      "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
    );
  },

  "ASLR": ({ addressRandomisation }) => {
    if (addressRandomisation === undefined) return undefined;
    if (addressRandomisation > 0) {
      return ok(
        addressRandomisation === 1 ? "on, not for the heap" : "on",
        "each process gets different addresses, lucky or unlucky for the caches: trust many processes, not one",
      );
    }
    const meaning = "all processes have the same addresses, and luck with them looks like a result";
    return warning("off", meaning, "sudo sysctl kernel.randomize_va_space=2");
  },

  "page size": ({ pageBytes }) => {
    if (pageBytes === undefined) return undefined;
    const meaning = "the unit in which memory is taken and given back: footprints compare on equal pages only";
    return ok(`${pageBytes} bytes`, meaning);
  },

  "clock": ({ clockSource, invariantTsc }) => {
    if (clockSource === undefined && invariantTsc === undefined) return undefined;
    const even = invariantTsc === undefined ? "" : invariantTsc ? "even TSC" : "uneven TSC";
    const value = [...new Set([clockSource ?? "", even])].filter((word) => word !== "").join(", ");
    if (SLOW_CLOCKS.includes(clockSource ?? "")) {
      const advice = "find out why the kernel gave the TSC up: dmesg | grep -i tsc";
      return warning(value, "reading the clock takes a microsecond or more", advice);
    }
    if (invariantTsc === false) {
      const meaning = "the processor's counter changes its pace: ticks of micro are not time";
      return warning(value, meaning, "read the nanoseconds of micro, not its ticks");
    }
    const ticks = invariantTsc === true ? "; ticks of micro are time, not cycles of the core" : "";
    return ok(value, `reading it costs some tens of nanoseconds${ticks}`);
  },

  "virtual machine": ({ virtualMachine }) => {
    if (virtualMachine === undefined) return undefined;
    if (!virtualMachine) return ok("no", "nobody else has these cores");
    return note(
      "yes",
      "its host decides on the frequency, and what its other guests do is not seen here: see stolen time",
    );
  },

  "load": ({ loadAverage: [average = 0], cores }) => {
    const value = `${average.toFixed(2)} on ${cores} ${cores === 1 ? "core" : "cores"}`;
    return loadWarning(average, cores) === undefined
      ? ok(value, "little else ran in the last minute")
      : warning(value, "other work takes cores and caches", "stop it, or wait");
  },

  "core pressure": ({ corePressure }) => {
    if (corePressure === undefined) return undefined;
    const meaning = "how much of the last 10 s something waited for a core";
    return corePressure < WAITING
      ? ok(percent(corePressure), meaning)
      : warning(percent(corePressure), `${meaning}: contestants would wait too`, "stop other work");
  },

  "stolen time": (_environment, { stolen }) => {
    if (stolen === undefined) return undefined;
    const meaning = "what the host of the virtual machine gave to others while the noise floor was measured";
    return stealWarning(stolen, 1) === undefined
      ? ok(percent(stolen), meaning)
      : warning(percent(stolen), meaning, "measure when it is quieter, or with more rounds");
  },

  "Deno, V8": ({ deno, v8 }, { tiers }) => {
    const value = `${deno}, ${v8}`, slow = tiers.filter((tier) => tier === "maglev" || tier === "baseline");
    if (slow.length > 0) {
      const meaning = `the measured loop ran in ${slow.join(" and ")} code part of the time`;
      return warning(value, meaning, "run it again: V8 decides anew in each process");
    }
    const known = tiers.includes("unknown") ? "; it does not say which of its compilers made the code" : "";
    return ok(value, `another version is another compiler: compare runs of the same one${known}`);
  },

  "native library": ({ nativeLibrary, nativeNote }) => {
    const more = nativeNote === undefined ? "" : ` (${nativeNote})`;
    if (nativeLibrary === "native") return ok("compiled", `memory and clocks are one call each${more}`);
    return warning(
      nativeLibrary === "libc" ? "libc instead" : "none",
      `slow paths take several calls, ticks are nanoseconds, and there are no peers in C${more}`,
      "install a C compiler that is called cc",
    );
  },

  [NATIVE_PEERS]: () => peersFact(installedLibraries()),

  "perf": ({ perf, perfEventParanoid = 0 }) => {
    if (perf === undefined) {
      const meaning = "nothing here needs it; with it, cache misses and machine code can be looked at";
      return note("not installed", meaning, "install linux-perf, if you want to");
    }
    if (perf === "hardware counters") return ok(perf, "perf stat and perf record work on contestants");
    return note(
      perf,
      "perf can sample by time, but counts no cycles and no cache misses",
      perfEventParanoid > 2 ? "sudo sysctl kernel.perf_event_paranoid=2" : undefined,
    );
  },

  [NOISE_FLOOR]: (_environment, { variant, pairs, slotMilliseconds, ratio, level, floor, spread }) => {
    const { median, low, high } = ratio;
    const interval = `${percent(low - 1)} to ${percent(high - 1)}`;
    const meaning = `two processes of ${heapLabel(variant)} seemed to differ by ${percent(Math.abs(median - 1))} ` +
      `(${Math.floor(1000 * level) / 10} % interval: ${interval}) in ${pairs} ${pairs === 1 ? "pair" : "pairs"} of ` +
      `turns of ${slotMilliseconds} ms; within a pair by ${percent(spread)}`;
    return floor < LOUD
      ? ok(percent(floor), meaning)
      : warning(percent(floor), meaning, "fix what is marked above, and run doctor again");
  },
};

/** The allocators that are installed as shared libraries, and how to have the others. */
export function peersFact(installed: readonly NativeLibrary[]): Fact {
  const names = (libraries: readonly NativeLibrary[]) => libraries.map(({ name }) => name).join(", ");
  const missing = NATIVE_LIBRARIES.filter((library) => !installed.includes(library));
  const packages = missing.flatMap(({ package: name }) => name === undefined ? [] : [name]);
  return {
    fact: NATIVE_PEERS,
    value: installed.length === 0 ? "none" : names(installed),
    state: installed.length === 0 ? "note" : "ok",
    meaning: "allocators that bench --peer can preload besides the system's; the command peers checks them" +
      (missing.length === 0 ? "" : `; not here: ${names(missing)}`),
    ...(packages.length === 0 ? {} : { advice: `apt-get install ${packages.join(" ")}` }),
  };
}
