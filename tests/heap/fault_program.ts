/**
 * A program that does everything wrong: each fault of the table in `src/heap/README.md` on a heap of its own, and what the heap
 * says of it. A fault may kill a process, so this one is run by `fault_table_test.ts`: `fault_program.ts VARIANT BUILD WAY`,
 * where the way is `opened`, or `attached`: the heap is another's then, with which it shares it. It prints
 * `{ fault: codes }` as JSON; "-" is a fault that went unnoticed.
 */

import { type Build, Heap, HeapError, type HeapOptions } from "../../src/heap/mod.ts";

const [variant = "", build = "", way = ""] = Deno.args;
const isDebug = build === "debug";
/** Those that attached heaps are of. */
const openers: Heap[] = [];

async function open(options: HeapOptions): Promise<Heap> {
  const opener = await Heap.open(options);
  if (way !== "attached") return opener;
  openers.push(opener);
  return Heap.attach(opener.share(), { log: options.log! });
}

const NUMBERS = [-1, -16, -(2 ** 31), -(2 ** 31) - 16, -(2 ** 40), 0.5, 70_000.5, NaN, Infinity, -Infinity, 1, 15, 16]
  .concat([4096, 65_535, 65_536, 70_000, 2 ** 20, 2 ** 31 - 16, 2 ** 31, 2 ** 32, 2 ** 36 - 16, 2 ** 36, 2 ** 40])
  .concat([2 ** 53, Number.MAX_VALUE, Number.MIN_VALUE]);
const SIZES = [0, 1, 16, 100, 1000, 2000, 10_000];
const LARGE_SIZES = [33_000, 200_000, 3_000_000];

/** What a call says. Anything but an error of the heap's ends this program. */
function codeOf(run: () => unknown): string {
  try {
    run();
    return "-";
  } catch (error) {
    if (!(error instanceof HeapError)) throw error;
    return error.code;
  }
}

/** Two blocks, the second right behind the first. */
function neighbours(heap: Heap, size: number): [ptr: number, next: number] {
  const ptrs = Array.from({ length: 100 }, () => heap.malloc(size)).toSorted((a, b) => a - b);
  const step = Math.min(...ptrs.slice(1).map((ptr, index) => ptr - ptrs[index]!));
  const ptr = ptrs.find((ptr) => ptrs.includes(ptr + step))!;
  return [ptr, ptr + step];
}

/** Who notices a write past the end: in debug builds the block itself, in others the header of the next. */
function overflow(heap: Heap, bytes: readonly number[]): string[] {
  return [0, 15, 100, 1000].flatMap((size) => {
    const [ptr, next] = neighbours(heap, size), at = ptr + heap.usableSize(ptr), victim = isDebug ? ptr : next;
    const before = heap.u8.slice(at, at + bytes.length);
    heap.u8.set(bytes, at);
    const codes = [() => heap.free(victim), () => heap.realloc(victim, 5000), () => heap.check()].map(codeOf);
    if (heap.owns(victim)) heap.u8.set(before, at);
    return codes;
  });
}

function underflow(heap: Heap, sizes: readonly number[]): string[] {
  return sizes.flatMap((size) => {
    const ptr = heap.malloc(size), before = heap.u8[ptr - 1]!;
    heap.u8[ptr - 1] = 0x5a;
    const codes = [() => heap.realloc(ptr, size + 5000), () => heap.check(), () => heap.free(ptr)].map(codeOf);
    heap.u8[ptr - 1] = before;
    return codes;
  });
}

/** Overwrites the link of the block that is freed last, and takes blocks. */
function link(heap: Heap, to: (live: number) => number, isOnlyChecked = false): string[] {
  const front = isDebug ? 16 : 0; // the redzone: the link is where the release build's block begins
  const live = heap.malloc(48), first = heap.malloc(48), second = heap.malloc(48);
  heap.free(first);
  heap.free(second);
  heap.i32[(second - front) / 4] = to(live - front);
  return [codeOf(() => {
    if (isOnlyChecked) return heap.check();
    for (let count = 0; count < 3; count++) heap.malloc(48);
  })];
}

/** Takes blocks until memory that was freed has been used by others. */
function reuse(heap: Heap, size: number): number[] {
  heap.collect();
  return Array.from({ length: 500 }, () => heap.malloc(size));
}

