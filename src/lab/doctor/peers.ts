/**
 * `peers`: which peers this machine has. Each one that is listed as present was started: native peers have said which
 * library serves their malloc, those in Deno have opened their allocator.
 *
 * @module
 */
import config from "../../../deno.json" with { type: "json" };
import { NativeBuildError } from "../../os/mod.ts";
import { findPeer, PeerError } from "../../peers/find.ts";
import { type Peer, PEERS } from "../../peers/mod.ts";
import { CURRENT, standingOf } from "../../peers/current.ts";
import { howToInstall, NATIVE_LIBRARIES } from "../../peers/native.ts";
import type { PeerRow } from "../../model/mod.ts";
import { ContestantError } from "../contest/child.ts";
import { peerContestant } from "../contest/contestants.ts";
import type { Identity } from "../contest/identity.ts";
import { startVerified } from "../contest/verified.ts";

const IMPORTS: Readonly<Record<string, string>> = config.imports;

/** Starts every peer, all at once; a row for each, in the order of their table. */
export async function listPeers(): Promise<PeerRow[]> {
  return await Promise.all(PEERS.map(rowOf));
}

async function rowOf(peer: Peer): Promise<PeerRow> {
  const { name, runtime, description } = peer;
  const native = NATIVE_LIBRARIES.find((each) => each.name === name);
  const npm = npmPackage(peer);
  const brings = native?.package ?? npm?.name;
  const current = CURRENT[name];
  const row = {
    name,
    runtime,
    description,
    ...(brings === undefined ? {} : { package: brings }),
    ...(current === undefined ? {} : { current: [...current] }),
  };
  try {
    const identity = await start(peer);
    const version = identity?.version ?? npm?.version;
    return {
      ...row,
      available: true,
      ...(identity === undefined ? {} : { library: identity.library }),
      ...(version === undefined ? {} : { version }),
      ...(current === undefined ? {} : { standing: standingOf(name, version) }),
    };
  } catch (error) {
    if (error instanceof PeerError && native !== undefined) {
      return { ...row, available: false, problem: howToInstall(native) };
    }
    if (error instanceof NativeBuildError) return { ...row, available: false, problem: error.summary };
    if (error instanceof ContestantError) return { ...row, available: false, problem: error.message };
    throw error;
  }
}

async function start({ name }: Peer): Promise<Identity | undefined> {
  await using child = await startVerified((await peerContestant(findPeer(name))).command);
  return child.identity;
}

/** The package and its version, from the import map: `npm:malloc@1.1.0`. */
function npmPackage({ npm }: Peer): { name: string; version: string } | undefined {
  const parts = /^(npm:@?[^@]+)@([^/]+)/.exec(IMPORTS[npm ?? ""] ?? "");
  return parts === null ? undefined : { name: parts[1]!, version: parts[2]! };
}
