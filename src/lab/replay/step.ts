/**
 * What the first thread of a replaying crew and its Workers have in common: what a Worker is started with, and how a step
 * is taken.
 *
 * @module
 */
import type { ReplayMember, ReplayMemory } from "../../workloads/mod.ts";
import type { CrewControl, CrewMemory } from "../contestant/crew/member.ts";
import type { CrewStart } from "../contestant/crew/worker.ts";

/** What a Worker is started with. */
export interface ReplayStart extends CrewStart {
  /** In memory that all have. */
  readonly words: Int32Array;
  readonly isVerified: boolean;
  readonly crew: CrewMemory;
  readonly memory: ReplayMemory;
}

/** A step of a replay: from where it is, or from the first event, up to an event. */
export interface ReplayStep {
  readonly isFresh: boolean;
  readonly to: number;
}

/** Takes a member's part in a step, in time with the others. The first thread lets all go, by `start`. */
export function takePart(
  member: ReplayMember,
  control: CrewControl,
  thread: number,
  { isFresh, to }: ReplayStep,
  start: () => void,
): void {
  if (isFresh) member.begin();
  start();
  member.advance(to);
  control.note("last", thread, member.checksum);
  control.done(thread, 0, 0, "unknown");
}
