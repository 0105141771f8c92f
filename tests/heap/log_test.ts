/** The program's `log` may use the heap, close it, or throw: its lines come when the call that says them is over. */

import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { Heap } from "../../src/heap/mod.ts";
import { Log } from "../../src/heap/log.ts";

for (const shared of [false, true]) {
  Deno.test(`a log that uses the heap damages nothing, ${shared ? "shared" : "of one thread"}`, async () => {
    const mine: number[] = [], got: number[] = [], lines: string[] = [];
    let heap: Heap | undefined = undefined;
    heap = await Heap.open({
      variant: "slab-map,verbose=1,capacity=8",
      build: "debug",
      stacks: false,
      quarantineBytes: 0,
      log: (line) => {
        lines.push(line);
        if (heap === undefined || lines.length > 1000) return;
        const ptr = heap.malloc(10);
        heap.check();
        if (lines.length % 2 === 0) heap.free(ptr);
        else mine.push(ptr);
        heap.collect();
      },
    });
    if (shared) heap.share();
    for (let index = 0; index < 300; index++) got.push(heap.malloc(index * 50));
    for (const ptr of got.splice(0, 150)) heap.free(ptr);
    heap.check();
    assert(mine.length > 5, `${mine.length} blocks by the log`);
    const live = [...heap.blocks()].map(({ ptr }) => ptr);
    assertEquals(live, [...got, ...mine].sort((a, b) => a - b));
    for (const ptr of live) heap.free(ptr);
    heap.close();
    assertEquals(lines.filter((line) => line.startsWith("  ")), []);
  });
}

Deno.test("a log that closes the heap while it is closed sees a closed heap, once a line", async () => {
  const lines: string[] = [], codes: unknown[] = [];
  const heap = await Heap.open({
    build: "debug",
    log: (line) => {
      lines.push(line);
      heap.close();
      try {
        heap.malloc(10);
      } catch (error) {
        codes.push((error as { code?: string }).code);
      }
    },
  });
  heap.malloc(10);
  heap.close();
  assertStringIncludes(lines[0]!, "closed with live blocks: 1");
  assertEquals(codes, lines.map(() => "HEAP_CLOSED"));
});

Deno.test("a log that closes the heap in the middle of anything else closes it when that is done", async () => {
  let heap: Heap | undefined = undefined;
  heap = await Heap.open({
    variant: "slab-map,verbose=1",
    build: "debug",
    stacks: false,
    log: () => heap?.close(),
  });
  const ptr = heap.malloc(20_000);
  assert(ptr !== 0);
  assertEquals(heap.u8.length, 0);
});

const MINE = new Error("mine");

function failing(): never {
  throw MINE;
}

Deno.test("a log that throws: open() throws it and leaves nothing open", async () => {
  const options = { variant: "slab-map,verbose=1", build: "debug", stacks: false, log: failing } as const;
  assertEquals(await assertRejects(() => Heap.open(options)), MINE);
});

Deno.test("a log that throws loses no block and no line, and close() throws it when all is given back", async () => {
  const printed: string[] = [], lines: string[] = [], { error: original } = console;
  let isOpening = true;
  console.error = (line: string) => void printed.push(line);
  try {
    const log = (line: string): void => {
      lines.push(line);
      if (!isOpening) failing();
    };
    const heap = await Heap.open({ variant: "slab-map,verbose=1", build: "debug", stacks: false, log });
    isOpening = false;
    const opening = lines.length, ptr = heap.malloc(10);
    assert(heap.owns(ptr));
    heap.check();
    assertEquals(printed, lines.slice(opening).map((line) => `hakmem: log threw "mine" at the line: ${line}`));
    assert(printed.length > 0);
    assertEquals(assertThrows(() => heap.close()), MINE);
    assertEquals(heap.u8.length, 0);
    assertStringIncludes(lines.join("\n"), "closed with live blocks: 1");
    heap.close();
  } finally {
    console.error = original;
  }
});

Deno.test("a log may throw what has no text, and console.error throw, too: no call fails for it, and no block is lost", async () => {
  const thrown: unknown[] = [
    Object.create(null),
    { toString: failing },
    Object.defineProperty(new Error(), "message", { get: failing }),
    Object.defineProperty(new Error(), "message", { value: Symbol() }),
    Proxy.revocable({}, {}),
    Symbol(),
    undefined,
  ];
  const revoked = thrown[4] as { proxy: unknown; revoke: () => void };
  revoked.revoke();
  thrown[4] = revoked.proxy;
  const { error: original } = console;
  for (const isBroken of [false, true]) {
    for (const what of thrown) {
      let printed = 0, isOpening = true;
      console.error = () => {
        printed++;
        if (isBroken) failing();
      };
      const log = (): void => {
        if (!isOpening) throw what;
      };
      try {
        const heap = await Heap.open({ variant: "slab-map,verbose=1", build: "debug", stacks: false, log });
        isOpening = false;
        const ptrs = [1, 100, 1000, 100_000].map((size) => heap.malloc(size));
        for (const ptr of ptrs) heap.free(ptr);
        assert(printed > 0);
        assertEquals(heap.stats().liveBlocks, 0);
        isOpening = true;
        heap.close();
      } finally {
        console.error = original;
      }
    }
  }
});

Deno.test("lines for which there is no stack wait for the next call, and the call that said them is whole", () => {
  const lines: string[] = [];
  const log = new Log((line) => void lines.push(line));
  let said = 0, returned = 0;
  const dive = (): void => {
    try {
      dive();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    try {
      log.during(() => log.say(`${++said}`));
      returned++;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  };
  dive();
  log.during(() => {});
  assert(said > 100);
  assertEquals(returned, said);
  assertEquals(lines, Array.from({ length: said }, (_, index) => `${index + 1}`));
});
