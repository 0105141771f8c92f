/** What is asked before there is no memory, and memory that goes back by itself. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Heap, type HeapOptions, InvalidOptionError, OutOfMemoryError } from "../../../src/heap/mod.ts";

const KIB = 1024, MIB = 1024 * KIB;

for (const build of ["release", "debug"] as const) {
  for (const [name, size] of [["small", 1000], ["large", 100 * KIB]] as const) {
    Deno.test(`onPressure() is called before malloc fails, and what it frees is given out (${build}, ${name})`, async () => {
      const cache: number[] = [], levels: number[] = [];
      using heap = await Heap.open({
        build,
        stacks: false,
        quarantineBytes: 0,
        maxBytes: 4 * MIB,
        reserveBytes: 16 * MIB,
        onPressure(level) {
          levels.push(level);
          // At first next to nothing, so that it is asked again.
          for (const ptr of cache.splice(0, level === 1 ? levels.length % 3 : cache.length / 2 | 0)) heap.free(ptr);
        },
      });
      for (let i = 0; i < 20_000; i++) {
        const ptr = i % 3 === 0
          ? heap.calloc(1, size)
          : i % 3 === 1
          ? heap.malloc(size)
          : heap.realloc(heap.malloc(size / 2), size);
        assert(ptr !== 0, `allocation ${i}`);
        cache.push(ptr);
      }
      assert(levels.includes(1) && levels.includes(2), levels.join());
      assert(levels.every((level, at) => level === 1 || levels[at - 1] === 1));
      cache.forEach((ptr) => heap.free(ptr));
      heap.check();
    });
  }

  Deno.test(`onPressure() that frees nothing is called at 1 and at 2, and then it is 0 (${build})`, async () => {
    const levels: number[] = [];
    let inner = -1;
    using heap = await Heap.open({
      build,
      stacks: false,
      maxBytes: 2 * MIB,
      onPressure(level) {
        levels.push(level);
        inner = heap.malloc(1.9 * MIB | 0); // not asked again meanwhile
      },
    });
    using _most = heap.own(1.5 * MIB);
    assertEquals([heap.malloc(1.9 * MIB | 0), inner, levels.splice(0)], [0, 0, [1, 2]]);
    assertThrows(() => heap.alloc(1.9 * MIB | 0), OutOfMemoryError);
    assertEquals([heap.calloc(1, 1.9 * MIB | 0), heap.alignedAlloc(4096, 1.9 * MIB | 0)], [0, 0]);
    assertEquals(levels.splice(0), [1, 2, 1, 2, 1, 2]);
    assertEquals([heap.malloc(3 * MIB), heap.malloc(2 ** 50), levels], [0, 0, []]); // over any limit: nothing would help
  });

  Deno.test(`what onPressure() throws passes on, and the heap is as it was (${build})`, async () => {
    let isOver = false;
    using heap = await Heap.open({
      build,
      stacks: false,
      maxBytes: 2 * MIB,
      onPressure() {
        if (!isOver) throw new Error("no");
      },
    });
    const ptr = heap.malloc(0.7 * MIB | 0);
    using _other = heap.own(0.7 * MIB | 0);
    for (const call of [() => heap.malloc(1 * MIB), () => heap.realloc(ptr, 1.9 * MIB | 0)]) {
      assertThrows(call, Error, "no");
    }
    heap.check();
    assertEquals(heap.stats().liveBlocks, 2);
    isOver = true;
    assertEquals(heap.malloc(1 * MIB), 0);
    heap.free(ptr);
  });
}

Deno.test("purgeAfterMs gives back what is free, without a call", async () => {
  using heap = await Heap.open({ purgeAfterMs: 10 });
  const ptrs = Array.from({ length: 2000 }, () => heap.calloc(1, 10_000));
  ptrs.forEach((ptr) => heap.free(ptr));
  const before = heap.stats().residentBytes;
  for (let turn = 0; turn < 200 && heap.stats().residentBytes > before / 4; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert(heap.stats().residentBytes <= before / 4, `${heap.stats().residentBytes} of ${before}`);
  heap.check();
});

Deno.test("purgeAfterMs keeps neither the process alive, nor a heap that is let go of", async () => {
  const program = `
    import { Heap } from ${JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)};
    globalThis.heap = await Heap.open({ purgeAfterMs: 1 });
    const lost = await (async () => new WeakRef(await Heap.open({ purgeAfterMs: 1 })))();
    for (let turn = 0; turn < 100; turn++) { // nor is it looked at meanwhile, which would keep it
      await new Promise((resolve) => setTimeout(resolve, 3));
      if (turn % 10 === 9) gc();
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
    console.log(lost.deref() === undefined);
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", "--no-check", "--ext=ts", "--v8-flags=--expose-gc", "-"],
    stdin: "piped",
    stdout: "piped",
    signal: AbortSignal.timeout(60_000),
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { code, stdout } = await child.output();
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "true\n"]);
});

Deno.test("Heap.open() refuses options of pressure and tracking that it does not take", () => {
  for (
    const wrong of [{ onPressure: 5 }, { purgeAfterMs: 0 }, { purgeAfterMs: NaN }, { purgeAfterMs: 2 ** 31 }, {
      purgeAfterMs: "1",
    }, {
      trackOwned: "yes",
    }]
  ) {
    assertThrows(() => Heap.openSync(wrong as never), InvalidOptionError);
  }
});

for (const build of ["release", "debug"] as const) {
  Deno.test(`a thread that attaches is asked for its own memory, by its own onPressure (${build})`, async () => {
    const asked: string[] = [], cache: number[] = [];
    using heap = await Heap.open({
      build,
      stacks: false,
      quarantineBytes: 0,
      maxBytes: 4 * MIB,
      onPressure: () => asked.push("opener"),
    });
    using attached = await Heap.attach(heap.share(), {
      onPressure(level) {
        asked.push(`attached ${level}`);
        attached.free(cache.pop() ?? 0);
      },
    });
    using silent = await Heap.attach(heap.share());
    cache.push(attached.alloc(1 * MIB), attached.alloc(1.5 * MIB));
    assertEquals([silent.malloc(2 * MIB), asked.splice(0)], [0, []]);
    assertEquals([heap.malloc(2 * MIB), asked.splice(0)], [0, ["opener", "opener"]]);
    attached.free(attached.alloc(2 * MIB));
    assertEquals(asked.splice(0), ["attached 1"]);
    cache.forEach((ptr) => attached.free(ptr));
    heap.check();
  });
}

Deno.test("a thread that attaches purges by its own purgeAfterMs, until it closes the heap", async () => {
  using heap = await Heap.open();
  const attached = await Heap.attach(heap.share(), { purgeAfterMs: 10 });
  const ptrs = Array.from({ length: 2000 }, () => attached.calloc(1, 10_000));
  ptrs.forEach((ptr) => attached.free(ptr));
  const before = heap.stats().residentBytes;
  for (let turn = 0; turn < 200 && heap.stats().residentBytes > before / 4; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert(heap.stats().residentBytes <= before / 4, `${heap.stats().residentBytes} of ${before}`);
  attached.close(); // the sanitizer finds a timer that goes on
});

Deno.test("Heap.attach() takes the options of a thread, and refuses those of the heap", async () => {
  using heap = await Heap.open();
  const shared = heap.share();
  for (
    const wrong of [
      { maxBytes: 5 },
      { build: "debug" },
      { log: "yes" },
      { onPressure: 5 },
      { purgeAfterMs: 0 },
      {
        trackOwned: 1,
      },
      5,
      null,
    ]
  ) {
    await assertRejects(() => Heap.attach(shared, wrong as never), InvalidOptionError);
  }
  await assertRejects(() => Heap.attach(shared, { maxBytes: 5 } as never), InvalidOptionError, "Heap.attach");
});

for (const options of [{ guard: { oneIn: 1 } }, { profile: { everyBytes: 1 } }] satisfies HeapOptions[]) {
  Deno.test(`a block is aligned as asked, whatever onPressure() aligns in the middle of it: ${JSON.stringify(options)}`, async () => {
    const blocks: number[] = [];
    let asked = 0, isWrong = 0;
    using heap = await Heap.open({
      ...options,
      log: () => {},
      maxBytes: 2 * MIB,
      reserveBytes: 16 * MIB,
      onPressure() {
        asked++;
        blocks.splice(0, 40).forEach((ptr) => heap.free(ptr));
        heap.collect();
        heap.free(heap.alignedAlloc(32, 10));
      },
    });
    for (let count = 0; count < 5000; count++) {
      const ptr = heap.alignedAlloc(512, 100);
      if (ptr !== 0) blocks.push(ptr);
      if (ptr % 512 !== 0) isWrong++;
    }
    assertEquals([asked > 10, isWrong], [true, 0]);
    heap.check();
    blocks.forEach((ptr) => heap.free(ptr));
  });
}
