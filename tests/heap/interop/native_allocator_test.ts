/**
 * The heap's functions as C calls them: through function pointers, from a loop in C and from its threads. What a client
 * makes of them is in `tests/clients`.
 */
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  DoubleFreeError,
  Heap,
  HeapBusyError,
  HeapClosedError,
  HeapDetachedError,
  InvalidPointerError,
  type NativeAllocator,
  type NativeFunctionPointer,
  OutOfMemoryError,
} from "../../../mod.ts";
import { compile, compilesWithoutWarning, temporaryFolder } from "../../os/run_child.ts";
import { assertPrograms } from "../programs.ts";

const BUILDS = ["release", "debug"] as const;
const SIZE_MAX = 2n ** 64n - 1n;

/** A function pointer as C calls it: words in, and a word out. */
function caller(
  pointer: NativeFunctionPointer,
  ...parameters: Deno.NativeType[]
): (...words: (bigint | number)[]) => bigint {
  const called = new Deno.UnsafeFnPointer(pointer, { parameters, result: "u64" } as Deno.ForeignFunction);
  return (...words) => (called as unknown as { call(...words: (bigint | number)[]): bigint }).call(...words);
}

/** Calls one once: bigints are 64 bits wide, and numbers 32. */
function call(pointer: NativeFunctionPointer, ...words: (bigint | number)[]): bigint {
  return caller(pointer, ...words.map((word) => typeof word === "bigint" ? "u64" : "u32"))(...words);
}

for (const build of BUILDS) {
  Deno.test(`${build}: malloc, calloc, realloc and free do for C what the heap's own do`, async () => {
    using heap = await Heap.open({ build });
    using allocator = heap.nativeAllocator();
    const { malloc, calloc, realloc, free } = allocator;
    const block = call(malloc, 100n), ptr = heap.ptrAt(block);
    assertEquals([block % 16n, heap.owns(ptr), allocator.blocks], [0n, true, 1]);
    heap.bytes(ptr, 100).fill(7);
    const larger = call(realloc, block, 50_000n);
    assertEquals(heap.bytes(heap.ptrAt(larger), 100), new Uint8Array(100).fill(7));
    const zeroed = call(calloc, 10n, 1000n);
    assertEquals(heap.bytes(heap.ptrAt(zeroed), 10_000), new Uint8Array(10_000));
    const other = call(realloc, 0n, 10n), empty = call(malloc, 0n);
    assert(other !== 0n && empty !== 0n);
    assertEquals([allocator.blocks, heap.stats().liveBlocks], [4, 4]);
    for (const each of [larger, zeroed, other, empty, 0n]) call(free, each);
    assertEquals([allocator.blocks, heap.stats().liveBlocks], [0, 0]);
    allocator.rethrow();
    heap.check();
  });

  Deno.test(`${build}: random programs through C's functions agree with the oracle`, async () => {
    using heap = await Heap.open({ build, stacks: false });
    using allocator = heap.nativeAllocator();
    const functions: Record<string, unknown> = {
      malloc: (size: number) => heap.ptrAt(allocator.call(() => call(allocator.malloc, BigInt(size)))),
      calloc: (count: number, size: number) =>
        heap.ptrAt(allocator.call(() => call(allocator.calloc, BigInt(count), BigInt(size)))),
      realloc: (ptr: number, size: number) =>
        heap.ptrAt(allocator.call(() => call(allocator.realloc, heap.address(ptr), BigInt(size)))),
      free: (ptr: number) => void allocator.call(() => call(allocator.free, heap.address(ptr))),
    };
    const asC = new Proxy(heap, {
      get(_, name) {
        const value = functions[name as string] ?? Reflect.get(heap, name, heap);
        return typeof value === "function" ? value.bind(heap) : value;
      },
    });
    assertPrograms(asC, build === "debug" ? 10 : 40, 17);
    allocator.close({ abandon: true }); // aligned blocks are not from C, and went back through it
  });

  Deno.test(`${build}: sizes that cannot be had are NULL, and no error`, async () => {
    using heap = await Heap.open({ build, maxBytes: 2 ** 20 });
    using allocator = heap.nativeAllocator();
    const { malloc, calloc, realloc, zlibAlloc, luaAlloc } = allocator;
    for (const size of [SIZE_MAX, 2n ** 63n, 2n ** 53n + 1n, 2n ** 32n + 16n, 2n ** 21n]) {
      assertEquals([call(malloc, size), call(calloc, 1n, size), call(calloc, size, size)], [0n, 0n, 0n]);
      const block = call(malloc, 40n);
      assertEquals([call(realloc, block, size), call(luaAlloc, 0, block, 40n, size)], [0n, 0n]);
      call(allocator.free, block); // it is as it was
    }
    assertEquals(call(zlibAlloc, 0, 0xffff_ffff, 0xffff_ffff), 0n);
    assertEquals(allocator.errors, []);
  });

  Deno.test(`${build}: what C frees wrongly is an error of the call that comes back`, async () => {
    using heap = await Heap.open({ build });
    using allocator = heap.nativeAllocator();
    const { malloc, free, realloc } = allocator;
    const block = call(malloc, 100n);
    for (const address of [1n, 0x1234n, SIZE_MAX, 2n ** 63n, block + 16n, heap.base, heap.base - 16n]) {
      assertThrows(() => allocator.call(() => call(free, address)), InvalidPointerError);
      assertThrows(() => allocator.call(() => assertEquals(call(realloc, address, 10n), 0n)), InvalidPointerError);
    }
    assertEquals([allocator.blocks, heap.stats().liveBlocks], [1, 1]);
    allocator.call(() => call(free, block));
    assertThrows(() => allocator.call(() => call(free, block)), DoubleFreeError);
    assertEquals([allocator.blocks, heap.stats().liveBlocks], [0, 0]);
    heap.check();
  });

  Deno.test(`${build}: nothing can be closed from within a callback, which would end the process`, async () => {
    let attempt: unknown, tryIt = () => {};
    const parts = build === "debug" ? { build, variant: "slab-map,verbose=1", log: () => tryIt() } : { build };
    using heap = await Heap.open(parts);
    using allocator = heap.nativeAllocator();
    tryIt = () => {
      for (const close of [() => allocator.close({ abandon: true }), () => allocator.close(), () => heap.close()]) {
        attempt = assertThrows(close, HeapBusyError, "under way");
      }
    };
    if (build === "debug") call(allocator.free, call(allocator.malloc, 100n)); // with verbose=1 `log` hears of it
    else allocator.call(tryIt);
    assert(attempt instanceof HeapBusyError);
    tryIt = () => {};
  });
}

