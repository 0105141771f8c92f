/**
 * A place in a trace as people name it: after so many events, or after a share of them. Thread ends are not counted, as in
 * `trace info`.
 *
 * @module
 */
import { TraceError } from "./trace.ts";

/** After which event: a number of events, or a share of them, 0 to 1. */
export type Place = { readonly event: number } | { readonly share: number };

/** The number of events before a place. @throws TraceError if there are not so many. */
export function eventAt(place: Place, events: number, file: string): number {
  const event = "event" in place ? place.event : Math.round(place.share * events);
  if (event <= events) return event;
  throw new TraceError(`${file} has no event ${event}: its events are 1 to ${events}, and 0 is before them`);
}
