/**
 * Heaps that a program has let go of without closing them. The garbage collector says so in two steps. Whatever can still
 * call the heap has its inner buffer; when that is gone, nobody will call it again. The program's views have the other
 * buffer, and the memory stays until that is gone, too: a view may outlive its heap.
 *
 * Left alone are a heap that was closed, one of which C may have addresses, and one whose views were transferred away: their
 * new owner cannot be seen from here. What a thread has that ends, the system's part looks after (`VirtualMemory.watch`).
 *
 * @module
 */

import { HeapMemory, type Remains } from "./memory.ts";

const called = new FinalizationRegistry<{ views: ArrayBuffer; remains: Remains }>(({ views, remains }) => {
  if (!views.detached) seen.register(views, remains);
});

const seen = new FinalizationRegistry<Remains>((remains) => {
  try {
    HeapMemory.closeRemains(remains);
  } catch {
    // It is damaged, or was closed by its last thread: there is nobody to tell, and nothing is lost that was not lost before.
  }
});

/** From here on a heap is closed when it cannot be reached any more. */
export function watchForDrop(memory: HeapMemory): void {
  called.register(memory.buffer, { views: memory.blockBuffer, remains: memory.remains });
}
