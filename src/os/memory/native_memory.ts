/**
 * `VirtualMemory` over the library built from `native/vm.c` and `native/guard/guard.c`: one FFI call per operation, a negative
 * errno becomes an `OsError`. The C functions and their contracts are described there.
 *
 * @module
 */
import { openDescriptor } from "../files/descriptor.ts";
import { NativeAccessError, OsError, reasonOf } from "../errors.ts";
import { assertLibrary, cutOff, SharedLibraryError } from "../native/shared_library.ts";
import type { VirtualMemory } from "./virtual_memory.ts";

/** Must be the `ABI_VERSION` of `native/vm.c`. */
const ABI_VERSION = 5;

const SYMBOLS = {
  hakmem_abi_version: { parameters: [], result: "u32" },
  hakmem_page_size: { parameters: [], result: "u32" },
  hakmem_reserve: { parameters: [/* bytes */ "u64", /* alignment */ "u64"], result: /* address */ "i64" },
  hakmem_purge: { parameters: [/* address */ "u64", /* bytes */ "u64"], result: "i32" },
  hakmem_move: { parameters: [/* from */ "u64", /* to */ "u64", /* bytes */ "u64"], result: "i32" },
  hakmem_release: { parameters: [/* address */ "u64", /* bytes */ "u64"], result: "i32" },
  hakmem_outlive: { parameters: [/* address */ "u64", /* bytes */ "u64", /* outlives */ "i32"], result: "void" },
  hakmem_leave: { parameters: [/* address */ "u64", /* bytes */ "u64"], result: "void" },
  hakmem_is_mapped: { parameters: [/* address */ "u64"], result: "i32" },
  hakmem_holds: { parameters: [/* address */ "u64", /* word */ "u32"], result: "i32" },
  hakmem_resident_pages: { parameters: [/* address */ "u64", /* bytes */ "u64"], result: "i64" },
  hakmem_pointer_at: { parameters: [/* base */ "f64", /* offset */ "f64"], result: "pointer" },
  hakmem_offset_of: { parameters: [/* pointer */ "pointer", /* base */ "f64"], result: "f64" },
  hakmem_monotonic_nanoseconds: { parameters: [], result: "u64" },
  hakmem_ticks: { parameters: [], result: "u64" },
  hakmem_resident_bytes: { parameters: [], result: "i64" },
  hakmem_peak_resident_bytes: { parameters: [], result: "i64" },
  hakmem_pause: { parameters: [/* microseconds */ "u32"], result: "void" },
  hakmem_thread_id: { parameters: [], result: "i32" },
  hakmem_thread_start: { parameters: [/* id */ "i32"], result: "i32" },
  hakmem_thread_sleep: { parameters: [/* id */ "i32"], result: "i32" },
  hakmem_guard_watch: {
    parameters: [/* base */ "u64", /* bytes */ "u64", /* books */ "u64", /* records */ "u64", /* stacks */ "u64"],
    result: "i32",
  },
  hakmem_guard_hide: { parameters: [/* address */ "u64", /* bytes */ "u64", /* hide */ "i32"], result: "i32" },
  hakmem_guard_fence: { parameters: [/* address */ "u64", /* bytes */ "u64", /* hide */ "i32"], result: "i32" },
  hakmem_guard_written: { parameters: [/* address */ "u64", /* bytes */ "u64", /* forget */ "i32"], result: "u64" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * The loader maps a file that is cut short, and the process is killed when it gets to what is missing; of a library for another
 * processor it says that there is no such file. So those are refused before.
 */
function load(path: string): Deno.DynamicLibrary<typeof SYMBOLS> {
  const place = path.includes("/") ? path : `./${path}`; // the loader searches a bare name in the system's folders
  if (Deno.build.os !== "linux") return Deno.dlopen(place, SYMBOLS);
  const file = openDescriptor(place);
  try {
    const cut = cutOff(file);
    if (cut !== undefined) throw new NativeAccessError("BAD_LIBRARY", `${path} is cut off: ${cut}`);
    assertLibrary(path, file);
    try {
      return Deno.dlopen(file.path, SYMBOLS);
    } catch {
      return Deno.dlopen(place, SYMBOLS); // /proc is missing, or this throws a message that has the file's name
    }
  } finally {
    file.close();
  }
}

/**
 * Loads the library at `path`.
 *
 * @param note becomes the object's `note`
 * @throws {NativeAccessError} `BAD_LIBRARY` when it cannot be loaded or is not of this version
 */
export function nativeMemory(path: string, note: string | undefined): VirtualMemory {
  let library: ReturnType<typeof load>;
  try {
    library = load(path);
  } catch (cause) {
    if (cause instanceof NativeAccessError) throw cause;
    const why = cause instanceof SharedLibraryError ? cause.message : `cannot load ${path}: ${reasonOf(cause)}`;
    throw new NativeAccessError("BAD_LIBRARY", why, { cause });
  }
  const c = library.symbols;
  const version = c.hakmem_abi_version();
  if (version !== ABI_VERSION) {
    library.close();
    throw new NativeAccessError("BAD_LIBRARY", `${path} has ABI version ${version}, expected ${ABI_VERSION}`);
  }

  /** Passes results on and throws for negative errnos. Arguments are only formatted when that happens. */
  function check<Result extends number | bigint>(result: Result, call: string, ...args: (number | bigint)[]): Result {
    if (result < 0) throw new OsError(describeCall(call, args), -Number(result));
    return result;
  }

  return {
    source: "native",
    note,
    path,
    pageSize: c.hakmem_page_size(),
    reserve: (bytes, alignment) =>
      check(c.hakmem_reserve(BigInt(bytes), BigInt(alignment)), "reserve", bytes, alignment),
    purge: (address, bytes) => void check(c.hakmem_purge(address, BigInt(bytes)), "purge", address, bytes),
    move: (from, to, bytes) => void check(c.hakmem_move(from, to, BigInt(bytes)), "move", from, to, bytes),
    release: (address, bytes) => void check(c.hakmem_release(address, BigInt(bytes)), "release", address, bytes),
    outlive: (address, bytes, outlives) => c.hakmem_outlive(address, BigInt(bytes), Number(outlives)),
    leave: (address, bytes) => c.hakmem_leave(address, BigInt(bytes)),
    isMapped: (address) => check(c.hakmem_is_mapped(address), "isMapped", address) === 1,
    holds: (address, word) => check(c.hakmem_holds(address, word), "holds", address, word) === 1,
    residentPages: (address, bytes) =>
      Number(check(c.hakmem_resident_pages(address, BigInt(bytes)), "residentPages", address, bytes)),
    pointerAt: c.hakmem_pointer_at,
    offsetOf: c.hakmem_offset_of,
    monotonicNanoseconds: c.hakmem_monotonic_nanoseconds,
    ticks: c.hakmem_ticks,
    residentBytes: () => Number(check(c.hakmem_resident_bytes(), "residentBytes")),
    peakResidentBytes: () => Number(check(c.hakmem_peak_resident_bytes(), "peakResidentBytes")),
    pause: c.hakmem_pause,
    threadId: c.hakmem_thread_id,
    threadStart: (id) => check(c.hakmem_thread_start(id), "threadStart", id),
    threadSleep: (id) => check(c.hakmem_thread_sleep(id), "threadSleep", id),
    guard: {
      watch: (base, bytes, books, records, stacks) =>
        c.hakmem_guard_watch(base, BigInt(bytes), books, records, stacks) === 0,
      hide: (address, bytes, hide) => c.hakmem_guard_hide(address, BigInt(bytes), Number(hide)) === 0,
      fence: (address, bytes, hide) => c.hakmem_guard_fence(address, BigInt(bytes), Number(hide)) === 0,
      written: (address, bytes, forget) => c.hakmem_guard_written(address, BigInt(bytes), Number(forget)),
    },
    close: () => library.close(),
  };
}

/** `reserve(0x1000, 0x10000)`: sizes and addresses read best in hexadecimal. */
export function describeCall(call: string, args: readonly (number | bigint)[]): string {
  const hex = args.map((value) => value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);
  return `${call}(${hex.join(", ")})`;
}
