/**
 * What this process may do. `src/os` asks here before each thing that needs a permission, because the thing itself
 * would prompt a user at a terminal; whatever is not granted already counts as refused.
 *
 * @module
 */
import { NativeAccessError } from "./errors.ts";

/**
 * Whether the permission is granted. Never prompts. FFI counts only where no path is denied: else Deno looks for libc in the
 * working folder, and gives no view of memory.
 */
export function granted(permission: Deno.PermissionDescriptor): boolean {
  const { state, partial } = Deno.permissions.querySync(permission);
  return state === "granted" && !(partial && permission.name === "ffi");
}

/** Whether files at `path` (and below it) can be both read and written. */
export function canReadAndWrite(path: string): boolean {
  return granted({ name: "read", path }) && granted({ name: "write", path });
}

/**
 * Throws unless native memory can be used at all: a supported system, and a bare `--allow-ffi` (one that is limited to
 * paths does not allow views of memory).
 *
 * @param system what to check; this process's own when left out
 */
export function requireNativeAccess(system: { os: string; arch: string } = Deno.build): void {
  const known = ["linux", "darwin"].includes(system.os) && ["x86_64", "aarch64"].includes(system.arch);
  if (!known) {
    throw new NativeAccessError(
      "UNSUPPORTED_SYSTEM",
      `hakmem runs on Linux and macOS, x86-64 and aarch64; this is ${system.os} ${system.arch}`,
    );
  }
  if (!granted({ name: "ffi" })) {
    throw new NativeAccessError(
      "NO_FFI_PERMISSION",
      "hakmem maps memory through FFI: run with --allow-ffi (without a path, and no --deny-ffi)",
    );
  }
}
