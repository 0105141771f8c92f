/**
 * The primitives, each of them from the library built here and from libc: both must keep the same promises. Memory that
 * a test reserves is released by the test, so that later ones start from the same state.
 */
import { assert, assertEquals, assertGreater, assertGreaterOrEqual, assertLess, assertThrows } from "@std/assert";
import { offsetOfAddress, OsError, viewMemory } from "../../../src/os/mod.ts";
import { libcMemory } from "../../../src/os/memory/libc_memory.ts";
import { nativeMemory } from "../../../src/os/memory/native_memory.ts";
import { VM_LIBRARY } from "../../../src/os/memory/open.ts";
import { compile, temporaryFolder } from "../run_child.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

// Libraries are opened before any test: they stay open, which the resource sanitizer would report.
const native = await (async () => {
  using folder = temporaryFolder();
  const library = `${folder.path}/vm.so`;
  const sources = VM_LIBRARY.sources.map((source) => source.pathname);
  const built = await compile("cc", ["-O2", "-shared", "-fPIC", ...VM_LIBRARY.flags ?? [], "-o", library, ...sources]);
  if (!built?.success) throw new Error(`These tests need cc: ${built?.output}`);
  return nativeMemory(library, undefined);
})();
const libc = libcMemory("chosen by the test");
const { mprotect, getrlimit, setrlimit } = Deno.dlopen(
  Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6",
  {
    mprotect: { parameters: ["u64", "u64", "i32"], result: "i32" },
    getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
    setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  },
).symbols;
const RLIMIT_NOFILE = 7; // on Linux

/** Makes a call in a process that is out of file descriptors. */
function withoutDescriptors<Result>(call: () => Result): Result {
  const limits = new BigUint64Array(2);
  getrlimit(RLIMIT_NOFILE, limits);
  setrlimit(RLIMIT_NOFILE, BigUint64Array.of(0n, limits[1]!));
  try {
    return call();
  } finally {
    setrlimit(RLIMIT_NOFILE, limits);
  }
}

function assertOsError(code: string, act: () => unknown): OsError {
  const error = assertThrows(act, OsError);
  assertEquals(error.code, code);
  return error;
}