Deno.test("what onPressure throws within a callback is an error of the call that comes back", async () => {
  const fault = new Error("the cache cannot be emptied");
  let close = () => {}, isFull = true;
  using heap = await Heap.open({
    maxBytes: 2 ** 20,
    onPressure: () => {
      assertThrows(close, HeapBusyError, "under way");
      if (isFull) throw fault;
    },
  });
  using allocator = heap.nativeAllocator();
  close = () => allocator.close({ abandon: true });
  const large = call(allocator.malloc, 600_000n);
  const take = () => call(allocator.malloc, 600_000n);
  assertStrictEquals(assertThrows(() => allocator.call(take)), fault);
  isFull = false;
  assertEquals([allocator.call(take), allocator.blocks], [0n, 1]);
  call(allocator.free, large);
});

Deno.test("call() throws the first error of several, and once; what the body throws comes after it", async () => {
  using heap = await Heap.open();
  using allocator = heap.nativeAllocator();
  const { free } = allocator;
  const twice = () => [1n, 2n].map((address) => call(free, address));
  const first = assertThrows(() => allocator.call(twice), InvalidPointerError, "0x1 ");
  allocator.rethrow();
  assertEquals(allocator.call(() => 42), 42);

  const fault = new Error("the library says: failed");
  const fail = () => {
    throw fault;
  };
  assertStrictEquals(assertThrows(() => allocator.call(fail)), fault);
  const second = assertThrows(() => allocator.call(() => (call(free, 1n), fail())), InvalidPointerError);
  assert(first !== second);

  for (let i = 0; i < 1000; i++) call(free, 1n);
  assertEquals(allocator.errors.length, 100);
  assertThrows(() => allocator.rethrow(), InvalidPointerError);
  assertEquals(allocator.errors, []);
});

