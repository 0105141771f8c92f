/**
 * Loads the hot module for a set of flags. The default is imported as such, so that bundlers and `deno compile` see it
 * and it needs no permission; the others are computed imports of the same source, which need `--allow-read`. One
 * module serves all heaps of a set of flags, one after another and at once: each has functions of its own from it.
 *
 * @module
 */

import { granted, NativeAccessError, reasonOf } from "../../os/mod.ts";
import { type Flags, flagsToQuery } from "../flags.ts";
import * as standard from "./tiny.ts";

/**
 * The hot module for these flags. Cost: the first time for a set of flags, reading and compiling a file.
 *
 * @throws {NativeAccessError} `NO_READ_PERMISSION` for flags other than the default's, without permission to read it.
 */
export async function loadTiny(flags: Flags): Promise<typeof standard> {
  const query = flagsToQuery(flags);
  if (query === flagsToQuery(standard.flags)) return standard;
  const { protocol, pathname } = new URL("./tiny.ts", import.meta.url);
  if (protocol === "file:" && !granted({ name: "read", path: decodeURIComponent(pathname) })) {
    throw cannotLoad(`no permission to read ${pathname}`); // at a terminal, the import would ask for it
  }
  try {
    return await import(`./tiny.ts?${query}`) as typeof standard;
  } catch (cause) {
    throw cannotLoad(reasonOf(cause), cause);
  }
}

function cannotLoad(why: string, cause?: unknown): NativeAccessError {
  return new NativeAccessError(
    "NO_READ_PERMISSION",
    `cannot load the hot path of this variant (${why}): variants other than the default are compiled when they are ` +
      "opened, and need --allow-read for this package",
    { cause },
  );
}
