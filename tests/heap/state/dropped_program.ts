/** What becomes of heaps that nobody closes, in a process of its own: one line of JSON. Needs --expose-gc. */

import { Heap } from "../../../src/heap/mod.ts";

const MIB = 1024 * 1024, TOUCHED = 20 * MIB;
declare const gc: () => void;

/** How a Worker ends, and what it does with its heap before. */
type Task = "close" | "terminate" | "lend" | "share" | "transfer" | "lend and end" | "tombstones";

/** Opens a heap, and writes to 20 MiB of it. */
async function openFull(): Promise<{ heap: Heap; ptr: number }> {
  const heap = await Heap.open(), ptr = heap.malloc(TOUCHED);
  heap.u8.fill(1, ptr, ptr + TOUCHED);
  return { heap, ptr };
}

/** Runs a Worker that has one full heap, and ends; what it posts. */
function worker(task: Task): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const worker = new Worker(import.meta.url, { type: "module", name: "worker" });
  worker.onmessage = ({ data }) => {
    if (task !== "close") worker.terminate();
    resolve(data);
  };
  worker.postMessage(task);
  return promise;
}

const memory = (): number => Math.round(Deno.memoryUsage().rss / MIB);
const mappings = (): number => Deno.readTextFileSync("/proc/self/maps").split("\n").length;

/** Waits until what is asked is so, or for a while; the collector runs meanwhile. */
async function settle(isSo: () => boolean, most = 300): Promise<void> {
  for (let tries = 0; tries < most && !isSo(); tries++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Megabytes more than before, once there are no more than 100, or after a while. */
async function grownSince(before: number): Promise<number> {
  await settle(() => memory() < before + 100);
  return memory() - before;
}

const CASES: Record<string, () => Promise<unknown>> = {
  /** Each in its turn, four at once. */
  async workers() {
    const before = memory();
    for (let round = 0; round < 7; round++) {
      await Promise.all(Array.from({ length: 4 }, (_, index) => worker(index % 2 === 0 ? "close" : "terminate")));
    }
    return await grownSince(before);
  },

  /** What others may have of a Worker's heap: megabytes that stay, and the byte that a view reads which was transferred. */
  async kept() {
    const before = memory();
    await worker("lend");
    await worker("share");
    const stay = memory() - before;
    await settle(() => memory() < before + 20, 30);
    const left = memory() - before;
    await worker("lend and end");
    const view = await worker("transfer") as Uint8Array;
    await settle(() => view[0] !== 1);
    return { stay, left, view: view[0], more: await grownSince(before + left) };
  },

  async collected() {
    (await Heap.open()).close();
    const before = memory();
    for (let round = 0; round < 25; round++) {
      await openFull();
      if (round % 5 === 4) await grownSince(before);
    }
    return await grownSince(before);
  },

  /** Heaps that are let go of, but that something still leads to: a view, a function, C, a transferred buffer, a loan. */
  async reached() {
    const before = memory();
    let view: Uint8Array | undefined, malloc: Heap["malloc"] | undefined;
    await (async () => {
      const { heap, ptr } = await openFull();
      view = heap.bytes(ptr, 100);
    })();
    await (async () => malloc = (await openFull()).heap.malloc)();
    const given = await (async () => {
      const { heap, ptr } = await openFull();
      return heap.pointer(ptr)!;
    })();
    const moved = await (async () => {
      const { heap, ptr } = await openFull(), view = heap.bytes(ptr, 100);
      return structuredClone(view, { transfer: [view.buffer] });
    })();
    const lent = await (async () => {
      const { heap, ptr } = await openFull();
      return heap.lend(ptr).pointer!;
    })();
    const closed = await (async () => {
      const { heap, ptr } = await openFull();
      heap.close();
      return [heap.u8.length, ptr > 0];
    })();
    await settle(() => false, 10);
    const byte = (pointer: Deno.PointerObject): number => new Deno.UnsafePointerView(pointer).getUint8();
    const read = [view![99], malloc!(10) > 0, byte(given), moved[0], byte(lent), closed];
    const all = memory() - before;
    view = malloc = undefined;
    await settle(() => memory() < before + all - 30);
    return { read, all, left: memory() - before };
  },

  /** Small heaps, by the hundred: mappings more than there were after as many. */
  async bounded() {
    const dropSome = async (): Promise<number> => {
      for (let count = 0; count < 400; count++) {
        await Heap.open({ reserveBytes: 4 * MIB, variant: "slab-map,prewarm=0" });
        if (count % 20 === 19) await settle(() => false, 1);
      }
      await settle(() => false, 5);
      return mappings();
    };
    return -(await dropSome()) + await dropSome();
  },

  /** Workers that share and close 100 heaps each, 300 in all: mappings more than there were after as many. */
  async tombstones() {
    const endSome = async (): Promise<number> => {
      for (let count = 0; count < 3; count++) await worker("tombstones");
      const before = mappings();
      await settle(() => mappings() < before - 100, 30);
      return mappings();
    };
    return -(await endSome()) + await endSome();
  },
};

if (self.name === "worker") {
  const scope = globalThis as unknown as {
    postMessage(message: unknown, transfer?: Transferable[]): void;
    close(): void;
    kept: unknown;
  };
  addEventListener("message", async (event) => {
    const task: Task = (event as MessageEvent).data;
    for (let count = 0; task === "tombstones" && count < 100; count++) {
      const heap = await Heap.open({ reserveBytes: 4 * MIB, variant: "slab-map,prewarm=0" });
      heap.share();
      heap.close();
    }
    if (task === "tombstones") return scope.postMessage("");
    const { heap, ptr } = await openFull(), view = heap.bytes(ptr, 8);
    scope.kept = heap;
    if (task === "lend") heap.lend(ptr);
    if (task === "share") heap.share();
    if (task === "lend and end") { for (const lent of [heap.lend(ptr), heap.lend(ptr)]) lent.end(); }
    if (task === "transfer") scope.postMessage(view, [view.buffer]);
    else scope.postMessage("");
    if (task === "close") scope.close();
  });
} else {
  console.log(JSON.stringify(await CASES[Deno.args[0]!]!()));
  Deno.exit();
}
