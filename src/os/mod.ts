/**
 * The operating system: memory, clocks, the C compiler, the cache folder, and the environment. The only part of the
 * project that uses FFI; it knows nothing of heaps or of the lab.
 *
 * @module
 */
export { isStdoutClosed } from "./closed_stdout.ts";
export { allowedProcessors, keepOn } from "./affinity.ts";
export * from "./environment.ts";
export { NativeAccessError, NativeBuildError, OsError, reasonOf } from "./errors.ts";
export type { NativeAccessCode, NativeBuildCode } from "./errors.ts";
export { nativeFunction } from "./native/native_function.ts";
export type { NativeFunction, ResultType, WordType } from "./native/native_function.ts";
export { addressOf, addressOfView, offsetOfAddress, pointerOf, viewMemory } from "./memory/pointers.ts";
export { copyForeign, pointerObject, readForeignCString } from "./memory/pointers.ts";
export { cacheFile, cacheFolder, checksum } from "./files/cache.ts";
export { distrustOfFolder } from "./files/trust.ts";
export { granted } from "./permissions.ts";
export { commandOutput, signalled } from "./command.ts";
export { buildNative } from "./native/build.ts";
export { cacheForChildren } from "./native/children_cache.ts";
export type { NativeBuild, NativeTarget } from "./native/build.ts";
export { openVirtualMemory, openVirtualMemorySync } from "./memory/open.ts";
export type { VirtualMemory } from "./memory/virtual_memory.ts";
export { LATENCY_MODE, type LatencyClock, openLatencyClock } from "./native/latency.ts";
export { type Library, openForeignLibrary } from "./native/foreign_library.ts";
export { openTouch } from "./native/touch.ts";
export type { TouchFunctions } from "./native/touch.ts";
export { openLibcAllocator } from "./native/libc_allocator.ts";
export type { LibcAllocator } from "./native/libc_allocator.ts";
export { checkSharedLibrary, findSharedLibrary, SharedLibraryError } from "./native/shared_library.ts";
export { assertWritable, fileIdentity, removeIfThere, replaceFile, statOf } from "./files/replace_file.ts";
