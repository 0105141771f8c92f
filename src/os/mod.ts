/**
 * The operating system: memory, clocks, the C compiler, the cache folder, and the environment. The only part of the
 * project that uses FFI; it knows nothing of heaps or of the lab.
 *
 * @module
 */
export { isStdoutClosed } from "./closed_stdout.ts";
export * from "./environment.ts";
export { NativeAccessError, NativeBuildError, OsError, reasonOf } from "./errors.ts";
export type { NativeAccessCode, NativeBuildCode } from "./errors.ts";
export { addressOf, addressOfView, offsetOfAddress, pointerOf, viewMemory } from "./pointers.ts";
export { cacheFile, cacheFolder } from "./cache.ts";
export { distrustOfFolder } from "./trust.ts";
export { commandOutput } from "./command.ts";
export { buildNative } from "./build.ts";
export { cacheForChildren } from "./children_cache.ts";
export type { NativeBuild, NativeTarget } from "./build.ts";
export { openVirtualMemory } from "./virtual_memory.ts";
export type { VirtualMemory } from "./virtual_memory.ts";
export { LATENCY_MODE, type LatencyClock, openLatencyClock } from "./latency.ts";
export { openTouch } from "./touch.ts";
export type { TouchFunctions } from "./touch.ts";
export { openLibcAllocator } from "./libc_allocator.ts";
export type { LibcAllocator } from "./libc_allocator.ts";
export { checkSharedLibrary, findSharedLibrary, SharedLibraryError } from "./shared_library.ts";
export { assertWritable, fileIdentity, replaceFile } from "./replace_file.ts";
