/**
 * Free lists that something wrote to: links, canaries, and what the Box finds. Each is an error; what was on the list is
 * given up, and nothing else is.
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Heap, HeapError, type HeapErrorCode, VARIANTS } from "../../../src/heap/mod.ts";
import { Oracle } from "../../../src/verify/oracle.ts";
import { assertFound, heapOf, plant } from "../../planted.ts";

function assertCode(code: HeapErrorCode | HeapErrorCode[], run: () => unknown): HeapError {
  const error = assertThrows(run, HeapError);
  assert([code].flat().includes(error.code), `${error.code} is not ${code}: ${error.message}`);
  return error;
}

/** Takes many blocks and sees that each is one, and no two the same. */
function assertUsable(heap: Heap, size: number): void {
  const ptrs = Array.from({ length: 1000 }, () => heap.malloc(size));
  assertEquals(new Set(ptrs).size, 1000);
  assert(ptrs.every((ptr) => ptr !== 0 && heap.usableSize(ptr) >= size));
  heap.check();
}

for (const variant of Object.keys(VARIANTS)) {
  Deno.test(`${variant}: a link out of the slabs of its class is HEADER_CORRUPTED, and nothing is lost`, async () => {
    using heap = await Heap.open({ variant });
    const large = heap.malloc(1_000_000), first = heap.malloc(48), second = heap.malloc(48);
    for (const link of [large + 32, 0x7fff_fff0, 1 << 30, heap.malloc(500), 1, 65_535, -1, -(2 ** 31)]) {
      heap.free(first);
      heap.free(second);
      heap.i32[second / 4] = link; // a write after free
      const { code, message } = assertThrows(() => {
        assertEquals(heap.malloc(48), second);
        heap.malloc(48);
      }, HeapError);
      assertEquals(code, "HEADER_CORRUPTED");
      assertEquals(/ -0x/.test(message), false, message); // it says which four bytes are there
      const ptrs = Array.from({ length: 1000 }, () => heap.malloc(48));
      assertEquals(new Set(ptrs).size, 1000);
      assert(ptrs.every((ptr) => ptr !== 0));
    }
  });
}

Deno.test("the Box finds a link that leads out of its class, gives the list up, and the heap goes on", async () => {
  for (const integrity of [0, 1, 2, 3, 4]) {
    using heap = await Heap.open({ variant: `box,integrity=${integrity},track=1` });
    const first = heap.malloc(40), second = heap.malloc(40);
    heap.free(first);
    heap.free(second);
    heap.i32[second / 4] = first + 16; // a write after free
    const error = assertThrows(() => {
      heap.malloc(40);
      heap.malloc(40);
    }, HeapError);
    assertEquals(error.code, "HEADER_CORRUPTED");
    assert(error.message.includes("push class 3"), error.message);
    const oracle = new Oracle(heap);
    assert(Array.from({ length: 1000 }, () => heap.malloc(40)).every((ptr) => ptr !== 0));
    assertEquals(oracle.live.size, 0);
  }
});

Deno.test("the Box's walk of a whole list ends, though the list is a loop", async () => {
  using planted = await plant("link-twice");
  const broken = await heapOf(planted);
  using heap = await broken.Heap.open({ variant: "box,integrity=4" });
  const error = assertThrows(() => {
    const ptrs = Array.from({ length: 1000 }, () => heap.malloc(100));
    for (const ptr of ptrs) heap.free(ptr);
  }, broken.HeapError);
  assertFound("link-twice", error);
});

Deno.test("the Box finds a double free that is not at once, from integrity 3 on", async () => {
  for (const integrity of [3, 4]) {
    using heap = await Heap.open({ variant: `e3-1,integrity=${integrity}` });
    const first = heap.malloc(40), second = heap.malloc(40);
    heap.free(first);
    heap.free(second);
    assertEquals(assertThrows(() => heap.free(first), HeapError).code, "DOUBLE_FREE");
    heap.check();
    assertEquals(heap.stats().liveBlocks, 0);
  }
});

/** A heap whose class of 1000 bytes has one slab, all blocks of which are freed: four on the list, the others spilled. */
async function openSpilled(variant: string): Promise<{ heap: Heap; spilled: number[] }> {
  const heap = await Heap.open({ variant: `${variant},capacity=4,prewarm=0` });
  const blocks = VARIANTS[variant.split(",")[0]!]!.header === "byte" ? 63 : 64;
  const ptrs = Array.from({ length: blocks }, () => heap.malloc(1000));
  assertEquals(heap.stats().slabs, 1);
  for (const ptr of ptrs) heap.free(ptr);
  return { heap, spilled: ptrs.slice(0, -4) };
}

