/**
 * Opens the operating system's memory, from the library built from `native/vm.c` or, when that cannot be had, from libc:
 *
 *     HAKMEM_LIBRARY set  ->  that library, or an error
 *     in a bundle         ->  libc, since its source is not there
 *     cc works            ->  native/vm.c, built once and cached
 *     else                ->  libc, and `note` says why
 *
 * @module
 */
import { buildNative, findBuilt, type NativeTarget } from "../native/build.ts";
import { hakmemLibrary } from "../environment.ts";
import { NativeAccessError, NativeBuildError } from "../errors.ts";
import { libcMemory } from "./libc_memory.ts";
import { nativeMemory } from "./native_memory.ts";
import { requireNativeAccess } from "../permissions.ts";
import type { VirtualMemory } from "./virtual_memory.ts";

/** What `HAKMEM_LIBRARY` replaces. The build's own warnings are errors in the tests, not on users' machines. */
export const VM_LIBRARY = {
  name: "vm",
  sources: ["vm.c", "guard/guard.c"].map((file) => new URL(`../../../native/${file}`, import.meta.url)),
  kind: "library",
  // It stays loaded: it knows what Workers that have ended have left behind, and has a handler of signals, on whose stack
  // the loader has no room to look for a function when it is first called.
  flags: ["-std=c11", ...Deno.build.os === "linux" ? ["-Wl,-z,nodelete,-z,now"] : []],
  check: (path: string) => nativeMemory(path, undefined).close(),
} as const satisfies NativeTarget;

let opened: Promise<VirtualMemory> | undefined;
/** What `opened` has come to, once it has. */
let current: VirtualMemory | undefined;
let users = 0;

/**
 * Opens the operating system's memory. All who have it open in one isolate have the same object. The first run on a
 * machine compiles.
 *
 * @throws {NativeAccessError} `NO_FFI_PERMISSION`, `UNSUPPORTED_SYSTEM`, `BAD_LIBRARY` for `HAKMEM_LIBRARY` or without libc
 */
export async function openVirtualMemory(): Promise<VirtualMemory> {
  users++;
  try {
    return await (opened ??= open());
  } catch (error) {
    if (--users === 0) opened = undefined;
    throw error;
  }
}

/**
 * The same without waiting: what is open in this isolate; if nothing is, the library where it is built already, and
 * otherwise libc.
 *
 * @throws {NativeAccessError} as `openVirtualMemory`
 */
export function openVirtualMemorySync(): VirtualMemory {
  if (current === undefined) {
    const source = openSourceSync();
    if (opened !== undefined) return source; // one is being opened: whoever waits for that shares it
    opened = Promise.resolve(shared(source));
  }
  users++;
  return current!;
}

async function open(): Promise<VirtualMemory> {
  return shared(await openSource());
}

/** For all of this isolate: closed with the last. */
function shared(source: VirtualMemory): VirtualMemory {
  const close = (): void => {
    if (--users > 0) return;
    opened = current = undefined;
    source.close();
  };
  return current = { ...source, close };
}

function openSourceSync(): VirtualMemory {
  const chosen = chosenSource();
  if (chosen !== undefined) return chosen;
  const path = findBuilt(VM_LIBRARY);
  return path === undefined
    ? libcMemory("the native library is not built yet, which Heap.open() does")
    : nativeMemory(path, undefined);
}

/** What needs no look at the cache; undefined if there is nothing. */
function chosenSource(): VirtualMemory | undefined {
  requireNativeAccess();
  const prebuilt = hakmemLibrary();
  if (prebuilt !== undefined) {
    try {
      return nativeMemory(prebuilt, undefined);
    } catch (cause) {
      if (!(cause instanceof NativeAccessError)) throw cause;
      throw new NativeAccessError(cause.code, `HAKMEM_LIBRARY: ${cause.message}`, { cause });
    }
  }
  // What lies beside a bundle is not ours.
  if (!import.meta.url.endsWith("/src/os/memory/open.ts")) return libcMemory("a bundle has no native/vm.c");
  return undefined;
}

async function openSource(): Promise<VirtualMemory> {
  const chosen = chosenSource();
  if (chosen !== undefined) return chosen;
  try {
    const { path, note } = await buildNative(VM_LIBRARY);
    return nativeMemory(path, note);
  } catch (error) {
    if (error instanceof NativeBuildError) return libcMemory(error.summary);
    if (error instanceof NativeAccessError) return libcMemory(error.message); // a folder mounted noexec, for instance
    throw error;
  }
}