Deno.test("call() of a promise is over when that is", async () => {
  using heap = await Heap.open();
  using allocator = heap.nativeAllocator();
  const { promise, resolve } = Promise.withResolvers<number>();
  const over = allocator.call(() => promise);
  assertThrows(() => heap.close(), HeapBusyError, "under way");
  call(allocator.free, 1n);
  resolve(42);
  await assertRejects(() => over, InvalidPointerError);
  assertEquals(await allocator.call(() => Promise.resolve(7)), 7);
  assertEquals(
    await assertRejects(() => allocator.call(() => Promise.reject(new Error("no")))).then(String),
    "Error: no",
  );
});

Deno.test("as long as C has blocks neither allocator nor heap can be closed", async () => {
  const heap = await Heap.open();
  const allocator = heap.nativeAllocator();
  const block = call(allocator.malloc, 10n);
  assertThrows(() => allocator.close(), HeapBusyError, "C has a block");
  assertThrows(() => heap.close(), HeapBusyError, "abandon");
  call(allocator.free, block);
  call(allocator.malloc, 10n);
  const { free } = allocator;
  allocator.close({ abandon: true });
  allocator.close();
  assert(free !== null); // a pointer to nothing by now: it must not be called
  assertEquals(heap.stats().liveBlocks, 1);
  for (
    const use of [
      () => allocator.malloc,
      () => allocator.expatSuite,
      () => allocator.call(() => 1),
      () => allocator.give(0),
      () => allocator.take(0n),
    ]
  ) assertThrows(use, HeapClosedError, "allocator is closed");
  heap.close();
  assertThrows(() => heap.nativeAllocator(), HeapClosedError);
});

Deno.test("the struct of functions needs the heap's views, and leaves nothing without", async () => {
  using heap = await Heap.open();
  using allocator = heap.nativeAllocator();
  structuredClone(heap.u8, { transfer: [heap.u8.buffer] });
  assertThrows(() => allocator.expatSuite, HeapDetachedError);
  assertEquals(heap.stats().liveBlocks, 0);
  call(allocator.free, call(allocator.malloc, 10n));
  allocator.rethrow();
});

Deno.test("a heap closes its allocators, and reports no block of theirs as leaked", async () => {
  const lines: string[] = [];
  const heap = await Heap.open({ build: "debug", log: (line) => lines.push(line) });
  const allocators = [heap.nativeAllocator(), heap.nativeAllocator()];
  for (const { sqliteMethods, expatSuite } of allocators) assert(sqliteMethods !== null && expatSuite !== null);
  assertEquals(heap.stats().liveBlocks, 4);
  heap.close();
  assertEquals(lines, []);
  for (const allocator of allocators) assertThrows(() => allocator.malloc, HeapClosedError);
});

Deno.test("a heap whose log throws while it closes closes its allocators all the same", async () => {
  const heap = await Heap.open({
    build: "debug",
    log: () => {
      throw new Error("the log is full");
    },
  });
  const allocator = heap.nativeAllocator();
  assert(allocator.malloc !== null);
  heap.malloc(10); // a leak, which is reported
  assertThrows(() => heap.close(), Error, "the log is full");
  assertThrows(() => allocator.malloc, HeapClosedError, "allocator is closed");
});

Deno.test("give() and take() move blocks between the program and C", async () => {
  using heap = await Heap.open();
  using allocator = heap.nativeAllocator();
  const given = allocator.give(heap.malloc(10));
  assertEquals(allocator.blocks, 1);
  call(allocator.free, Deno.UnsafePointer.value(given));
  assertEquals([allocator.blocks, heap.stats().liveBlocks], [0, 0]);
  const ptr = allocator.take(call(allocator.malloc, 10n));
  assertEquals(allocator.blocks, 0);
  assertThrows(() => allocator.give(ptr + 1), InvalidPointerError);
  assertThrows(() => allocator.take(heap.address(ptr) + 1n), InvalidPointerError);
  assertThrows(() => allocator.take(1n), InvalidPointerError);
  heap.free(ptr);
  assertEquals([allocator.give(0), allocator.take(null), allocator.blocks], [null, 0, 0]);
});