for (const variant of ["slab-map,magazines=0", "phase7", "box", "e4"]) {
  Deno.test(`${variant}: a damaged link of a spilled block is HEADER_CORRUPTED, and its slab is not carved again`, async () => {
    const { heap, spilled } = await openSpilled(variant);
    for (const ptr of spilled) heap.i32[ptr / 4] = 0x7fff_fff0;
    const codes: string[] = [], ptrs: number[] = [];
    for (let count = 0; count < 300; count++) {
      try {
        ptrs.push(heap.malloc(1000));
      } catch (error) {
        if (!(error instanceof HeapError)) throw error;
        codes.push(error.code);
      }
    }
    assert(codes.length > 0 && codes.length < 10 && codes.every((code) => code === "HEADER_CORRUPTED"), `${codes}`);
    assertEquals(new Set(ptrs).size, ptrs.length);
    assert(ptrs.every((ptr) => heap.usableSize(ptr) >= 1000), "each begins where a block does");
    heap.check();
    heap.close();
  });
}

Deno.test("the Box's splice looks at a whole chain before it goes on a list", async () => {
  const { heap, spilled } = await openSpilled("box,track=1");
  heap.i32[spilled[0]! / 4] = spilled[9]! + 16; // into a block: only the Box knows that none begins there
  const error = assertCode("HEADER_CORRUPTED", () => {
    for (let count = 0; count < 5; count++) heap.malloc(1000);
  });
  assertEquals(error.ptr, spilled[9]! + 16);
  assertStringIncludes(error.message, "splice class 7");
  assertUsable(heap, 1000);
  heap.close();
});

Deno.test("the Box's splice looks at a whole list before a part is spilled", async () => {
  using heap = await Heap.open({ variant: "box,capacity=8,track=1" });
  const ptrs = Array.from({ length: 9 }, () => heap.malloc(100));
  for (const ptr of ptrs.slice(0, 8)) heap.free(ptr);
  heap.i32[ptrs[7]! / 4] = ptrs[1]! + 16;
  const error = assertCode("HEADER_CORRUPTED", () => heap.free(ptrs[8]!));
  assertEquals(error.ptr, ptrs[1]! + 16);
  assertStringIncludes(error.message, "splice class 4");
  assert(heap.owns(ptrs[8]!), "it is not freed");
  heap.free(ptrs[8]!);
  assertUsable(heap, 100);
});

Deno.test("the Box scans a list for what is pushed off the hot path too", async () => {
  using heap = await Heap.open({ variant: "phase7,push=box,integrity=3,track=1" });
  const first = heap.malloc(2000), second = heap.malloc(2000); // the class without a header
  heap.free(first);
  heap.free(second);
  const error = assertCode("DOUBLE_FREE", () => heap.free(first));
  assertStringIncludes(error.message, "push class 8");
  heap.check();
  assertEquals(heap.stats().liveBlocks, 0);
});

Deno.test("the Box says of a header of another class that it is damaged, and of an interior pointer that it is not one", async () => {
  for (const variant of ["box", "e3-1", "e4,push=box"]) {
    using heap = await Heap.open({ variant });
    const ptr = heap.malloc(100), due = heap.u8[ptr - 1]!;
    heap.u8[ptr - 1] = 0xa6;
    assertCode("HEADER_CORRUPTED", () => heap.free(ptr));
    heap.u8[ptr - 1] = due;
    heap.u8[ptr + 15] = due; // user data that imitates a header
    assertCode("INVALID_POINTER", () => heap.free(ptr + 16));
    heap.free(ptr);
    heap.check();
  }
});

Deno.test("canary: a write behind the link of a free block is found from integrity 4 on", async () => {
  for (const size of [0, 15, 16, 100, 2000]) {
    for (const integrity of [3, 4]) {
      using heap = await Heap.open({ variant: `box,integrity=${integrity}` });
      const ptr = heap.malloc(size);
      heap.free(ptr);
      heap.u8[ptr + 4]! ^= 1;
      if (integrity === 3) {
        assertEquals(heap.malloc(size), ptr);
        continue;
      }
      assertCode("HEADER_CORRUPTED", () => heap.check());
      const error = assertCode("HEADER_CORRUPTED", () => heap.malloc(size));
      assertStringIncludes(error.message, "canary");
      assertUsable(heap, size);
    }
  }
});

