/**
 * The debug column of the table of faults in `src/heap/README.md`: every fault, in every variant, is an error of its own
 * code, and leaves the heap usable and all other blocks as they were.
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  Heap,
  HeapError,
  type HeapErrorCode,
  type HeapOptions,
  InvalidPointerError,
  VARIANTS,
} from "../../../src/heap/mod.ts";
import { booksAt, booksLayout, placeOf, RECORD_WORDS, viewState } from "../../../src/heap/inspect/mod.ts";
import { Oracle } from "../../../src/verify/oracle.ts";

const SIZES = [0, 1, 15, 16, 31, 32, 33, 100, 1000, 2000, 5000, 33_000, 200_000];
const NUMBERS = [-1, -16, -(2 ** 31), -(2 ** 40), 0.5, 70_000.5, NaN, Infinity, -Infinity, 1, 16, 4096, 65_536]
  .concat([2 ** 20, 2 ** 31, 2 ** 32, 2 ** 36, 2 ** 40, 2 ** 53, Number.MAX_VALUE, Number.MIN_VALUE]);

function assertCode(code: HeapErrorCode, run: () => unknown): HeapError {
  const error = assertThrows(run, HeapError);
  assertEquals(error.code, code, error.message);
  return error;
}

/** Runs with a debug heap that has blocks of all sizes, and sees afterwards that they are all as they were. */
async function withLiveHeap(options: HeapOptions, run: (heap: Heap, oracle: Oracle) => void): Promise<void> {
  using heap = await Heap.open({ build: "debug", stacks: false, log: () => {}, ...options });
  const oracle = new Oracle(heap);
  for (const size of SIZES) oracle.malloc(size);
  oracle.alignedAlloc(4096, 100);
  run(heap, oracle);
  oracle.audit();
  for (const size of SIZES) oracle.malloc(size);
  oracle.freeAll();
  oracle.audit();
  heap.collect();
  assertEquals(heap.stats().chargedBytes, 0);
}

