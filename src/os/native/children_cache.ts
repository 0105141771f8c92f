/**
 * The cache of processes that this one starts. Where its own cannot be used, each of them would compile again all that
 * it needs: some seconds each, in a measurement that starts a fresh process for each contestant in each round. So they
 * get a folder together, which is removed when this process ends.
 *
 * @module
 */
import { buildNative } from "./build.ts";
import { NativeBuildError } from "../errors.ts";
import { VM_LIBRARY } from "../memory/open.ts";

let found: Promise<Readonly<Record<string, string>>> | undefined;

/** What their environment needs besides this one's: nothing, as long as the cache can be used. */
export function cacheForChildren(): Promise<Readonly<Record<string, string>>> {
  return found ??= find();
}

async function find(): Promise<Readonly<Record<string, string>>> {
  try {
    const { path, note } = await buildNative(VM_LIBRARY); // what nearly all of them need
    return note === undefined ? {} : { HAKMEM_CACHE: path.slice(0, path.lastIndexOf("/")) };
  } catch (error) {
    if (error instanceof NativeBuildError) return {}; // nothing can be compiled: they will say so themselves
    throw error;
  }
}
