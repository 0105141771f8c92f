/** What becomes of heaps that nobody closes, in a process of its own: one line of JSON. Needs --expose-gc. */

import { Heap, type SharedHeap } from "../../src/heap/mod.ts";

const MIB = 1024 * 1024, TOUCHED = 20 * MIB;
declare const gc: () => void;

/** Opens a heap, and writes to 20 MiB of it. */
async function openFull(): Promise<{ heap: Heap; ptr: number }> {
  const heap = await Heap.open(), ptr = heap.malloc(TOUCHED);
  heap.u8.fill(1, ptr, ptr + TOUCHED);
  return { heap, ptr };
}

/** Runs a Worker that has one full heap, which it opens or attaches to, and then does what it is told. */
function worker(
  task: { end: "close" | "terminate"; shares?: boolean; attach?: SharedHeap; lends?: boolean },
) {
  const { promise, resolve } = Promise.withResolvers<SharedHeap>();
  const worker = new Worker(import.meta.url, { type: "module", name: "worker" });
  worker.onmessage = ({ data }) => {
    if (task.end === "terminate") worker.terminate();
    resolve(data);
  };
  worker.postMessage(task);
  return promise;
}

const memory = () => Math.round(Deno.memoryUsage().rss / MIB);
const mappings = () => Deno.readTextFileSync("/proc/self/maps").split("\n").length;

/** Waits until so much memory is in use at most, or for a while. */
async function settle(most: number): Promise<number> {
  for (let tries = 0; tries < 300 && memory() > most; tries++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return memory();
}

const CASES: Record<string, () => Promise<unknown>> = {
  async workers() {
    const before = memory();
    for (let round = 0; round < 5; round++) {
      const ends = ["close", "terminate"] as const;
      await Promise.all(Array.from({ length: 4 }, (_, index) => worker({ end: ends[index % 2]!, shares: index > 1 })));
    }
    return await settle(before + 100) - before;
  },

  async attached() {
    const before = memory(), shared = await worker({ end: "close", shares: true });
    // It may be gone already, or its thread be about to end.
    const attached = await Promise.all(
      Array.from({ length: 3 }, () => worker({ end: "close", attach: shared })),
    );
    const left = await settle(before + 30) - before;
    const error = await Heap.attach(shared).then(() => undefined, (error) => error.code);
    return { left, attached: attached.length, error };
  },

  async lent() {
    const before = memory();
    await worker({ end: "terminate", lends: true });
    await new Promise((resolve) => setTimeout(resolve, 200));
    return memory() - before;
  },

  async collected() {
    (await Heap.open()).close();
    const before = memory();
    for (let round = 0; round < 30; round++) {
      await openFull();
      if (round % 3 === 2) await settle(before + 40);
    }
    return await settle(before + 60) - before;
  },

  async views() {
    const before = memory();
    let view: Uint8Array | undefined, given: Deno.PointerValue;
    let malloc: Heap["malloc"] | undefined;
    await (async () => {
      const { heap, ptr } = await openFull();
      view = heap.bytes(ptr, 100);
    })();
    await (async () => malloc = (await openFull()).heap.malloc)();
    await (async () => {
      const { heap, ptr } = await openFull();
      given = heap.pointer(ptr);
    })();
    let moved: Uint8Array | undefined = await (async () => {
      const { heap, ptr } = await openFull(), view = heap.bytes(ptr, 100);
      return structuredClone(view, { transfer: [view.buffer] });
    })();
    await settle(0);
    const all = memory() - before;
    const read = [view![99], malloc!(10) > 0, new Deno.UnsafePointerView(given!).getUint8(), moved[0] !== undefined];
    view = malloc = moved = undefined;
    return { all, read, left: await settle(before + 60) - before };
  },

  async tombstones() {
    const cycle = async () => {
      const heap = await Heap.open({ reserveBytes: 4 * MIB, variant: "slab-map,prewarm=0" });
      heap.share();
      heap.close();
    };
    for (let count = 0; count < 300; count++) await cycle();
    const lines = mappings();
    for (let count = 0; count < 300; count++) await cycle();
    return mappings() - lines;
  },

  async shared() {
    const heap = await Heap.open();
    await (async () => void (await Heap.attach(heap.share())).malloc(10))();
    for (let tries = 0;; tries++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
      try {
        heap.close();
        return "closed";
      } catch (error) {
        if (tries > 200) return String(error);
      }
    }
  },
};

if (self.name === "worker") {
  const scope = globalThis as unknown as { postMessage(message: unknown): void; close(): void; kept: unknown };
  addEventListener("message", async (event) => {
    const { end, shares, attach, lends } = (event as MessageEvent).data;
    try {
      const heap = attach ? await Heap.attach(attach) : (await openFull()).heap;
      scope.kept = heap;
      if (lends) heap.lend([...heap.blocks()][0]!.ptr);
      scope.postMessage(shares ? heap.share() : undefined);
    } catch (error) {
      scope.postMessage((error as { code?: string }).code);
    }
    if (end === "close") scope.close();
  });
} else {
  console.log(JSON.stringify(await CASES[Deno.args[0]!]!()));
  Deno.exit();
}
