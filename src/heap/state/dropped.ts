/**
 * Heaps that a program lets go of without closing them, whose memory goes back all the same. The garbage collector says
 * so in two steps: whatever can still call a heap has its inner buffer, and when that is gone nobody will call it
 * again; then a view of the program's may still have the other one.
 *
 * Left alone are heaps that others have: that were shared, of which blocks are lent, whose addresses were asked for, or
 * whose buffer was transferred. What a Worker has to itself when it ends, the system's part looks after (`reserve`).
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