Deno.test("the shapes of libraries: each function takes what its library passes", async (t) => {
  using heap = await Heap.open();
  using allocator = heap.nativeAllocator();
  const live = () => heap.stats().liveBlocks - before;
  let before = 0;
  /** The words of a struct of function pointers. */
  const words = (table: Deno.PointerObject, count: number) => {
    const ptr = heap.ptrAt(table);
    return Array.from({ length: count }, (_, index) => heap.data.getBigUint64(ptr + index * 8, true));
  };
  const callAt = (address: bigint, ...args: (bigint | number)[]) =>
    call(Deno.UnsafePointer.create(address) as NativeFunctionPointer, ...args);

  await t.step("lua_Alloc", () => {
    const { luaAlloc } = allocator;
    const block = call(luaAlloc, 0, 0n, 5n, 100n);
    const other = call(luaAlloc, 0, block, 100n, 5000n);
    assertEquals(live(), 1);
    assertEquals([call(luaAlloc, 0, other, 5000n, 0n), call(luaAlloc, 0, 0n, 0n, 0n), live()], [0n, 0n, 0]);
  });
  await t.step("zlib's and those with an opaque pointer", () => {
    const blocks = [call(allocator.zlibAlloc, 0, 10, 100), call(allocator.opaqueAlloc, 0, 1000n)];
    assertEquals([heap.usableSize(heap.ptrAt(blocks[0]!)) >= 1000, live()], [true, 2]);
    call(allocator.zlibFree, 0, blocks[0]!);
    call(allocator.opaqueFree, 0, blocks[1]!);
    assertEquals(live(), 0);
  });
  await t.step("XML_Memory_Handling_Suite", () => {
    const [malloc, realloc, free] = words(allocator.expatSuite, 3) as [bigint, bigint, bigint];
    assertEquals(allocator.expatSuite, allocator.table("malloc", "realloc", "free"));
    before = heap.stats().liveBlocks;
    callAt(free, callAt(realloc, callAt(malloc, 10n), 1000n));
    assertEquals(live(), 0);
  });
  await t.step("sqlite3_mem_methods", () => {
    const [malloc, free, realloc, size, roundUp, init, shutdown, data] = words(allocator.sqliteMethods, 8) as [
      ...{ [Index in 0 | 1 | 2 | 3 | 4 | 5 | 6]: bigint } & bigint[],
    ];
    before = heap.stats().liveBlocks;
    const small = (word: bigint) => Number(BigInt.asIntN(32, word));
    const block = callAt(realloc!, callAt(malloc!, 10), 1000);
    const rounded = small(callAt(roundUp!, 1000));
    assertEquals([rounded % 8, rounded >= 1000, small(callAt(size!, block)) >= 1000], [0, true, true]);
    assertEquals([small(callAt(size!, 0n)), small(callAt(init!, 0)), data], [0, 0, 0n]);
    callAt(shutdown!, 0);
    callAt(free!, block);
    assertEquals(live(), 0);
  });
  allocator.rethrow();
});

Deno.test("Lua's function never fails to make a block smaller, as a debug build's realloc may", async () => {
  using heap = await Heap.open({ build: "debug", maxBytes: 2 ** 20, stacks: false });
  using allocator = heap.nativeAllocator();
  const { luaAlloc } = allocator, blocks: bigint[] = [];
  for (const size of [30_000n, 17n]) {
    for (let block; (block = call(luaAlloc, 0, 0n, 0n, size)) !== 0n;) blocks.push(block);
  }
  assertEquals(heap.realloc(heap.ptrAt(blocks[0]!), 17), 0);
  assertEquals(call(luaAlloc, 0, blocks[0]!, 30_000n, 17n), blocks[0]);
  for (const block of blocks) call(luaAlloc, 0, block, 1n, 0n);
  assertEquals([heap.stats().liveBlocks, allocator.blocks, allocator.errors], [0, 0, []]);
});