for (const variant of Object.keys(VARIANTS)) {
  Deno.test(`${variant} in debug: INVALID_POINTER for every number that is not a block's start`, async () => {
    await withLiveHeap({ variant }, (heap, oracle) => {
      const bad = [...NUMBERS];
      for (const [ptr, { size }] of oracle.live) {
        bad.push(ptr + 1, ptr - 1, ptr + 8, ptr + 16, ptr - 16, ptr + 0.5, ptr + size + 16, -ptr);
        bad.push(ptr + 2 ** 32, ptr - 2 ** 32, ptr + 2 ** 45);
      }
      for (const ptr of bad) {
        if (oracle.live.has(ptr)) continue;
        assert(Object.is(assertCode("INVALID_POINTER", () => heap.free(ptr)).ptr, ptr));
        assertCode("INVALID_POINTER", () => heap.realloc(ptr, 10));
        assertCode("INVALID_POINTER", () => heap.usableSize(ptr));
        assertCode("INVALID_POINTER", () => heap.bytes(ptr));
        assertEquals(heap.owns(ptr), false);
      }
    });
  });

  Deno.test(`${variant} in debug: DOUBLE_FREE at once, later, and while its memory has another block`, async () => {
    await withLiveHeap({ variant }, (heap, oracle) => {
      for (const size of SIZES) {
        const ptr = heap.malloc(size);
        heap.free(ptr);
        assert(assertCode("DOUBLE_FREE", () => heap.free(ptr)).ptr === ptr);
        const others = Array.from({ length: 50 }, () => heap.malloc(size));
        for (const other of others) heap.free(other);
        assertCode("DOUBLE_FREE", () => heap.free(ptr));
        assertCode("DOUBLE_FREE", () => heap.realloc(ptr, 10));
        assertCode("USE_AFTER_FREE", () => heap.usableSize(ptr));
        assertCode("USE_AFTER_FREE", () => heap.bytes(ptr));
        assertEquals(heap.owns(ptr), false);
      }
      // Out of quarantine, and the slab serves another size by now.
      const ptrs = Array.from({ length: 1500 }, () => heap.malloc(100));
      for (const ptr of ptrs) heap.free(ptr);
      heap.collect();
      for (let count = 0; count < 300; count++) oracle.malloc(700);
      for (const ptr of ptrs) if (!oracle.live.has(ptr)) assertCode("DOUBLE_FREE", () => heap.free(ptr));
    });
  });

  Deno.test(`${variant} in debug: DOUBLE_FREE though user data imitates a live block's header`, async () => {
    await withLiveHeap({ variant }, (heap) => {
      const ptr = heap.malloc(100), model = heap.malloc(100);
      const before = heap.u8.slice(model - 16, model + 116);
      heap.free(ptr);
      for (const byte of [0xa0, 0xa3, 0xaf]) {
        heap.u8[ptr - 1] = byte;
        assertCode("DOUBLE_FREE", () => heap.free(ptr));
      }
      heap.u8.set(before, ptr - 16);
      assertCode("DOUBLE_FREE", () => heap.free(ptr));
      assertCode("USE_AFTER_FREE", () => heap.check());
      assertCode("USE_AFTER_FREE", () => heap.collect());
      heap.free(model);
    });
  });

  Deno.test(`${variant} in debug: BUFFER_OVERFLOW for 1 byte, a NUL and 8 bytes past the end`, async () => {
    await withLiveHeap({ variant }, (heap, oracle) => {
      for (const ptr of [...SIZES.map((size) => oracle.malloc(size)), oracle.alignedAlloc(256, 10)]) {
        const { size } = oracle.live.get(ptr)!;
        for (const bytes of [[0], [0xff], [0x41], [1, 2, 3, 4, 5, 6, 7, 8]]) {
          const before = heap.u8.slice(ptr + size, ptr + size + bytes.length);
          heap.u8.set(bytes, ptr + size);
          for (const call of [() => heap.free(ptr), () => heap.realloc(ptr, 50), () => heap.check()]) {
            const error = assertCode("BUFFER_OVERFLOW", call);
            assertEquals(error.ptr, ptr);
            const shown = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
            const where = bytes.length === 1 ? `offset ${size} is` : `offsets ${size} to ${size + 7} are`;
            assertStringIncludes(error.message, `${where} now ${shown}`);
          }
          assert(heap.owns(ptr));
          heap.u8.set(before, ptr + size);
        }
        oracle.verify(ptr);
      }
    });
  });

  Deno.test(`${variant} in debug: BUFFER_UNDERFLOW for writes before the start`, async () => {
    await withLiveHeap({ variant }, (heap, oracle) => {
      for (const ptr of [...SIZES.map((size) => oracle.malloc(size)), oracle.alignedAlloc(256, 10)]) {
        for (const [offset, byte] of [[-1, 0], [-1, 0xa1], [-8, 7], [-16, 0]] as const) {
          const before = heap.u8[ptr + offset]!;
          heap.u8[ptr + offset] = byte;
          for (const call of [() => heap.free(ptr), () => heap.realloc(ptr, 50), () => heap.check()]) {
            const error = assertCode("BUFFER_UNDERFLOW", call);
            assertStringIncludes(error.message, `offset ${offset} is now ${byte.toString(16).padStart(2, "0")}`);
          }
          heap.u8[ptr + offset] = before;
        }
        oracle.verify(ptr);
      }
    });
  });

  Deno.test(`${variant} in debug: a NUL past the end, then a double free, are both found`, async () => {
    await withLiveHeap({ variant }, (heap) => {
      for (const size of SIZES) {
        const ptr = heap.malloc(size), neighbour = heap.malloc(size);
        const before = heap.u8[ptr + size]!;
        heap.free(neighbour);
        heap.u8[ptr + size] = 0;
        assertCode("DOUBLE_FREE", () => heap.free(neighbour));
        assertCode("BUFFER_OVERFLOW", () => heap.free(ptr));
        heap.u8[ptr + size] = before;
        heap.free(ptr);
        assertCode("DOUBLE_FREE", () => heap.free(ptr));
      }
    });
  });

  Deno.test(`${variant} in debug: USE_AFTER_FREE for a write after free, by check() and out of quarantine`, async () => {
    for (const offset of [0, 3, 99, 100, -1]) {
      await withLiveHeap({ variant }, (heap) => {
        const ptr = heap.malloc(100);
        heap.free(ptr);
        heap.u8[ptr + offset] = 0;
        const error = assertCode("USE_AFTER_FREE", () => heap.check());
        assertStringIncludes(error.message, `offset ${offset} is now 00`);
        assertCode("USE_AFTER_FREE", () => heap.check());
        const others: number[] = [];
        const { code } = assertThrows(() => {
          for (;;) {
            const other = heap.malloc(1000);
            others.push(other);
            heap.free(other);
          }
        }, HeapError);
        assertEquals(code, "USE_AFTER_FREE");
        assert(heap.owns(others.at(-1)!), "the free that threw has freed nothing");
        heap.free(others.at(-1)!);
        assertCode("DOUBLE_FREE", () => heap.free(ptr));
      });
    }
  });

  Deno.test(`${variant} in debug: HEADER_CORRUPTED for a free-list link that leads anywhere else`, async () => {
    for (const kind of ["low", "negative", "far", "into a block", "live block"]) {
      using heap = await Heap.open({ build: "debug", variant, stacks: false, quarantineBytes: 0, log: () => {} });
      const live = heap.malloc(40), first = heap.malloc(40), second = heap.malloc(40);
      heap.bytes(live).fill(7);
      heap.free(first);
      heap.free(second);
      // Out of quarantine, the link of the release build's free block is where the redzone was.
      const links = { low: 1, negative: -16, far: 2 ** 31 - 16, "into a block": live + 32, "live block": live - 16 };
      heap.i32[(second - 16) / 4] = links[kind as keyof typeof links];
      assertCode("HEADER_CORRUPTED", () => heap.check());
      const codes: string[] = [], ptrs = new Set<number>([live]);
      for (let count = 0; count < 2000; count++) {
        try {
          const ptr = heap.malloc(40);
          assert(!ptrs.has(ptr) && ptr !== 0, `${kind}: ${ptr} was given out twice`);
          ptrs.add(ptr);
        } catch (error) {
          if (!(error instanceof HeapError)) throw error;
          codes.push(error.code);
        }
      }
      assert(codes.length > 0 && codes.length < 5, `${kind}: ${codes}`);
      assert(codes.every((code) => code === "HEADER_CORRUPTED"), `${kind}: ${codes}`);
      assert(heap.bytes(live).every((byte) => byte === 7), kind);
    }
  });
}