Deno.test("canary: a list that leads to a live block is given up before the block is", async () => {
  using heap = await Heap.open({ variant: "e4,push=box,integrity=4" });
  const live = heap.malloc(100), ptr = heap.malloc(100);
  heap.u8.fill(7, live, live + 100);
  heap.free(ptr);
  heap.i32[ptr / 4] = live;
  assertCode("HEADER_CORRUPTED", () => heap.malloc(100));
  assertUsable(heap, 100);
  assert(heap.u8.subarray(live, live + 100).every((byte) => byte === 7));
});

Deno.test("canary: blocks of every size keep it, and the next block's header, through random programs", async () => {
  for (const variant of ["phase7", "e3-2", "slab-map"]) {
    using heap = await Heap.open({ variant: `${variant},push=box,integrity=4,capacity=8,refill=4` });
    const oracle = new Oracle(heap);
    for (let round = 0; round < 4000; round++) {
      const victim = round % 5 < 2 ? oracle.pick(round * 7919) : undefined;
      if (victim === undefined) oracle.malloc((round * 31) % 70);
      else oracle.free(victim);
      if (round % 500 === 0) heap.collect();
    }
    oracle.audit();
    oracle.freeAll();
    oracle.audit();
  }
});

for (const variant of [...Object.keys(VARIANTS), "box,integrity=4", "slab-map,push=box,integrity=4"]) {
  Deno.test(`${variant}: random user data of headers, links, canaries and AllocHeaders is not a fault`, async () => {
    using heap = await Heap.open({ variant: `${variant},capacity=16` });
    const live: number[] = [];
    let state = 12_345;
    const random = (below: number): number => (state = Math.imul(state, 1_103_515_245) + 12_345 >>> 0) % below;
    const large = heap.malloc(100_000), header = heap.u8.slice(large - 16, large);
    const paint: ((view: Uint8Array, other: number) => void)[] = [
      (view) => view.fill(0xa0 + random(16)),
      (view) => view.forEach((_, at) => view[at] = 0xa0 + random(16)),
      (view, other) => view.forEach((_, at) => view[at] = (other >>> at % 4 * 8) & 0xff),
      (view, other) =>
        view.forEach((_, at) => view[at] = ((at & 4 ? other ^ 0x5ca1ab1e : other) >>> at % 4 * 8) & 0xff),
      (view) => view.forEach((_, at) => view[at] = header[at % 16]!),
    ];
    for (let count = 0; count < 3000; count++) {
      const ptr = random(4) === 0 ? heap.calloc(1, random(600)) : heap.malloc(random(2100));
      paint[random(paint.length)]!(heap.bytes(ptr), live[random(live.length)] ?? ptr);
      live.push(ptr);
      if (random(5) === 0) live.push(heap.realloc(live.splice(random(live.length), 1)[0]!, random(900)));
      if (random(5) < 3) heap.free(live.splice(random(live.length), 1)[0]!);
      if (count % 200 === 0) heap.check();
      if (count % 700 === 0) heap.collect();
    }
    for (const ptr of [...live, large]) heap.free(ptr);
    heap.check();
    assertEquals(heap.stats().liveBlocks, 0);
  });
}

for (const build of ["release", "debug"] as const) {
  for (const variant of [...Object.keys(VARIANTS), "e3-1,integrity=4"]) {
    Deno.test(`${variant}, ${build}: user data that imitates what a free block holds is not a double free`, async () => {
      using heap = await Heap.open({ variant, build, stacks: false, quarantineBytes: 0, log: () => {} });
      for (const size of [15, 16, 100, 1000]) {
        const stale: Uint8Array[] = [];
        for (let round = 0; round < 3; round++) {
          const ptrs = [heap.malloc(size), heap.malloc(size)], [first, second] = ptrs as [number, number];
          // What the blocks held when they were free the last time, link and canary among it; then a link to each other.
          stale.forEach((bytes, index) => heap.bytes(ptrs[index]!, size).set(bytes.subarray(0, size)));
          if (round === 2) {
            heap.i32[first / 4] = second;
            heap.i32[second / 4] = first;
          }
          heap.free(first);
          heap.free(second);
          ptrs.forEach((ptr, index) => stale[index] = heap.u8.slice(ptr, ptr + size));
        }
        heap.check();
      }
      assertEquals(heap.stats().liveBlocks, 0);
    });
  }
}
