/**
 * What counts the instructions of a process: `perf stat`, where the kernel and the processor let it, and otherwise
 * valgrind, which runs the program on a processor of its own, some fifty times as slow.
 *
 * - perf needs hardware counters, which virtual machines mostly lack, and `kernel.perf_event_paranoid` of 2 at most.
 *   `:u` counts what the program does itself, not the kernel.
 * - callgrind counts each instruction, and simulates two caches. Their sizes are fixed here, so that counts of two
 *   machines can be compared; valgrind would take those that it finds, and in virtual machines it finds odd ones.
 *
 * @module
 */

/** What a whole process did; what the tool does not tell is absent. */
export interface Counts {
  readonly instructions: number;
  /** Reads and writes that were not in the first cache for data, and those that were in no cache; perf: reads. */
  readonly l1Misses?: number;
  readonly lastLevelMisses?: number;
}

/** A tool that counts. */
export interface Counter {
  readonly name: "perf" | "valgrind";
  /** Operations that are counted at least: more, the more the tool is disturbed, and the faster it is. */
  readonly operations: number;
  /** The command that runs a program and writes its counts to a file. */
  readonly command: (program: string, args: readonly string[], file: string) => readonly [string, string[]];
  /** The counts in that file; undefined if it has none. */
  readonly parse: (text: string) => Counts | undefined;
}

/** The events of perf, in the order of {@link Counts}. */
const PERF_EVENTS = ["instructions:u", "L1-dcache-load-misses:u", "cache-misses:u"];

const perf: Counter = {
  name: "perf",
  operations: 5e6,
  command: (program, args, file) => [
    "perf",
    ["stat", "-x,", "-o", file, "-e", PERF_EVENTS.join(","), "--", program, ...args],
  ],
  parse: parsePerf,
};

const valgrind: Counter = {
  name: "valgrind",
  operations: 200_000,
  command: (program, args, file) => [
    "valgrind",
    [
      "--tool=callgrind",
      "--quiet",
      "--cache-sim=yes",
      "--I1=32768,8,64",
      "--D1=32768,8,64",
      "--LL=8388608,16,64",
      `--callgrind-out-file=${file}`,
      program,
      ...args,
    ],
  ],
  parse: parseCallgrind,
};

/** A tool that works here, or why none does and what to install. */
export async function findCounter(): Promise<Counter | string> {
  const reasons: string[] = [];
  for (const counter of [perf, valgrind]) {
    const reason = await obstacle(counter);
    if (reason === undefined) return counter;
    reasons.push(reason);
  }
  return `${reasons.join(", and ")}: apt-get install valgrind`;
}

/** Why a tool does not count here; undefined if it does. It is tried, since nothing else tells for sure. */
async function obstacle({ name, command, parse }: Counter): Promise<string | undefined> {
  const file = await Deno.makeTempFile({ prefix: "hakmem-counts-" });
  try {
    const [path, args] = command("true", [], file);
    const { success } = await new Deno.Command(path, { args, env: { LC_ALL: "C" }, stdout: "null", stderr: "null" })
      .output();
    if (success && parse(await Deno.readTextFile(file)) !== undefined) return undefined;
    return name === "perf" ? "perf has no hardware counters here, or may not use them" : `${name} does not work here`;
  } catch {
    return `${name} is not installed`;
  } finally {
    await Deno.remove(file);
  }
}

/**
 * What `perf stat -x,` writes: a line an event, `1234,,instructions:u,5678,100.00,,`. What a processor does not count is
 * `<not supported>` or `<not counted>`.
 */
export function parsePerf(text: string): Counts | undefined {
  const counts = new Map(
    text.split("\n").map((line) => line.split(",")).map(([value, _unit, event]) => [event, Number(value)]),
  );
  const count = (event: string) => {
    const value = counts.get(event) ?? counts.get(event.replace(":u", "")); // an event that is not supported loses it
    return value !== undefined && Number.isFinite(value) ? value : undefined;
  };
  const [instructions, l1Misses, lastLevelMisses] = PERF_EVENTS.map(count);
  if (instructions === undefined || instructions === 0) return undefined;
  return {
    instructions,
    ...(l1Misses === undefined ? {} : { l1Misses }),
    ...(lastLevelMisses === undefined ? {} : { lastLevelMisses }),
  };
}

/**
 * The sums in a file of callgrind or cachegrind: the names of the columns and, in the order of these, the counts.
 *
 *     events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
 *     summary: 14999808 4027773 2312147 1163 978 613 1148 762 583
 */
export function parseCallgrind(text: string): Counts | undefined {
  const [, names] = /^events: (.*)$/m.exec(text) ?? [], [, sums] = /^(?:summary|totals): (.*)$/m.exec(text) ?? [];
  if (names === undefined || sums === undefined) return undefined;
  const values = sums.trim().split(/\s+/).map(Number);
  const of = new Map(names.trim().split(/\s+/).map((name, index) => [name, values[index]!]));
  const instructions = of.get("Ir");
  if (instructions === undefined || !Number.isFinite(instructions)) return undefined;
  const sum = (...events: string[]) => events.reduce((sum, event) => sum + (of.get(event) ?? NaN), 0);
  const l1Misses = sum("D1mr", "D1mw"), lastLevelMisses = sum("DLmr", "DLmw");
  return { instructions, ...(Number.isNaN(l1Misses) ? {} : { l1Misses, lastLevelMisses }) };
}