Deno.test("debug: BUFFER_OVERFLOW for a view that is longer than the block, by one byte too", async () => {
  await withLiveHeap({}, (heap, oracle) => {
    for (const [ptr, { size }] of oracle.live) {
      assertEquals(heap.bytes(ptr, size).length, size);
      assertCode("BUFFER_OVERFLOW", () => heap.bytes(ptr, size + 1));
    }
  });
});

Deno.test("debug: HEADER_CORRUPTED for an AllocHeader that was overwritten from afar, and the block stays", async () => {
  await withLiveHeap({}, (heap, oracle) => {
    for (const ptr of [oracle.malloc(100_000), oracle.malloc(2_000_000)]) {
      const before = heap.u8[ptr - 20]!;
      heap.u8[ptr - 20] = before ^ 1;
      for (const call of [() => heap.free(ptr), () => heap.realloc(ptr, 10), () => heap.check()]) {
        assertCode("HEADER_CORRUPTED", call);
      }
      heap.u8[ptr - 20] = before;
      oracle.verify(ptr);
    }
  });
});

Deno.test("debug: a foreign pointer is INVALID_POINTER, and its address too", async () => {
  using other = await Heap.open({ build: "debug", log: () => {} });
  const ptrs = SIZES.map((size) => other.malloc(size + 700));
  await withLiveHeap({}, (heap, oracle) => {
    for (const ptr of ptrs) if (!oracle.live.has(ptr)) assertCode("INVALID_POINTER", () => heap.free(ptr));
    assertCode("INVALID_POINTER", () => heap.ptrAt(other.address(ptrs[0]!)));
    for (const ptr of oracle.live.keys()) assertEquals(heap.ptrAt(heap.address(ptr)), ptr);
  });
});

Deno.test("debug: what another heap's books say in the middle of a thread's section is no error of this heap", async () => {
  using heap = await Heap.open({ build: "debug", log: () => {} });
  const other = await Heap.open({ build: "debug", log: () => {} });
  const ptrs = Array.from({ length: 20 }, () => other.malloc(100)), words = viewState(other);
  const first = booksAt(other.u8.length, false), { map, records } = booksLayout(other.u8.length);
  for (const ptr of ptrs) {
    const rear = first + records + words[first + map + placeOf(ptr)]! * RECORD_WORDS + 5;
    const before = words[rear]!;
    words[rear] = -1; // a record that is being written
    const { message } = assertThrows(() => heap.free(ptr), InvalidPointerError);
    assertStringIncludes(message, "another heap has a live block there");
    words[rear] = before;
  }
  other.close();
});

Deno.test("debug: user data that looks like fills, redzones, headers, magic and links is not a fault", async () => {
  for (const variant of Object.keys(VARIANTS)) {
    await withLiveHeap({ variant, quarantineBytes: 20_000 }, (heap, oracle) => {
      const sample = heap.malloc(48), large = heap.malloc(100_000);
      const redzone = heap.u8.slice(sample - 16, sample), header = heap.u8.slice(large - 32, large);
      const paint: ((view: Uint8Array, ptr: number) => void)[] = [
        (view) => view.fill(0xdf),
        (view) => view.fill(0xd0),
        (view) => view.fill(0),
        (view) => view.fill(0xa3),
        (view) => view.forEach((_, at) => view[at] = redzone[at % 16]!),
        (view) => view.forEach((_, at) => view[at] = header[at % 32]!),
        (view, ptr) => view.forEach((_, at) => view[at] = (ptr >>> at % 4 * 8) & 0xff),
      ];
      let state = 12_345;
      const random = (below: number): number => (state = Math.imul(state, 1_103_515_245) + 12_345 >>> 0) % below;
      const live: number[] = [];
      for (let count = 0; count < 1500; count++) {
        const ptr = random(4) === 0 ? heap.calloc(1, random(600)) : heap.malloc(random(600));
        const view = heap.bytes(ptr);
        paint[random(paint.length)]!(view, live[random(live.length + 1)] ?? ptr);
        live.push(ptr);
        if (random(5) === 0) live.push(heap.realloc(live.splice(random(live.length), 1)[0]!, random(900)));
        if (random(2) === 0) heap.free(live.splice(random(live.length), 1)[0]!);
        if (count % 100 === 0) heap.check();
      }
      for (const ptr of [...live, sample, large]) heap.free(ptr);
      oracle.audit();
    });
  }
});
