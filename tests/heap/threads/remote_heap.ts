/** A heap in a Worker, which makes the calls that it is told to make; and one in this thread, called in the same way. */

import { Heap, HeapError, type SharedHeap } from "../../../src/heap/mod.ts";

/** What came of a call: what it returned, if that can be posted, or the error of the heap that it threw. */
export interface Outcome {
  readonly value?: number | boolean;
  readonly code?: string;
  readonly message?: string;
}

/** The heap's methods, and `write`, which is given a pointer and bytes. */
export type Call =
  | "malloc"
  | "free"
  | "calloc"
  | "realloc"
  | "usableSize"
  | "bytes"
  | "owns"
  | "check"
  | "collect"
  | "close"
  | "write";

/** Who can be told to make calls. */
export interface Side {
  call(name: Call, ...args: number[]): Promise<Outcome>;
}

/** Makes a call here. */
export function outcomeOf(heap: Heap, name: Call, args: number[]): Outcome {
  try {
    if (name === "write") {
      heap.u8.set(args.slice(1), args[0]!);
      return {};
    }
    const value: unknown = (heap[name] as (...args: number[]) => unknown)(...args);
    return typeof value === "number" || typeof value === "boolean" ? { value } : {};
  } catch (error) {
    if (!(error instanceof HeapError)) throw error;
    return { code: error.code, message: error.message };
  }
}

/** This thread. */
export function here(heap: Heap): Side {
  return { call: (name, ...args) => Promise.resolve(outcomeOf(heap, name, args)) };
}

/** A Worker. */
export class Remote implements Side {
  readonly #worker = new Worker(new URL("remote_heap.ts", import.meta.url), { type: "module", name: "remote_heap" });

  static async attach(shared: SharedHeap): Promise<Remote> {
    const remote = new Remote();
    await remote.#ask(shared);
    return remote;
  }

  call(name: Call, ...args: number[]): Promise<Outcome> {
    return this.#ask([name, args]);
  }

  terminate(): void {
    this.#worker.terminate();
  }

  #ask(message: unknown): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    this.#worker.onmessage = ({ data }) => resolve(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    this.#worker.postMessage(message);
    return promise;
  }
}

const scope = globalThis as unknown as { postMessage(outcome: Outcome): void; name?: string };
if (scope.name === "remote_heap") {
  let heap: Heap | undefined;
  addEventListener("message", async (event) => {
    const { data } = event as MessageEvent<SharedHeap | [Call, number[]]>;
    if (Array.isArray(data)) return scope.postMessage(outcomeOf(heap!, ...data));
    heap = await Heap.attach(data);
    scope.postMessage({});
  });
}
