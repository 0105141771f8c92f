/**
 * What disturbs the machine while something is measured: time that a virtual machine's host gave to others, what other
 * programs took of the cores, tasks that waited for a core, and context switches that a process did not ask for. Read
 * from `/proc`; where there is no such thing, nothing is known.
 *
 * A round counts as disturbed by a rule that knows nothing of what was measured: the host took
 * {@linkcode STOLEN_LIMIT} ms from one of its turns, or other programs {@linkcode OTHERS_LIMIT} of all cores' time.
 * Where more than {@linkcode DISTURBED_LIMIT} of all rounds are disturbed, discarded ones included, there is no
 * verdict. (With a quarter, 2 of 20 comparisons beside loops that were busy 37 to 57 % of the time had one:
 * `bench/disturbed.ts`.) The statistics alone do not ensure that: what runs for seconds may hit the turns of one
 * contestant more often than those of the other.
 *
 * @module
 */

/** The counts since the machine, or the process, was started. */
export interface Disturbance {
  /** Milliseconds; the system counts in steps of 10. */
  readonly stolen: number | undefined;
  /** Milliseconds in which at least one task waited for a core. */
  readonly pressure: number | undefined;
  /** Milliseconds, of all cores together, of what is neither the asked processes nor this one and its children. */
  readonly others: number | undefined;
  /** By process: context switches of its main thread that it did not ask for. */
  readonly preemptions: ReadonlyMap<number, number>;
}

const TICK_MILLISECONDS = 10; // USER_HZ is 100 on every architecture that Deno runs on
const STOLEN_FIELD = 7;
/** Of `/proc/stat`: user, nice, system, irq, softirq. */
const BUSY_FIELDS = [0, 1, 2, 5, 6];
/** From `/proc/PID/stat`, after the state: user and system time of a process, and of its children that have ended. */
const OWN_FIELDS = [10, 11, 12, 13];

/** Milliseconds that the host may take from a turn. */
export const STOLEN_LIMIT = 20;
/** The share of all cores' time that other programs may take from a round. */
export const OTHERS_LIMIT = 0.1;
/** The share of a comparison's rounds, discarded ones included, that may be disturbed. */
export const DISTURBED_LIMIT = 0.2;

/**
 * Reads them. Deno does not read `/proc` without all permissions, `cat` does; a few milliseconds.
 *
 * @param processes Ids of those whose context switches are wanted.
 */
export async function readDisturbance(processes: readonly number[]): Promise<Disturbance> {
  if (Deno.build.os !== "linux") return parseDisturbance("");
  const files = [
    "/proc/stat",
    "/proc/pressure/cpu",
    ...processes.map((process) => `/proc/${process}/status`),
    ...[...processes, Deno.pid].map((process) => `/proc/${process}/stat`),
  ];
  try {
    const { stdout } = await new Deno.Command("cat", { args: files, stderr: "null" }).output();
    return parseDisturbance(new TextDecoder().decode(stdout));
  } catch {
    return parseDisturbance(""); // there is no cat
  }
}

/** The files' text, one after the other, as counts. */
export function parseDisturbance(text: string): Disturbance {
  const ticks = /^cpu +(.*)$/m.exec(text)?.[1]?.split(" ").map(Number);
  const own = [...text.matchAll(/^\d+ \(.*\) [A-Z] (.*)$/gm)].map(([, fields]) => fields!.split(" ").map(Number));
  const microseconds = /^some .*total=(\d+)$/m.exec(text)?.[1];
  const preemptions = new Map<number, number>();
  for (const [, process, count] of text.matchAll(/^Pid:\t(\d+)$[^]*?^nonvoluntary_ctxt_switches:\t(\d+)$/gm)) {
    preemptions.set(Number(process), Number(count));
  }
  return {
    stolen: ticks && sum(ticks, [STOLEN_FIELD]) * TICK_MILLISECONDS,
    pressure: microseconds === undefined ? undefined : Number(microseconds) / 1000,
    others: ticks && TICK_MILLISECONDS *
        (sum(ticks, BUSY_FIELDS) - own.reduce((total, fields) => total + sum(fields, OWN_FIELDS), 0)),
    preemptions,
  };
}

function sum(fields: readonly number[], places: readonly number[]): number {
  return places.reduce((total, place) => total + (fields[place] ?? 0), 0);
}

/** What happened between two readings, of the same processes, to one of them. */
export function disturbanceBetween(
  before: Disturbance,
  after: Disturbance,
  process: number,
): { stolenMs?: number; pressureMs?: number; othersMs?: number; preemptions?: number } {
  const difference = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? undefined : to - from;
  const stolenMs = difference(before.stolen, after.stolen);
  const pressureMs = difference(before.pressure, after.pressure);
  const othersMs = difference(before.others, after.others);
  const preemptions = difference(before.preemptions.get(process), after.preemptions.get(process));
  return {
    ...(stolenMs === undefined ? {} : { stolenMs }),
    ...(pressureMs === undefined ? {} : { pressureMs: Math.round(pressureMs * 100) / 100 }),
    // Time is booked in ticks, for a process and for the cores at other moments: a few too many or too few.
    ...(othersMs === undefined ? {} : { othersMs: Math.round(othersMs) }),
    ...(preemptions === undefined ? {} : { preemptions }),
  };
}

/**
 * Whether a round was disturbed, by the rule above.
 *
 * @param turns What happened during each of its turns.
 * @param milliseconds From the start of the first to the end of the last.
 */
export function isDisturbed(
  turns: readonly { readonly stolenMs?: number | undefined; readonly othersMs?: number | undefined }[],
  milliseconds: number,
  cores: number,
): boolean {
  const others = turns.reduce((total, { othersMs = 0 }) => total + othersMs, 0);
  return others > OTHERS_LIMIT * cores * milliseconds || turns.some(({ stolenMs = 0 }) => stolenMs >= STOLEN_LIMIT);
}

/** Whether so many of a comparison's rounds were disturbed that nothing follows from them. */
export function areDisturbed(disturbed: number, rounds: number): boolean {
  return disturbed > DISTURBED_LIMIT * rounds;
}
