/**
 * The line protocol between the coordinator and its contestants, the same for Deno children (`entry.ts`) and for
 * the native program (`native/workloads.c`):
 *
 *     ready
 *     > run random-mixed units=10 size=128 working-set=8192 cycles=100000 seed=12345
 *     ok nanoseconds=51234567 operations=1004078 checksum=206f7150 slot-checksum=5d6c7b8a tier=turbofan
 *     error malloc(128) gave NULL
 *     > run larson units=10 threads=2 min=8 max=128 chunks=1024 larson-rounds=100 seed=12345
 *     ok nanoseconds=... thread-nanoseconds=51230000,51234567 thread-operations=1536000,1536000
 *
 * Operations and turn checksum are those of the whole turn, the other checksum that of its first unit, which is the
 * same for all. The end of stdin ends a contestant.
 *
 * @module
 */
import type { Parameters } from "../../workloads/mod.ts";

/** What a contestant says before it reads the first request; what words may follow, `../contest/identity.ts` says. */
export const READY = "ready";

/** What ran the measured loop, as V8 reports it; `native` for C, `unknown` where V8 does not say. */
export type Tier = "turbofan" | "maglev" | "baseline" | "native" | "unknown";

/** One turn to measure. */
export interface Request {
  readonly workload: string;
  readonly units: number;
  /** Threads that do the work together; 1 if absent. */
  readonly threads?: number;
  readonly parameters: Parameters;
}

/** One turn, measured. */
export interface Turn {
  readonly units: number;
  readonly nanoseconds: number;
  /** Of the turn. */
  readonly operations: number;
  /** Of its first unit; eight hexadecimal digits. */
  readonly checksum: string;
  /** Of all its units. */
  readonly turnChecksum: string;
  readonly tier: Tier;
  /** What each thread did, and how long it was busy; absent if there was one. */
  readonly threads?: readonly ThreadTurn[];
}

/** One thread's part in a turn. */
export interface ThreadTurn {
  readonly nanoseconds: number;
  readonly operations: number;
}

/** A request or an answer is not of the protocol. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
}

/** Whether what a contestant says of its failure is that it has no memory left; the same in all languages. */
export function isOutOfMemory(message: string): boolean {
  return /(?:gave NULL|out of memory)$/.test(message);
}

/** A request as its line. */
export function formatRequest({ workload, units, threads = 1, parameters }: Request): string {
  const words = Object.entries({ units, ...(threads > 1 ? { threads } : {}), ...parameters }).map(([name, value]) =>
    `${name}=${value}`
  );
  return ["run", workload, ...words].join(" ");
}

/** A line as a request. */
export function parseRequest(line: string): Request {
  const [verb, workload, ...words] = line.trim().split(" ");
  if (verb !== "run" || workload === undefined) throw new ProtocolError("expected: run WORKLOAD name=value ...");
  const { units, threads = 1, ...parameters } = Object.fromEntries(
    pairsOf(words).map(([name, value]) => [name, wholeNumber(name, value)]),
  );
  if (units === undefined) throw new ProtocolError("units= is missing");
  return { workload, units, threads, parameters };
}

/** An answer as its line. */
export function formatTurn({ nanoseconds, operations, checksum, turnChecksum, tier, threads }: Turn): string {
  const line = `ok nanoseconds=${Math.round(nanoseconds)} operations=${operations} checksum=${checksum} ` +
    `slot-checksum=${turnChecksum} tier=${tier}`;
  if (threads === undefined) return line;
  const list = (of: keyof ThreadTurn) => threads.map((thread) => Math.round(thread[of])).join(",");
  return `${line} thread-nanoseconds=${list("nanoseconds")} thread-operations=${list("operations")}`;
}

/**
 * A line as an answer.
 *
 * @throws ProtocolError with the contestant's own message if it could not do it.
 */
export function parseTurn(line: string, units: number): Turn {
  const [verb, ...words] = line.trim().split(" ");
  if (verb === "error") throw new ProtocolError(words.join(" "));
  const answer = new Map(pairsOf(words));
  const field = (name: string) => {
    const value = answer.get(name);
    if (verb !== "ok" || value === undefined) throw new ProtocolError(`not an answer: "${line}"`);
    return value;
  };
  return {
    units,
    nanoseconds: wholeNumber("nanoseconds", field("nanoseconds")),
    operations: wholeNumber("operations", field("operations")),
    checksum: field("checksum"),
    turnChecksum: field("slot-checksum"),
    tier: field("tier") as Tier,
    ...(answer.has("thread-operations") ? { threads: threadsOf(field) } : {}),
  };
}

function threadsOf(field: (name: string) => string): ThreadTurn[] {
  const list = (name: string) => field(name).split(",").map((text) => wholeNumber(name, text));
  const operations = list("thread-operations");
  return list("thread-nanoseconds").map((nanoseconds, thread) => ({
    nanoseconds,
    operations: operations[thread] ?? 0,
  }));
}

/** A checksum as the protocol writes it. */
export function formatChecksum(checksum: number): string {
  return checksum.toString(16).padStart(8, "0");
}

/** Words of the form `name=value`. */
export function pairsOf(words: readonly string[]): [string, string][] {
  return words.map((word) => {
    const [name, value] = word.split("=");
    if (name === undefined || value === undefined) throw new ProtocolError(`not name=value: ${word}`);
    return [name, value];
  });
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value)) throw new ProtocolError(`${name}=${text} is not a whole number`);
  return value;
}
