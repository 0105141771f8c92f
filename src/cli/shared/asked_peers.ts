/**
 * Peers that were asked for by name: a script that names one relies on it, so the command that could not measure it ends
 * with an error, after it has shown what it has.
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
