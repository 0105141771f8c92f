/**
 * The table of allocators that come as shared libraries. Each is measured by the program in C that measures `system`, in
 * a process of its own that it is preloaded into. To add one: a row here, and the other places that CONTRIBUTING.md lists.
 *
 * @module
 */

/** An allocator that comes as a shared library. */
export interface NativeLibrary {
  readonly name: string;
  readonly description: string;
  /** File names up to `.so`, the most wanted first. */
  readonly files: readonly string[];
  /** The package of Debian and Ubuntu that brings it; absent if there is none. */
  readonly package?: string;
  /** Where its source is. */
  readonly source: string;
}

/** The table. hardened, snmalloc and rpmalloc are in no Debian release, so no test runs them. */
export const NATIVE_LIBRARIES: readonly NativeLibrary[] = [
  {
    name: "mimalloc",
    description: "Microsoft's: free lists of each page of 64 KiB",
    files: ["libmimalloc"],
    package: "libmimalloc2.0",
    source: "https://github.com/microsoft/mimalloc",
  },
  {
    name: "jemalloc",
    description: "FreeBSD's: slabs in arenas, caches of each thread",
    files: ["libjemalloc"],
    package: "libjemalloc2",
    source: "https://github.com/jemalloc/jemalloc",
  },
  {
    name: "tcmalloc",
    description: "Google's, as gperftools has it: free lists of each thread",
    files: ["libtcmalloc_minimal", "libtcmalloc"],
    package: "libtcmalloc-minimal4",
    source: "https://github.com/gperftools/gperftools",
  },
  {
    name: "scudo",
    description: "LLVM's hardened one, Android's default",
    files: [`libclang_rt.scudo_standalone-${Deno.build.arch}`, "libclang_rt.scudo_standalone", "libscudo"],
    package: "libclang-rt-dev",
    source: "https://github.com/llvm/llvm-project",
  },
  {
    name: "hardened",
    description: "GrapheneOS's hardened_malloc",
    files: ["libhardened_malloc"],
    source: "https://github.com/GrapheneOS/hardened_malloc",
  },
  {
    name: "snmalloc",
    description: "Microsoft Research's: blocks go home by messages",
    files: ["libsnmallocshim"],
    source: "https://github.com/microsoft/snmalloc",
  },
  {
    name: "rpmalloc",
    description: "Mattias Jansson's: caches of each thread, no locks",
    files: ["librpmallocwrap"],
    source: "https://github.com/mjansson/rpmalloc",
  },
];

/** What a path of a shared library ends with. */
export const LIBRARY_PATH: RegExp = /\.so(\.\d+)*$/;

/** What a peer is called in results: its name, or of a path of a shared library the file's. */
export function peerName(text: string): string {
  return LIBRARY_PATH.test(text) ? text.slice(text.lastIndexOf("/") + 1) : text;
}

/** Which allocator of the table a library's file is named after; undefined if it is none of them. */
export function libraryName(path: string): string | undefined {
  const file = peerName(path);
  return NATIVE_LIBRARIES.find(({ files }) => files.some((start) => file.startsWith(`${start}.so`)))?.name;
}

/** How to have a library that is not there. */
export function howToInstall({ package: name, source }: NativeLibrary): string {
  if (Deno.build.os !== "linux") return "allocators are preloaded on Linux only";
  return name === undefined ? `build it from ${source}` : `apt-get install ${name}`;
}
