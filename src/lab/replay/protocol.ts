/**
 * What a replaying contestant is asked besides whole replays, in the line protocol of `../contestant/protocol.ts`:
 *
 *     > run replay units=2          so many replays, timed without the frees of what the trace leaves live
 *     ok nanoseconds=31234567 operations=1572194 checksum=96f2a32a slot-checksum=96f2a32a tier=turbofan
 *     > advance replay to=1000      the first replay goes on to event 1000; bytes in memory, page faults until there, and
 *     ok resident=1044480 faults=255 mapping=1    whether the bytes are the allocator's mapping, or the process's
 *     > longest replay units=3      the longest of the events' times, each the shortest of 3 replays
 *     ok nanoseconds=41234
 *     > latency replay units=3      of a process that times each operation, and does nothing else: `../latency/protocol.ts`
 *
 * @module
 */
import { ProtocolError } from "../contestant/protocol.ts";

/** What is asked for. */
export interface ReplayRequest {
  readonly verb: "run" | "advance" | "longest" | "latency";
  /** Replays, or the event to go to. */
  readonly count: number;
}

/** A request as its line. */
export function formatReplayRequest({ verb, count }: ReplayRequest): string {
  return `${verb} replay ${verb === "advance" ? "to" : "units"}=${count}`;
}

/** A line as a request. */
export function parseReplayRequest(line: string): ReplayRequest {
  const [, verb, count] = /^(run|advance|longest|latency) replay (?:to|units)=(\d+)$/.exec(line.trim()) ?? [];
  if (verb === undefined) throw new ProtocolError("expected: run, advance, longest or latency replay");
  return { verb: verb as ReplayRequest["verb"], count: Number(count) };
}

/** Figures as the line of an answer. */
export function formatFigures(figures: Readonly<Record<string, number>>): string {
  return `ok ${Object.entries(figures).map(([name, value]) => `${name}=${Math.round(value)}`).join(" ")}`;
}

/**
 * One figure of an answer.
 *
 * @throws ProtocolError with the contestant's own message if it could not do what it was asked.
 */
export function figureOf(line: string, name: string): number {
  if (line.startsWith("error ")) throw new ProtocolError(line.slice("error ".length));
  const value = new RegExp(`^ok .*\\b${name}=(-?\\d+)`).exec(line)?.[1];
  if (value === undefined) throw new ProtocolError(`not an answer: "${line}"`);
  return Number(value);
}
