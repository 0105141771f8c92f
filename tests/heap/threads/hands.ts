/** Workers at the tasks of `worker_tasks.ts`, and what tests ask of a heap that they have. */

import { assert } from "@std/assert";
import type { Heap } from "../../../src/heap/mod.ts";
import { MAX_CACHES } from "../../../src/heap/state/layout.ts";
import { viewState } from "../../../src/heap/inspect/state_view.ts";
import { THREAD_ID, wordOfThread } from "../../../src/heap/state/thread_table.ts";
import { type Answer, AREA_BYTES, type Message, SLOTS, SLOTS_AT, type Task, verify } from "./worker_tasks.ts";

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** For so long Deno lets the thread of a Worker run on that is terminated: one that was about to attach may still do so. */
const LATE_MILLISECONDS = 2_500;
const lateUntil = new WeakMap<Heap, number>();

/** A Worker at its task. */
export class Hand {
  readonly attached: Promise<void>;
  readonly done: Promise<number>;
  readonly #heap: Heap;
  readonly #worker: Worker;
  #isAttached = false;

  constructor(heap: Heap, task: Task, area: number, seed = 1) {
    this.#worker = new Worker(new URL("worker_tasks.ts", import.meta.url), { type: "module", name: "worker_tasks" });
    this.#heap = heap;
    const attached = Promise.withResolvers<void>(), done = Promise.withResolvers<number>();
    this.attached = attached.promise.then(() => void (this.#isAttached = true));
    this.done = done.promise;
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if ("attached" in data) return attached.resolve();
      this.#worker.terminate();
      if ("error" in data) done.reject(new Error(data.error));
      else done.resolve(data.operations);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      done.reject(new Error(event.message));
    };
    const message: Message = { shared: heap.share(), task, area, seed };
    this.#worker.postMessage(message);
  }

  terminate(): void {
    if (!this.#isAttached) lateUntil.set(this.#heap, performance.now() + LATE_MILLISECONDS);
    this.#worker.terminate();
  }
}

/** A block for what the Workers share. */
export function areaOf(heap: Heap): number {
  return heap.calloc(1, AREA_BYTES);
}

/** Waits until no thread but this one has the heap, dead ones included, nor may come to have it. */
export async function alone(heap: Heap): Promise<void> {
  await sleep(Math.max(0, (lateUntil.get(heap) ?? 0) - performance.now()));
  const isTaken = (slot: number): boolean => viewState(heap)[wordOfThread(slot) + THREAD_ID] !== 0;
  for (let wait = 0;; wait++) {
    heap.collect();
    if (!Array.from({ length: MAX_CACHES - 1 }, (_, index) => index + 1).some(isTaken)) return;
    assert(wait < 3000, "threads that were ended have not ended after 30 s");
    await sleep(10);
  }
}

/** The blocks that lie in the area's slots, which are whole. */
export function slotsOf(heap: Heap, area: number): number[] {
  const slots = heap.i32.subarray(area / 4 + SLOTS_AT, area / 4 + SLOTS_AT + SLOTS).filter((ptr) => ptr !== 0);
  for (const ptr of slots) verify(heap, ptr);
  return [...slots];
}
