/**
 * Heaps that a program lets go of without closing them: their memory goes back all the same. The garbage collector tells
 * in two steps. Whatever can still call a heap holds its inner buffer; when that is gone, nobody will call it again. A
 * view that the program still has may hold the other buffer.
 *
 * Heaps that somebody else may use are left alone: those that were shared, of which blocks are lent, whose addresses were
 * asked for, or whose buffer was transferred. `reserve` looks after what a Worker has to itself when it ends.
 *
 * @module
 */

import { OsError, type VirtualMemory } from "../../os/mod.ts";

/** What a heap leaves. It has neither of the buffers, which would live for it. */
export interface Remains {
  readonly system: VirtualMemory;
  readonly address: bigint;
  readonly bytes: number;
  /**
   * How often it is shared or lent; and whether C may have addresses of it, which is not a reason when its thread ends.
   */
  kept: number;
  isGiven: boolean;
}

const called = new FinalizationRegistry<{ views: ArrayBuffer; remains: Remains }>(({ views, remains }) => {
  if (!views.detached) seen.register(views, remains);
});

const seen = new FinalizationRegistry<Remains>(({ system, address, bytes, kept, isGiven }) => {
  if (kept > 0 || isGiven) return;
  try {
    system.leave(address, bytes);
  } catch (error) {
    if (!(error instanceof OsError)) throw error; // there is nobody to tell: the memory stays
  } finally {
    system.close();
  }
});

/** From here on a heap is given back when it cannot be reached any more. One that is closed has no views. */
export function watch(buffer: ArrayBuffer, views: ArrayBuffer, remains: Remains): void {
  called.register(buffer, { views, remains });
}
