/**
 * What disturbs the machine while something is measured: time that a virtual machine's host gave to others, tasks that
 * waited for a core, and context switches that a process did not ask for. Read from `/proc`; where there is none, nothing
 * is known.
 *
 * @module
 */

/** The counts since the machine, or the process, was started. */
export interface Disturbance {
  /** Milliseconds; the system counts in steps of 10. */
  readonly stolen: number | undefined;
  /** Milliseconds in which at least one task waited for a core. */
  readonly pressure: number | undefined;
  /** By process: context switches of its main thread that it did not ask for. */
  readonly preemptions: ReadonlyMap<number, number>;
}

const TICK_MILLISECONDS = 10; // USER_HZ is 100 on every architecture that Deno runs on
const STOLEN_FIELD = 7;

/**
 * Reads them. Deno does not read `/proc` without all permissions, `cat` does; a few milliseconds.
 *
 * @param processes Ids of those whose context switches are wanted.
 */
export async function readDisturbance(processes: readonly number[]): Promise<Disturbance> {
  if (Deno.build.os !== "linux") return { stolen: undefined, pressure: undefined, preemptions: new Map() };
  const files = ["/proc/stat", "/proc/pressure/cpu", ...processes.map((process) => `/proc/${process}/status`)];
  try {
    const { stdout } = await new Deno.Command("cat", { args: files, stderr: "null" }).output();
    return parseDisturbance(new TextDecoder().decode(stdout));
  } catch {
    return parseDisturbance(""); // there is no cat
  }
}

/** The files' text, one after the other, as counts. */
export function parseDisturbance(text: string): Disturbance {
  const ticks = /^cpu +(.*)$/m.exec(text)?.[1]?.split(" ")[STOLEN_FIELD];
  const microseconds = /^some .*total=(\d+)$/m.exec(text)?.[1];
  const preemptions = new Map<number, number>();
  for (const [, process, count] of text.matchAll(/^Pid:\t(\d+)$[^]*?^nonvoluntary_ctxt_switches:\t(\d+)$/gm)) {
    preemptions.set(Number(process), Number(count));
  }
  return {
    stolen: ticks === undefined ? undefined : Number(ticks) * TICK_MILLISECONDS,
    pressure: microseconds === undefined ? undefined : Number(microseconds) / 1000,
    preemptions,
  };
}

/** What happened between two readings to one process. */
export function disturbanceBetween(
  before: Disturbance,
  after: Disturbance,
  process: number,
): { stolenMs?: number; pressureMs?: number; preemptions?: number } {
  const difference = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? undefined : to - from;
  const stolenMs = difference(before.stolen, after.stolen);
  const pressureMs = difference(before.pressure, after.pressure);
  const preemptions = difference(before.preemptions.get(process), after.preemptions.get(process));
  return {
    ...(stolenMs === undefined ? {} : { stolenMs }),
    ...(pressureMs === undefined ? {} : { pressureMs: Math.round(pressureMs * 100) / 100 }),
    ...(preemptions === undefined ? {} : { preemptions }),
  };
}