Deno.test("GMP's functions never give NULL: what the heap does not have comes from the system, and is an error", async () => {
  using heap = await Heap.open({ maxBytes: 2 ** 20 });
  using allocator = heap.nativeAllocator();
  const { gmpAllocate, gmpReallocate, gmpFree } = allocator;
  const contents = (address: bigint, length: number) =>
    new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(Deno.UnsafePointer.create(address)!, length));
  let block = call(gmpAllocate, 1000n);
  const pattern = Uint8Array.from({ length: 1000 }, (_, index) => index * 7);
  contents(block, 1000).set(pattern);
  block = call(gmpReallocate, block, 1000n, 100_000n);
  assertEquals([heap.owns(heap.ptrAt(block)), allocator.errors.length], [true, 0]);
  block = call(gmpReallocate, block, 100_000n, 3_000_000n); // the heap has not got it
  assertEquals([contents(block, 1000), heap.stats().liveBlocks, allocator.blocks], [pattern, 0, 1]);
  assertThrows(() => heap.ptrAt(block), InvalidPointerError);
  assertThrows(() => allocator.rethrow(), OutOfMemoryError, "3000000");
  contents(block, 3_000_000).fill(1, 1000);
  block = call(gmpReallocate, block, 3_000_000n, 4_000_000n);
  assertEquals(contents(block, 3_000_000)[2_999_999], 1);
  block = call(gmpReallocate, block, 4_000_000n, 500n);
  assertEquals([contents(block, 500), heap.owns(heap.ptrAt(block))], [pattern.subarray(0, 500), true]);
  call(gmpFree, block, 500n);
  assertEquals([heap.stats().liveBlocks, allocator.blocks], [0, 0]);
  call(gmpFree, call(gmpAllocate, 2_000_000n), 2_000_000n);
  assertThrows(() => allocator.rethrow(), OutOfMemoryError);
  // Nothing is read where no block is.
  let fresh = 0n;
  assertThrows(() => allocator.call(() => fresh = call(gmpReallocate, 0x1234n, 100n, 200n)), InvalidPointerError);
  assert(heap.owns(heap.ptrAt(fresh)));
  call(gmpFree, fresh, 200n);
  assertEquals(allocator.blocks, 0);
});

for (const build of BUILDS) {
  Deno.test(`${build}: a callback with a full stack gives NULL or a block, and nothing is lost`, async () => {
    using heap = await Heap.open({ build, stacks: false, log: () => {} });
    const allocator = heap.nativeAllocator();
    const { malloc, realloc, free } = allocator;
    const take = caller(malloc, "u64"), resize = caller(realloc, "u64", "u64"), give = caller(free, "u64");
    let served = 0, refused = 0;
    const held = new Set<bigint>();
    const attempt = () => {
      try {
        const block = take(100n);
        if (block !== 0n) held.add(block);
        const moved = block === 0n ? 0n : resize(block, 3000n);
        if (moved !== 0n) held.delete(block), held.add(moved);
        give(moved);
        held.delete(moved);
        if (moved === 0n) refused++;
        else served++;
      } catch {
        refused++;
      }
    };
    for (let i = 0; i < 100; i++) attempt(); // compiled: that takes more stack than the calls
    const dive = (): void => {
      try {
        dive();
      } catch {
        // This is as deep as it goes.
      }
      attempt();
    };
    dive();
    assert(served > 200 && refused > 10, `${served} served, ${refused} refused`);
    heap.check();
    // What C does not know it has, it has not: each block that is live is one that it was given.
    assertEquals(heap.stats().liveBlocks, allocator.blocks);
    allocator.close({ abandon: true });
  });
}

Deno.test("a struct of functions that C has overwritten is reported when the heap closes, which throws nothing", async () => {
  const lines: string[] = [];
  const heap = await Heap.open({ build: "debug", log: (line) => lines.push(line) });
  const allocator = heap.nativeAllocator(), ptr = heap.ptrAt(allocator.expatSuite);
  heap.u8[ptr + 24] = 1;
  heap.close();
  assert(lines.some((line) => line.includes("BUFFER_OVERFLOW")), lines.join("\n"));
  assertThrows(() => allocator.malloc, HeapClosedError);
});

