/**
 * The whole of the public heap, called from within `log`: in every line of a verbose debug build, in the report of leaks,
 * of a heap of one thread and of one that others have. Each call works or is a typed error, and the heap is sound after.
 */

import { assert, assertEquals } from "@std/assert";
import { Heap, HeapError } from "../../src/heap/mod.ts";

const OPTIONS = { variant: "slab-map,verbose=1,capacity=8", build: "debug", stacks: false } as const;

/** A live block, which a call may use, and must leave. */
type Call = (heap: Heap, ptr: number) => unknown;

const CALLS: Readonly<Record<string, Call>> = {
  malloc: (heap) => heap.free(heap.malloc(100)),
  calloc: (heap) => heap.free(heap.calloc(10, 3000)),
  alignedAlloc: (heap) => heap.free(heap.alignedAlloc(4096, 10)),
  realloc: (heap) => heap.free(heap.realloc(heap.malloc(10), 70_000)),
  "free twice": (heap) => {
    const ptr = heap.malloc(10);
    heap.free(ptr);
    heap.free(ptr);
  },
  usableSize: (heap, ptr) => heap.usableSize(ptr),
  goodSize: (heap) => heap.goodSize(10),
  owns: (heap, ptr) => heap.owns(ptr),
  blockOf: (heap, ptr) => heap.blockOf(ptr + 1),
  bytes: (heap, ptr) => heap.bytes(ptr).fill(1),
  address: (heap, ptr) => heap.ptrAt(heap.address(ptr)),
  pointer: (heap, ptr) => heap.ptrAt(heap.pointer(ptr)),
  base: (heap) => heap.base,
  lend: (heap, ptr) => heap.lend(ptr)[Symbol.dispose](),
  stats: (heap) => heap.stats(),
  snapshot: (heap) => heap.snapshot(),
  counters: (heap) => heap.counters(),
  blocks: (heap) => [...heap.blocks()],
  leaks: (heap) => heap.leaks(),
  check: (heap) => heap.check(),
  collect: (heap) => heap.collect(),
  share: (heap) => heap.share(),
  inspect: (heap) => Deno.inspect(heap),
};

/** Another thread's lines go to stderr, and say nothing here. */
async function quietly(body: () => Promise<void>): Promise<void> {
  const { error } = console;
  console.error = () => {};
  try {
    await body();
  } finally {
    console.error = error;
  }
}

/** The code of what a call throws; undefined if it works. Anything else than an error of the heap passes on. */
function codeOf(call: Call, heap: Heap, ptr: number): string | undefined {
  try {
    call(heap, ptr);
    return undefined;
  } catch (error) {
    if (!(error instanceof HeapError)) throw error;
    return error.code;
  }
}

for (const isShared of [false, true]) {
  const whose = isShared ? "of a heap that another has" : "of a heap of one thread";
  for (const [name, call] of Object.entries(CALLS)) {
    Deno.test(`log may call ${name}, in a line ${whose}`, () =>
      quietly(async () => {
        let heap: Heap | undefined = undefined;
        let kept = 0, lines = 0, isBusy = false;
        const codes = new Set<string | undefined>(), thrown: unknown[] = [];
        heap = await Heap.open({
          ...OPTIONS,
          log: () => {
            if (heap === undefined || kept === 0 || isBusy || ++lines > 200) return;
            isBusy = true;
            try {
              codes.add(codeOf(call, heap, kept));
            } catch (error) {
              thrown.push(error);
            }
            isBusy = false;
          },
        });
        kept = heap.malloc(64);
        using other = isShared ? await Heap.attach(heap.share()) : undefined;
        const mine = Array.from({ length: 200 }, (_, index) => heap!.malloc(index * 300));
        for (const ptr of mine) heap.free(ptr);
        heap.collect();
        heap.check();
        assertEquals([...heap.blocks()].map(({ ptr }) => ptr), [kept]);
        heap.free(kept);
        kept = 0;
        assert(lines > 0, "log was called");
        assertEquals(thrown, []);
        assertEquals([...codes], [name === "free twice" ? "DOUBLE_FREE" : undefined]);
        other?.close();
        heap.close();
      }));
  }

  Deno.test(`log may open, attach and close other heaps, in a line ${whose}`, () =>
    quietly(async () => {
      const opened: Promise<void>[] = [];
      let heap: Heap | undefined = undefined;
      heap = await Heap.open({
        ...OPTIONS,
        log: () => {
          if (opened.length === 5 || heap === undefined) return;
          const shared = isShared ? heap.share() : undefined;
          opened.push((async () => {
            using other = shared === undefined ? await Heap.open() : await Heap.attach(shared);
            other.free(other.malloc(10));
          })());
        },
      });
      for (let index = 0; index < 200; index++) heap.free(heap.malloc(index * 300));
      await Promise.all(opened);
      assertEquals(opened.length, 5);
      heap.check();
      assertEquals(heap.stats().liveBlocks, 0);
      heap.close();
    }));
}

Deno.test("log is called in the report of leaks when the heap is closed: each call is HEAP_CLOSED, or works", async () => {
  const free = new Set(["counters", "inspect"]);
  for (const [name, call] of Object.entries(CALLS)) {
    let lines = 0;
    const codes = new Set<string | undefined>();
    const heap: Heap = await Heap.open({
      build: "debug",
      log: () => {
        lines++;
        codes.add(codeOf(call, heap, 0));
      },
    });
    heap.malloc(10);
    heap.close();
    assert(lines >= 2, `${lines} lines`);
    if (!free.has(name)) {
      assert([...codes].every((code) => code === "HEAP_CLOSED" || code === undefined), `${name}: ${[...codes]}`);
    }
    assertEquals(heap.u8.length, 0);
  }
});