const FAULTS: Record<string, (heap: Heap, options: HeapOptions) => string[] | Promise<string[]>> = {
  "free of a wild number": (heap) => NUMBERS.map((bad) => codeOf(() => heap.free(bad))),
  "realloc and usableSize of a wild number": (heap) =>
    NUMBERS.flatMap((bad) =>
      [() => heap.realloc(bad, 10), () => heap.usableSize(bad), () => heap.bytes(bad)].map(codeOf)
    ),
  "free of a pointer into a block": (heap) =>
    [100, 1000, 10_000, 200_000].flatMap((size) => {
      const ptr = heap.malloc(size);
      heap.u8.fill(0x11, ptr, ptr + size);
      return [1, 2, 8, 16, 17, 48, size >> 1, size - 1].map((at) => codeOf(() => heap.free(ptr + at)));
    }),
  "free of a fraction": (heap) => SIZES.map((size) => codeOf(() => heap.free(heap.malloc(size) + 0.5))),
  "free of a foreign block": async (heap, options) => {
    using other = await open(options);
    const small = other.malloc(100);
    const ptr = Array.from({ length: 40 }, () => other.malloc(3_000_000)).at(-1)!; // where this heap has nothing
    return [() => heap.free(ptr), () => heap.ptrAt(other.address(ptr)), () => heap.ptrAt(other.address(small))].map(
      codeOf,
    );
  },
  "double free at once": (heap) =>
    SIZES.map((size) => {
      const ptr = heap.malloc(size);
      heap.free(ptr);
      return codeOf(() => heap.free(ptr));
    }),
  "double free of a large block": (heap) =>
    LARGE_SIZES.flatMap((size) => {
      const ptr = heap.malloc(size), other = heap.malloc(size);
      heap.free(ptr);
      heap.free(other);
      return [codeOf(() => heap.free(ptr)), codeOf(() => heap.free(ptr))];
    }),
  "double free with a header imitated": (heap) =>
    ([[15, 0xa0], [100, 0xa3], [1000, 0xa6]] as const).map(([size, header]) => {
      const ptr = heap.malloc(size);
      heap.free(ptr);
      heap.u8[ptr - 1] = header; // what the variants with headers have there
      return codeOf(() => heap.free(ptr));
    }),
  "double free with others between": (heap) => {
    const first = heap.malloc(100), second = heap.malloc(100);
    heap.free(first);
    heap.free(second);
    return [codeOf(() => heap.free(first))];
  },
  "check() after a double free with others between": (heap) => {
    const first = heap.malloc(100), second = heap.malloc(100);
    heap.free(first);
    heap.free(second);
    return codeOf(() => heap.free(first)) === "-" ? [codeOf(() => heap.check())] : ["found by free"];
  },
  "double free after another size has the memory": (heap) => {
    const ptrs = Array.from({ length: 1500 }, () => heap.malloc(100));
    for (const ptr of ptrs) heap.free(ptr);
    const others = new Set(reuse(heap, 700));
    const freed = ptrs.filter((ptr) => !others.has(ptr));
    return freed.map((ptr) => codeOf(() => heap.free(ptr)));
  },
  "a NUL past the end": (heap) => overflow(heap, [0]),
  "1 byte past the end": (heap) => overflow(heap, [0x41]),
  "8 bytes past the end": (heap) => overflow(heap, [1, 2, 3, 4, 5, 6, 7, 8]),
  "a NUL past the end, then a double free": (heap) => {
    const [ptr, next] = neighbours(heap, 100);
    heap.free(next);
    heap.u8[ptr + heap.usableSize(ptr)] = 0;
    return [codeOf(() => heap.free(next))];
  },
  "a NUL past the end, a double free, then the block's own": (heap) => {
    const [ptr, next] = neighbours(heap, 100);
    heap.free(next);
    heap.u8[ptr + heap.usableSize(ptr)] = 0;
    codeOf(() => heap.free(next));
    return [codeOf(() => heap.free(ptr))];
  },
  "a write before the start": (heap) => underflow(heap, [0, 15, 100, 1000]),
  "a write before the start of a large block": (heap) => underflow(heap, LARGE_SIZES),
  "a write after free": (heap) => {
    const ptr = heap.malloc(100);
    heap.free(ptr);
    heap.u8[ptr + 50] = 1;
    return [() => heap.check(), () => heap.collect()].map(codeOf);
  },
  "a write into a block of no bytes": (heap) => {
    const ptr = heap.malloc(0);
    heap.u8[ptr] = 1;
    return [codeOf(() => heap.free(ptr))];
  },
  "usableSize and bytes of a freed block": (heap) =>
    SIZES.flatMap((size) => {
      const ptr = heap.malloc(size);
      heap.free(ptr);
      return [codeOf(() => heap.usableSize(ptr)), codeOf(() => heap.bytes(ptr))];
    }),
  "realloc of a freed block": (heap) => {
    const ptr = heap.malloc(100);
    heap.free(ptr);
    return [codeOf(() => heap.realloc(ptr, 5000))];
  },
  "a link out of the blocks": async (_, options) => {
    const codes: string[] = [];
    for (const wild of [1, 16, 65_535, 65_536, -16, -(2 ** 31), 0x7fff_fff0, 1 << 30]) {
      using heap = await open({ ...options, quarantineBytes: 0 });
      codes.push(...link(heap, () => wild));
    }
    return codes;
  },
  "a link to a live block, or into one": async (_, options) => {
    const codes: string[] = [];
    for (const offset of [0, 16]) {
      using heap = await open({ ...options, quarantineBytes: 0 });
      codes.push(...link(heap, (live) => live + offset));
    }
    return codes;
  },
  "check() after a link to a live block": async (_, options) => {
    const codes: string[] = [];
    for (const word of [0, 7, 0x6c6c6548, -1]) {
      using heap = await open({ ...options, quarantineBytes: 0 });
      const to = (live: number): number => {
        if (!isDebug) heap.i32[live / 4] = word; // what a debug build has there is a redzone
        return live;
      };
      codes.push(...link(heap, to, true));
    }
    return codes;
  },
  "a view longer than the block": (heap) =>
    [...SIZES, ...LARGE_SIZES].map((size) => {
      const ptr = heap.malloc(size);
      return codeOf(() => heap.bytes(ptr, heap.usableSize(ptr) + 1));
    }),
  "a size that is not one": (heap) =>
    [-1, -(2 ** 40), 0.5, NaN, Infinity, -Infinity].flatMap((size) =>
      [
        () => heap.malloc(size),
        () => heap.calloc(size, 1),
        () => heap.calloc(1, size),
        () => heap.realloc(0, size),
        () => heap.alignedAlloc(64, size),
      ].map(codeOf)
    ),
  "any call after close": (heap) => {
    const ptr = heap.malloc(100), large = heap.malloc(200_000);
    heap.free(ptr);
    heap.close();
    return [
      () => heap.malloc(100),
      () => heap.free(ptr),
      () => heap.free(large),
      () => heap.realloc(large, 10),
      () => heap.bytes(large),
      () => heap.check(),
    ].map(codeOf);
  },
  "blocks that are live at close": async (_, options) => {
    const lines: string[] = [];
    const heap = await open({ ...options, log: (line) => lines.push(line) });
    heap.malloc(42);
    heap.close();
    openers.pop()?.close(); // the last that has it
    return [lines.some((line) => line.includes("live blocks: 1, of 42 bytes")) ? "reported" : "-"];
  },
};

/** A loop: `every` would call a function for each byte, which takes most of this program's time. */
function isFilled(bytes: Uint8Array, value: number): boolean {
  for (const byte of bytes) if (byte !== value) return false;
  return true;
}

const results: Record<string, string[]> = {};
const options: HeapOptions = { variant, build: build as Build, stacks: false, log: () => {} };
for (const [name, fault] of Object.entries(FAULTS)) {
  using heap = await open(options);
  const live = Array.from({ length: 200 }, (_, index) => heap.malloc(index * 37));
  live.forEach((ptr, index) => heap.u8.fill(index, ptr, ptr + index * 37));
  results[name] = [...new Set(await fault(heap, options))];
  if (heap.u8.length === 0) continue; // closed
  // Every other block is as it was (a free one would have a link in it), and there are more.
  live.forEach((ptr, index) => {
    if (!isFilled(heap.u8.subarray(ptr, ptr + index * 37), index)) {
      throw new Error(`${name}: another block was changed`);
    }
  });
  if (heap.malloc(5000) === 0) throw new Error(`${name}: the heap gives no more blocks`);
}
for (const opener of openers) opener.close();
console.log(JSON.stringify(results));
