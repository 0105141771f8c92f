/**
 * Whether a native contestant is measured with the allocator that it is named after. Its process says on the first line
 * which library holds each function of the malloc family (`native/identity.c`); here that is compared with what was to
 * be preloaded. Without this check, a library that the loader skips would be the C library measured under another name.
 *
 * @module
 */
import { pairsOf } from "../contestant/protocol.ts";

/** What serves a process's malloc. */
export interface Identity {
  /** The library, as it was loaded. */
  readonly library: string;
  /** Which allocator it is; absent if it has no function that only one allocator has. */
  readonly name?: string;
  /** What it says of itself; absent if it has no function for that. */
  readonly version?: string;
}

/** A process's malloc is not the one that was asked for; the message says whose it is. */
export class IdentityError extends Error {
  override name = "IdentityError";
}

/** Instead of a library's path: the C library, whatever its path. */
export const LIBC = "libc";

/** What serves blocks in every workload. */
const NEEDED = ["malloc", "free"];
/** What a library may leave to the C library: nothing that is measured calls it, or the program refuses to. */
const OPTIONAL = ["calloc", "realloc", "posix_memalign", "aligned_alloc"];

/**
 * What serves a process's malloc.
 *
 * @param words of its first line, after `ready`: `malloc=/usr/lib/x86_64-linux-gnu/libmimalloc.so.2`
 * @param expected path of the library which has to, or {@linkcode LIBC}
 * @throws IdentityError if it is another one
 */
export function identityOf(words: readonly string[], expected: string): Identity {
  const said = new Map(pairsOf(words).map(([name, value]) => [name, decodeURIComponent(value)]));
  const libc = said.get("fgets");
  if (libc === undefined) return unknown(expected);
  const wanted = expected === LIBC ? libc : expected;
  for (const name of [...NEEDED, ...OPTIONAL]) {
    const library = said.get(name) ?? "nobody";
    if (isSame(library, wanted) || (OPTIONAL.includes(name) && isSame(library, libc))) continue;
    throw new IdentityError(`its ${name} is that of ${library}, not of ${wanted}`);
  }
  if (said.get("owned") === "no") {
    throw new IdentityError(`${wanted} has its malloc, but does not know the block that it gave`);
  }
  const name = said.get("name"), version = said.get("version");
  return {
    library: wanted,
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
  };
}

/** A system where processes do not say it: the C library is believed, nothing else is. */
function unknown(expected: string): Identity {
  if (expected === LIBC) return { library: LIBC };
  throw new IdentityError(`on this system it cannot be told whether ${expected} was loaded`);
}

function isSame(library: string, wanted: string): boolean {
  return library === wanted || realPath(library) === realPath(wanted);
}

/** Libraries have links for each part of their version. */
function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path; // it was deleted, or never there
  }
}