const THREADS = `
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
typedef void *(*allocate)(size_t);
typedef void (*release)(void *);
static allocate take; static release give; static pthread_t thread; static int count, failed;
static void *work(void *unused) {
  for (int i = 0; i < count; i++) {
    unsigned char *block = take(100 + i);
    if (!block) { failed++; continue; }
    for (int j = 0; j < 100 + i; j++) block[j] = (unsigned char)i;
    give(block);
  }
  return unused;
}
int run(allocate a, release r, int n) { take = a; give = r; count = n; failed = 0; work(0); return failed; }
int run_in_thread(allocate a, release r, int n) {
  take = a; give = r; count = n; failed = 0;
  return pthread_create(&thread, 0, work, 0);
}
/** Whether the thread has ended within so many milliseconds. */
int ended(int milliseconds) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += milliseconds * 1000000L;
  until.tv_sec += until.tv_nsec / 1000000000L; until.tv_nsec %= 1000000000L;
  return pthread_timedjoin_np(thread, 0, &until) == 0 ? failed + 1 : 0;
}
`;

/** Compiles C that calls the functions, and gives what it has; undefined where there is no C compiler. */
async function withThreads(
  use: (
    library: Deno.DynamicLibrary<typeof THREAD_SYMBOLS>["symbols"],
    allocator: NativeAllocator,
  ) => void | Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/threads.c`, THREADS);
  const built = await compile("cc", [
    ..."-O1 -Wall -Wextra -Werror -shared -fPIC -pthread -o".split(" "),
    `${folder.path}/threads.so`,
    `${folder.path}/threads.c`,
  ]);
  if (built === undefined) return console.log("skipped: there is no C compiler");
  assertEquals(built, { success: true, output: "" });
  using library = Object.assign(Deno.dlopen(`${folder.path}/threads.so`, THREAD_SYMBOLS), {
    [Symbol.dispose](this: { close(): void }) {
      this.close();
    },
  });
  using heap = await Heap.open();
  using allocator = heap.nativeAllocator();
  await use(library.symbols, allocator);
  assertEquals([allocator.blocks, heap.stats().liveBlocks, allocator.errors], [0, 0, []]);
  heap.check();
}

const THREAD_SYMBOLS = {
  run: { parameters: ["function", "function", "i32"], result: "i32" },
  runNonblocking: { name: "run", parameters: ["function", "function", "i32"], result: "i32", nonblocking: true },
  run_in_thread: { parameters: ["function", "function", "i32"], result: "i32" },
  ended: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

Deno.test("native/callbacks.c, of the benchmark, compiles without a warning", async (t) => {
  const source = new URL("../../../native/callbacks.c", import.meta.url).pathname;
  await compilesWithoutWarning(t, ["-O2", "-fPIC"], [source]);
});

const LINUX = { ignore: Deno.build.os !== "linux" };

Deno.test({
  ...LINUX,
  name: "a loop in C allocates, writes and frees",
  fn: () => withThreads((library, { malloc, free }) => assertEquals(library.run(malloc, free, 1000), 0)),
});

Deno.test({
  ...LINUX,
  name: "a nonblocking call is served while the program waits for it",
  fn: () =>
    withThreads(async (library, allocator) => {
      const { malloc, free } = allocator;
      const calls = [1, 2].map(() => allocator.call(() => library.runNonblocking(malloc, free, 1)));
      assertThrows(() => allocator.close(), HeapBusyError);
      await Promise.all(calls);
      assertEquals(await allocator.call(() => library.runNonblocking(malloc, free, 300)), 0);
    }),
});

Deno.test({
  ...LINUX,
  name: "a thread of C's waits until the program is in its event loop",
  fn: () =>
    withThreads(async (library, { malloc, free }) => {
      assertEquals(library.run_in_thread(malloc, free, 20), 0);
      assertEquals(library.ended(200), 0); // however long it waits for it: the thread waits, too
      while (library.ended(1) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }),
});
