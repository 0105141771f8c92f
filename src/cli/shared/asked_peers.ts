/**
 * Peers that were asked for by name. A script that names a peer relies on it: if a command cannot measure it, the command
 * shows what it has, and ends with an error.
 *
 * @module
 */
import { peerName } from "../../peers/native.ts";
import type { ResultFile } from "../../model/mod.ts";
import { printError } from "./terminal.ts";

/** Whether one of the peers that were asked for has no result; says which on stderr. */
export function isAnyMissing(asked: readonly string[] = [], { results }: Pick<ResultFile, "results">): boolean {
  const measured = new Set(results.map(({ allocator }) => allocator));
  const missing = asked.filter((peer) => !measured.has(peer) && !measured.has(peerName(peer)));
  if (missing.length > 0) printError(`error: asked for, but not measured: ${missing.join(", ")}\n`);
  return missing.length > 0;
}