for (const vm of [native, libc]) {
  const page = vm.pageSize;

  /** Reserves, lets `use` work on it, and takes it back. */
  const withMemory = (bytes: number, use: (address: bigint, view: Uint8Array) => void, alignment = page) => {
    const address = vm.reserve(bytes, alignment);
    const view = new Uint8Array(viewMemory(address, bytes));
    try {
      use(address, view);
    } finally {
      (view.buffer as ArrayBuffer).transfer(0);
      vm.release(address, bytes);
    }
  };

  const test = (name: string, act: () => void | Promise<void>) => Deno.test(`${name} (${vm.source})`, act);

  test("pointerAt(), offsetOf() and offsetOfAddress() are exact up to the highest addresses", () => {
    for (const base of [2n ** 21n, 2n ** 46n, 2n ** 47n - 2n ** 21n, 2n ** 56n - 2n ** 21n]) {
      for (const offset of [1, 12_345, 2 ** 21 - 1, 2 ** 31, 2 ** 40 - 1]) {
        const address = base + BigInt(offset), pointer = vm.pointerAt(Number(base), offset)!;
        assertEquals(Deno.UnsafePointer.value(pointer), address);
        assertEquals([vm.offsetOf(pointer, Number(base)), offsetOfAddress(address, Number(base))], [offset, offset]);
      }
      const below = Deno.UnsafePointer.create(base - 1n)!;
      assertEquals([vm.offsetOf(below, Number(base)), offsetOfAddress(base - 1n, Number(base))], [-1, -1]);
    }
    for (const bad of [5, "5", {}, new Uint8Array(4), undefined]) {
      assertThrows(() => vm.offsetOf(bad as unknown as Deno.PointerObject, 2 ** 21), TypeError);
    }
  });

  test("threadStart() knows this thread, and that others do not exist", () => {
    const id = vm.threadId();
    assertGreater(id, 0);
    assertEquals(vm.threadId(), id);
    const start = vm.threadStart(id);
    assertGreater(start, 0);
    assertEquals(vm.threadStart(id), start);
    if (Deno.build.os === "linux") assertEquals([id, start], [native.threadId(), native.threadStart(id)]);
    assertEquals(vm.threadStart(0x7fff_fff0), 0);
  });

  if (Deno.build.os === "linux") {
    test("threadStart() knows without file descriptors that a thread does not exist, and no more", () => {
      assertEquals(withoutDescriptors(() => vm.threadStart(0x7fff_fff0)), 0);
      withoutDescriptors(() => assertOsError("EMFILE", () => vm.threadStart(vm.threadId())));
      assertGreater(vm.threadStart(vm.threadId()), 0);
    });
  }

  test("a Worker is a thread of its own until it ends", async () => {
    const program = `
      const { symbols, close } = Deno.dlopen("libc.so.6", { gettid: { parameters: [], result: "i32" } });
      postMessage(symbols.gettid());
    `;
    const worker = new Worker(URL.createObjectURL(new Blob([program])), { type: "module" });
    const id = await new Promise<number>((resolve) => worker.onmessage = ({ data }) => resolve(data));
    assertGreater(vm.threadStart(id), 0);
    assert(id !== vm.threadId());
    assertEquals([vm.threadSleep(vm.threadId()), vm.threadSleep(0x7fff_fff0)], [0, 0]);
    for (let wait = 0; Deno.build.os === "linux" && vm.threadSleep(id) === 0; wait++) {
      assertLess(wait, 5_000, "it never waits for a message");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    worker.terminate();
    for (let wait = 0; vm.threadStart(id) !== 0; wait++) {
      assertLess(wait, 5_000, "it never ends");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });

  test("pause() sleeps at least as long as it is asked to", () => {
    const from = vm.monotonicNanoseconds();
    vm.pause(0);
    vm.pause(2000);
    assertGreaterOrEqual(vm.monotonicNanoseconds() - from, 2_000_000n);
  });

  test("pageSize is a power of two of at least 4 KiB", () => {
    assertGreaterOrEqual(page, 4 * KIB);
    assertEquals(page & (page - 1), 0);
  });

  test("reserve() gives zeroed, writable memory at every alignment", () => {
    for (const alignment of [1, 16, page, 64 * KIB, 2 * MIB, GIB, 64 * GIB]) {
      withMemory(3 * page, (address, view) => {
        assertEquals(address % BigInt(Math.max(alignment, page)), 0n);
        assert(view.every((byte) => byte === 0));
        view[0] = 1;
        view[view.length - 1] = 2;
        assertEquals([view[0], view[view.length - 1]], [1, 2]);
      }, alignment);
    }
  });

  test("reserve() keeps nothing outside of the aligned part", () => {
    // What alignment adds, kept 4,096 times, would be twice the address space that there is.
    for (let i = 0; i < 4096; i++) vm.release(vm.reserve(page, 64 * GIB), page);
  });

  test("reserve() maps whole pages when the size is none", () => {
    const address = vm.reserve(page + 1, page);
    new Uint8Array(viewMemory(address, 2 * page)).fill(1);
    vm.release(address, page + 1);
    assertEquals([vm.isMapped(address), vm.isMapped(address + BigInt(page))], [false, false]);
  });

  test("reserve() gives a TiB, and a view reaches its last byte", () => {
    withMemory(TIB, (address, view) => {
      assertEquals(view.length, TIB);
      view[TIB - 1] = 9;
      assertEquals(vm.residentPages(address + BigInt(TIB - page), page), 1);
    });
  });

  test("reserve() throws ENOMEM when there is no such address space", () => {
    for (const bytes of [2 ** 48, 2 ** 60, 2 ** 62, 2 ** 63, 2 ** 64 - 2 ** 12, -4096]) {
      const error = assertOsError("ENOMEM", () => vm.reserve(bytes, page));
      assertEquals([error.errno, error.name], [12, "OsError"]);
      assertEquals(
        error.call,
        `reserve(${bytes < 0 ? "-" : ""}0x${Math.abs(bytes).toString(16)}, 0x${page.toString(16)})`,
      );
    }
    assertOsError("ENOMEM", () => vm.reserve(page, 2 ** 62));
    assertOsError("ENOMEM", () => vm.reserve(page, 2 ** 63));
  });

  test("reserve() throws EINVAL when the size is 0 or the alignment no power of two", () => {
    assertOsError("EINVAL", () => vm.reserve(0, page));
    for (const alignment of [0, 3, page + 1, 3 * page]) assertOsError("EINVAL", () => vm.reserve(page, alignment));
  });

  test("reserve() throws RangeError when a size is not an integer", () => {
    for (const bytes of [0.5, NaN, Infinity]) assertThrows(() => vm.reserve(bytes, page), RangeError);
    assertThrows(() => vm.reserve(page, 0.5), RangeError);
  });

  test("purge() zeroes its range and nothing beside it, and drops its pages", () => {
    withMemory(4 * page, (address, view) => {
      view.fill(0xaa);
      const before = vm.residentPages(address, 4 * page);
      vm.purge(address + BigInt(page), 2 * page);
      assertEquals(before - vm.residentPages(address, 4 * page), 2);
      assertEquals(vm.isMapped(address + BigInt(page)), true);
      assert(view.subarray(0, page).every((byte) => byte === 0xaa));
      assert(view.subarray(page, 3 * page).every((byte) => byte === 0));
      assert(view.subarray(3 * page).every((byte) => byte === 0xaa));
      view.fill(0xbb); // still writable
      assert(view.every((byte) => byte === 0xbb));
    });
  });

  test("move() brings pages to the place of others, and leaves zeros", () => {
    if (Deno.build.os !== "linux") {
      return withMemory(2 * page, (at) => assertOsError("ENOSYS", () => vm.move(at, at, page)));
    }
    withMemory(8 * page, (address, view) => {
      for (let at = 0; at < 8; at++) view.fill(at + 1, at * page, (at + 1) * page);
      vm.move(address + BigInt(page), address + BigInt(5 * page), 2 * page);
      assertEquals([...Array(8).keys()].map((at) => view[at * page]), [1, 0, 0, 4, 5, 2, 3, 8]);
      assertEquals(vm.residentPages(address + BigInt(5 * page), 2 * page), 2);
      view.fill(9); // still writable, all of it
      assert(view.every((byte) => byte === 9));
      const [from, to] = [address, address + BigInt(4 * page)];
      assertOsError("EINVAL", () => vm.move(from + 16n, to, page));
      assertOsError("EINVAL", () => vm.move(from, to + 16n, page));
      assertOsError("EINVAL", () => vm.move(from, to, page - 16));
      assertOsError("EINVAL", () => vm.move(from, to, 0));
      assertOsError("EINVAL", () => vm.move(from, from + BigInt(page), 2 * page));
      assert(view.every((byte) => byte === 9));
    });
    const address = vm.reserve(2 * page, page);
    vm.release(address, page);
    assertOsError("EFAULT", () => vm.move(address, address + BigInt(page), page));
    vm.release(address + BigInt(page), page);
  });

  test("purge() throws EINVAL and wipes nothing when the range is not whole pages", () => {
    withMemory(2 * page, (address, view) => {
      view.fill(5);
      assertOsError("EINVAL", () => vm.purge(address + 16n, page));
      assertOsError("EINVAL", () => vm.purge(address, page - 16));
      assertOsError("EINVAL", () => vm.purge(address, 1));
      vm.purge(address, 0);
      assert(view.every((byte) => byte === 5));
    });
  });

  test("purge() throws ENOMEM when the range is not mapped", () => {
    const address = vm.reserve(4 * page, page);
    vm.release(address + BigInt(page), page);
    if (Deno.build.os === "linux") assertOsError("ENOMEM", () => vm.purge(address, 4 * page));
    vm.release(address, 4 * page);
  });

  test("release() unmaps part of a reservation and leaves the rest", () => {
    const address = vm.reserve(3 * page, page);
    const [first, second, third] = [0n, 1n, 2n].map((index) => address + index * BigInt(page));
    assertEquals([vm.isMapped(first!), vm.isMapped(second!), vm.isMapped(third!)], [true, true, true]);
    vm.release(second!, page);
    assertEquals([vm.isMapped(first!), vm.isMapped(second!), vm.isMapped(third!)], [true, false, true]);
    vm.release(first!, page);
    vm.release(third!, page);
    assertEquals([vm.isMapped(first!), vm.isMapped(second!), vm.isMapped(third!)], [false, false, false]);
  });

  test("release() throws EINVAL when the address is not a page's or the size is 0", () => {
    withMemory(page, (address) => {
      assertOsError("EINVAL", () => vm.release(address + 1n, page));
      assertOsError("EINVAL", () => vm.release(address, 0));
      assertEquals(vm.isMapped(address), true);
    });
  });

  test("isMapped() takes any byte of a page, and is false where nothing can be", () => {
    withMemory(page, (address) => {
      assertEquals(vm.isMapped(address + 1n), true);
      assertEquals(vm.isMapped(address + BigInt(page) - 1n), true);
    });
    for (const address of [0n, 8n, 1n << 62n, (1n << 63n) + 4096n, (1n << 64n) - 1n]) {
      assertEquals(vm.isMapped(address), false);
    }
  });

  test("isMapped() is true when the page may not be read", () => {
    withMemory(page, (address) => {
      assertEquals(mprotect(address, BigInt(page), 0), 0);
      assertEquals(vm.isMapped(address), true);
      mprotect(address, BigInt(page), 3);
    });
  });

  test("residentPages() counts every page that the range touches", () => {
    withMemory(8 * page, (address, view) => {
      assertEquals(vm.residentPages(address, 8 * page), 0);
      view.fill(1);
      assertEquals(vm.residentPages(address, 8 * page), 8);
      assertEquals(vm.residentPages(address, 0), 0);
      assertEquals(vm.residentPages(address + 5n, 1), 1);
      assertEquals(vm.residentPages(address + 5n, page), 2);
      assertEquals(vm.residentPages(address + BigInt(page) - 1n, 2), 2);
    });
  });

  test("residentPages() counts each page once when the range takes several questions", () => {
    const bytes = GIB + 3 * page; // 64 or 256 MiB a question
    withMemory(bytes, (address, view) => {
      const touched = [0, 64 * MIB - page, 64 * MIB, 256 * MIB - page, 256 * MIB, bytes - page];
      for (const offset of touched) view[offset] = 1;
      let count = vm.residentPages(address, bytes);
      for (const offset of touched) {
        vm.purge(address + BigInt(offset), page); // the drop is exact, also when the system uses huge pages
        assertEquals(vm.residentPages(address, bytes), --count);
      }
    });
  });

  test("residentPages() takes hundreds of GiB", () => {
    withMemory(300 * GIB, (address, view) => {
      assertEquals(vm.residentPages(address, view.length), 0);
      view[view.length - 1] = 1;
      assertGreaterOrEqual(vm.residentPages(address, view.length), 1);
    });
  });

  test("residentPages() throws ENOMEM when part of the range is not mapped", () => {
    const address = vm.reserve(3 * page, page);
    vm.release(address + BigInt(page), page);
    assertOsError("ENOMEM", () => vm.residentPages(address, 3 * page));
    assertOsError("ENOMEM", () => vm.residentPages(address, -page));
    assertOsError("ENOMEM", () => vm.residentPages((1n << 64n) - 4096n, 8192));
    vm.release(address, 3 * page);
  });

  test("monotonicNanoseconds() is the system's clock and never steps back", () => {
    let last = native.monotonicNanoseconds();
    for (let i = 0; i < 10_000; i++) {
      const now = (i & 1 ? native : vm).monotonicNanoseconds(); // two sources, one clock
      assertGreaterOrEqual(now, last);
      last = now;
    }
  });

  test("ticks() moves forward", () => {
    const start = vm.ticks();
    let now = start;
    for (let i = 0; i < 10_000; i++) now = vm.ticks();
    assertGreater(now, start);
  });

  test("residentBytes() follows what is touched, peakResidentBytes() keeps the most", () => {
    const slack = 16 * MIB; // the runtime's own coming and going
    withMemory(128 * MIB, (address, view) => {
      const before = vm.residentBytes();
      view.fill(1);
      const full = vm.residentBytes();
      vm.purge(address, view.length);
      const after = vm.residentBytes();
      assertGreater(full, before + 128 * MIB - slack);
      assertLess(after, full - 128 * MIB + slack);
      assertGreater(vm.peakResidentBytes(), full - slack);
      assertLess(vm.peakResidentBytes(), full + 64 * GIB); // bytes, not KiB
    });
  });
}

Deno.test("VirtualMemory objects say where they come from", () => {
  assertEquals([native.source, native.note], ["native", undefined]);
  assertEquals([libc.source, libc.note], ["libc", "chosen by the test"]);
});
