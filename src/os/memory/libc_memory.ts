/**
 * `VirtualMemory` over libc's own functions, for machines without a C compiler: the same promises as `native/vm.c`, in
 * TypeScript. It costs two to four FFI calls where the library takes one, and `ticks` are nanoseconds.
 *
 * errno is read straight after the call that failed, through the address of this thread's errno: a Deno isolate stays
 * on the thread that it was made on, and no other call comes between.
 *
 * @module
 */
import { EINVAL, ENOMEM, ENOSYS, OsError } from "../errors.ts";
import {
  CLOCK_MONOTONIC,
  DONTNEED_ZEROES,
  ERRNO_LOCATION,
  MADV_DONTNEED,
  MAP_FAILED,
  MAP_FIXED,
  MAP_RESERVE,
  MAXRSS_UNIT,
  MREMAP_MOVE,
  openLibc,
  PROT_NONE,
  PROT_READ_WRITE,
  RUSAGE_MAXRSS,
  RUSAGE_SELF,
  RUSAGE_WORDS,
} from "../libc.ts";
import { describeCall } from "./native_memory.ts";
import { addressOf, pointerOf } from "./pointers.ts";
import type { VirtualMemory } from "./virtual_memory.ts";

const SYMBOLS = {
  mmap: {
    parameters: [
      /* addr */ "u64",
      /* length */ "u64",
      /* prot */ "i32",
      /* flags */ "i32",
      /* fd */ "i32",
      /* offset */ "i64",
    ],
    result: "u64",
  },
  mremap: { // not on macOS; its last parameter is one of `...`, passed as any other on these processors
    parameters: [/* from */ "u64", /* length */ "u64", /* new length */ "u64", /* flags */ "i32", /* to */ "u64"],
    result: "u64",
    optional: true,
  },
  munmap: { parameters: [/* addr */ "u64", /* length */ "u64"], result: "i32" },
  mprotect: { parameters: [/* addr */ "u64", /* length */ "u64", /* prot */ "i32"], result: "i32" },
  madvise: { parameters: [/* addr */ "u64", /* length */ "u64", /* advice */ "i32"], result: "i32" },
  mincore: { parameters: [/* addr */ "u64", /* length */ "u64", /* vec */ "buffer"], result: "i32" },
  getpagesize: { parameters: [], result: "i32" },
  clock_gettime: { parameters: [/* clockid */ "i32", /* tp */ "buffer"], result: "i32" },
  getrusage: { parameters: [/* who */ "i32", /* usage */ "buffer"], result: "i32" },
  usleep: { parameters: [/* usec */ "u32"], result: "i32" },
  sched_yield: { parameters: [], result: "i32" },
  gettid: { parameters: [], result: "i32", optional: true }, // not on macOS
  tgkill: { parameters: [/* pid */ "i32", /* id */ "i32", /* signal */ "i32"], result: "i32", optional: true },
  // `open` may be given more, and on x86-64 and Linux's aarch64 is called as if it were not.
  open: { parameters: [/* path */ "buffer", /* flags */ "i32"], result: "i32" },
  read: { parameters: [/* fd */ "i32", /* buf */ "buffer", /* count */ "usize"], result: "isize" },
  write: { parameters: [/* fd */ "i32", /* buf */ "buffer", /* count */ "usize"], result: "isize" },
  readTo: { name: "read", parameters: [/* fd */ "i32", /* address */ "u64", /* count */ "usize"], result: "isize" },
  writeFrom: { name: "write", parameters: [/* fd */ "i32", /* address */ "u64", /* count */ "usize"], result: "isize" },
  pipe: { parameters: [/* ends */ "buffer"], result: "i32" },
  close: { parameters: [/* fd */ "i32"], result: "i32" },
  errnoLocation: { name: ERRNO_LOCATION, parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Pages asked about in one `mincore`. */
const MINCORE_PAGES = 65_536;

/** As in `native/vm.c`. */
const LEFT_BEHIND = 256;

const O_RDONLY_CLOEXEC = 0o2000000;
const ENOENT = 2;
const ESRCH = 3;
/** Where in `/proc/self/task/<id>/stat` the times that it has run and its start are, counted from 0 after the name. */
const TIME_FIELDS = [11, 12];
const START_FIELD = 19;

/** Sums of two values up to this stay below 2^64; no machine has this much address space. */
const ADDRESS_LIMIT = 1n << 62n;

/**
 * Opens libc.
 *
 * @param note becomes the object's `note`: why the library is not used
 * @throws {NativeAccessError} `BAD_LIBRARY` when libc is not where it should be
 */
export function libcMemory(note: string): VirtualMemory {
  const library = openLibc(SYMBOLS);
  const c = library.symbols;
  const errno = new Deno.UnsafePointerView(c.errnoLocation()!);
  const pageSize = c.getpagesize();
  const page = BigInt(pageSize);
  const resident = new Uint8Array(MINCORE_PAGES);
  const time = new BigInt64Array(2);
  const usage = new BigInt64Array(RUSAGE_WORDS);
  const stat = new Uint8Array(1024);
  const left: [address: bigint, bytes: number][] = [];

  function fail(error: number, call: string, ...args: (number | bigint)[]): never {
    throw new OsError(describeCall(call, args), error);
  }

  function map(address: bigint, length: bigint, flags: number): bigint {
    return c.mmap(address, length, PROT_READ_WRITE, MAP_RESERVE | flags, -1, 0n);
  }

  function reserve(bytes: number, alignment: number): bigint {
    const size = BigInt(bytes);
    let align = BigInt(alignment);
    if (size === 0n || align === 0n || (align & (align - 1n)) !== 0n) fail(EINVAL, "reserve", bytes, alignment);
    if (!isAddress(size) || !isAddress(align)) fail(ENOMEM, "reserve", bytes, alignment);
    if (align < page) align = page;

    const length = roundUp(size, page);
    const span = length + align - page;
    const raw = map(0n, span, 0);
    if (raw === MAP_FAILED) fail(errno.getInt32(), "reserve", bytes, alignment);

    // Give back what lies outside of the aligned part. A failure here would only waste address space.
    const start = roundUp(raw, align);
    const head = start - raw;
    const tail = span - head - length;
    if (head !== 0n) c.munmap(raw, head);
    if (tail !== 0n) c.munmap(start + length, tail);
    return start;
  }

  function purge(address: bigint, bytes: number): void {
    const length = BigInt(bytes);
    if (((address | length) & (page - 1n)) !== 0n) fail(EINVAL, "purge", address, bytes);
    if (length === 0n) return;
    const failed = DONTNEED_ZEROES
      ? c.madvise(address, length, MADV_DONTNEED) !== 0
      : map(address, length, MAP_FIXED) === MAP_FAILED;
    if (failed) fail(errno.getInt32(), "purge", address, bytes);
  }

  function move(from: bigint, to: bigint, bytes: number): void {
    const length = BigInt(bytes);
    if (((from | to | length) & (page - 1n)) !== 0n || length === 0n) fail(EINVAL, "move", from, to, bytes);
    if (c.mremap === null) fail(ENOSYS, "move", from, to, bytes);
    const moved = c.mremap(from, length, length, MREMAP_MOVE, to);
    if (moved === MAP_FAILED) fail(errno.getInt32(), "move", from, to, bytes);
  }

  function release(address: bigint, bytes: number): void {
    if (c.munmap(address, BigInt(bytes)) !== 0) fail(errno.getInt32(), "release", address, bytes);
  }

  function leave(address: bigint, bytes: number): void {
    purge(address, bytes);
    left.push([address, bytes]);
    if (left.length > LEFT_BEHIND) release(...left.shift()!);
  }

  function isMapped(address: bigint): boolean {
    if (c.mincore(address & -page, page, resident) === 0) return true;
    const error = errno.getInt32();
    return error === ENOMEM ? false : fail(error, "isMapped", address);
  }

  /** As in `native/vm.c`. */
  function holds(address: bigint, word: number): boolean {
    const ends = new Int32Array(2), found = new Uint32Array(1);
    if (c.pipe(ends) !== 0) fail(errno.getInt32(), "holds", address, word);
    const [from, to] = ends as unknown as [number, number];
    const holds = c.writeFrom(to, address, 4n) === 4n && c.read(from, found, 4n) === 4n && found[0] === word &&
      c.write(to, found, 4n) === 4n && c.readTo(from, address, 4n) === 4n;
    c.close(from);
    c.close(to);
    return holds;
  }

  function residentPages(address: bigint, bytes: number): number {
    const last = address + BigInt(bytes);
    if (last < address || !isAddress(last - address) || last >= 1n << 64n) {
      fail(ENOMEM, "residentPages", address, bytes);
    }
    let count = 0;
    for (let at = address & -page; bytes !== 0 && at < last;) {
      const pages = Math.min(Number((last - at + page - 1n) / page), MINCORE_PAGES);
      const length = BigInt(pages) * page;
      if (c.mincore(at, length, resident) !== 0) fail(errno.getInt32(), "residentPages", address, bytes);
      for (let i = 0; i < pages; i++) count += resident[i]! & 1;
      at += length;
    }
    return count;
  }

  function monotonicNanoseconds(): bigint {
    c.clock_gettime(CLOCK_MONOTONIC, time);
    return time[0]! * 1_000_000_000n + time[1]!;
  }

  function peakResidentBytes(): number {
    if (c.getrusage(RUSAGE_SELF, usage) !== 0) fail(errno.getInt32(), "peakResidentBytes");
    return Number(usage[RUSAGE_MAXRSS]) * MAXRSS_UNIT;
  }

  /**
   * What /proc says of a thread, from its state on; undefined if there is no such thread. Deno's `readTextFile` would need a
   * permission.
   */
  function readStat(id: number, call: string): string[] | undefined {
    const file = c.open(new TextEncoder().encode(`/proc/self/task/${id}/stat\0`), O_RDONLY_CLOEXEC);
    if (file < 0) return errno.getInt32() === ENOENT ? undefined : fail(errno.getInt32(), call, id);
    const length = Number(c.read(file, stat, BigInt(stat.length)));
    const error = length < 0 ? errno.getInt32() : 0;
    c.close(file);
    if (error !== 0) return error === ESRCH ? undefined : fail(error, call, id);
    const text = new TextDecoder().decode(stat.subarray(0, length));
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  }

  /** A positive number that follows from fields of one; as in `native/vm.c`. */
  function numberOf(fields: readonly (string | undefined)[]): number {
    return Number(fields.reduce((sum, field) => sum + BigInt(field ?? 0), 0n) & 0x3fff_ffffn) + 1;
  }

  function threadStart(id: number): number {
    if (c.gettid === null) return 1; // macOS: nothing is known, so every thread lives
    try {
      const found = readStat(id, "threadStart");
      return found === undefined ? 0 : numberOf([found[START_FIELD]]);
    } catch (error) {
      // As in `native/vm.c`.
      if (c.tgkill !== null && c.tgkill(Deno.pid, id, 0) !== 0 && errno.getInt32() === ESRCH) return 0;
      throw error;
    }
  }

  function threadSleep(id: number): number {
    const found = c.gettid === null ? undefined : readStat(id, "threadSleep");
    return found?.[0] === "S" ? numberOf(TIME_FIELDS.map((field) => found[field])) : 0;
  }

  function hide(address: bigint, bytes: number, hide: boolean): boolean {
    return c.mprotect(address, BigInt(bytes), hide ? PROT_NONE : PROT_READ_WRITE) === 0;
  }

  return {
    source: "libc",
    note,
    path: undefined,
    pageSize,
    reserve,
    purge,
    move,
    release,
    outlive: () => {}, // all does
    leave,
    isMapped,
    holds,
    residentPages,
    pointerAt: (base, offset) => pointerOf(BigInt(base) + BigInt(offset)),
    offsetOf: (pointer, base) => Number(addressOf(pointer) - BigInt(base)),
    monotonicNanoseconds,
    ticks: monotonicNanoseconds,
    residentBytes: () => Deno.memoryUsage().rss,
    peakResidentBytes,
    pause: (microseconds) => void (microseconds === 0 ? c.sched_yield() : c.usleep(microseconds)),
    threadId: () => c.gettid?.() ?? 1,
    threadStart,
    threadSleep,
    guard: {
      watch: () => false, // a handler of signals is C
      hide,
      fence: hide, // nobody watches, and so nothing is ever hidden
      written: () => 0n,
    },
    close: () => library.close(),
  };
}

/** Sizes that can be added up and passed as `u64`; a negative number is not one. */
function isAddress(value: bigint): boolean {
  return value >= 0n && value <= ADDRESS_LIMIT;
}

/** `unit` is a power of two. */
function roundUp(value: bigint, unit: bigint): bigint {
  return (value + unit - 1n) & -unit;
}
